"""Calendars: the seed of a year from the `holidays` package (SKB 3 Menteri), and officers' edits by table."""

import datetime as dt
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

import holidays

from services.schedule.importer.cells import Cells
from services.schedule.reference import NATIONAL_CALENDAR, CalendarState
from shared.events import CalendarDay
from shared.imports import RowError, Table

CALENDAR_COLUMNS: Final = (("date", "kind"), ("name", "source", "calendar"))
FIRST_SEEDED: Final = 2000
LAST_SEEDED: Final = 2099
_KINDS: Final[Mapping[str, str]] = {
    "holiday": "holiday", "libur": "holiday", "libur nasional": "holiday", "hari libur": "holiday",
    "joint_leave": "joint_leave", "cuti bersama": "joint_leave", "cuti_bersama": "joint_leave",
}
_REMOVE: Final = "hapus"
Key = tuple[str, int]
Edits = dict[Key, dict[dt.date, CalendarDay | None]]


def seed(year: int) -> dict[dt.date, CalendarDay]:
    """National holidays and joint leave (cuti bersama) of a year, as the `holidays` package knows them, in Indonesian.

    A seed only: the package cannot know changes made late in the year, nor local holidays; what is in the table counts.
    """
    source = f"paket holidays {version('holidays')} (ID); periksa dengan SKB 3 Menteri {year}"
    days: dict[dt.date, CalendarDay] = {}
    for date, name in holidays.country_holidays("ID", years=year, language="id", categories=("government",)).items():
        days[date] = CalendarDay(date=date, name=name, kind="joint_leave", source=source)
    for date, name in holidays.country_holidays("ID", years=year, language="id", categories=("public",)).items():
        days[date] = CalendarDay(date=date, name=name, kind="holiday", source=source)
    return dict(sorted(days.items()))


def seeded(year: int, known: Mapping[Key, CalendarState]) -> tuple[list[CalendarState], list[RowError]]:
    """The national calendar of a year with the seed's days added; days that officers have entered stay as they are."""
    key = (NATIONAL_CALENDAR, year)
    old = {day.date: day for day in known[key].days} if key in known else {}
    fresh = seed(year)
    days = dict(sorted({**fresh, **old}.items()))
    warnings = [RowError(1, "name", f"{day.date}: {day.name} masih perkiraan; periksa dengan SKB 3 Menteri {year}")
                for day in fresh.values() if "perkiraan" in day.name.lower() or "estimated" in day.name.lower()]
    if not any(day.kind == "joint_leave" for day in fresh.values()):
        warnings.append(RowError(1, None, f"paket holidays belum memuat cuti bersama {year}; tambahkan dengan berkas csv"))
    return [CalendarState(NATIONAL_CALENDAR, year, tuple(days.values()))], warnings


def read_edits(table: Table) -> tuple[Edits, list[RowError]]:
    """What the table asks for: per calendar and year the days, None for a day to be taken away (kind `hapus`)."""
    errors = list(table.errors)
    edits: Edits = {}
    for row in table.rows:
        cells = Cells(row, errors)
        date = cells.date("date")
        word = " ".join(row["kind"].lower().split())
        kind = _KINDS.get(word)
        if kind is None and word != _REMOVE:
            cells.wrong("kind", "tulis holiday (libur nasional), joint_leave (cuti bersama), atau hapus")
        name = cells.text("name", 500) if word != _REMOVE else ""
        if date is None or name is None or (kind is None and word != _REMOVE):
            continue
        days = edits.setdefault((row["calendar"] or NATIONAL_CALENDAR, date.year), {})
        if date in days:
            cells.wrong("date", "tanggal ini sudah ada pada baris lain di berkas ini; hapus salah satunya")
        elif kind is None:
            days[date] = None
        else:
            days[date] = CalendarDay.model_validate({"date": date, "name": name, "kind": kind, "source": row["source"] or "entri petugas"})
    return edits, errors


def edited(edits: Edits, known: Mapping[Key, CalendarState]) -> list[CalendarState]:
    """The calendars that result: edited days replace the known ones, all other days stay."""
    states = []
    for (calendar, year), changes in edits.items():
        old = known.get((calendar, year))
        days: dict[dt.date, CalendarDay | None] = {day.date: day for day in old.days} if old else {}
        days |= changes
        states.append(CalendarState(calendar, year, tuple(day for _, day in sorted(days.items()) if day is not None)))
    return states
