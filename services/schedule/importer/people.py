"""Employees from officers' tables: who is meant, what changes from which date, and what is wrong with each row."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid4

from services.schedule.importer.cells import Cells
from services.schedule.reference import EmployeeState, Membership, OrgUnitState, WeekAssignment
from shared.events import EmployeeKind
from shared.imports import Row, RowError, Table, nip_problem, read_nip

EMPLOYEE_COLUMNS: Final = (
    ("nip", "name", "kind", "group", "org_unit", "since"),
    ("employee_id", "timezone", "week_pattern", "played_clock", "active"),
)


@dataclass(frozen=True, slots=True)
class Directory:
    """What is known before the table is read: ids behind NIPs, people by id, units by code, codes of week patterns."""

    ids: Mapping[str, UUID]
    people: Mapping[UUID, EmployeeState]
    units: Mapping[str, OrgUnitState]
    weeks: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Line:
    """One row, read."""

    row: Row
    employee_id: UUID
    nip: str
    name: str
    kind: EmployeeKind
    group: str
    unit: OrgUnitState
    since: dt.date
    timezone: str | None
    week: str | None
    played_clock: str | None
    active: bool


def identities(table: Table) -> tuple[set[str], set[UUID]]:
    """The NIPs and employee ids that a table names, as far as they can be read: what a directory must know."""
    nips = {nip for row in table.rows if (nip := read_nip(row["nip"])) is not None}
    ids: set[UUID] = set()
    for row in table.rows:
        if row["employee_id"]:
            errors: list[RowError] = []
            given = Cells(row, errors).uuid("employee_id")
            if given is not None:
                ids.add(given)
    return nips, ids


def read_employees(table: Table, directory: Directory) -> tuple[list[EmployeeState], list[RowError]]:
    """The people that the table asks for, merged into what is known of them.

    A row says: from `since` on this person belongs to this unit (and, if given, works this week). Several rows
    of one person tell several moves. What a row leaves empty stays as it is; a new person's zone is the unit's.
    """
    errors = list(table.errors)
    people: dict[UUID, EmployeeState] = {}
    nips: dict[str, UUID] = dict(directory.ids)
    moves: dict[tuple[UUID, dt.date], str] = {}
    lines = [line for row in table.rows if (line := _read_line(row, directory, nips, errors)) is not None]
    # In order of date: a row that says nothing new when it is merged leaves no trace for a later one.
    for line in sorted(lines, key=lambda line: line.since):
        row = line.row
        if moves.setdefault((line.employee_id, line.since), line.unit.code) != line.unit.code:
            Cells(row, errors).wrong("since", "pegawai ini sudah punya unit lain pada tanggal yang sama di berkas ini; perbaiki tanggalnya")
            continue
        old = people.get(line.employee_id) or directory.people.get(line.employee_id)
        people[line.employee_id] = _merged(old, line)
    return list(people.values()), errors


def _read_line(row: Row, directory: Directory, nips: dict[str, UUID], errors: list[RowError]) -> _Line | None:
    cells, before = Cells(row, errors), len(errors)
    nip = read_nip(row["nip"])
    if nip is None:
        cells.wrong("nip", nip_problem(row["nip"]) if row["nip"] else "kosong; isi NIP 18 angka")
    name, group, kind, since = cells.text("name", 500), cells.text("group"), cells.kind("kind"), cells.date("since")
    unit = directory.units.get(row["org_unit"])
    if unit is None:
        cells.wrong("org_unit", "kode unit tidak terdaftar; impor unitnya dulu (hadir import org-units) atau perbaiki kodenya"
                    if row["org_unit"] else "kosong; isi kode unit")
    zone = cells.zone("timezone") if row["timezone"] else None
    if row["week_pattern"] and row["week_pattern"] not in directory.weeks:
        cells.wrong("week_pattern", f"pola kerja tidak terdaftar; yang ada: {', '.join(sorted(directory.weeks))}")
    given = cells.uuid("employee_id") if row["employee_id"] else None
    active = cells.yes("active", True)
    if len(errors) > before or nip is None or name is None or group is None or kind is None or since is None or unit is None:
        return None
    owner = nips.get(nip)
    if given is not None and owner is not None and owner != given:
        cells.wrong("nip", "NIP ini sudah dipakai pegawai lain; periksa NIP dan employee_id")
        return None
    employee_id = given or owner or uuid4()
    nips[nip] = employee_id
    return _Line(row, employee_id, nip, name, kind, group, unit, since, zone, row["week_pattern"] or None,
                 row["played_clock"] or None, active)


def _merged(old: EmployeeState | None, line: _Line) -> EmployeeState:
    if old is None:
        return EmployeeState(
            line.employee_id, line.nip, line.name, line.kind, line.group, line.timezone or line.unit.timezone,
            (Membership(line.since, line.unit.org_unit_id),),
            (WeekAssignment(line.since, line.week),) if line.week else (), line.active, line.played_clock,
        )
    moved = old.joined(line.since, line.unit.org_unit_id)
    zone = line.timezone or (line.unit.timezone if moved.memberships != old.memberships else old.timezone)
    merged = replace(moved, nip=line.nip, name=line.name, kind=line.kind, group=line.group, timezone=zone,
                     active=line.active if line.row["active"] else old.active, played_clock=line.played_clock or old.played_clock)
    return merged.working(line.since, line.week) if line.week and merged.week_on(line.since) != line.week else merged
