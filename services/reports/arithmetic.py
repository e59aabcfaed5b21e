"""The month's sum, line by line, as the ledger has it: percent × base → rupiah, cap, rounding, supplements.

Everything is recomputed from the lines in force and, for a closed month, from what was known when it was closed; where that
does not give what was reported (a month closed before that was kept), the receipt says so rather than showing a false sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from services.payroll.rules import (
    CAP,
    CUT_LIMIT,
    ROUNDING,
    SUPPLEMENT,
    Ceiling,
    EmployeeMonth,
    LedgerLine,
    LineKey,
    Posting,
    base_of,
    fold,
    half_up,
    is_cut,
)
from services.reports.gathered import Pack
from services.reports.words import exact_text
from shared.percent import percent_text

_NONE: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Priced:
    line: LedgerLine
    entry: int | None
    base: tuple[str, Fraction]
    divided_by: int

    @property
    def month_percent(self) -> Fraction:
        return self.line.percent / self.divided_by


def arithmetic(month: EmployeeMonth, packs: Mapping[UUID, Pack]) -> dict[str, Any]:
    """The sum of an employee-month as JSON-safe values; numbers that need not be whole are exact text."""
    reported = month.reported
    ceiling = None
    if reported.ceiling is not None:
        ceiling = Ceiling(reported.ceiling, None if month.basis.ceiling is None else month.basis.ceiling.static_tkd)
    priced = _priced(month, packs)
    bases = _bases(month, packs, priced)
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
                "base": base, "share": percent_text(share), "cap": percent_text(cap_percent), "raw_percent": percent_text(raw),
                "percent": percent_text(min(raw, cap_percent)),
                "hundred_percent": None if ceiling is None else exact_text(ceiling.rupiah_of((base, share))),
            }
            for (base, share), (raw, cap_percent) in bases.items()
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
        base = base_of(packs[line.policy_id].policy)
        day = month.basis.days.get(line.key.date)
        spread = max(day.duty_days_in_month, 1) if day is not None and base[0] == "daily_net_tpp" else 1
        priced.append(_Priced(line, entry, base, spread))
    return sorted(priced, key=lambda one: (one.line.key.date, one.line.key.code))


def _bases(
    month: EmployeeMonth, packs: Mapping[UUID, Pack], priced: Sequence[_Priced]
) -> dict[tuple[str, Fraction], tuple[Fraction, Fraction]]:
    """Raw percent and cap of each base; of two caps of one base the later day's holds."""
    bases: dict[tuple[str, Fraction], tuple[Fraction, Fraction]] = {}
    for _, day in sorted(month.basis.days.items()):
        policy = packs[day.policy_id].policy
        bases[base_of(policy)] = (_NONE, policy.cap)
    for one in priced:
        assert one.line.policy_id is not None
        raw, cap = bases.get(one.base, (_NONE, packs[one.line.policy_id].policy.cap))
        bases[one.base] = (raw + one.month_percent, cap)
    return bases


def _line(one: _Priced, ceiling: Ceiling | None) -> dict[str, Any]:
    line = one.line
    exact = None if ceiling is None else ceiling.rupiah_of(one.base) * one.month_percent / 100
    return {
        "date": str(line.key.date),
        "code": line.key.code,
        "percent": percent_text(line.percent),
        "base": one.base[0],
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
    month: EmployeeMonth, lines: Sequence[Mapping[str, Any]], bases: Mapping[tuple[str, Fraction], tuple[Fraction, Fraction]],
    ceiling: Ceiling | None,
) -> bool:  # fmt: skip
    """Whether the lines give what was reported."""
    reported = month.reported
    if len(bases) == 1:
        [(percent, limit)] = bases.values()
        if (percent, min(percent, limit)) != (reported.raw_percent, reported.percent):
            return False
    if ceiling is None:
        return not reported.amount and all(key.code == SUPPLEMENT for key in month.in_force)
    raw = sum((ceiling.rupiah_of(base) * percent for base, (percent, _) in bases.items()), _NONE) / 100
    capped = sum((ceiling.rupiah_of(base) * min(percent, cap) for base, (percent, cap) in bases.items()), _NONE) / 100
    amounts = [posting.line.amount for posting in month.in_force.values()]
    cap, cut_limit = _posting(month, CAP), _posting(month, CUT_LIMIT)
    cuts = [posting.line for key, posting in month.in_force.items() if is_cut(key)]
    taken = sum(line.amount for line in cuts)
    over = max(0, half_up(capped) + taken - max(ceiling.amount, half_up(capped)))
    return (
        all(line["amount"] == half_up(Fraction(line["exact"])) for line in lines)
        and (half_up(capped - raw) if cap is not None else 0) == (cap.line.amount if cap is not None else 0)
        and (cap is not None or capped == raw)
        and all(line.amount == half_up(ceiling.amount * line.percent / 100) for line in cuts)
        and -over == (0 if cut_limit is None else cut_limit.line.amount)
        and half_up(capped) + taken - over == reported.amount
        and sum(amounts) == reported.amount + reported.supplementary
    )
