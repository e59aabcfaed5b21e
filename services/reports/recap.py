"""The recap of a month, per person and per org unit: attendance beside deductions, whose totals are the ledger's to the rupiah."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from services.reports.documents import Document, Section
from services.reports.words import month_name
from shared import workbook
from shared.imports import RowError, parse_table, read_nip
from shared.sheets import Cell, Column


@dataclass(frozen=True, slots=True)
class Recapped:
    """One person and month. Days are counted by status, `late` and `early` are days, minutes their sums.

    `of_wage` is the part of the deduction that is taken from the wage and leaves the TPP as it is.
    `ledger` is what the month's ledger entries sum to, supplements of earlier months included (`supplementary` of it), and cuts
    that were decided as discipline (`sanctions` of it).
    """

    unit: str
    unit_name: str
    nip: str
    name: str
    kind: str
    group: str
    duty_days: int
    present: int
    wfa: int
    late: int
    late_minutes: int
    early: int
    early_minutes: int
    absent: int
    leave: int
    travel: int
    undecided: int
    percent: Fraction
    ceiling: int | None
    supplementary: int
    ledger: int
    of_wage: int = 0
    sanctions: int = 0

    @property
    def paid(self) -> int | None:
        """What is left of the ceiling after the deductions; None without a ceiling."""
        return None if self.ceiling is None else self.ceiling - (self.ledger - self.of_wage)


_COUNTED: Final = (
    Column("Hari kerja", "whole", 7), Column("Hadir", "whole", 7), Column("WFA", "whole", 6), Column("Terlambat (hari)", "whole", 9),
    Column("Terlambat (menit)", "whole", 9), Column("Pulang awal (hari)", "whole", 9), Column("Pulang awal (menit)", "whole", 9),
    Column("TK", "whole", 5), Column("Cuti/izin", "whole", 8), Column("DL", "whole", 5), Column("Belum putus", "whole", 7),
)  # fmt: skip
_MONEY: Final = (
    Column("Pagu TPP", "rupiah", 15), Column("Hukuman", "rupiah", 13), Column("Susulan", "rupiah", 13), Column("Potongan", "rupiah", 14),
    Column("TPP dibayar", "rupiah", 15),
)  # fmt: skip
PEOPLE: Final = (
    Column("Unit", "text", 12), Column("NIP", "text", 20), Column("Nama", "text", 26), Column("Jenis", "text", 9),
    *_COUNTED, Column("Persen", "percent", 8), *_MONEY,
)  # fmt: skip
UNITS: Final = (Column("Unit", "text", 12), Column("Nama unit", "text", 32), Column("Pegawai", "whole", 8), *_COUNTED, *_MONEY)

_NOTES: Final = (
    "TK: tanpa keterangan. DL: dinas luar. Belum putus: hari yang masih menunggu penilaian atau putusan petugas.",
    "Potongan sudah termasuk hukuman disiplin dan susulan dari bulan yang sudah ditutup; sama dengan buku potongan (hadir verify balance).",
)


def per_person(people: Sequence[Recapped], month: str, state: str, unit: str | None, signers: Sequence[str], place: str) -> Document:
    """The recap with a line for each person, and the sums below."""
    totals = ("Jumlah", None, f"{len(people)} pegawai", None, *_sums(people, percent=True))
    section = Section(PEOPLE, [_person(one) for one in people], totals)
    return Document(
        "REKAPITULASI KEHADIRAN DAN POTONGAN TPP", _head(month, state, unit, people), (section,), _NOTES, tuple(signers), place
    )


def per_unit(people: Sequence[Recapped], month: str, state: str, signers: Sequence[str], place: str) -> Document:
    """The recap with a line for each org unit, in order of code, and the sums below."""
    units: dict[str, list[Recapped]] = {}
    for one in people:
        units.setdefault(one.unit, []).append(one)
    rows: list[tuple[Cell, ...]] = [
        (code, mine[0].unit_name, len(mine), *_sums(mine)) for code, mine in sorted(units.items())
    ]
    section = Section(UNITS, rows, ("Jumlah", f"{len(units)} unit", len(people), *_sums(people)))
    return Document(
        "REKAPITULASI POTONGAN TPP PER UNIT KERJA", _head(month, state, None, people), (section,), _NOTES, tuple(signers), place
    )


def _head(month: str, state: str, unit: str | None, people: Sequence[Recapped]) -> tuple[str, ...]:
    where = "Semua unit kerja" if unit is None else f"Unit kerja: {people[0].unit_name if people else unit} ({unit})"
    return where, f"Bulan {month_name(month)}, keadaan {_STATES.get(state, state)}"


_STATES: Final = {
    "OPEN": "terbuka (angka masih dapat berubah)", "REVIEW": "diperiksa (angka masih dapat berubah)",
    "SIGNED": "ditandatangani", "PAID": "dibayar",
}  # fmt: skip


def _counted(one: Recapped) -> tuple[int, ...]:
    return (
        one.duty_days, one.present, one.wfa, one.late, one.late_minutes, one.early, one.early_minutes, one.absent, one.leave,
        one.travel, one.undecided,
    )  # fmt: skip


def _person(one: Recapped) -> tuple[Cell, ...]:
    return (
        one.unit, one.nip, one.name, one.kind, *_counted(one), one.percent, one.ceiling, one.sanctions, one.supplementary, one.ledger,
        one.paid,
    )  # fmt: skip


def _sums(people: Sequence[Recapped], *, percent: bool = False) -> tuple[Cell, ...]:
    counts = [sum(column) for column in zip(*(_counted(one) for one in people), strict=True)] or [0] * len(_COUNTED)
    return (
        *counts, *((None,) if percent else ()), sum(one.ceiling or 0 for one in people), sum(one.sanctions for one in people),
        sum(one.supplementary for one in people), sum(one.ledger for one in people), sum(one.paid or 0 for one in people),
    )  # fmt: skip


def read_recap(file: Path) -> tuple[dict[str, tuple[int, int]], list[RowError]]:
    """(row, deduction) of each person of an exported recap (csv, or xlsx as written here), by NIP; and what cannot be read."""
    try:
        raw = file.read_bytes()
        if not raw.startswith(workbook.FIRST_BYTES):
            table = parse_table(raw, ("nip", "potongan"))
            rows = [(row.number, row["nip"], row["potongan"]) for row in table.rows]
            if table.errors:
                return {}, table.errors
        else:
            rows = list(_of_workbook(raw))
    except (OSError, workbook.Unreadable) as problem:
        return {}, [RowError(1, None, f"berkas tidak dapat dibaca: {problem}")]
    errors: list[RowError] = []
    read: dict[str, tuple[int, int]] = {}
    for number, text, amount in rows:
        nip = read_nip(text)
        if nip is None:
            continue  # a line of totals, or above the heading
        if nip in read:
            errors.append(RowError(number, "NIP", f"sudah ada di baris {read[nip][0]}"))
        elif re.fullmatch(r"-?[0-9]+", amount):
            read[nip] = (number, int(amount))
        else:
            errors.append(RowError(number, "Potongan", "bukan rupiah bulat"))
    if not read and not errors:
        errors.append(RowError(1, None, "tidak ada kolom NIP dan Potongan; berkas ini bukan rekap per pegawai"))
    return read, errors


def _of_workbook(raw: bytes) -> Iterator[tuple[int, str, str]]:
    places: tuple[int, int] | None = None
    for number, row in workbook.records(raw):
        if places is None and "NIP" in row and "Potongan" in row:
            places = row.index("NIP"), row.index("Potongan")
        elif places is not None:
            yield number, row[places[0]], row[places[1]]


def differences(
    told: Mapping[str, tuple[int, int]], people: Iterable[Recapped]
) -> list[tuple[int, str, int | None, int | None]]:
    """What of a recap is not the ledger's, whatever order its rows have: (row, NIP, in the file, in the ledger), in order of row.

    Compared by NIP. Row 0 is somebody whom the file does not name; a ledger of None, somebody whom the month does not know.
    """
    kept = {one.nip: one.ledger for one in people}
    wrong: list[tuple[int, str, int | None, int | None]] = [
        (row, nip, amount, kept.get(nip)) for nip, (row, amount) in told.items() if kept.get(nip) != amount
    ]
    wrong += [(0, nip, None, amount) for nip, amount in kept.items() if nip not in told]
    return sorted(wrong, key=lambda one: one[:2])
