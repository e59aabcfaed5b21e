"""What the public and other agencies think of a unit's service, from an officer's table; an input to the scheme's evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from shared.imports import RowError, Table, read_table

COLUMNS: Final = ("org_unit", "month", "source", "responden", "nilai")

SOURCES: Final = {"masyarakat": "masyarakat", "publik": "masyarakat", "perangkat_daerah": "perangkat daerah", "opd": "perangkat daerah"}
"""Whose rating it is: the public's, or that of other agencies (seed 001)."""


@dataclass(frozen=True, slots=True)
class Rated:
    """The mean rating of one unit and month by one group: `score` from 0 to 100, weighted by respondents."""

    unit: str
    month: str
    source: str
    respondents: int
    score: Fraction


def read_feedback(file: Path) -> tuple[list[Rated], list[RowError]]:
    """Ratings: org_unit, month, sumber (masyarakat, perangkat daerah), responden, nilai (0 to 100); and what is wrong, all at once.

    Several rows of one unit, month and source are averaged by their respondents.
    """
    return rated_in(read_table(file, COLUMNS))


def rated_in(table: Table) -> tuple[list[Rated], list[RowError]]:
    """As `read_feedback`, from a table with `COLUMNS`."""
    errors = list(table.errors)
    sums: dict[tuple[str, str, str], tuple[int, Fraction]] = {}
    for row in table.rows:
        before = len(errors)
        month, source = row["month"], SOURCES.get(row["source"].lower().replace(" ", "_"))
        if len(month) != 7 or month[4] != "-" or not (month[:4] + month[5:]).isdigit() or not 1 <= int(month[5:]) <= 12:
            errors.append(RowError(row.number, "month", "bukan bulan; tulis seperti 2026-02"))
        if source is None:
            errors.append(RowError(row.number, "sumber", "tulis masyarakat atau perangkat daerah"))
        if not row["org_unit"]:
            errors.append(RowError(row.number, "org_unit", "kosong; isi kode unit"))
        count = row["responden"]
        if not count.isascii() or not count.isdigit() or not 0 < int(count) <= 10_000_000:
            errors.append(RowError(row.number, "responden", "bukan jumlah orang; isi bilangan bulat lebih dari 0"))
        score = _score(row["nilai"])
        if score is None:
            errors.append(RowError(row.number, "nilai", "bukan nilai 0 sampai 100; desimal dengan koma atau titik"))
        if len(errors) > before or source is None or score is None:
            continue
        key = row["org_unit"], month, source
        people, total = sums.get(key, (0, Fraction(0)))
        sums[key] = people + int(count), total + int(count) * score
    return [Rated(*key, people, total / people) for key, (people, total) in sorted(sums.items())], errors


def _score(cell: str) -> Fraction | None:
    try:
        score = Fraction(cell.replace(",", "."))
    except (ValueError, ZeroDivisionError):
        return None
    return score if 0 <= score <= 100 else None


def of_units(rated: Sequence[Rated], unit: str | None) -> list[Rated]:
    """The ratings of one unit, or all of them."""
    return [one for one in rated if unit is None or one.unit == unit]
