"""Reads what somebody thinks of making, in the very files and by the very readers of the imports, as a change to play."""

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

from services.geofence.importer import changed_sites
from services.geofence.store.sites import SiteRow
from services.preview.change import Change, SchemeScope
from services.preview.people import look_at
from services.schedule.digests import (
    calendar_digest,
    employees_digest,
    org_units_digest,
    policy_digest,
    roster_digest,
    scheme_digest,
    units_moving,
    weeks_digest,
)
from services.schedule.importer import holidays_of_year, people, roster
from services.schedule.importer import units as units_file
from services.schedule.importer.apply import read_people, read_rosters
from services.schedule.importer.cells import LAST_DATE
from services.schedule.memory import Memory
from services.schedule.publishing import differing
from services.schedule.reference import CalendarState, RosterState, changed_since
from services.schedule.rules.schemes import load_schemes
from services.schedule.rules.taking_force import digest_of
from services.schedule.store import reference_rows as rows
from shared.database import Connection, connect_auditor
from shared.events import RosterDay
from shared.imports import RowError, read_table
from shared.policy import load_policies
from shared.refusal import Refusal


async def policy_change(connection: Connection, path: Path, in_force: Sequence[tuple[str, dt.date, str | None]]) -> Change:
    """Rule packs of a file put in force: (name, first business date, unit code or None). Raises PolicyError, Refusal."""
    packs = load_policies(path)
    await look_at(connection, "schedule")
    by_code = {kept.state.code: unit for unit, kept in (await rows.units(connection)).items()}
    for name, _, code in in_force:
        if name not in packs:
            raise Refusal(f"There is no policy {name!r} in {path.name}; known are: {', '.join(packs)}.")
        if code is not None and code not in by_code:
            raise Refusal(f"There is no org unit {code!r}; give the code of one that was imported.")
    held = {(unit, since): policy_id for policy_id, unit, since in await rows.policies_in_force(connection)}
    asked = {(by_code[code] if code else None, since): packs[name].identity for name, since, code in in_force}
    scopes = tuple((unit, since, policy_id) for (unit, since), policy_id in asked.items() if held.get((unit, since)) != policy_id)
    title = ", ".join(f"{name}@{since}{f'@{code}' if code else ''}" for name, since, code in in_force)
    return Change(
        "policy", title, policy_digest(scopes), policies={packs[name].identity: packs[name] for name, _, _ in in_force}, scopes=scopes)


async def scheme_change(
    connection: Connection, path: Path, in_force: Sequence[tuple[str, dt.date, dt.date | None, str | None]]
) -> Change:
    """WFO/WFA schemes of a file put in force: (name, first date, last date or None, unit code or None). Raises SchemeError, Refusal.

    The legal source is no part of it: a scheme is tried before there is one.
    """
    schemes = load_schemes(path)
    by_code = await units_named(connection, {code for _, _, _, code in in_force if code is not None})
    for name, since, until, _ in in_force:
        if name not in schemes:
            raise Refusal(f"There is no scheme {name!r} in {path.name}; known are: {', '.join(schemes)}.")
        if until is not None and until < since:
            raise Refusal(f"The scheme {name} would end before it begins.")
    scopes = tuple(SchemeScope(name, schemes[name], since, until, by_code[code] if code else None) for name, since, until, code in in_force)
    digest = scheme_digest((one.org_unit_id, one.since, one.until, str(one.scheme.identity)) for one in scopes)
    title = ", ".join(f"{name}@{since}{f'..{until}' if until else ''}{f'@{code}' if code else ''}" for name, since, until, code in in_force)
    return Change("scheme", title, digest, schemes=scopes)


