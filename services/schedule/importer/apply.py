"""The imports themselves: read the file, compare with what is known, show the differences, and apply all or nothing.

The command line and HTTP take files over by these functions; `importer.import_…` are the same on a database of their own.

Every function returns a `Report`. With errors, or as a dry run, nothing is written. Up to
`publishing.ONE_TRANSACTION` people or rosters are applied in one transaction; larger files go lane by lane, and after
an interruption the same import finishes the rest, since only what differs is written (where that was previewed, the rest is another change
and wants a preview of its own).
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from services.schedule import commands
from services.schedule.importer import hints, holidays_of_year, people, roster, units
from services.schedule.importer.cells import zone_word
from services.schedule.in_force import PoliciesInForce
from services.schedule.memory import Memory
from services.schedule.publishing import OPERATOR, Outcome, differing
from services.schedule.reference import CalendarState, EmployeeState, RosterState
from services.schedule.store import reference_rows as rows
from services.schedule.store.concerned import groups_of_units, with_own_weeks, zones_of_units
from services.schedule.store.reference_rows import Kept
from services.schedule.weeks import assign_weeks
from shared.database import Connection
from shared.imports import Report, RowError, Table, read_table
from shared.lanes import Lanes
from shared.policy import Policy, PolicyError, load_policies

S = TypeVar("S")
K = TypeVar("K", bound=Hashable)
_SHOWN: Final = 10


async def take_org_units(lanes: Lanes, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """Org units: code, name, timezone; optional org_unit_id, calendar, public_service, kind, parent, round_the_clock."""
    table = await asyncio.to_thread(read_table, path, *units.UNIT_COLUMNS)
    async with lanes.pool.acquire() as connection:
        known = await rows.units(connection)
        calendars = {key: kept.state for key, kept in (await rows.calendars(connection)).items()}
        states, errors = units.read_units(
            table, {kept.state.code: kept.state for kept in known.values()}, {name for name, _ in calendars})
        changed, outcome = differing(states, known, lambda unit: unit.org_unit_id)
        today = dt.datetime.now(dt.UTC).date()
        zoned = {unit.org_unit_id: unit for _, unit in changed
                 if unit.org_unit_id in known and known[unit.org_unit_id].state.timezone != unit.timezone}
        warnings = [
            *table.warnings, *hints.left_in_zones(zoned, await zones_of_units(connection, zoned, today) if zoned else ()),
            *hints.without_national(
                {unit.calendar for _, unit in changed}, calendars, {year for _, year in calendars if year >= today.year}),
        ]
    fields = ("name", "timezone", "calendar", "public_service", "kind", "parent_id", "round_the_clock")
    lines = [_line(state.code, known.get(state.org_unit_id), state, fields) for _, state in changed]
    report = _report("Unit kerja", len(table.rows), outcome, errors, warnings, lines)
    if report.ok and not dry_run:
        await commands.publish_org_units(lanes, states, actor)
    return _applied(report, dry_run)


async def take_weeks(lanes: Lanes, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """Week patterns from a csv: code, name, source, and hours such as 07:30-16:00 under mon … sun."""
    table = await asyncio.to_thread(read_table, path, *units.WEEK_COLUMNS)
    states, errors = units.read_weeks(table)
    async with lanes.pool.acquire() as connection:
        known = await rows.weeks(connection)
    changed, outcome = differing(states, known, lambda week: week.code)
    lines = [_line(state.code, known.get(state.code), state, ("name", "hours", "source")) for _, state in changed]
    report = _report("Pola kerja", len(table.rows), outcome, errors, table.warnings, lines)
    if report.ok and not dry_run:
        await commands.publish_weeks(lanes, states, actor)
    return _applied(report, dry_run)


async def take_week_scopes(lanes: Lanes, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """Where week patterns hold: week_pattern, since; optional until, org_unit (empty: for everybody)."""
    table = read_table(path, *units.SCOPE_COLUMNS)
    async with lanes.pool.acquire() as connection:
        known = {kept.state.code: kept.state for kept in (await rows.units(connection)).values()}
        scopes, errors = units.read_scopes(table, await rows.weeks(connection), known)
        reference = await Memory().current(connection)
        warnings = [*table.warnings]
        for scope in scopes:
            reached = None if scope.org_unit_id is None else reference.below(scope.org_unit_id)
            if scope.week is not None and (kept := await with_own_weeks(connection, reached, scope.since, scope.until))[0]:
                warnings.append(hints.own_weeks(scope, *kept))
    codes = {unit.org_unit_id: code for code, unit in known.items()}
    lines = [f"{scope.week or 'tidak ada lagi'} sejak {scope.since}{f' sampai {scope.until}' if scope.until else ''} untuk "
             f"{codes[scope.org_unit_id] if scope.org_unit_id else 'semua'}" for scope in scopes]
    report = _report("Pola kerja yang berlaku", len(table.rows), Outcome(), errors, warnings, lines)
    if report.ok and not dry_run:
        outcome = await assign_weeks(lanes, scopes, actor)
        report = _report("Pola kerja yang berlaku", len(table.rows), outcome, errors, warnings, lines)
    return _applied(report, dry_run)


async def take_employees(lanes: Lanes, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """People: nip, name, kind, group, org_unit, since; the optional columns are in `people.EMPLOYEE_COLUMNS`."""
    table = await asyncio.to_thread(read_table, path, *people.EMPLOYEE_COLUMNS)
    async with lanes.pool.acquire() as connection:
        states, known, directory, errors = await read_people(connection, table)
        reference = await Memory().current(connection)
        packs = {policy_id: kept.state.name for policy_id, kept in (await rows.policies(connection)).items()}
    changed, outcome = differing(states, known, lambda person: person.employee_id)
    warnings = [*table.warnings, *hints.unpriced_groups(table, (state for _, state in changed), reference, packs)]
    lines = _people_lines(changed, known, directory)
    ended = sum(line.startswith("berakhir") for line in lines)
    report = replace(_report("Pegawai", len(table.rows), outcome, errors, warnings, lines), ended=ended)
    if report.ok and not dry_run:
        await commands.publish_employees(lanes, [state for _, state in changed], actor)
    return _applied(report, dry_run)


async def read_people(
    connection: Connection, table: Table
) -> tuple[list[EmployeeState], dict[UUID, Kept[EmployeeState]], people.Directory, list[RowError]]:
    """The people as they would be after a file, those known now, what their names mean, and what stands against the file."""
    nips, given = people.identities(table)
    ids = await rows.employee_ids(connection, nips)
    known = await _in_parts(connection, rows.employees, sorted({*given, *ids.values()}))
    directory = people.Directory(
        ids, {employee_id: kept.state for employee_id, kept in known.items()},
        {kept.state.code: kept.state for kept in (await rows.units(connection)).values()},
        frozenset(await rows.weeks(connection)),
    )
    states, errors = people.read_employees(table, directory)
    return states, known, directory, errors


async def take_roster(lanes: Lanes, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """Rosters from a csv: nip or employee_id, date, mode (WFO, WFA, OFF, POLA), start, end; other dates stay as they are."""
    table = await asyncio.to_thread(read_table, path, *roster.ROSTER_COLUMNS)
    async with lanes.pool.acquire() as connection:
        states, known, asked, errors = await read_rosters(connection, table)
    changed, outcome = differing(states, known, lambda state: (state.employee_id, state.month))
    lines = [f"{'baru' if version == 1 else 'ubah'}: roster {state.month:%Y-%m}, {len(state.days)} hari" for version, state in changed]
    report = _report("Roster (pegawai-bulan)", len(table.rows), outcome, errors,
                     [*table.warnings, *roster.wfa_warnings(table, asked)], lines)
    if report.ok and not dry_run:
        await commands.publish_rosters(lanes, [state for _, state in changed], actor)
    return _applied(report, dry_run)


async def read_rosters(
    connection: Connection, table: Table
) -> tuple[list[RosterState], dict[roster.Key, Kept[RosterState]], roster.Asked, list[RowError]]:
    """The rosters as they would be after a file, those known now, the rows asked for, and what stands against the file."""
    nips, given = people.identities(table)
    ids = await rows.employee_ids(connection, nips)
    persons = await _in_parts(connection, rows.employees, sorted({*given, *ids.values()}))
    reference = await Memory().current(connection)

    def has_hours(employee_id: UUID, date: dt.date) -> bool:
        return date.weekday() in reference.week(reference.week_of(persons[employee_id].state, date))

    def round_the_clock(employee_id: UUID, date: dt.date) -> bool:
        unit = persons[employee_id].state.unit_on(date)
        return unit is not None and reference.units[unit].round_the_clock

    asked, errors = roster.read_roster(table, ids, persons.keys(), has_hours, round_the_clock)
    known = await _in_parts(connection, rows.rosters, sorted(asked))
    return roster.merged(asked, {key: kept.state for key, kept in known.items()}), known, asked, errors


async def take_calendar(lanes: Lanes, source: int | Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """Holidays: a year seeds the national calendar from the `holidays` package; a csv (date, kind, name, source) edits."""
    errors: list[RowError] = []
    warnings: list[RowError] = []
    async with lanes.pool.acquire() as connection:
        known = await rows.calendars(connection)
        lived_by = {kept.state.calendar for kept in (await rows.units(connection)).values()}
    before = {key: kept.state for key, kept in known.items()}
    if isinstance(source, int):
        if not holidays_of_year.FIRST_SEEDED <= source <= holidays_of_year.LAST_SEEDED:
            return Report("Kalender", errors=(RowError(1, "year", f"tahun harus antara {holidays_of_year.FIRST_SEEDED} dan "
                                                        f"{holidays_of_year.LAST_SEEDED}"),))
        states, warnings = holidays_of_year.seeded(source, before)
        count = len(states[0].days)
    else:
        table = await asyncio.to_thread(read_table, source, *holidays_of_year.CALENDAR_COLUMNS)
        edits, errors = holidays_of_year.read_edits(table)
        states, warnings, count = holidays_of_year.edited(edits, before), table.warnings, len(table.rows)
    _, outcome = differing(states, known, lambda state: (state.calendar, state.year))
    after = before | {(state.calendar, state.year): state for state in states}
    concerned = {state.calendar for state in states} | lived_by
    warnings = [*warnings, *hints.without_national(concerned, after, {state.year for state in states})]
    lines = [line for state in states for line in _calendar_lines(before.get((state.calendar, state.year)), state)]
    report = _report("Kalender", count, outcome, errors, warnings, lines)
    if report.ok and not dry_run:
        await commands.publish_calendars(lanes, states, actor)
    return _applied(report, dry_run)


async def take_policies(
    lanes: Lanes, path: Path, in_force: Sequence[tuple[str, dt.date, str | None]] = (), dry_run: bool = False,
    actor: str = OPERATOR,
) -> Report:
    """Rule packs from a YAML file; `in_force` puts some in force: (name, first business date, unit code or None for all)."""
    try:
        packs = await asyncio.to_thread(load_policies, path)
    except PolicyError as problem:
        return Report("Kebijakan", errors=tuple(
            RowError(fault.line or 1, fault.path or None, fault.told("id")) for fault in problem.faults))
    async with lanes.pool.acquire() as connection:
        by_code = {kept.state.code: org_unit_id for org_unit_id, kept in (await rows.units(connection)).items()}
        known = await rows.policies(connection)
        silent = await _silent(connection, packs, [(name, since, by_code[code] if code else None) for name, since, code in in_force
                                                   if name in packs and (code is None or code in by_code)])
    errors = [RowError(1, "in-force", f"unit {code} tidak terdaftar; impor unitnya dulu")
              for _, _, code in in_force if code is not None and code not in by_code]
    errors += [RowError(1, "in-force", f"kebijakan {name} tidak ada di berkas; yang ada: {', '.join(packs)}")
               for name, _, _ in in_force if name not in packs]
    errors += [RowError(1, "in-force", problem) for name, since, _ in in_force if name in packs
               for problem in _not_to_be_put_in_force(name, packs[name], since)]
    errors += [RowError(1, "in-force", problem) for heavy, problem in silent if heavy]
    warnings = [RowError(1, "in-force", problem) for heavy, problem in silent if not heavy]
    ids = {policy.identity for policy in packs.values()}
    outcome = Outcome(len(ids - known.keys()), 0, len(ids & known.keys()))
    lines = [f"berlaku: {name} sejak {since} di {code or 'seluruh provinsi'}" for name, since, code in in_force]
    report = _report("Kebijakan", len(packs), outcome, errors, warnings, lines)
    if report.ok and not dry_run:
        scopes = [(name, since, by_code[code] if code else None) for name, since, code in in_force]
        outcome = await commands.publish_policies(lanes, packs, scopes, actor)
        report = _report("Kebijakan", len(packs), outcome, errors, warnings, lines)
    return _applied(report, dry_run)


async def _silent(
    connection: Connection, packs: Mapping[str, Policy], puts: Sequence[tuple[str, dt.date, UUID | None]]
) -> list[tuple[bool, str]]:
    """What packs put in force there and then would say nothing of; see `hints.unpriced_by`."""
    if not any(packs[name].tk_day_by_group or packs[name].apel_by_group for name, _, _ in puts):
        return []
    reference = await Memory().current(connection)
    asked = {(unit, since): packs[name].identity for name, since, unit in puts}
    others = (row for row in reference.in_force.rows() if row[:2] not in asked)
    after = reference.changed(in_force=PoliciesInForce([*others, *((unit, since, pack) for (unit, since), pack in asked.items())]))
    return [
        found for name, since, unit in puts
        for found in hints.unpriced_by(name, packs[name], since, unit, after, await groups_of_units(connection, since))
    ]


def _not_to_be_put_in_force(name: str, policy: Policy, since: dt.date) -> Iterator[str]:
    """Why a pack cannot hold from that date: it names no regulation, or its regulation does not hold then."""
    if not policy.sourced:
        yield f"kebijakan {name} tidak menyebut dasar hukum; isi legal_source dengan peraturan dan pasalnya"
    if policy.effective_from is not None and since < policy.effective_from:
        yield f"kebijakan {name} baru berlaku {policy.effective_from} (effective_from); pilih tanggal itu atau sesudahnya"
    if policy.effective_until is not None and since > policy.effective_until:
        yield f"kebijakan {name} hanya berlaku sampai {policy.effective_until} (effective_until); pilih kebijakan penggantinya"


async def _in_parts(
    connection: Connection, load: Callable[..., Awaitable[dict[K, Kept[S]]]], keys: Sequence[K], at_once: int = 20_000
) -> dict[K, Kept[S]]:
    found: dict[K, Kept[S]] = {}
    for start in range(0, len(keys), at_once):
        found |= await load(connection, keys[start:start + at_once])
    return found


def _report(
    what: str, count: int, outcome: Outcome, errors: Sequence[RowError], warnings: Sequence[RowError], lines: Sequence[str]
) -> Report:
    shown = [*lines[:_SHOWN], *([f"... dan {len(lines) - _SHOWN} perubahan lain"] if len(lines) > _SHOWN else [])]
    ordered = sorted(errors, key=lambda error: (error.row, error.column or ""))
    return Report(what, count, outcome.new, outcome.changed, outcome.unchanged, tuple(ordered), tuple(warnings), tuple(shown))


def _applied(report: Report, dry_run: bool) -> Report:
    return replace(report, applied=report.ok and not dry_run)


def _line(name: str, old: Kept[Any] | None, new: object, fields: Sequence[str]) -> str:
    """One difference: what is new, or which fields go from what to what."""
    if old is None:
        return f"baru: {name}"
    told = [f"{field} {_shown(getattr(old.state, field))} → {_shown(getattr(new, field))}" for field in fields
            if getattr(old.state, field) != getattr(new, field)]
    return f"ubah: {name}: {'; '.join(told)}"


def _shown(value: object) -> str:
    return "kosong" if value is None else {True: "ya", False: "tidak"}[value] if isinstance(value, bool) else str(value)


def _people_lines(
    changed: Iterable[Kept[EmployeeState]], known: Mapping[UUID, Kept[EmployeeState]], directory: people.Directory
) -> list[str]:
    """Differences of people by the last digits of their NIP: a preview is read by officers, but may be kept in logs."""
    codes = {unit.org_unit_id: unit.code for unit in directory.units.values()}
    lines = []
    for _, person in changed:
        name = f"pegawai …{person.nip[-4:]}"
        old = known.get(person.employee_id)
        line = _line(name, old, person, ("kind", "group", "active", "job_class", "until"))
        if old is not None and old.state.memberships != person.memberships:
            moves = ", ".join(f"{codes.get(m.org_unit_id, '?')} sejak {m.since}" for m in person.memberships)
            line += f"{'' if line.endswith(': ') else '; '}unit {moves}"
        if old is not None and old.state.ranks != person.ranks:
            ranks = ", ".join(f"{held.rank.kind.value}/{held.rank.group} sejak {held.since}" for held in person.ranks)
            line += f"{'' if line.endswith(': ') else '; '}jenis dan kelompok {ranks or 'tidak pernah berubah'}"
        if old is not None and (old.state.zones, old.state.timezone) != (person.zones, person.timezone):
            zones = ", ".join(f"{zone_word(held.timezone)} sejak {held.since}" for held in person.zones)
            line += f"{'' if line.endswith(': ') else '; '}zona {zones or f'{zone_word(person.timezone)} pada semua tanggal'}"
        if old is not None and old.state.weeks != person.weeks:
            weeks = ", ".join(f"{own.week} sejak {own.since}" for own in person.weeks)
            line += f"{'' if line.endswith(': ') else '; '}pola kerja {weeks or 'mengikuti unit'}"
        if old is not None and old.state.nip != person.nip:
            line += f"{'' if line.endswith(': ') else '; '}NIP baru, yang lama tetap dikenal"
        before = old is not None and old.state.active and old.state.until is None
        if before and (not person.active or person.until is not None):
            line = line.replace("ubah:", "berakhir:", 1)
        lines.append(line)
    return lines


def _calendar_lines(old: CalendarState | None, new: CalendarState) -> list[str]:
    before = {day.date: day for day in old.days} if old else {}
    after = {day.date: day for day in new.days}
    lines = []
    for date in sorted(before.keys() | after.keys()):
        if before.get(date) != after.get(date):
            day = after.get(date) or before[date]
            word = "hapus" if date not in after else "ubah" if date in before else "baru"
            lines.append(f"{word}: {date} {day.name} ({'cuti bersama' if day.kind == 'joint_leave' else 'libur nasional'})")
    return lines
