"""Org units and week patterns from officers' tables: reads rows into states, or says what is wrong with each row."""

import re
from collections.abc import Mapping
from uuid import uuid4

from services.schedule.importer.cells import Cells, read_hour
from services.schedule.reference import NATIONAL_CALENDAR, OrgUnitState, WeekPatternState
from shared.imports import RowError, Table

UNIT_COLUMNS = (("code", "name", "timezone"), ("org_unit_id", "calendar", "public_service"))
WEEK_COLUMNS = (("code", "name", "source"), ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
"""Hours of a weekday are written 07:30-16:00; an empty cell is a day off."""


def read_units(table: Table, known: Mapping[str, OrgUnitState]) -> tuple[list[OrgUnitState], list[RowError]]:
    """The units that the table asks for; `known` by code. A unit keeps its id for ever."""
    errors = list(table.errors)
    read: dict[str, OrgUnitState] = {}
    ids = {state.org_unit_id: code for code, state in known.items()}
    for row in table.rows:
        cells = Cells(row, errors)
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
        org_unit_id = given or (old.org_unit_id if old else uuid4())
        ids[org_unit_id] = code
        read[code] = OrgUnitState(
            org_unit_id, code, name, zone, row["calendar"] or (old.calendar if old else NATIONAL_CALENDAR),
            cells.yes("public_service", old.public_service if old else False),
        )
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
