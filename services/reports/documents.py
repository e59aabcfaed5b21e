"""A report as values: headings, tables with totals, notes, a block for signatures; and how it becomes csv or a workbook."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from shared.sheets import Cell, Column, decimal_text, write_csv, write_xlsx


@dataclass(frozen=True, slots=True)
class Section:
    """One table. `totals`, if any, has a cell for each column."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]
    totals: tuple[Cell, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A report: `head` are the lines above it, `notes` what must be known to read it, `signers` who signs it, from the left."""

    title: str
    head: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    place: str = ""


def to_csv(document: Document, path: Path) -> int:
    """The first table as csv, without headings, so that programs read it; returns how many rows."""
    section = document.sections[0]
    return write_csv(path, section.columns, section.rows)


def to_xlsx(document: Document, path: Path) -> int:
    """All tables as a workbook, each under the headings, the notes as a last sheet; returns how many rows the first has."""
    section, *others = document.sections
    rest = [(other.title[:31] or f"Tabel {number}", other.columns, other.rows, other.totals) for number, other in enumerate(others, 2)]
    return write_xlsx(
        path, section.columns, section.rows, sheet=section.title[:31] or "Data", title=(document.title, *document.head),
        foot=[section.totals] if section.totals else (), notes=document.notes, more=rest,
    )  # fmt: skip


def lines(document: Document) -> list[str]:
    """The report as text for a terminal, each table in columns of their own width."""
    told = [document.title, *document.head]
    for section in document.sections:
        told += ["", section.title] if section.title else [""]
        rows = [[column.name for column in section.columns]]
        rows += [[shown(cell) for cell in row] for row in (*section.rows, *([section.totals] if section.totals else []))]
        widths = [max(len(row[place]) for row in rows) for place in range(len(section.columns))]
        right = [column.kind in ("whole", "rupiah", "percent") for column in section.columns]
        for row in rows:
            cells = zip(row, widths, right, strict=True)
            told.append("  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in cells).rstrip())
    return [*told, "", *document.notes] if document.notes else told


def shown(cell: Cell) -> str:
    """A cell as people read it: thousands with points, decimals with a comma, dates day first."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case Fraction():
            return decimal_text(cell)
        case dt.date():
            return f"{cell:%d-%m-%Y}"
        case _:
            return f"{cell:,}".replace(",", ".")
