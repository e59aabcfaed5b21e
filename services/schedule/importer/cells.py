"""What officers write in a cell, read into values: dates, hours, zones, kinds; None where it cannot be read."""

import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from typing import Final
from uuid import UUID
from zoneinfo import available_timezones

from shared.events import EmployeeKind, Mode
from shared.imports import Row, RowError

_ZONES: Final[Mapping[str, str]] = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}
_KINDS: Final[Mapping[str, EmployeeKind]] = {
    **{kind.value: kind for kind in EmployeeKind},
    "PPPK PARUH WAKTU": EmployeeKind.PPPK_PW, "PPPK PW": EmployeeKind.PPPK_PW, "PPPK-PW": EmployeeKind.PPPK_PW,
}
_MODES: Final[Mapping[str, Mode]] = {**{mode.value: mode for mode in Mode}, "LIBUR": Mode.OFF, "WFH": Mode.WFA}
_YES: Final = frozenset({"ya", "y", "true", "1", "aktif"})
_NO: Final = frozenset({"tidak", "t", "false", "0", "nonaktif"})
FIRST_DATE: Final = dt.date(1970, 1, 1)
LAST_DATE: Final = dt.date(2100, 12, 31)


class Cells:
    """Reads the cells of one row and collects what is wrong with them into `errors`; a wrong cell reads as None."""

    def __init__(self, row: Row, errors: list[RowError]) -> None:
        self.row = row
        self.errors = errors

    def wrong(self, column: str, problem: str) -> None:
        """Notes what is wrong with a cell, in Indonesian, with what to do."""
        self.errors.append(RowError(self.row.number, column, problem))

    def text(self, column: str, most: int = 100) -> str | None:
        """A text that must be there."""
        cell = self.row[column]
        if not cell:
            self.wrong(column, "kosong; isi sel ini")
        elif len(cell) > most:
            self.wrong(column, f"terlalu panjang ({len(cell)} huruf); paling banyak {most}")
        else:
            return cell
        return None

    def date(self, column: str) -> dt.date | None:
        """A date: 2026-02-28, or day first as in 28/02/2026 and 28-02-2026."""
        read = read_date(self.row[column])
        if read is None:
            self.wrong(column, "bukan tanggal antara 1970 dan 2100; tulis seperti 2026-02-28")
        return read

    def hour(self, column: str) -> str | None:
        """A time of the day as HH:MM; 7.30 and 07:30:00 are understood."""
        read = read_hour(self.row[column])
        if read is None:
            self.wrong(column, "bukan jam; tulis seperti 07:30")
        return read

    def zone(self, column: str) -> str | None:
        """A zone by its name, or WIB, WITA, WIT."""
        cell = self.row[column]
        name = _ZONES.get(cell.upper(), cell)
        if name not in _known_zones():
            self.wrong(column, "zona waktu tidak dikenal; tulis WIB, WITA, WIT, atau nama seperti Asia/Jakarta")
            return None
        return name

    def kind(self, column: str) -> EmployeeKind | None:
        """The kind of ASN."""
        kind = _KINDS.get(re.sub(r"\s+", " ", self.row[column].upper()))
        if kind is None:
            self.wrong(column, "bukan jenis ASN; tulis PNS, CPNS, PPPK, atau PPPK_PW")
        return kind

    def mode(self, column: str) -> Mode | None:
        """How a day is worked."""
        mode = _MODES.get(self.row[column].upper())
        if mode is None:
            self.wrong(column, "bukan moda kerja; tulis WFO, WFA, OFF, atau POLA (kembali ke pola kerja)")
        return mode

    def whole(self, column: str, least: int, most: int) -> int | None:
        """A whole number within bounds; None where empty."""
        cell = self.row[column]
        if not cell:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", cell) or not least <= int(cell) <= most:
            self.wrong(column, f"bukan bilangan bulat {least} sampai {most}")
            return None
        return int(cell)

    def yes(self, column: str, default: bool) -> bool:
        """Yes or no; `default` where empty."""
        word = self.row[column].lower()
        if word and word not in _YES | _NO:
            self.wrong(column, "tulis ya atau tidak")
        return word in _YES if word else default

    def uuid(self, column: str, problem: str = "bukan UUID; kosongkan agar dibuatkan, atau salin id dari ekspor Hadir") -> UUID | None:
        """An id that must be a UUID, else `problem`."""
        try:
            return UUID(self.row[column])
        except ValueError:
            self.wrong(column, problem)
            return None


def read_date(cell: str) -> dt.date | None:
    """A date as officers write it, day first unless the year leads; None if it is none."""
    if iso := re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ]00:00(?::00)?)?", cell):
        year, month, day = map(int, iso.groups())
    elif local := re.fullmatch(r"([0-9]{1,2})[/.\-]([0-9]{1,2})[/.\-]([0-9]{4})", cell):
        day, month, year = map(int, local.groups())
    else:
        return None
    try:
        date = dt.date(year, month, day)
    except ValueError:
        return None
    return date if FIRST_DATE <= date <= LAST_DATE else None


def read_hour(cell: str) -> str | None:
    """A time of the day as "HH:MM"; None if it is none."""
    written = re.fullmatch(r"([0-9]{1,2})[:.]([0-9]{2})(?::00)?", cell)
    if written is None or int(written[1]) > 23 or int(written[2]) > 59:
        return None
    return f"{int(written[1]):02d}:{written[2]}"


def zone_word(zone: str) -> str:
    """A zone as officers call it: WIB, WITA, WIT, else its name."""
    return next((word for word, name in _ZONES.items() if name == zone), zone)


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())
