"""The month's sum, line by line, as the ledger has it: percent × base → rupiah, cap, rounding, supplements.

Everything is recomputed from the lines in force and, for a closed month, from what was known when it was closed; where that
does not give what was reported (a month closed before that was kept), the receipt says so rather than showing a false sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from services.payroll.rules import (
    CAP,
    CUT_LIMIT,
    ROUNDING,
    SUPPLEMENT,
    BaseSum,
    BaseTotal,
    Ceiling,
    EmployeeMonth,
    LedgerLine,
    LineKey,
    Posting,
    base_of,
    fold,
    half_up,
    held,
    is_cut,
)
from services.reports.gathered import Pack
from services.reports.words import exact_text
from shared.percent import percent_text
from shared.policy.price import WAGE, Base

_NONE: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Priced:
    line: LedgerLine
    entry: int | None
    base: Base
    divided_by: int

    @property
    def month_percent(self) -> Fraction:
        return self.line.percent / self.divided_by


def known_ceiling(month: EmployeeMonth) -> Ceiling | None:
    """What 100 % stood for in what was reported; None while no rupiah can be: without a ceiling, or a wage that is charged."""
    reported, basis = month.reported, month.basis.ceiling
    if reported.ceiling is None or reported.amount is None:
        return None
    return Ceiling(reported.ceiling) if basis is None else replace(basis, amount=reported.ceiling)


def arithmetic(month: EmployeeMonth, packs: Mapping[UUID, Pack]) -> dict[str, Any]:
    """The sum of an employee-month as JSON-safe values; numbers that need not be whole are exact text."""
    reported = month.reported
    ceiling = known_ceiling(month)
    priced = _priced(month, packs)
    bases = _bases(month, packs, priced, ceiling)
    lines = [_line(one, ceiling) for one in priced]
    cap, rounding = (_posting(month, code) for code in (CAP, ROUNDING))
    supplements = [
        {"origin": key.origin, "percent": percent_text(posting.line.percent), "amount": posting.line.amount, "entry": posting.number}
        for key, posting in sorted(month.in_force.items(), key=lambda item: item[0].origin or "") if key.code == SUPPLEMENT
    ]
    limit = _posting(month, CUT_LIMIT)
    amount = None if reported.amount is None else reported.amount
    return {
        "lines": lines,
        "bases": [
            {
                "base": one.base[0], "share": percent_text(one.base[1]), "cap": percent_text(one.cap),
                "raw_percent": percent_text(one.raw_percent), "percent": percent_text(one.percent),
                "hundred_percent": None if ceiling is None else exact_text(ceiling.rupiah_of(one.base)),
            }
            for one in bases
        ],
        "cap": None if cap is None else {
            "percent": percent_text(cap.line.percent), "amount": cap.line.amount, "entry": cap.number,
        },
        "rounding": None if rounding is None else {"amount": rounding.line.amount, "entry": rounding.number},
        "sanctions": [
            {
                "code": key.code, "percent": percent_text(posting.line.percent), "amount": posting.line.amount, "entry": posting.number,
                "hundred_percent": None if ceiling is None else str(ceiling.amount),
            }
            for key, posting in sorted(month.in_force.items(), key=lambda item: item[0].code) if is_cut(key)
        ],
        "cut_limit": None if limit is None else {"amount": limit.line.amount, "entry": limit.number},
        "supplements": supplements,
        "raw_percent": percent_text(reported.raw_percent),
        "percent": percent_text(reported.percent),
        "amount": amount,
        "supplementary": reported.supplementary,
        "total": (amount or 0) + reported.supplementary,
        "reproducible": _reproduces(month, lines, bases, ceiling),
    }


def _priced(month: EmployeeMonth, packs: Mapping[UUID, Pack]) -> list[_Priced]:
    """The lines of days, in order of date and code: as the ledger has them, or as folded where there is no ceiling yet."""
    found: list[tuple[LedgerLine, int | None]] = [
        (posting.line, posting.number) for key, posting in month.in_force.items() if key.date is not None
    ]
    if month.reported.amount is None:
        policies = {policy_id: pack.policy for policy_id, pack in packs.items()}
        total = fold(month.basis.days.values(), policies, None, month.basis.streak_before)
        found = [
            (LedgerLine(LineKey(cost.date, cost.code), cost.percent, 0, cost.policy_id), None) for cost in total.costs
        ]
    priced = []
    for line, entry in found:
        assert line.key.date is not None
        assert line.policy_id is not None
        day = month.basis.days.get(line.key.date)
        others = () if day is None else [one.base for one in day.lines if one.code == line.key.code and one.base is not None]
        base = next(iter(others), None) or base_of(packs[line.policy_id].policy)
        spread = max(day.duty_days_in_month, 1) if day is not None and base[0] == "daily_net_tpp" else 1
        priced.append(_Priced(line, entry, base, spread))
    return sorted(priced, key=lambda one: (one.line.key.date, one.line.key.code))


def _bases(
    month: EmployeeMonth, packs: Mapping[UUID, Pack], priced: Sequence[_Priced], ceiling: Ceiling | None
) -> tuple[BaseTotal, ...]:
    """The sum of each base as its lines have it; of two caps of one base the later day's holds."""
    sums: dict[Base, Fraction] = {}
    caps: dict[Base, Fraction] = {}
    own = set()
    for _, day in sorted(month.basis.days.items()):
        policy = packs[day.policy_id].policy
        own.add(base_of(policy))
        for base in (base_of(policy), *(line.base for line in day.lines if line.base is not None)):
            caps[base] = policy.cap
            sums.setdefault(base, _NONE)
    for one in priced:
        assert one.line.policy_id is not None
        caps.setdefault(one.base, packs[one.line.policy_id].policy.cap)
        sums[one.base] = sums.get(one.base, _NONE) + one.month_percent
    return held((BaseSum(base, raw, caps[base], base in own) for base, raw in sums.items()), ceiling)


