"""May a month be closed? Decided over gathered values, and said to officers in Indonesian."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

_LAST_MIDNIGHT: Final = ZoneInfo("Asia/Jakarta")
"""WIB: of the three Indonesian zones the one in which a month ends last."""

_SHOWN: Final = 5
_WORDS: Final = {"PENDING": "belum diputuskan", "HELD": "ditahan"}
TO_DECIDE: Final = (
    "Putuskan dahulu: permohonan pada `hadir correction list --state requested` dengan `hadir correction approve` atau `reject`, gangguan"
    " pada `hadir outage list` dengan `hadir outage amnesty` atau `reject`, absen yang meragukan dengan `hadir correction request --kind"
    " review` atau `integrity`."
)
"""What to do about open days: all that makes a day wait for a person."""


@dataclass(frozen=True, slots=True)
class Span:
    """A month (first and last business date), the clock its people live by, and that clock's time (aware)."""

    month: str
    first: dt.date
    last: dt.date
    clock: str
    now: dt.datetime

    @classmethod
    def of(cls, month: str, clock: str, now: dt.datetime) -> "Span":
        """The span of a month written as "2026-02"; raises ValueError for what is not one."""
        first = dt.date.fromisoformat(f"{month}-01")
        return cls(month, first, (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1), clock, now)

    @property
    def ended(self) -> bool:
        """Whether the month is over everywhere in Indonesia by its clock."""
        return self.now.astimezone(_LAST_MIDNIGHT).date() > self.last


@dataclass(frozen=True, slots=True)
class OpenDays:
    """Days of one org unit (by code) that nobody can count yet: PENDING (not decided) or HELD (waiting for a person)."""

    unit: str
    status: str
    days: int
    people: int


@dataclass(frozen=True, slots=True)
class NoCeiling:
    """People of one org unit (by code) without a TPP ceiling: how many, how many of them with a deduction, one of them."""

    unit: str
    people: int
    charged: int
    example: str


def not_ended(span: Span) -> str | None:
    """The sentence that refuses a month which goes on; None if it has ended."""
    if span.ended:
        return None
    clock = f"jam {span.clock!r}" if span.clock else "jam sebenarnya"
    day_after = span.last + dt.timedelta(days=1)
    return f"Bulan {span.month} belum berakhir menurut {clock}; tutup paling cepat tanggal {day_after:%d-%m-%Y} WIB."


def left_open(open_days: Sequence[OpenDays], *, despite: bool, reason: str) -> str | None:
    """The sentence that refuses a month with undecided days; None if there are none or a person answers for them."""
    if despite and not reason.strip():
        return '--despite-open-days memerlukan alasan; tambahkan --reason "…".'
    if not open_days or despite:
        return None
    rows = sorted(open_days, key=lambda row: (-row.days, row.unit, row.status))
    where = "; ".join(f"{row.unit} {row.days} hari {row.status} ({row.people} pegawai)" for row in rows[:_SHOWN])
    more = f"; dan {len(rows) - _SHOWN} lagi" if len(rows) > _SHOWN else ""
    return (
        f'Masih ada {in_words(open_days)}: {where}{more}. {TO_DECIDE} Atau tutup dengan --despite-open-days --reason "…";'
        " putusan sesudahnya menjadi susulan bulan berikutnya."
    )


def in_words(open_days: Sequence[OpenDays]) -> str:
    """How many days are open and why: "4 hari belum diputuskan (PENDING)"."""
    return ", ".join(
        f"{days} hari {_WORDS.get(status, status)} ({status})" for status, days in sorted(counted(open_days).items(), reverse=True)
    )


def not_covered(month: str, found: Sequence[NoCeiling], *, despite: bool, reason: str) -> str | None:
    """The sentence that refuses a month with people without a ceiling; None if there are none or a person answers for them."""
    if despite and not reason.strip():
        return '--despite-missing-ceilings memerlukan alasan; tambahkan --reason "…".'
    if not found or despite:
        return None
    return (
        f"{uncovered(month, found)} Impor pagunya dengan `hadir import ceilings BERKAS --month {month}` (0 bagi yang memang tidak ber-TPP;"
        f" semua orangnya: `hadir read payroll months month={month} without_ceiling=true --all`), atau lanjutkan dengan"
        ' --despite-missing-ceilings --reason "…"; pagu yang datang sesudah ditutup menjadi susulan bulan berikutnya.'
    )


def uncovered(month: str, found: Sequence[NoCeiling]) -> str:
    """Who has no ceiling, by unit, and what that does to them."""
    people, charged = sum(one.people for one in found), sum(one.charged for one in found)
    where = "; ".join(f"{one.unit} {one.people} ({one.charged} terkena potongan), misalnya {one.example}" for one in found[:_SHOWN])
    more = f"; dan {len(found) - _SHOWN} unit lagi" if len(found) > _SHOWN else ""
    return (
        f"{people} pegawai belum berpagu TPP bulan {month} (atau upah yang dipotong); {charged} di antaranya terkena potongan, yang"
        f" tanpa pagu menjadi Rp 0: {where}{more}."
    )


def counted(open_days: Sequence[OpenDays]) -> dict[str, int]:
    """Open days by status, for the audit trail."""
    return {status: sum(row.days for row in open_days if row.status == status) for status in sorted({row.status for row in open_days})}
