"""Lists for those who supervise: how each unit did on a day, and who worked from anywhere with what evidence. No coordinates."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from services.reports.documents import Document, Section
from services.reports.words import long_date
from shared.sheets import Cell, Column

Region: TypeAlias = Literal["inside", "outside", "unsure"]


@dataclass(frozen=True, slots=True)
class UnitDay:
    """How many people of one unit had which status on a day; `late`, `early` and `no_out` are among the present.

    `off` owe nothing that day; of `unruled` nobody can say, because no rule pack is in force for their unit.
    """

    unit: str
    unit_name: str
    people: int
    wfo: int
    wfa: int
    late: int
    early: int
    no_out: int
    absent: int
    leave: int
    travel: int
    undecided: int
    off: int
    unruled: int


@dataclass(frozen=True, slots=True)
class FromAnywhere:
    """Somebody who owed a day from anywhere: first check-in (local), whether it was inside the region, what evidence there is."""

    unit: str
    nip: str
    name: str
    status: str
    first_in: dt.datetime | None
    last_out: dt.datetime | None
    region: Region | None
    evidence: bool
    report: bool


_DAY: Final = (
    Column("Unit", "text", 12), Column("Nama unit", "text", 34), Column("Pegawai", "whole", 8), Column("Hadir WFO", "whole", 8),
    Column("Hadir WFA", "whole", 8), Column("Terlambat", "whole", 9), Column("Pulang awal", "whole", 8),
    Column("Tanpa absen pulang", "whole", 9), Column("TK", "whole", 6), Column("Cuti/izin", "whole", 8), Column("DL", "whole", 6),
    Column("Belum putus", "whole", 8), Column("Libur/tidak bertugas", "whole", 10),
    Column("Tanpa aturan", "whole", 8),
)  # fmt: skip
_WFA: Final = (
    Column("Unit", "text", 12), Column("NIP", "text", 19), Column("Nama", "text", 28), Column("Keadaan", "text", 20),
    Column("Absen masuk", "text", 9), Column("Absen pulang", "text", 9), Column("Di dalam wilayah", "text", 11),
    Column("Bukti foto", "text", 9), Column("Laporan kerja", "text", 9),
)  # fmt: skip
_STATUSES: Final = {
    "PRESENT": "hadir", "ABSENT": "TK", "LEAVE": "cuti/izin", "DL": "dinas luar", "PENDING": "belum diputuskan", "HELD": "ditahan",
    "OFF": "tidak bertugas", "HOLIDAY": "libur", "": "belum ada penilaian",
}  # fmt: skip
_REGION: Final = {"inside": "ya", "outside": "TIDAK", "unsure": "belum pasti", None: "-"}


def compliance(units: Sequence[UnitDay], date: dt.date, signers: Sequence[str] = (), place: str = "") -> Document:
    """The day of each unit, with the sums below."""
    rows = [_unit_day(one) for one in units]
    sums = [sum(column) for column in zip(*(_numbers(one) for one in units), strict=True)] or [0] * (len(_DAY) - 2)
    notes = (
        "Terlambat, pulang awal dan tanpa absen pulang termasuk di antara yang hadir. Belum putus: menunggu penilaian atau petugas.",
        "Tanpa aturan: belum ada paket aturan yang berlaku di unit itu, sehingga harinya tidak dinilai.",
    )
    section = Section(_DAY, rows, ("Jumlah", f"{len(units)} unit", *sums))
    return Document("KEPATUHAN HARIAN PER UNIT KERJA", (long_date(date),), (section,), notes, tuple(signers), place)


def from_anywhere(people: Sequence[FromAnywhere], date: dt.date, signers: Sequence[str] = (), place: str = "") -> Document:
    """Who works from anywhere on a day, those without region or evidence first within their unit."""
    ordered = sorted(people, key=lambda one: (one.unit, not _wanting(one), one.name, one.nip))
    wanting = sum(_wanting(one) for one in people)
    inside = sum(one.region == "inside" for one in people)
    head = (
        long_date(date), f"{len(people)} pegawai WFA: {inside} di dalam wilayah, {wanting} perlu diperiksa",
    )  # fmt: skip
    notes = (
        "Perlu diperiksa: belum absen, di luar wilayah atau belum pasti, tanpa bukti foto. Daftar ini tidak memuat koordinat;",
        "jarak dan titiknya hanya ada pada slip dan topik terbatas.",
    )
    return Document("PEGAWAI BEKERJA DARI MANA SAJA (WFA)", head, (Section(_WFA, [_person(one) for one in ordered]),), notes,
                    tuple(signers), place)


def _wanting(one: FromAnywhere) -> bool:
    excused = one.status in ("LEAVE", "DL", "OFF", "HOLIDAY")
    return not excused and (one.region != "inside" or not one.evidence)


def _numbers(one: UnitDay) -> tuple[int, ...]:
    return (
        one.people, one.wfo, one.wfa, one.late, one.early, one.no_out, one.absent, one.leave, one.travel, one.undecided, one.off,
        one.unruled,
    )  # fmt: skip


def _unit_day(one: UnitDay) -> tuple[Cell, ...]:
    return one.unit, one.unit_name, *_numbers(one)


def _person(one: FromAnywhere) -> tuple[Cell, ...]:
    return (
        one.unit, one.nip, one.name, _STATUSES.get(one.status, one.status), _clock(one.first_in), _clock(one.last_out),
        _REGION[one.region], "ada" if one.evidence else "TIDAK ADA", "ada" if one.report else "belum",
    )  # fmt: skip


def _clock(at: dt.datetime | None) -> str:
    return "-" if at is None else f"{at:%H:%M}"
