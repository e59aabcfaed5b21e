"""Org units and week patterns from officers' tables: reads rows into states, or says what is wrong with each row."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID, uuid4

from services.schedule.importer.cells import Cells, read_hour
from services.schedule.in_force import WeekScope
from services.schedule.reference import NATIONAL_CALENDAR, OrgUnitState, UnitKind, WeekPatternState
from shared.imports import RowError, Table

UNIT_COLUMNS = (
    ("code", "name", "timezone"), ("org_unit_id", "calendar", "public_service", "kind", "parent", "round_the_clock"),
)
NONE = "-"
"""In a cell that may be left empty to keep what is known: nothing any more (no parent, no last day)."""
WEEK_COLUMNS = (("code", "name", "source"), ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
"""Hours of a weekday are written 07:30-16:00; an empty cell is a day off."""


def read_units(
    table: Table, known: Mapping[str, OrgUnitState], calendars: Collection[str]
) -> tuple[list[OrgUnitState], list[RowError]]:
    """The units that the table asks for; `known` by code. A unit keeps its id for ever; empty cells leave what is known.

    `calendars` are those of which a year is known; a unit may live by no other one but the national.

    `parent` is the code of another unit, of this table or known; `-` takes it away.
    """
    errors = list(table.errors)
    read: dict[str, OrgUnitState] = {}
    ids = {state.org_unit_id: code for code, state in known.items()}
    parents: dict[str, Cells] = {}
    for row in table.rows:
        cells = Cells(row, errors)
        kind = _kind(cells)
        code, name, zone = cells.text("code"), cells.text("name", 500), cells.zone("timezone")
        given = cells.uuid("org_unit_id") if row["org_unit_id"] else None
        if code is None or name is None or zone is None or (row["org_unit_id"] and given is None):
            continue
        old = known.get(code)
        if code in read:
            cells.wrong("code", "kode ini sudah ada pada baris lain di berkas ini; hapus salah satunya")
            continue
        if given is not None and ids.get(given, code) != code:
            cells.wrong("org_unit_id", "id ini milik unit lain; periksa kodenya")
            continue
        if given is not None and old is not None and old.org_unit_id != given:
            cells.wrong("org_unit_id", "kode ini sudah terdaftar dengan id lain; kosongkan sel ini")
            continue
        if row["calendar"] and row["calendar"] not in {NATIONAL_CALENDAR, old and old.calendar, *calendars}:
            cells.wrong("calendar", "kalender ini belum punya satu hari libur pun, jadi setiap libur menjadi hari kerja; impor kalendernya "
                        f"dulu (hadir import calendar) atau kosongkan untuk {NATIONAL_CALENDAR}")
            continue
        org_unit_id = given or (old.org_unit_id if old else uuid4())
        ids[org_unit_id] = code
        read[code] = OrgUnitState(
            org_unit_id, code, name, zone, row["calendar"] or (old.calendar if old else NATIONAL_CALENDAR),
            cells.yes("public_service", old.public_service if old else False),
            kind or (old.kind if old else None), old.parent_id if old else None,
            cells.yes("round_the_clock", old.round_the_clock if old else False),
        )
        if row["parent"]:
            parents[code] = cells
    for code, cells in parents.items():
        named = cells.row["parent"]
        parent = read.get(named) or known.get(named)
        if parent is None and named != NONE:
            cells.wrong("parent", "kode unit induk tidak terdaftar dan tidak ada di berkas ini; perbaiki, atau tulis - bila tanpa induk")
        else:
            read[code] = replace(read[code], parent_id=parent.org_unit_id if parent else None)
    above = {state.org_unit_id: state.parent_id for state in (*known.values(), *read.values())}
    for code, cells in parents.items():
        if _circular(read[code].org_unit_id, above):
            cells.wrong("parent", "unit ini menjadi induk dirinya sendiri, langsung atau lewat unit lain; perbaiki induknya")
    return list(read.values()), errors


def _kind(cells: Cells) -> UnitKind | None:
    match cells.row["kind"].upper():
        case "OPD" | "SKPD" | "DINAS":
            return "OPD"
        case "UPT" | "UPTD":
            return "UPT"
        case "":
            return None
        case _:
            cells.wrong("kind", "tulis OPD atau UPT, atau kosongkan")
            return None


def _circular(unit: UUID, above: Mapping[UUID, UUID | None]) -> bool:
    seen = set()
    at: UUID | None = unit
    while at is not None and at not in seen:
        seen.add(at)
        at = above.get(at)
    return at is not None


def unit_rows(units: Iterable[OrgUnitState]) -> Iterator[dict[str, str]]:
    """The rows that `read_units` reads these units from, by column, in order of code."""
    kept = sorted(units, key=lambda unit: unit.code)
    codes = {unit.org_unit_id: unit.code for unit in kept}
    for unit in kept:
        yield {
            "code": unit.code, "name": unit.name, "timezone": unit.timezone, "org_unit_id": str(unit.org_unit_id),
            "calendar": unit.calendar, "public_service": _word(yes=unit.public_service), "kind": unit.kind or "",
            "parent": codes.get(unit.parent_id, "") if unit.parent_id else "", "round_the_clock": _word(yes=unit.round_the_clock),
        }


def _word(*, yes: bool) -> str:
    return "ya" if yes else "tidak"


SCOPE_COLUMNS: Final = (("week_pattern", "since"), ("until", "org_unit"))
"""`-` as the pattern takes away what was said of the same unit and date; an empty unit is everybody."""


def read_scopes(table: Table, weeks: Collection[str], known: Mapping[str, OrgUnitState]) -> tuple[list[WeekScope], list[RowError]]:
    """Where week patterns are to hold, as the table asks for; `known` are the units by code."""
    errors = list(table.errors)
    read: dict[tuple[str, object], WeekScope] = {}
    for row in table.rows:
        cells, before = Cells(row, errors), len(errors)
        week, since = cells.text("week_pattern"), cells.date("since")
        until = cells.date("until") if row["until"] else None
        if week is not None and week != NONE and week not in weeks:
            cells.wrong("week_pattern", f"pola kerja tidak terdaftar; yang ada: {', '.join(sorted(weeks))}")
        if row["org_unit"] and row["org_unit"] not in known:
            cells.wrong("org_unit", "kode unit tidak terdaftar; kosongkan bila berlaku untuk semua")
        if since is not None and until is not None and until < since:
            cells.wrong("until", "lebih dulu daripada tanggal mulainya; perbaiki tanggalnya")
        if (row["org_unit"], since) in read:
            cells.wrong("since", "unit ini sudah punya pola lain sejak tanggal yang sama di berkas ini; hapus salah satunya")
        if len(errors) == before and week is not None and since is not None:
            unit = known[row["org_unit"]].org_unit_id if row["org_unit"] else None
            read[row["org_unit"], since] = WeekScope(None if week == NONE else week, since, until, unit)
    return list(read.values()), errors


def read_weeks(table: Table) -> tuple[list[WeekPatternState], list[RowError]]:
    """The week patterns that the table asks for."""
    errors = list(table.errors)
    read: dict[str, WeekPatternState] = {}
    for row in table.rows:
        cells = Cells(row, errors)
        code, name, source = cells.text("code"), cells.text("name", 500), cells.text("source", 500)
        hours: dict[str, tuple[str, str]] = {}
        for day in WEEK_COLUMNS[1]:
            if row[day]:
                written = re.fullmatch(r"([0-9]{1,2}[:.][0-9]{2})\s*[-–]\s*([0-9]{1,2}[:.][0-9]{2})", row[day])
                start, end = (read_hour(written[1]), read_hour(written[2])) if written else (None, None)
                if start is None or end is None:
                    cells.wrong(day, "bukan jam kerja; tulis seperti 07:30-16:00, atau kosongkan bila libur")
                else:
                    hours[day] = (start, end)
        if code in read:
            cells.wrong("code", "kode ini sudah ada pada baris lain di berkas ini; hapus salah satunya")
        elif code and name and source:
            read[code] = WeekPatternState(code, name, hours, source)
    return list(read.values()), errors
