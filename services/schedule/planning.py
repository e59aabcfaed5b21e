"""Gathers what schemes are compared with: an org unit's people and where each is to work, or where each was.

What is not rostered follows the week pattern in the office; so does a date before the period. A date after the period that
nobody has rostered yet is open: it may still become either.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.schedule.memory import Duties, Memory, Reference
from services.schedule.reference import EmployeeState, OrgUnitState
from services.schedule.rules import Duty, Leave, Permission
from services.schedule.rules.schemes import Colleague, Place, Plan, Scheme, SchemesInForce
from services.schedule.store import facts, plans
from services.schedule.store import reference_rows as rows
from services.schedule.store import schemes as scheme_rows
from shared.database import Connection
from shared.events import DayStatus, Mode, RosterDay

_DAY: Final = dt.timedelta(days=1)
_WEEK: Final = dt.timedelta(days=6)
_NOWHERE: Final = frozenset({DayStatus.OFF, DayStatus.HOLIDAY})
_AWAY: Final = frozenset({DayStatus.LEAVE, DayStatus.DL, DayStatus.ABSENT})


@dataclass(frozen=True, slots=True)
class Staff:
    """A unit's people around a period, with all that their duties follow from."""

    unit: OrgUnitState
    first: dt.date
    last: dt.date
    reference: Reference
    people: Mapping[UUID, EmployeeState]
    rosters: Mapping[UUID, Mapping[dt.date, RosterDay]]
    away: Mapping[UUID, frozenset[dt.date]]
    schemes: Mapping[dt.date, Scheme]
    names: Mapping[dt.date, str]
    """The name of the scheme of each date."""

    def dates(self) -> list[dt.date]:
        """The period."""
        return [self.first + n * _DAY for n in range((self.last - self.first).days + 1)]

    def belongs(self, employee_id: UUID, date: dt.date) -> bool:
        """Whether somebody is a member of the unit on a date."""
        return self.people[employee_id].unit_on(date) == self.unit.org_unit_id

    def duties(self, employee_id: UUID, asked: Sequence[RosterDay] | None = None) -> Duties:
        """Somebody's duties as published, or with other days in the period."""
        roster = dict(self.rosters.get(employee_id, {}))
        if asked is not None:
            roster = {date: day for date, day in roster.items() if not self.first <= date <= self.last}
            roster |= {day.date: day for day in self.month_with(employee_id, asked)}
        return Duties(self.reference, self.people[employee_id], roster)

    def month_of(self, employee_id: UUID) -> tuple[RosterDay, ...]:
        """Somebody's published days in the period, also those in another unit."""
        published = self.rosters.get(employee_id, {})
        return tuple(day for date, day in sorted(published.items()) if self.first <= date <= self.last)

    def month_with(self, employee_id: UUID, asked: Sequence[RosterDay]) -> tuple[RosterDay, ...]:
        """The same with other days where the person is a member of this unit; days in another unit stay."""
        stay = [day for day in self.month_of(employee_id) if not self.belongs(employee_id, day.date)]
        mine = [day for day in asked if self.belongs(employee_id, day.date)]
        return tuple(sorted([*stay, *mine], key=lambda day: day.date))

    def plan(self, asked: plans.Asked | None = None) -> Plan:
        """Where everybody is to work: as published, or as a roster asks for (its days in the period, in full)."""
        people = []
        for employee_id, person in self.people.items():
            duties = self.duties(employee_id, None if asked is None else asked.get(employee_id, ()))
            known = {*self.rosters.get(employee_id, {})}
            days = {}
            for date in _around(self.first, self.last):
                if self.belongs(employee_id, date):
                    place = self._place(employee_id, date, duties.on(date), open_ended=date > self.last and date not in known)
                    if place is not None:
                        days[date] = place
            if days:
                people.append(_colleague(person, days))
        return self._of(people)

    def fact(self, seen: Sequence[plans.Whereabouts]) -> Plan:
        """Where everybody was: in the office by one mark there, elsewhere by marks only elsewhere, else nowhere or unknown."""
        days: dict[UUID, dict[dt.date, Place]] = {}
        for one in seen:
            status = DayStatus(one.status)
            if status in _NOWHERE or one.employee_id not in self.people:
                continue
            place = Place.AWAY if status in _AWAY else Place.OPEN
            if status is DayStatus.PRESENT and one.marks:
                place = Place.WFO if one.inside else Place.WFA
            days.setdefault(one.employee_id, {})[one.date] = place
        return self._of([
            _colleague(self.people[employee_id], found) for employee_id, found in sorted(days.items())
        ])

    def _place(self, employee_id: UUID, date: dt.date, duty: Duty, *, open_ended: bool) -> Place | None:
        if not duty.working:
            return None
        if date in self.away.get(employee_id, ()):
            return Place.AWAY
        return Place.OPEN if open_ended else Place.WFA if duty.mode is Mode.WFA else Place.WFO

    def _of(self, people: Sequence[Colleague]) -> Plan:
        return Plan(self.unit.code, self.unit.public_service, self.first, self.last, tuple(people), self.schemes)


