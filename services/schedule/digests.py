"""Digests of changes, by which a recorded preview is known to be of the very change that is to take force."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TypeAlias
from uuid import UUID

from services.schedule.in_force import WeeksInForce
from services.schedule.memory import Reference
from services.schedule.reference import CalendarState, EmployeeState, OrgUnitState, RosterState, changed_since
from services.schedule.rules.taking_force import digest_of

Put: TypeAlias = tuple[UUID | None, dt.date, UUID]
"""A unit (None: the province), the first business date, the rule pack that would hold there."""

PutUntil: TypeAlias = tuple[UUID | None, dt.date, dt.date | None, str]
"""A unit (None: the province), the first and the last date (None: open end), the id of the scheme."""


def policy_digest(puts: Iterable[Put]) -> str:
    """Digest of rule packs that are put in force."""
    return digest_of("policy", sorted([str(policy_id), since.isoformat(), str(unit or "")] for unit, since, policy_id in puts))


def calendar_digest(states: Iterable[CalendarState]) -> str:
    """Digest of calendars that change."""
    return digest_of("calendar", sorted(
        [state.calendar, state.year, [day.model_dump(mode="json") for day in state.days]] for state in states))


def units_moving(changed: Iterable[OrgUnitState], known: Mapping[UUID, OrgUnitState]) -> list[OrgUnitState]:
    """Of these org units the known ones that are to have another calendar, or another unit above them with its weeks and packs."""
    return [
        unit for unit in changed if (old := known.get(unit.org_unit_id)) is not None
        and (old.calendar, old.parent_id) != (unit.calendar, unit.parent_id)
    ]


def org_units_digest(units: Iterable[OrgUnitState], after: Reference) -> str:
    """Digest of org units that are to live otherwise: with their calendar and all units above them.

    These by code, because a unit that comes with the same table gets another id each time the table is read.
    """
    def above(unit: OrgUnitState) -> list[str]:
        return [after.units[one].code for one in after.line_of(unit.org_unit_id)[1:] if one in after.units]

    return digest_of("org-units", {"units": sorted([str(unit.org_unit_id), unit.calendar, *above(unit)] for unit in units)})


def weeks_digest(before: WeeksInForce, after: WeeksInForce) -> str:
    """Digest of what is said otherwise about where weeks hold."""
    said = after.said()
    return digest_of("weeks", sorted(
        [str(unit or ""), since.isoformat(), *map(str, said.get((unit, since), ()))] for unit, since in before.differing(after)))


def scheme_digest(puts: Iterable[PutUntil]) -> str:
    """Digest of schemes that are put in force."""
    return digest_of("scheme", sorted(
        [str(unit or ""), since.isoformat(), until.isoformat() if until else "", scheme_id] for unit, since, until, scheme_id in puts))


def roster_digest(states: Iterable[RosterState]) -> str:
    """Digest of rosters that change."""
    return digest_of("roster", sorted(
        [str(state.employee_id), state.month.isoformat(), [day.model_dump(mode="json", exclude_none=True) for day in state.days]]
        for state in states))


def weighty(changed: Iterable[EmployeeState], known: Mapping[UUID, EmployeeState]) -> dict[UUID, dt.date]:
    """Of these people the real ones who are known and of whom days may be judged or priced differently, with the first such date.

    Names, NIPs and job classes change no day.
    """
    since = {}
    for person in changed:
        old = known.get(person.employee_id)
        if old is None or not old.played_clock is person.played_clock is None:
            continue
        if (first := changed_since(old, person)) is not None:
            since[person.employee_id] = first
    return since


def employees_digest(changed: Iterable[EmployeeState], known: Mapping[UUID, EmployeeState]) -> str:
    """Digest of what changes in the days of people who are known."""
    changed = list(changed)
    heavy = weighty(changed, known)
    return digest_of("employees", sorted(
        [str(one.employee_id), one.kind.value, one.group, one.timezone, one.active, str(one.until),
         [[str(m.since), str(m.org_unit_id)] for m in one.memberships], [[str(w.since), w.week] for w in one.weeks],
         [[str(held.since), held.rank.kind.value, held.rank.group] for held in one.ranks],
         [[str(held.since), held.timezone] for held in one.zones]]
        for one in changed if one.employee_id in heavy))
