"""The ledger of a month: its lines in rupiah, which sum to the month's amount exactly, and how they change."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from services.payroll.rules.fold import MonthTotal, half_up

CAP: Final = "CAP"
"""Line that takes back what the month's sum exceeds the cap by."""
ROUNDING: Final = "ROUNDING"
"""Line of the few rupiah between the rounded lines and the amount, which is rounded once."""
SUPPLEMENT: Final = "SUPPLEMENT"
"""Line of a change in a month that was closed already (susulan); it names that month as its origin."""


class LineKey(NamedTuple):
    """What a ledger line is about; at most one line per key is in force in an employee-month."""

    date: dt.date | None
    code: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line in force: percent of the policy's base, signed rupiah (positive takes from the employee)."""

    key: LineKey
    percent: Fraction
    amount: int
    policy_id: UUID | None = None


Ledger: TypeAlias = Mapping[LineKey, LedgerLine]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry to make: a line posted, or the exact negative of one in force."""

    action: Literal["posted", "reversed"]
    line: LedgerLine

    @property
    def amount(self) -> int:
        """Signed rupiah that the entry adds to the month."""
        return self.line.amount if self.action == "posted" else -self.line.amount

    @property
    def percent(self) -> Fraction:
        """Signed percent that the entry adds."""
        return self.line.percent if self.action == "posted" else -self.line.percent


def ledger_lines(total: MonthTotal) -> dict[LineKey, LedgerLine]:
    """The month as ledger lines: one per (date, code), CAP and ROUNDING where needed; Σ amounts = amount.

    Without a ceiling there is no amount, hence no line.
    """
    if total.amount is None or total.exact is None or total.ceiling is None:
        return {}
    percents: dict[LineKey, Fraction] = {}
    exact: dict[LineKey, Fraction] = {}
    policies: dict[LineKey, UUID] = {}
    for cost in total.costs:
        key = LineKey(cost.date, cost.code)
        percents[key] = percents.get(key, Fraction(0)) + cost.percent
        exact[key] = exact.get(key, Fraction(0)) + total.ceiling.rupiah_of(cost.base) * cost.month_percent / 100
        policies[key] = cost.policy_id
    lines = {key: LedgerLine(key, percents[key], half_up(exact[key]), policies[key]) for key in exact}
    excess = total.exact - sum(exact.values(), Fraction(0))
    if excess or total.percent != total.raw_percent:
        key = LineKey(None, CAP)
        lines[key] = LedgerLine(key, total.percent - total.raw_percent, half_up(excess))
    rest = total.amount - sum(line.amount for line in lines.values())
    if rest:
        key = LineKey(None, ROUNDING)
        lines[key] = LedgerLine(key, Fraction(0), rest)
    return lines


def diff_ledger(old: Ledger, new: Ledger) -> tuple[Change, ...]:
    """Entries that turn the old lines in force into the new ones: each reversal before its new posting."""
    changes = []
    for key in sorted({*old, *new}, key=_order):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if before is not None:
            changes.append(Change("reversed", before))
        if after is not None:
            changes.append(Change("posted", after))
    return tuple(changes)


def balance_of(lines: Ledger) -> int:
    """Rupiah that the lines in force sum to."""
    return sum(line.amount for line in lines.values())


def _order(key: LineKey) -> tuple[dt.date, str, str]:
    return key.date or dt.date.max, key.code, key.origin or ""