def _line(one: _Priced, ceiling: Ceiling | None) -> dict[str, Any]:
    line = one.line
    exact = None if ceiling is None else ceiling.rupiah_of(one.base) * one.month_percent / 100
    return {
        "date": str(line.key.date),
        "code": line.key.code,
        "percent": percent_text(line.percent),
        "base": one.base[0],
        "share": percent_text(one.base[1]),
        "hundred_percent": None if ceiling is None else exact_text(ceiling.rupiah_of(one.base)),
        "divided_by": one.divided_by,
        "exact": None if exact is None else exact_text(exact),
        "amount": None if ceiling is None else line.amount,
        "policy_id": str(line.policy_id),
        "entry": one.entry,
    }


def _posting(month: EmployeeMonth, code: str) -> Posting | None:
    return month.in_force.get(LineKey(None, code))


def _reproduces(
    month: EmployeeMonth, lines: Sequence[Mapping[str, Any]], bases: Sequence[BaseTotal], ceiling: Ceiling | None,
) -> bool:  # fmt: skip
    """Whether the lines give what was reported."""
    reported = month.reported
    if len(bases) == 1:
        [only] = bases
        if (only.raw_percent, only.percent) != (reported.raw_percent, reported.percent):
            return False
    if ceiling is None:
        return not reported.amount and all(key.code == SUPPLEMENT for key in month.in_force)
    raw = sum((ceiling.rupiah_of(one.base) * one.raw_percent for one in bases), _NONE) / 100
    capped = sum((ceiling.rupiah_of(one.base) * one.percent for one in bases), _NONE) / 100
    of_wage = sum((ceiling.rupiah_of(one.base) * one.percent for one in bases if one.base[0] == WAGE), _NONE) / 100
    of_tpp = half_up(capped) - half_up(of_wage)
    amounts = [posting.line.amount for posting in month.in_force.values()]
    cap, cut_limit = _posting(month, CAP), _posting(month, CUT_LIMIT)
    cuts = [posting.line for key, posting in month.in_force.items() if is_cut(key)]
    taken = sum(line.amount for line in cuts)
    over = max(0, of_tpp + taken - max(ceiling.amount, of_tpp))
    return (
        all(line["amount"] == half_up(Fraction(line["exact"])) for line in lines)
        and (half_up(capped - raw) if cap is not None else 0) == (cap.line.amount if cap is not None else 0)
        and (cap is not None or capped == raw)
        and all(line.amount == half_up(ceiling.amount * line.percent / 100) for line in cuts)
        and -over == (0 if cut_limit is None else cut_limit.line.amount)
        and half_up(capped) + taken - over == reported.amount
        and sum(amounts) == reported.amount + reported.supplementary
    )
