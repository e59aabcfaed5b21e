"""Which facts bear on a day: the latest decisions, the excuse that covers it, the outages around it."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar
from uuid import UUID

from services.schedule.rules.assessment import Found
from services.schedule.rules.inputs import (
    ApelMissed,
    Fact,
    FraudDecided,
    Leave,
    LeftDuringHours,
    Manual,
    Outage,
    OutageDecided,
    Permission,
    Reviewed,
    WorkReported,
)
from shared.events import FindingKind
from shared.policy import Policy
from shared.policy.leave import LeaveDay

MOST_DAYS_BETWEEN: Final = 31
"""Leaves further apart are not looked at as one row, however few duties lie between them: our bound, no regulation names any."""

_DAY: Final = dt.timedelta(days=1)

D = TypeVar("D", FraudDecided, Reviewed, OutageDecided)


@dataclass(slots=True)
class FactsOfDay:
    """The facts of one business date, sorted out; the order and number in which they came leave no trace."""

    leaves: list[Leave] = field(default_factory=list)
    permissions: list[Permission] = field(default_factory=list)
    manuals: list[Manual] = field(default_factory=list)
    confirmed_outages: list[Outage] = field(default_factory=list)
    open_outages: list[Outage] = field(default_factory=list)
    fraud: dict[UUID, FraudDecided] = field(default_factory=dict)
    reviews: dict[UUID, Reviewed] = field(default_factory=dict)
    apel: UUID | None = None
    ceremony: UUID | None = None
    left: UUID | None = None
    reported: bool = False

    @property
    def requested(self) -> UUID | None:
        """A request for the day that nobody has decided yet: such a day is no absence."""
        requests: list[Leave | Permission] = [*self.leaves, *self.permissions]
        return min((fact.id for fact in requests if fact.state == "requested"), default=None)


NO_FACTS: Final = FactsOfDay()
"""Shared by all days without facts; nobody changes it."""


def facts_of_day(facts: tuple[Fact, ...], date: dt.date) -> FactsOfDay:
    """Sort out the facts that bear on `date`; manual marks and outages are by instant and are all kept."""
    day = FactsOfDay()
    outages: set[Outage] = set()
    decisions: dict[UUID, OutageDecided] = {}
    manuals: set[Manual] = set()
    for fact in facts:
        match fact:
            case Leave() if fact.since <= date <= fact.until:
                day.leaves.append(fact)
            case Permission() if fact.date == date:
                day.permissions.append(fact)
            case Manual():
                manuals.add(fact)
            case Outage():
                outages.add(fact)
            case OutageDecided():
                _keep_latest(decisions, fact.outage_id, fact)
            case FraudDecided():
                _keep_latest(day.fraud, fact.check_in_id, fact)
            case Reviewed():
                _keep_latest(day.reviews, fact.check_in_id, fact)
            case ApelMissed(ceremony=True) if fact.date == date:
                day.ceremony = fact.id if day.ceremony is None else min(day.ceremony, fact.id)
            case ApelMissed() if fact.date == date:
                day.apel = fact.id if day.apel is None else min(day.apel, fact.id)
            case LeftDuringHours() if fact.date == date:
                day.left = fact.id if day.left is None else min(day.left, fact.id)
            case WorkReported() if fact.date == date:
                day.reported = True
    day.manuals = sorted(manuals, key=lambda manual: manual.id)
    for outage in sorted(outages, key=lambda outage: (outage.since, outage.id)):
        decision = decisions.get(outage.id)
        if decision is None:
            day.open_outages.append(outage)
        elif decision.decision == "confirmed":
            day.confirmed_outages.append(outage)
    return day


def _keep_latest(known: dict[UUID, D], key: UUID, decided: D) -> None:
    before = known.get(key)
    # two decisions of one instant: the word decides, so that the order of arrival cannot
    if before is None or (decided.at, decided.decision) > (before.at, before.decision):
        known[key] = decided


def excuse_of(day: FactsOfDay, date: dt.date, policy: Policy) -> tuple[Leave | Permission, tuple[Found, ...]] | None:
    """The approved excuse that covers the day, and what it costs; None if there is none.

    Duty travel beats leave, leave beats permission. Duty travel without its letter (SPT) excuses nothing.
    """
    approved = sorted((leave for leave in day.leaves if leave.state == "approved"), key=_leave_order)
    for leave in approved:
        if leave.kind == "dl" and leave.letter is not False:
            return leave, ()
    for leave in approved:
        if leave.kind != "dl":
            return leave, _leave_cost(leave, date, policy)
    permitted = [permission for permission in day.permissions if permission.state == "approved"]
    if permitted:
        cost = (Found(FindingKind.IZIN, "IZIN"),) if policy.izin_day.percent else ()
        return min(permitted, key=lambda permission: permission.id), cost
    return None


def _leave_order(leave: Leave) -> tuple[dt.date, UUID]:
    return leave.since, leave.id


def _leave_cost(leave: Leave, date: dt.date, policy: Policy) -> tuple[Found, ...]:
    day = _leave_day(leave, date)
    if not policy.leave_price(leave.kind, day, letter=leave.letter, inpatient=leave.inpatient, reason=leave.reason).percent:
        return ()
    sick = leave.kind == "sick"
    return (
        Found(
            FindingKind.SICK if sick else FindingKind.LEAVE, "SAKIT" if sick else "CUTI", nth_day=day.nth_day,
            leave=leave.kind, letter=leave.letter, inpatient=leave.inpatient, leave_days=day.days, leave_since=day.since,
            leave_until=day.until, reason=leave.reason, leave_alone=day.alone,
        ),
    )


def _leave_day(leave: Leave, date: dt.date) -> LeaveDay:
    since, until = leave.row_since or leave.since, leave.row_until or leave.until
    nth = leave.nth_day if leave.nth_day is not None else (date - since).days + 1
    days = leave.days if leave.days is not None else (until - since).days + 1
    return LeaveDay(date, since, until, nth, max(nth, days), leave.alone)


def numbered(facts: Iterable[Fact], date: dt.date, policy: Policy, works_on: Callable[[dt.date], bool]) -> tuple[Fact, ...]:
    """The facts with each leave over `date` telling which of its duty days the date is (Permenkop 8/2025 Art. 17).

    Leaves in a row count on as one, unless the policy begins anew with each (`leave_in_a_row`), and those in hospital, or out of it,
    as one of their own where the policy has rows for such days alone; the facts must hold all that may be of the row
    (`MOST_DAYS_BETWEEN`). `works_on` says of any date of these leaves and between them whether a duty is owed on it, leave or not.
    Leave for which the policy has no table is left as it is: nobody asks for its days.
    """
    known = tuple(facts)
    return tuple(
        _numbered(fact, date, known, policy, works_on)
        if isinstance(fact, Leave) and fact.kind in policy.leave and fact.since <= date <= fact.until else fact
        for fact in known
    )


def _numbered(leave: Leave, date: dt.date, facts: Iterable[Fact], policy: Policy, works_on: Callable[[dt.date], bool]) -> Leave:
    alike = [leave]
    if policy.leave_in_a_row == "continue" and leave.state == "approved":
        alike = [
            fact for fact in facts
            if isinstance(fact, Leave) and fact.state == "approved" and (fact.kind, fact.reason) == (leave.kind, leave.reason)
        ]

    def among(leaves: Iterable[Leave]) -> LeaveDay:
        since, until = _row_of(leave, leaves, works_on)
        owed = [day for day in _dates(since, until) if works_on(day)]
        return LeaveDay(date, since, until, max(1, sum(day <= date for day in owed)), max(1, len(owed)))

    row, alone = among(alike), None
    if leave.inpatient is not None and any(one.inpatient is not None for one in policy.leave[leave.kind]):  # type: ignore[index]
        own = among([fact for fact in alike if fact.inpatient == leave.inpatient])
        alone = own if own != row else None
    return replace(leave, nth_day=row.nth_day, days=row.days, row_since=row.since, row_until=row.until, alone=alone)


def _row_of(leave: Leave, alike: Iterable[Leave], works_on: Callable[[dt.date], bool]) -> tuple[dt.date, dt.date]:
    """First and last date of those of these leaves that follow one another with no duty between them, from this one on both sides."""
    since, until = leave.since, leave.until

    def follow(earlier: dt.date, later: dt.date) -> bool:
        between = _dates(earlier + _DAY, later - _DAY)
        return len(between) <= MOST_DAYS_BETWEEN and not any(map(works_on, between))

    grown: tuple[dt.date, dt.date] | None = None
    while grown != (since, until):  # what was too far before may be next to what has been added since
        grown = since, until
        for other in alike:
            if follow(until, other.since) and follow(other.until, since):
                since, until = min(since, other.since), max(until, other.until)
    return since, until


def _dates(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + n * _DAY for n in range((last - first).days + 1)]
