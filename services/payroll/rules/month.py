"""How an employee-month moves from one state to the next: facts in, ledger entries and the reported total out.

An open month is folded anew and its ledger follows by difference. A closed month keeps what it reported;
what its new fold over decided days would add is owed as a supplement (susulan) in the next open month, which names the origin.
No month takes more than its TPP: what supplements would take beyond it is carried on, as a supplement of its own, when it closes.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Final
from uuid import UUID

from services.payroll.rules.fold import Ceiling, MonthTotal, breaks_streak, fold, half_up
from services.payroll.rules.ledger import SUPPLEMENT, Change, LedgerLine, LineKey, diff_ledger, ledger_lines
from services.payroll.rules.price import PricedDay
from services.payroll.rules.sanction import Sanction, sanction_lines
from shared.cuts import taking
from shared.events import DayStatus
from shared.policy import Policy

_NONE: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Reported:
    """What is told of a month: percents of the base, rupiah (None without a ceiling), and how complete it is.

    `supplementary` is rupiah that earlier, closed months owe, without what is carried on; the ledger sums to `amount` +
    `supplementary`.
    `of_wage` is the part of `amount` that is taken from the wage and not from the TPP.
    """

    raw_percent: Fraction = _NONE
    percent: Fraction = _NONE
    amount: int | None = None
    supplementary: int = 0
    ceiling: int | None = None
    days_assessed: int = 0
    days_final: int = 0
    closed: bool = False
    of_wage: int = 0

    @property
    def ledger_amount(self) -> int:
        """Rupiah that the month's ledger must sum to."""
        return (self.amount or 0) + self.supplementary


@dataclass(frozen=True, slots=True)
class Supplement:
    """A change of a closed month: percent of its base, signed rupiah."""

    percent: Fraction = _NONE
    amount: int = 0

    def __add__(self, other: "Supplement") -> "Supplement":
        return Supplement(self.percent + other.percent, self.amount + other.amount)

    def __sub__(self, other: "Supplement") -> "Supplement":
        return Supplement(self.percent - other.percent, self.amount - other.amount)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a month is computed from, beside the rule packs: days, ceiling, absences in a row before it, decided cuts that take from it."""

    days: Mapping[dt.date, PricedDay]
    ceiling: Ceiling | None
    streak_before: int = 0
    sanctions: tuple[Sanction, ...] = ()


@dataclass(frozen=True, slots=True)
class Posting:
    """A line in force and the running number of the entry that posted it."""

    line: LedgerLine
    number: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A numbered ledger entry; numbers run from 1 within the employee-month, without holes."""

    number: int
    change: Change
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class EmployeeMonth:
    """All that payroll knows of one employee in one month ("2026-02").

    `entries` counts the ledger entries made so far; `settled` is, for a closed month, what it and the
    supplements made for it amount to by now. `head` is the hash of the last entry (`chain`), empty before the first.
    `closed_on` is what a closed month was computed from; None while it is open, and for one closed before this was kept.
    `sanctions` are the person's decided cuts that have begun by this month, also those that have ended or were taken back.
    """

    employee_id: UUID
    month: str
    version: int = 0
    entries: int = 0
    days: Mapping[dt.date, PricedDay] = field(default_factory=dict)
    ceiling: Ceiling | None = None
    streak_before: int = 0
    streak_after: int = 0
    supplements: Mapping[str, Supplement] = field(default_factory=dict)
    in_force: Mapping[LineKey, Posting] = field(default_factory=dict)
    reported: Reported = Reported()
    settled: Supplement = Supplement()
    head: str = ""
    closed_on: Basis | None = None
    sanctions: tuple[Sanction, ...] = ()

    @property
    def basis(self) -> Basis:
        """What the reported figures were computed from: what was known at the close, or what is known now."""
        return self.closed_on or Basis(self.days, self.ceiling, self.streak_before, self.cuts)

    @property
    def cuts(self) -> tuple[Sanction, ...]:
        """The decided cuts that take from the month, by what is known now."""
        return taking((one for one in self.sanctions if not one.withdrawn), self.month)

    @property
    def owes(self) -> int:
        """Rupiah of all supplements of closed months, whether this month's TPP holds them or not."""
        return sum(supplement.amount for supplement in self.supplements.values())

    def with_days(self, days: Iterable[PricedDay]) -> "EmployeeMonth":
        """The month with these days taken in; a version that is not newer than the known one is ignored.

        A closed month takes decided days only: what was signed stands while a request about it is merely asked for.
        """
        known = dict(self.days)
        for day in days:
            before = known.get(day.date)
            if (before is None or day.version > before.version) and (day.final or not self.reported.closed):
                known[day.date] = day
        return replace(self, days=known)

    def repeated_by(self, days: Iterable[PricedDay]) -> bool:
        """Whether these days say what is known of their dates already, in whatever versions: going home often changes nothing."""
        known = self.days
        return all(day.date in known and day.says_as(known[day.date]) for day in days)

    def with_supplement(self, origin: str, owed: Supplement) -> "EmployeeMonth":
        """The month with what a closed month owes added to what that month owed here before."""
        supplement = self.supplements.get(origin, Supplement()) + owed
        others = {month: kept for month, kept in self.supplements.items() if month != origin}
        return replace(self, supplements=others if supplement == Supplement() else {**others, origin: supplement})