async def staff_of(
    connection: Connection, memory: Memory, org_unit_id: UUID, first: dt.date, last: dt.date, in_force: SchemesInForce | None = None,
    clock: str | None = None,
) -> Staff:  # fmt: skip
    """A unit's people around a period, with a `clock` only those who live by it; KeyError for a unit that nobody knows.

    `in_force` may be given if it is loaded already.
    """
    reference = await memory.current(connection)
    unit = reference.units[org_unit_id]
    if in_force is None:
        in_force = SchemesInForce(kept.state for kept in (await scheme_rows.schemes(connection)).values())
    ids = await plans.members(connection, org_unit_id, clock)
    people = {employee_id: kept.state for employee_id, kept in sorted((await rows.employees(connection, ids)).items())}
    around = _around(first, last)
    months = sorted({date.replace(day=1) for date in around})
    rosters: dict[UUID, dict[dt.date, RosterDay]] = {}
    for (employee_id, _), kept in (await rows.rosters(connection, [(person, month) for person in ids for month in months])).items():
        rosters.setdefault(employee_id, {}).update((day.date, day) for day in kept.state.days)
    holding = {date: state for date in around if (state := in_force.on(org_unit_id, date)) is not None}
    return Staff(
        unit, first, last, reference, people, rosters, await _away(connection, ids, around[0], around[-1]),
        {date: state.scheme for date, state in holding.items()}, {date: state.name for date, state in holding.items()},
    )


def ends(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last date that a period is read with: its weeks are whole."""
    around = _around(first, last)
    return around[0], around[-1]


async def _away(connection: Connection, ids: Sequence[UUID], first: dt.date, last: dt.date) -> dict[UUID, frozenset[dt.date]]:
    """Dates of approved leave, permission and duty travel; duty travel without its letter excuses nothing."""
    away: dict[UUID, set[dt.date]] = {}
    for kept in await facts.corrections_about(connection, ids, first, last):
        if kept.employee_id is None:
            continue
        for fact in kept.facts():
            if isinstance(fact, Leave) and fact.state == "approved" and not (fact.kind == "dl" and fact.letter is False):
                begin, end = max(fact.since, first), min(fact.until, last)
                away.setdefault(kept.employee_id, set()).update(begin + n * _DAY for n in range((end - begin).days + 1))
            elif isinstance(fact, Permission) and fact.state == "approved":
                away.setdefault(kept.employee_id, set()).add(fact.date)
    return {employee_id: frozenset(dates) for employee_id, dates in away.items()}


def _colleague(person: EmployeeState, days: Mapping[dt.date, Place]) -> Colleague:
    """Somebody with the group of each of these dates, of which there is one at least."""
    first, last = min(days), max(days)
    later = tuple((held.since, held.rank.group) for held in person.ranks if first < held.since <= last)
    return Colleague(person.employee_id, person.rank_on(first).group, days, later)


def _around(first: dt.date, last: dt.date) -> list[dt.date]:
    """The period with the rest of the weeks at both ends."""
    begin, end = first - first.weekday() * _DAY, last + _WEEK - last.weekday() * _DAY
    return [begin + n * _DAY for n in range((end - begin).days + 1)]
