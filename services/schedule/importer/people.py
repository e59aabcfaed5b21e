"""Employees from officers' tables: who is meant, what changes from which date, and what is wrong with each row."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid4

from services.schedule.importer.cells import Cells
from services.schedule.importer.units import NONE
from services.schedule.reference import UNITS_WEEK, EmployeeState, Membership, OrgUnitState, Rank, WeekAssignment
from shared.events import EmployeeKind
from shared.imports import Row, RowError, Table, nip_problem, read_nip

EMPLOYEE_COLUMNS: Final = (
    ("nip", "name", "kind", "group", "org_unit", "since"),
    ("employee_id", "timezone", "week_pattern", "played_clock", "active", "job_class", "until", "previous_nip"),
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
    job_class: int | None
    until: dt.date | None
    former_nips: tuple[str, ...]


def identities(table: Table) -> tuple[set[str], set[UUID]]:
    """The NIPs and employee ids that a table names, as far as they can be read: what a directory must know."""
    nips = {nip for row in table.rows for cell in (row["nip"], *_listed(row)) if (nip := read_nip(cell)) is not None}
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

    A row says: from `since` on this person is of this kind, group and job class, belongs to this unit and, if given, works this
    week; what was before stays. Several rows of one person tell several moves and promotions. What a row leaves empty stays as
    it is; a new person's zone is the unit's, and so is from `since` on that of somebody who moves to another unit.
    `previous_nip` says that the person had another NIP before (a PPPK who became PNS): both name one person.
    """
    errors = list(table.errors)
    people: dict[UUID, EmployeeState] = {}
    nips: dict[str, UUID] = dict(directory.ids)
    moves: dict[tuple[UUID, dt.date], str] = {}
    told: dict[UUID, list[_Line]] = {}
    lines = [line for row in table.rows if (line := _read_line(row, directory, nips, errors)) is not None]
    # In order of date: a row that says nothing new when it is merged leaves no trace for a later one.
    for line in sorted(lines, key=lambda line: line.since):
        row = line.row
        if moves.setdefault((line.employee_id, line.since), line.unit.code) != line.unit.code:
            Cells(row, errors).wrong("since", "pegawai ini sudah punya unit lain pada tanggal yang sama di berkas ini; perbaiki tanggalnya")
            continue
        old = people.get(line.employee_id) or directory.people.get(line.employee_id)
        people[line.employee_id] = _merged(old, line)
        told.setdefault(line.employee_id, []).append(line)
    for employee_id, person in people.items():
        _refuse_ends(person, directory.people.get(employee_id), told[employee_id], errors)
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
    if row["week_pattern"] and row["week_pattern"] not in {*directory.weeks, UNITS_WEEK}:
        cells.wrong("week_pattern", f"pola kerja tidak terdaftar; yang ada: {', '.join(sorted(directory.weeks))}")
    given = cells.uuid("employee_id") if row["employee_id"] else None
    former = tuple(one for cell in _listed(row) if (one := read_nip(cell)) is not None)
    if len(former) < len(_listed(row)):
        cells.wrong("previous_nip", "NIP lama harus 18 angka; beberapa NIP dipisah spasi")
    job_class = cells.whole("job_class", 1, 17)
    until = cells.date("until") if row["until"] not in ("", NONE) else None
    active = cells.yes("active", True)
    if len(errors) > before or nip is None or name is None or group is None or kind is None or since is None or unit is None:
        return None
    owners = {nips[one]: one for one in (nip, *former) if one in nips}
    if given is not None and owners.keys() - {given}:
        cells.wrong("nip", "NIP ini sudah dipakai pegawai lain; periksa NIP dan employee_id")
        return None
    if len(owners) > 1:
        cells.wrong("previous_nip", "NIP dan NIP lama pada baris ini terdaftar sebagai dua pegawai; hubungi BKD untuk menggabungkannya")
        return None
    employee_id = given or next(iter(owners), None) or uuid4()
    nips |= dict.fromkeys((nip, *former), employee_id)
    return _Line(row, employee_id, nip, name, kind, group, unit, since, zone, row["week_pattern"] or None,
                 row["played_clock"] or None, active, job_class, until, former)


def _refuse_ends(person: EmployeeState, known: EmployeeState | None, lines: Sequence[_Line], errors: list[RowError]) -> None:
    """A last day of service before the first one, or before what the file begins: then nothing would be owed, and nobody would notice."""
    if person.until is None or person == known:
        return
    after = [line for line in lines if line.since > person.until]
    if person.until < person.memberships[0].since or len(after) == len(lines):
        for line in after:
            Cells(line.row, errors).wrong("until", (
                f"pegawai ini berakhir {person.until}, lebih dulu daripada tanggal mulai pada baris ini; perbaiki tanggalnya"
                if line.row["until"] else f"pegawai ini sudah berakhir {person.until}; tulis - bila ia bekerja lagi"))


def _listed(row: Row) -> list[str]:
    return [cell for cell in re.split(r"[\s,/|]+", row["previous_nip"]) if cell]


def _merged(old: EmployeeState | None, line: _Line) -> EmployeeState:
    if old is None:
        return EmployeeState(
            line.employee_id, line.nip, line.name, line.kind, line.group, line.timezone or line.unit.timezone,
            (Membership(line.since, line.unit.org_unit_id),),
            (WeekAssignment(line.since, line.week),) if line.week not in (None, UNITS_WEEK) else (), line.active, line.played_clock,
            line.job_class, line.until, tuple(sorted({*line.former_nips} - {line.nip})),
        )
    moved = old.joined(line.since, line.unit.org_unit_id, line.unit.timezone)
    moved = moved.zoned(line.since, line.timezone) if line.timezone else moved
    # A file that still has the old NIP of somebody who has a new one does not take the new one away.
    nip = old.nip if line.nip in old.former_nips else line.nip
    former = {*old.former_nips, *line.former_nips, old.nip, line.nip} - {nip}
    ranked = moved.ranked(line.since, Rank(line.kind, line.group, line.job_class or moved.rank_on(line.since).job_class))
    merged = replace(ranked, nip=nip, former_nips=tuple(sorted(former)), name=line.name,
                     until=line.until if line.row["until"] else old.until,
                     active=line.active if line.row["active"] else old.active, played_clock=line.played_clock or old.played_clock)
    return merged.working(line.since, line.week) if line.week and (merged.own_week_on(line.since) or UNITS_WEEK) != line.week else merged


def person_rows(person: EmployeeState, codes: Mapping[UUID, str]) -> Iterator[dict[str, str]]:
    """The rows that `read_employees` reads this person from, by column: one for each date of a move, of another rank, week or zone.

    `codes` names units by id. A week that begins before the first membership is told from that on.
    """
    first = person.memberships[0].since
    dates = {max(one.since, first) for held in (person.memberships, person.weeks, person.ranks, person.zones) for one in held}
    for since in sorted(dates):
        unit = next(m.org_unit_id for m in reversed(person.memberships) if m.since <= since)
        assigned = any(w.since <= since for w in person.weeks)
        rank = person.rank_on(since)
        yield {
            "nip": person.nip, "name": person.name, "kind": rank.kind.value, "group": rank.group, "org_unit": codes[unit],
            "since": since.isoformat(), "employee_id": str(person.employee_id), "timezone": person.zone_on(since),
            "week_pattern": person.own_week_on(since) or UNITS_WEEK if assigned else "", "played_clock": person.played_clock or "",
            "active": "ya" if person.active else "tidak", "job_class": "" if rank.job_class is None else str(rank.job_class),
            "until": "" if person.until is None else person.until.isoformat(), "previous_nip": " ".join(person.former_nips),
        }