@dataclass(frozen=True, slots=True)
class Outcome:
    """A month's next state, the entries to make, and what else must follow.

    `told` is true when the reported state changed, so that a new version is to be published; `owed` is what
    the next open month must take over from this one, which is closed, or is closed by this.
    """

    month: EmployeeMonth
    entries: tuple[Entry, ...] = ()
    told: bool = False
    owed: Supplement = Supplement()


def reckoned(
    month: EmployeeMonth, policies: Mapping[UUID, Policy]
) -> tuple[MonthTotal, Mapping[LineKey, LedgerLine], int | None]:
    """What attendance takes, the lines of decided cuts beside it, and the rupiah of both together (None without a ceiling)."""
    total = fold(month.days.values(), policies, month.ceiling, month.streak_before)
    cuts = sanction_lines(month.cuts, month.ceiling, total.of_tpp)
    return total, cuts, None if total.amount is None else total.amount + sum(line.amount for line in cuts.values())


def restate(month: EmployeeMonth, policies: Mapping[UUID, Policy]) -> Outcome:
    """Fold the month anew and say what changes. Applied twice to the same facts, the second changes nothing."""
    total, cuts, amount = reckoned(month, policies)
    if month.reported.closed:
        owed = Supplement(total.percent, amount or 0) - month.settled
        if total.amount is None:
            owed = Supplement()
        kept = replace(month, streak_after=total.streak_after, settled=month.settled + owed)
        if month.version == 0:
            return Outcome(replace(kept, version=1), told=True, owed=owed)
        return Outcome(kept, owed=owed)
    lines = {**ledger_lines(total), **cuts}
    for origin, supplement in month.supplements.items():
        key = LineKey(None, SUPPLEMENT, origin)
        lines[key] = LedgerLine(key, supplement.percent, supplement.amount)
    carried = _carried(month, total, amount)
    if carried:
        key = LineKey(None, SUPPLEMENT, month.month)
        lines[key] = LedgerLine(key, _NONE, -carried)
    entries, in_force, count = _enter(month, lines)
    reported = Reported(
        raw_percent=total.raw_percent,
        percent=total.percent,
        amount=amount,
        supplementary=month.owes - carried,
        ceiling=None if month.ceiling is None else month.ceiling.amount,
        days_assessed=total.days_assessed,
        days_final=total.days_final,
        of_wage=half_up(total.of_wage),
    )
    told = month.version == 0 or reported != month.reported
    after = replace(
        month,
        version=month.version + told,
        entries=count,
        streak_after=total.streak_after,
        in_force=in_force,
        reported=reported,
    )
    return Outcome(after, entries, told)


