"""Tables written for officers: csv that Excel opens as it is (`;`, BOM), xlsx with text that stays text; row by row."""

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, TypeAlias

import xlsxwriter

Kind: TypeAlias = Literal["text", "whole", "rupiah", "percent", "date"]
Cell: TypeAlias = str | int | Fraction | dt.date | None

MOST_ROWS: Final = 1_048_000
"""An xlsx sheet holds 1,048,576 rows; what is longer goes into a csv."""

_FORMULA: Final = ("=", "+", "-", "@", "\t")
"""How a text begins that a spreadsheet would run as a formula; it is written with an apostrophe before it (csv)."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, what its cells are, and how wide it is, in characters."""

    name: str
    kind: Kind = "text"
    width: int = 14


def columns_of(names: Iterable[str]) -> list[Column]:
    """Columns of text with these names, as an import reads them."""
    return [Column(name, width=24 if name in ("name", "nip", "employee_id", "previous_nip") else 14) for name in names]


Sheet: TypeAlias = tuple[str, Sequence[Column], Iterable[Sequence[Cell]], Sequence[Cell]]
"""A further sheet of a workbook: its name, columns, rows, and a row of totals (empty: none)."""


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula when it opens a csv."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """The text behind `guarded`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def decimal_text(value: Fraction, places: int = 2) -> str:
    """A number with a decimal comma, half up: 25/22 → "1,14"."""
    scaled = value * 10**places
    rounded = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    sign, digits = ("-", -rounded) if rounded < 0 else ("", rounded)
    whole, rest = divmod(digits, 10**places)
    return f"{sign}{whole},{rest:0{places}}" if places else f"{sign}{whole}"


def write_csv(path: Path, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> int:
    """Write a csv with `;`, BOM and CRLF, as Excel in Indonesian opens it; returns how many rows."""
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([column.name for column in columns])
        for row in rows:
            writer.writerow([_csv_cell(cell) for cell in row])
            written += 1
    return written


def _csv_cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return guarded(cell)
        case Fraction():
            return decimal_text(cell)
        case dt.date():
            return cell.isoformat()
        case _:
            return str(cell)


def write_xlsx(
    path: Path, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, sheet: str = "Data", title: Sequence[str] = (),
    foot: Sequence[Sequence[Cell]] = (), notes: Sequence[str] = (), more: Sequence[Sheet] = (),
    choices: Callable[[str], Sequence[str]] | None = None,
) -> int:  # fmt: skip
    """Write a workbook row by row in constant memory; returns how many rows its first sheet has.

    `title`: lines above the heading; `foot`: rows of totals; `notes`: a last sheet of text; `more`: further sheets; `choices` tells for a
    column which words its cells may hold. Texts, NIPs among them, stay text. Raises ValueError for more rows than a sheet holds.
    """
    with xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    ) as book:
        styles = {
            "text": book.add_format({"num_format": "@"}), "whole": book.add_format({"num_format": "#,##0"}),
            "rupiah": book.add_format({"num_format": "#,##0;[Red]-#,##0"}), "percent": book.add_format({"num_format": "0.00"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}), "bold": book.add_format({"bold": True}),
            "heading": book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1, "text_wrap": True, "valign": "top"}),
            "total": book.add_format({"bold": True, "num_format": "#,##0", "top": 1}),
            "total percent": book.add_format({"bold": True, "num_format": "0.00", "top": 1}),
        }  # fmt: skip
        page = book.add_worksheet(sheet)
        if choices is not None:
            for place, column in enumerate(columns):
                if words := choices(column.name):
                    page.data_validation(1, place, MOST_ROWS, place, {"validate": "list", "source": list(words)})
        written = _fill(page, styles, columns, rows, title, foot)
        for name, others, cells, totals in more:
            _fill(book.add_worksheet(name), styles, others, cells, (), [totals] if totals else ())
        if notes:
            last = book.add_worksheet("Petunjuk")
            last.set_column(0, 0, 120)
            for number, note in enumerate(notes):
                last.write_string(number, 0, note)
    return written


def _fill(
    page: xlsxwriter.worksheet.Worksheet, styles: Mapping[str, object], columns: Sequence[Column], rows: Iterable[Sequence[Cell]],
    title: Sequence[str], foot: Sequence[Sequence[Cell]],
) -> int:  # fmt: skip
    for place, column in enumerate(columns):
        page.set_column(place, place, column.width, styles[column.kind])
    for at, line in enumerate(title):
        page.write_string(at, 0, line, styles["bold"])
    at = len(title) + bool(title)
    for place, column in enumerate(columns):
        page.write_string(at, place, column.name, styles["heading"])
    page.freeze_panes(at + 1, 0)
    written = 0
    for row in rows:
        if written >= MOST_ROWS:
            raise ValueError(f"more than {MOST_ROWS} rows do not fit into a sheet")
        at, written = at + 1, written + 1
        for place, cell in enumerate(row):
            _write(page, at, place, cell, styles[columns[place].kind])
    for totals in foot:
        at += 1
        for place, cell in enumerate(totals):
            kind = columns[place].kind
            _write(page, at, place, cell, styles["bold" if kind == "text" else "total percent" if kind == "percent" else "total"])
    return written


def _write(page: xlsxwriter.worksheet.Worksheet, row: int, place: int, cell: Cell, style: object) -> None:
    match cell:
        case None | "":
            return
        case str():
            page.write_string(row, place, cell, style)
        case Fraction():
            page.write_number(row, place, float(Decimal(decimal_text(cell, 6).replace(",", "."))), style)
        case dt.date():
            page.write_datetime(row, place, cell, style)
        case _:
            page.write_number(row, place, cell, style)
