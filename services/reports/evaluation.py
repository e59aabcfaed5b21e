"""Does working from anywhere work? WFO beside WFA, month by month, for those who decide on the scheme (seeds 000 to 002).

Everything is counted but one thing: energy is an estimate by parameters that the report states, never a measurement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from services.payroll.rules import half_up
from services.reports.documents import Document, Section
from services.reports.feedback import Rated
from services.reports.words import month_name
from shared.sheets import Cell, Column, decimal_text


@dataclass(frozen=True, slots=True)
class Worked:
    """Person-days of one month in one mode on which work was owed and nobody was excused, and what became of them.

    `punctual`: present without lateness; `complete`: present with all marks; `reported`: with a work report;
    `deducted`: what the ledger's entries of those dates sum to, in rupiah.
    """

    month: str
    mode: str
    owed: int
    present: int
    punctual: int
    complete: int
    reported: int
    absent: int
    violations: int
    deducted: int


@dataclass(frozen=True, slots=True)
class Energy:
    """What a day away from the office is assumed to save: kWh, and the price of one in rupiah. With where they are from."""

    kwh_per_day: Fraction
    rupiah_per_kwh: Fraction
    source: str


ASSUMED: Final = Energy(Fraction(2), Fraction(169_953, 100), "asumsi Hadir, bukan pengukuran: ganti dengan rekening listrik gedung")
"""Our default, [B]: 2 kWh of cooling, light and a computer a day; tariff P-1/TR. No rule gives either."""

_COLUMNS: Final = (
    Column("Bulan", "text", 16), Column("Cara kerja", "text", 9), Column("Hari kerja pegawai", "whole", 11),
    Column("Hadir %", "percent", 8), Column("Tepat waktu %", "percent", 9), Column("Absen lengkap %", "percent", 9),
    Column("Laporan kerja %", "percent", 9), Column("TK %", "percent", 7), Column("Pelanggaran per 100 hari", "percent", 12),
    Column("Potongan", "rupiah", 15), Column("Potongan per hari", "rupiah", 12),
)  # fmt: skip
_COMPARED: Final = (_COLUMNS[0], *_COLUMNS[2:9], _COLUMNS[10])
_SAVED: Final = (
    Column("Bulan", "text", 16), Column("Hari tanpa kantor", "whole", 14), Column("Bagian WFA %", "percent", 12),
    Column("Perkiraan listrik (kWh)", "whole", 18), Column("Perkiraan rupiah", "rupiah", 18),
)  # fmt: skip
_RATED: Final = (
    Column("Unit", "text", 14), Column("Bulan", "text", 16), Column("Sumber", "text", 26), Column("Responden", "whole", 12),
    Column("Nilai (0-100)", "percent", 12),
)  # fmt: skip


def evaluation(
    months: Sequence[Worked], energy: Energy, rated: Sequence[Rated] = (), *, unit: str | None = None, signers: Sequence[str] = (),
    place: str = "",
) -> Document:  # fmt: skip
    """The report over some months, in their order, the last one being judged against those before, way by way and as a whole."""
    by_month: dict[str, dict[str, Worked]] = {}
    for one in sorted(months, key=lambda one: (one.month, one.mode != "WFO")):
        by_month.setdefault(one.month, {})[one.mode] = one
    rows = [_row(one) for modes in by_month.values() for one in modes.values()]
    all_of = _together(months)
    sections = [Section(_COLUMNS, rows, ("Jumlah", None, *_row(all_of)[2:]) if rows else (), "Disiplin menurut cara kerja")]
    if len(by_month) > 1:
        sections.append(Section(_COMPARED, _by_month(by_month), title="Semua cara kerja, bulan ini terhadap bulan sebelumnya"))
    saved = [_saved(month, modes, energy) for month, modes in by_month.items()]
    sections.append(Section(_SAVED, saved, title="Hari tanpa kantor dan perkiraan listrik"))
    if rated:
        sections.append(Section(_RATED, [(one.unit, month_name(one.month), one.source, one.respondents, one.score) for one in rated],
                                title="Umpan balik masyarakat dan antarperangkat daerah"))
    span = " s.d. ".join(dict.fromkeys((month_name(min(by_month)), month_name(max(by_month))))) if by_month else "tanpa data"
    head = ("Semua unit kerja" if unit is None else f"Unit kerja {unit}", span, *_findings(by_month))
    return Document("EVALUASI POLA KERJA WFO DAN WFA", head, tuple(sections), _notes(energy), tuple(signers), place)


def _notes(energy: Energy) -> tuple[str, ...]:
    price = f"{decimal_text(energy.kwh_per_day)} kWh x Rp {decimal_text(energy.rupiah_per_kwh)}"
    return (
        "Hari kerja pegawai: hari dengan kewajiban kerja, tanpa cuti, dinas luar, libur dan hari yang belum diputuskan.",
        "Tepat waktu: hadir tanpa terlambat. Absen lengkap: hadir dengan absen masuk dan pulang yang sah.",
        "Potongan: entri buku potongan pada tanggal itu; batas, pembulatan dan susulan sebulan tidak bertanggal dan tidak termasuk.",
        f"Perkiraan listrik: hari WFA yang hadir x {price} ({energy.source}).",
    )


def _findings(months: Mapping[str, Mapping[str, Worked]]) -> tuple[str, ...]:
    """What the numbers say in a sentence: WFA against WFO in the last month, and WFA against the month before."""
    told = []
    if months:
        *_, last = months
        modes = months[last]
        if {"WFO", "WFA"} <= modes.keys() and modes["WFO"].owed and modes["WFA"].owed:
            gap = _percent(modes["WFA"].punctual, modes["WFA"].owed) - _percent(modes["WFO"].punctual, modes["WFO"].owed)
            told.append(f"{month_name(last)}: tepat waktu WFA {_signed(gap)} poin terhadap WFO")
        before = [month for month in months if month < last and "WFA" in months[month]]
        if before and "WFA" in modes and modes["WFA"].owed and months[before[-1]]["WFA"].owed:
            old, new = months[before[-1]]["WFA"], modes["WFA"]
            change = _percent(new.present, new.owed) - _percent(old.present, old.owed)
            told.append(f"Kehadiran WFA {_signed(change)} poin terhadap {month_name(before[-1])}")
    return tuple(told)


def _by_month(months: Mapping[str, Mapping[str, Worked]]) -> list[tuple[Cell, ...]]:
    """Each month whatever the way of working, all months before the last together, and what the last is above or below them."""
    *before, last = ((month_name(month), _row(_together([*modes.values()]))) for month, modes in months.items())
    pooled = _row(_together([one for modes in [*months.values()][:-1] for one in modes.values()]))
    rows = [*before, *([("Sebelumnya bersama", pooled)] if len(before) > 1 else ()), last]
    moved = tuple(
        after - earlier if isinstance(after, int | Fraction) and isinstance(earlier, int | Fraction) else None
        for earlier, after in zip(pooled, last[1], strict=True)
    )
    return [(name, *_compared(row)) for name, row in rows] + [("Selisih (poin, Rp)", None, *_compared(moved)[1:])]


def _compared(row: Sequence[Cell]) -> tuple[Cell, ...]:
    return (*row[2:9], row[10])


def _signed(points: Fraction) -> str:
    return f"{'+' if points >= 0 else ''}{decimal_text(points)}"


def _percent(part: int, whole: int) -> Fraction:
    return Fraction(100 * part, whole) if whole else Fraction(0)


def _row(one: Worked) -> tuple[Cell, ...]:
    return (
        month_name(one.month) if one.month else None, one.mode, one.owed, _percent(one.present, one.owed),
        _percent(one.punctual, one.owed), _percent(one.complete, one.owed), _percent(one.reported, one.owed),
        _percent(one.absent, one.owed), _percent(one.violations, one.owed), one.deducted,
        half_up(Fraction(one.deducted, one.owed)) if one.owed else 0,
    )  # fmt: skip


def _together(months: Sequence[Worked]) -> Worked:
    sums = [sum(column) for column in zip(*(
        (one.owed, one.present, one.punctual, one.complete, one.reported, one.absent, one.violations, one.deducted) for one in months
    ), strict=True)] or [0] * 8  # fmt: skip
    return Worked("", "", *sums)


def _saved(month: str, modes: Mapping[str, Worked], energy: Energy) -> tuple[Cell, ...]:
    days = modes["WFA"].present if "WFA" in modes else 0
    owed = sum(one.owed for one in modes.values())
    kwh = days * energy.kwh_per_day
    share = _percent(modes["WFA"].owed if "WFA" in modes else 0, owed)
    return month_name(month), days, share, half_up(kwh), half_up(kwh * energy.rupiah_per_kwh)