async def calendar_change(connection: Connection, source: Path | int) -> Change:
    """Holidays: a year's seed, or edits by a csv, as `hadir import calendar` takes them. Raises Refusal."""
    await look_at(connection, "schedule")
    known = await rows.calendars(connection)
    before = {key: kept.state for key, kept in known.items()}
    if isinstance(source, int):
        if not holidays_of_year.FIRST_SEEDED <= source <= holidays_of_year.LAST_SEEDED:
            raise Refusal(f"The year must be between {holidays_of_year.FIRST_SEEDED} and {holidays_of_year.LAST_SEEDED}.")
        states, _ = holidays_of_year.seeded(source, before)
    else:
        edits, errors = holidays_of_year.read_edits(read_table(source, *holidays_of_year.CALENDAR_COLUMNS))
        _refuse(errors)
        states = holidays_of_year.edited(edits, before)
    fresh = [state for _, state in differing(states, known, lambda state: (state.calendar, state.year))[0]]
    touched = {
        date for state in fresh
        for date in _dates(state) ^ _dates(before.get((state.calendar, state.year)))
    }
    calendars = {state.calendar for state in fresh}
    units = frozenset(unit for unit, kept in (await rows.units(connection)).items() if kept.state.calendar in calendars)
    title = ", ".join(f"{state.calendar} {state.year}" for state in fresh) or "nothing differs"
    return Change(
        "calendar", title, calendar_digest(fresh), calendars=tuple(fresh), touched=frozenset(touched), reached=units)


async def org_units_change(connection: Connection, path: Path) -> Change:
    """Org units of a table that get other calendars, or the weeks and packs of others above them. Raises Refusal."""
    await look_at(connection, "schedule")
    known = {unit: kept.state for unit, kept in (await rows.units(connection)).items()}
    calendars = await rows.calendars(connection)
    states, errors = units_file.read_units(
        read_table(path, *units_file.UNIT_COLUMNS), {state.code: state for state in known.values()}, {name for name, _ in calendars})
    _refuse(errors)
    moving = units_moving(states, known)
    holidays: dict[str, set[dt.date]] = {}
    for (calendar, _), kept in calendars.items():
        holidays.setdefault(calendar, set()).update(_dates(kept.state))
    touched: set[dt.date] = set()
    for unit in moving:
        touched |= holidays.get(known[unit.org_unit_id].calendar, set()) ^ holidays.get(unit.calendar, set())
    before = await Memory().current(connection)
    after = before.changed(units=states)
    turns = {unit: dates for unit in known if (dates := before.other_demands(after, unit))}
    if turns:
        touched |= {min(map(min, turns.values())), LAST_DATE}
    code_of = {unit.org_unit_id: unit.code for unit in (*known.values(), *states)}
    title = ", ".join(
        f"{unit.code}: {unit.calendar}{f' < {code_of.get(unit.parent_id)}' if unit.parent_id else ''}" for unit in moving
    ) or "nothing differs"
    return Change(
        "org-units", title, org_units_digest(moving, after), org_units=tuple(states), touched=frozenset(touched),
        reached=frozenset(unit.org_unit_id for unit in moving) | turns.keys())


async def weeks_in_force_change(connection: Connection, path: Path) -> Change:
    """Where weeks are to hold and when, by a table as `hadir import weeks-in-force` takes it. Raises Refusal."""
    await look_at(connection, "schedule")
    reference = await Memory().current(connection)
    scopes, errors = units_file.read_scopes(
        read_table(path, *units_file.SCOPE_COLUMNS), reference.weeks, {unit.code: unit for unit in reference.units.values()})
    _refuse(errors)
    before = reference.weeks_in_force
    after = before.saying(scopes)
    moved = before.differing(after)
    fresh = tuple(one for one in scopes if (one.org_unit_id, one.since) in moved)
    title = ", ".join(
        f"{one.week or '-'}@{one.since}{f'..{one.until}' if one.until else ''}"
        f"{f'@{reference.units[one.org_unit_id].code}' if one.org_unit_id else ''}" for one in fresh) or "nothing differs"
    return Change(
        "weeks", title, weeks_digest(before, after), weeks=fresh,
        reached=None if any(one.org_unit_id is None for one in fresh) else frozenset(
            below for one in fresh if one.org_unit_id is not None for below in reference.below(one.org_unit_id)))


