"""Rosters from officers' tables: rows merged into the rosters that are known, errors and the weekly WFA warning."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final
from uuid import UUID

from services.schedule.importer.cells import Cells
from services.schedule.reference import RosterState
from shared.events import Mode, RosterDay
from shared.imports import Row, RowError, Table, id_problem, nip_problem, nobody_problem, read_nip

ROSTER_COLUMNS: Final = (("date", "mode"), ("nip", "employee_id", "start", "end"))

WFA_DAYS_A_WEEK: Final = 2
"""More in one week is worth a warning, never a refusal (PermenPANRB 4/2025: at most two, with exceptions; domain.md §1.3)."""

FOLLOW_WEEK: Final = "POLA"
"""Mode word that takes a date off the roster again, so that it follows the week pattern."""

Key = tuple[UUID, dt.date]
Asked = dict[Key, dict[dt.date, RosterDay | None]]


def read_roster(
    table: Table, ids: Mapping[str, UUID], known_ids: Collection[UUID], has_hours: Callable[[UUID, dt.date], bool],
    round_the_clock: Callable[[UUID, dt.date], bool] = lambda _who, _date: False,
) -> tuple[Asked, list[RowError]]:
    """What the table asks for: per employee-month (first of the month) the days, None for "follow the week again".

    `has_hours` says whether somebody's week pattern has hours on a date, which a row without hours takes; `round_the_clock`
    whether they are of a 24-hour unit then, where a duty may end at the hour at which it began.
    """
    errors = list(table.errors)
    if not table.errors and not table.columns & {"nip", "employee_id"}:
        errors.append(RowError(1, None, "kolom nip atau employee_id tidak ada; tambahkan salah satunya pada baris judul"))
        return {}, errors
    asked: Asked = {}
    lines: dict[Key, int] = {}
    for row in table.rows:
        cells, before = Cells(row, errors), len(errors)
        employee_id = _who(cells, ids, known_ids)
        date = cells.date("date")
        day = _read_day(cells, date)
        if (
            len(errors) == before and employee_id and date and day and day.mode is not Mode.OFF
            and day.start is None and not has_hours(employee_id, date)
        ):
            cells.wrong("start", "pola kerja tidak punya jam pada hari ini; isi jam mulai dan jam selesai")
        if employee_id and date and day and day.start and day.start == day.end and not round_the_clock(employee_id, date):
            cells.wrong("end", "jam selesai sama dengan jam mulai; perbaiki salah satunya, atau bila dinasnya 24 jam tandai unitnya"
                               " round_the_clock (hadir import org-units)")
        if len(errors) > before or employee_id is None or date is None:
            continue
        first = lines.setdefault((employee_id, date), row.number)
        if first != row.number:
            cells.wrong("date", f"pegawai dan tanggal ini sudah ada pada baris {first}; hapus salah satunya")
            continue
        asked.setdefault((employee_id, date.replace(day=1)), {})[date] = day
    return asked, errors


def _who(cells: Cells, ids: Mapping[str, UUID], known_ids: Collection[UUID]) -> UUID | None:
    row: Row = cells.row
    if row["employee_id"]:
        given = cells.uuid("employee_id", id_problem(row["employee_id"]))
        if given is not None and given not in known_ids:
            cells.wrong("employee_id", "pegawai tidak terdaftar; impor pegawainya dulu (hadir import employees)")
        return given
    nip = read_nip(row["nip"])
    if nip is None:
        cells.wrong(*(("nip", nip_problem(row["nip"])) if row["nip"] else nobody_problem(row.places)))
        return None
    if nip not in ids:
        cells.wrong("nip", "NIP tidak terdaftar; impor pegawainya dulu (hadir import employees) atau perbaiki NIP")
        return None
    return ids[nip]


def _read_day(cells: Cells, date: dt.date | None) -> RosterDay | None:
    row = cells.row
    if row["mode"].upper() == FOLLOW_WEEK:
        return None
    mode = cells.mode("mode")
    start = cells.hour("start") if row["start"] else None
    end = cells.hour("end") if row["end"] else None
    if mode is Mode.OFF and (row["start"] or row["end"]):
        cells.wrong("start" if row["start"] else "end", "hari OFF tidak punya jam; kosongkan sel ini")
    elif bool(row["start"]) != bool(row["end"]):
        cells.wrong("end" if row["start"] else "start", "jam mulai dan jam selesai harus diisi keduanya, atau dikosongkan keduanya")
    if mode is None or date is None:
        return None
    return RosterDay(date=date, mode=mode, start=start, end=end)


def merged(asked: Asked, known: Mapping[Key, RosterState]) -> list[RosterState]:
    """The rosters that result: the asked days replace the known ones, all other days stay."""
    states = []
    for (employee_id, month), changes in asked.items():
        old = known.get((employee_id, month))
        days: dict[dt.date, RosterDay | None] = {day.date: day for day in old.days} if old else {}
        days |= changes
        states.append(RosterState(employee_id, month, tuple(day for _, day in sorted(days.items()) if day is not None)))
    return states


def wfa_warnings(table: Table, asked: Asked) -> list[RowError]:
    """One warning per week in which rows of this table give somebody more WFA days than the usual two."""
    weeks: defaultdict[tuple[UUID, dt.date], int] = defaultdict(int)
    for (employee_id, _), days in asked.items():
        for date, day in days.items():
            if day is not None and day.mode is Mode.WFA:
                weeks[employee_id, date - dt.timedelta(days=date.weekday())] += 1
    over = sum(1 for days_of_week in weeks.values() if days_of_week > WFA_DAYS_A_WEEK)
    if not over:
        return []
    return [RowError(table.rows[0].number, "mode", f"{over} pegawai-minggu punya lebih dari {WFA_DAYS_A_WEEK} hari WFA; "
                     "PermenPANRB 4/2025 membatasi 2 hari seminggu kecuali tugasnya memang di luar kantor. Roster tetap dapat diterapkan")]


def roster_rows(roster: RosterState, nip: str) -> Iterator[dict[str, str]]:
    """The rows that `read_roster` reads this roster from, by column."""
    for day in roster.days:
        yield {
            "nip": nip, "employee_id": str(roster.employee_id), "date": day.date.isoformat(), "mode": day.mode.value,
            "start": day.start or "", "end": day.end or "",
        }
