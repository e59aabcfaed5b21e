"""An org unit's roster from its table: the days that it asks for, and every row that is not of this unit and month."""

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from services.schedule.importer.cells import read_date
from services.schedule.importer.roster import Asked, read_roster
from services.schedule.planning import Staff
from shared.events import RosterDay
from shared.imports import RowError, Table, read_nip


def read_unit_roster(
    table: Table, staff: Staff, ids: Mapping[str, UUID]
) -> tuple[dict[UUID, dict[dt.date, RosterDay | None]], list[RowError]]:
    """The days that the table asks for by person (None: follow the week again), and all errors of its rows.

    `ids` are the people behind the table's NIPs, wherever they belong.
    """
    known = {*ids.values(), *staff.people}

    def has_hours(employee_id: UUID, date: dt.date) -> bool:
        person = staff.people.get(employee_id)
        return person is None or date.weekday() in staff.reference.week(staff.reference.week_of(person, date))

    asked, errors = read_roster(table, ids, known, has_hours, lambda _employee_id, _date: staff.unit.round_the_clock)
    wrong = {(error.row, error.column) for error in errors}
    for row in table.rows:
        date = read_date(row["date"])
        if date is None or any(number == row.number for number, _ in wrong):
            continue
        employee_id = UUID(row["employee_id"]) if row["employee_id"] else ids.get(read_nip(row["nip"]) or "")
        if not staff.first <= date <= staff.last:
            errors.append(RowError(row.number, "date", f"di luar bulan {staff.first:%Y-%m}; hapus baris ini"))
        elif employee_id is None or employee_id not in staff.people or not staff.belongs(employee_id, date):
            errors.append(RowError(row.number, "employee_id" if row["employee_id"] else "nip",
                                   f"pegawai ini bukan anggota {staff.unit.code} pada tanggal itu; hapus baris ini"))
    return _by_person(asked), sorted(errors, key=lambda error: (error.row, error.column or ""))


def _by_person(asked: Asked) -> dict[UUID, dict[dt.date, RosterDay | None]]:
    people: dict[UUID, dict[dt.date, RosterDay | None]] = {}
    for (employee_id, _), days in asked.items():
        people.setdefault(employee_id, {}).update(days)
    return people