async def roster_change(connection: Connection, path: Path) -> Change:
    """Rosters of a csv, as `hadir import roster` takes them. Raises Refusal."""
    await look_at(connection, "schedule")
    states, known, _, errors = await read_rosters(connection, read_table(path, *roster.ROSTER_COLUMNS))
    _refuse(errors)
    fresh = [state for _, state in differing(states, known, lambda state: (state.employee_id, state.month))[0]]
    before = {key: kept.state for key, kept in known.items()}
    touched = {day.date for state in fresh for day in _days(state) ^ _days(before.get((state.employee_id, state.month)))}
    return Change("roster", f"{len(fresh)} rosters", roster_digest(fresh), rosters=tuple(fresh), touched=frozenset(touched))


async def employees_change(connection: Connection, path: Path) -> Change:
    """People of a table whose days would differ, as `hadir import employees` takes them; new people change no day. Raises Refusal."""
    await look_at(connection, "schedule")
    states, known, _, errors = await read_people(connection, read_table(path, *people.EMPLOYEE_COLUMNS))
    _refuse(errors)
    before = {employee_id: kept.state for employee_id, kept in known.items()}
    since = {
        person.employee_id: first for person in states
        if person.employee_id in before and (first := changed_since(before[person.employee_id], person)) is not None
    }
    changed = tuple(person for person in states if person.employee_id in since)
    return Change(
        "employees", f"{len(changed)} employees", employees_digest(states, before), employees=changed, touched=frozenset(since.values()))


async def sites_change(connection: Connection, path: Path) -> Change:
    """Sites of a GeoJSON file, as `hadir import sites` takes them. Raises Refusal."""
    await look_at(connection, "geofence")
    after, before, errors = await changed_sites(connection, path)
    _refuse(errors)
    return Change(
        "sites", ", ".join(site.code for site in after[:5]) + (" ..." if len(after) > 5 else "") or "nothing differs", sites_digest(after),
        sites=tuple(after), reached=reached_by([*after, *before]))


OF_FILES: Final[Mapping[str, Callable[[Connection, Path], Awaitable[Change]]]] = {
    "calendar": calendar_change, "org-units": org_units_change, "weeks-in-force": weeks_in_force_change, "roster": roster_change,
    "employees": employees_change, "sites": sites_change,
}  # fmt: skip
"""The changes that a file tells all about, by the word of `hadir import` and `hadir preview`."""


def sites_digest(sites: Collection[SiteRow]) -> str:
    """Digest of sites that change."""
    return digest_of("sites", sorted(
        ([site.code, site.kind, site.geometry, site.radius_m, sorted(map(str, site.org_unit_ids)), sorted(map(str, site.employee_ids)),
          site.valid_from, site.valid_to, site.accuracy_cap_m, site.max_accuracy_m, site.outside_factor] for site in sites),
        key=lambda row: str(row[0])))  # fmt: skip


def reached_by(sites: Collection[SiteRow]) -> frozenset[UUID] | None:
    """The only units whose people these sites can concern; None where a site is for some people or for everybody."""
    if any(site.employee_ids or not site.org_unit_ids for site in sites):
        return None
    return frozenset(unit for site in sites for unit in site.org_unit_ids)


async def read_change(url: str, asked: Callable[[Connection], Awaitable[Change]], codes: Collection[str]) -> Change:
    """What is asked, read in one snapshot by the audit role, for the units with these codes (none: all)."""
    connection = await connect_auditor(url, "hadir preview")
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            change = await asked(connection)
            units = await units_named(connection, codes) if codes else None
    finally:
        await connection.close()
    return change if units is None else replace(change, units=frozenset(units.values()))


async def units_named(connection: Connection, codes: Collection[str]) -> Mapping[str, UUID]:
    """Units by code; raises Refusal if one is unknown."""
    await look_at(connection, "schedule")
    by_code = {kept.state.code: unit for unit, kept in (await rows.units(connection)).items()}
    if unknown := sorted(set(codes) - by_code.keys()):
        raise Refusal(f"There is no org unit {', '.join(unknown)}; give the codes of imported ones.")
    return {code: by_code[code] for code in codes}


def _dates(state: CalendarState | None) -> set[dt.date]:
    return set() if state is None else {day.date for day in state.days}


def _days(state: RosterState | None) -> set[RosterDay]:
    return set() if state is None else {*state.days}


def _refuse(errors: Collection[RowError]) -> None:
    if errors:
        raise Refusal("\n".join(map(str, errors)))