def counted(month: EmployeeMonth, days: Collection[PricedDay]) -> Outcome | None:
    """What `restate` says of the month with these days, where they move no more than its counts; None: it must be folded.

    The month must stand as it was restated last. Days that say what is known move nothing. Days that are charged what they
    were charged before, most of them nothing, move counts and the streak, in an open month of one rule pack without an
    absence: there each day is charged for itself and by its place among the days that are charged, and neither a step nor a
    streak that is complete, nor a base or a cap, comes or goes with it.
    """
    if not month.version:
        return None
    if month.repeated_by(days):
        return Outcome(month.with_days(days))
    if month.reported.closed or any(_charge(day) != _charge(month.days.get(day.date)) for day in days):
        return None
    both = [*month.days.values(), *days]
    packs = [day.policy_id for day in both]
    if packs.count(packs[0]) < len(packs) or DayStatus.ABSENT in [day.status for day in both]:
        return None
    fresh = month.with_days(days)
    known = fresh.days.values()
    reported = replace(month.reported, days_assessed=len(known), days_final=sum([day.final for day in known]))
    told = reported != month.reported
    streak = 0 if any(breaks_streak(day) for day in known) else month.streak_before
    return Outcome(replace(fresh, version=month.version + told, streak_after=streak, reported=reported), told=told)


def close(month: EmployeeMonth, policies: Mapping[UUID, Policy]) -> Outcome:
    """Freeze the month as it stands; what is carried on is owed. Closing a closed month changes nothing."""
    outcome = restate(month, policies)
    after = outcome.month
    if after.reported.closed:
        return outcome
    reported = replace(after.reported, closed=True)
    settled = Supplement() if reported.amount is None else Supplement(reported.percent, reported.amount)
    version = after.version if outcome.told else after.version + 1
    kept = replace(after, version=version, reported=reported, settled=settled, closed_on=after.basis)
    return replace(outcome, month=kept, told=True, owed=Supplement(amount=kept.owes - reported.supplementary))


def opened_closed(employee_id: UUID, month: str) -> EmployeeMonth:
    """A month of which nothing was known when it was closed: it reported nothing, all of it is supplementary."""
    return EmployeeMonth(employee_id, month, reported=Reported(amount=0, closed=True), closed_on=Basis({}, None))


@lru_cache(maxsize=1024)
def next_month(month: str) -> str:
    """The month after: "2026-12" → "2027-01"."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + 1:04}-01" if number == 12 else f"{year:04}-{number + 1:02}"


@lru_cache(maxsize=1024)
def month_before(month: str) -> str:
    """The month before: "2026-01" → "2025-12"."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1:04}-12" if number == 1 else f"{year:04}-{number - 1:02}"


def month_of(date: dt.date) -> str:
    """The month that a business date belongs to, as "YYYY-MM"."""
    return date.isoformat()[:7]


def _charge(day: PricedDay | None) -> tuple[object, ...] | None:
    """What a day that is no absence gives the fold to charge; None: nothing."""
    if day is None or not (day.lines or day.minutes):
        return None
    return day.lines, day.minutes, day.duty_days_in_month, day.work_week_days


def _carried(month: EmployeeMonth, total: MonthTotal, amount: int | None) -> int:
    """Rupiah of the supplements that the month's TPP does not hold: nobody is paid less than nothing.

    A TPP that nobody told holds none: its ceiling may still come to be less than the supplements.
    """
    tpp = 0 if month.ceiling is None else month.ceiling.amount
    of_tpp = 0 if amount is None else amount - half_up(total.of_wage)
    return max(0, min(month.owes, of_tpp + month.owes - tpp))


def _enter(
    month: EmployeeMonth, lines: Mapping[LineKey, LedgerLine]
) -> tuple[tuple[Entry, ...], Mapping[LineKey, Posting], int]:
    in_force = dict(month.in_force)
    number, entries = month.entries, []
    for change in diff_ledger({key: posting.line for key, posting in in_force.items()}, lines):
        number += 1
        key = change.line.key
        if change.action == "reversed":
            entries.append(Entry(number, change, reverses=in_force.pop(key).number))
        else:
            entries.append(Entry(number, change))
            in_force[key] = Posting(change.line, number)
    return tuple(entries), in_force, number
