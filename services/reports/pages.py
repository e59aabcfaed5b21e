"""A report on paper: A4 landscape, its headings again on every page, page numbers, and a block for signatures."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from services.reports.documents import Document, Section, shown
from services.reports.words import short_date
from shared.sheets import Cell, Column

_FONT: Final = "helvetica"
_MARGIN: Final = 10.0
_WIDTH: Final = 297.0 - 2 * _MARGIN
_ROW: Final = 5.0
_LAST_ROWS: Final = 3
_SIGNATURE: Final = 38.0
"""Millimetres that a block of signatures takes; it is never parted."""
_SIGNED_IN: Final = ZoneInfo("Asia/Jakarta")
"""The zone of the date beside signatures, as of all dates that a report is not told (our default)."""


class _Paper(FPDF):
    def __init__(self, title: str, made: dt.datetime) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self._title, self._made = title, made
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(auto=False)
        self.set_title(title)
        self.set_creation_date(made)

    def footer(self) -> None:
        """The number of the page, and when it was made."""
        self.set_y(-9)
        self.set_font(_FONT, size=7)
        self.set_text_color(90)
        self.cell(_WIDTH / 2, 4, f"Dicetak Hadir {short_date(self._made.date())} {self._made:%H:%M} UTC")
        self.cell(_WIDTH / 2, 4, f"Halaman {self.page_no()} dari {{nb}}", align="R")
        self.set_text_color(0)

    def room(self, needed: float) -> bool:
        """Whether so many millimetres are left on this page."""
        return bool(self.get_y() + needed <= self.h - 12)


def to_pdf(document: Document, path: Path, made: dt.datetime) -> None:
    """Write the report as PDF; `made` (aware) is printed on every page. Letters that Latin-1 lacks become question marks."""
    paper = _Paper(_latin(document.title), made.astimezone(dt.UTC))
    paper.add_page()
    paper.set_font(_FONT, style="B", size=13)
    paper.cell(_WIDTH, 7, _latin(document.title), align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_font(_FONT, size=9)
    for line in document.head:
        paper.cell(_WIDTH, 4.6, _latin(line), align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.ln(2)
    for section in document.sections:
        last = section is document.sections[-1]
        _table(paper, section, keep=4 * len(document.notes) + _SIGNATURE * bool(document.signers) if last else 0)
    paper.set_font(_FONT, size=7.5)
    for note in document.notes:
        if not paper.room(8):
            paper.add_page()
        paper.multi_cell(_WIDTH, 3.8, _latin(note), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    if document.signers:
        _signatures(paper, document, made)
    paper.output(str(path))


def _table(paper: _Paper, section: Section, *, keep: float) -> None:
    """Draw a table; its last rows stay on one page with the `keep` millimetres that follow, so that nobody signs an empty page."""
    columns = section.columns
    whole = sum(column.width for column in columns)
    widths = [_WIDTH * column.width / whole for column in columns]
    size = 7.5 if whole <= 200 else 6.6
    if section.title:
        if not paper.room(24):
            paper.add_page()
        paper.set_font(_FONT, style="B", size=9.5)
        paper.cell(_WIDTH, 6, _latin(section.title), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    _heading(paper, columns, widths, size)
    tail = _ROW * (_LAST_ROWS + bool(section.totals)) + keep + 3
    for number, row in enumerate(section.rows):
        if not paper.room(tail if number == max(0, len(section.rows) - _LAST_ROWS) else _ROW):
            paper.add_page()
            _heading(paper, columns, widths, size)
        _line(paper, columns, widths, row, shaded=bool(number % 2))
    if section.totals:
        if not paper.room(_ROW):
            paper.add_page()
            _heading(paper, columns, widths, size)
        paper.set_font(_FONT, style="B", size=size)
        _line(paper, columns, widths, section.totals, shaded=False, top=True)
    paper.ln(3)


def _heading(paper: _Paper, columns: Sequence[Column], widths: Sequence[float], size: float) -> None:
    paper.set_font(_FONT, style="B", size=size - 0.4)
    paper.set_fill_color(221, 230, 240)
    paper.set_draw_color(90)
    wrapped = [_wrapped(paper, _latin(column.name), width - 1.2) for column, width in zip(columns, widths, strict=True)]
    height = 3.4 * max(len(lines) for lines in wrapped) + 1.2
    left, top = paper.get_x(), paper.get_y()
    for lines, width in zip(wrapped, widths, strict=True):
        paper.rect(left, top, width, height, style="DF")
        for number, line in enumerate(lines):
            paper.set_xy(left, top + 0.6 + 3.4 * number)
            paper.cell(width, 3.4, line, align="C")
        left += width
    paper.set_xy(paper.l_margin, top + height)
    paper.set_font(_FONT, size=size)


def _wrapped(paper: FPDF, text: str, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and paper.get_string_width(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _line(
    paper: _Paper, columns: Sequence[Column], widths: Sequence[float], row: Sequence[Cell], *, shaded: bool, top: bool = False
) -> None:
    paper.set_fill_color(246, 248, 251)
    paper.set_draw_color(90 if top else 205)
    for column, width, cell in zip(columns, widths, row, strict=True):
        text = _fitting(paper, _latin(shown(cell)), width - 1.2)
        right = column.kind in ("whole", "rupiah", "percent") and not isinstance(cell, str)
        paper.cell(width, _ROW, text, border="TB" if top else "B", align="R" if right else "L", fill=shaded)
    paper.ln(_ROW)


def _fitting(paper: FPDF, text: str, width: float) -> str:
    if paper.get_string_width(text) <= width:
        return text
    while text and paper.get_string_width(f"{text}..") > width:
        text = text[:-1]
    return f"{text}.."


def _signatures(paper: _Paper, document: Document, made: dt.datetime) -> None:
    if not paper.room(_SIGNATURE):
        paper.add_page()
    paper.ln(4)
    paper.set_font(_FONT, size=9)
    where = f"{document.place}, " if document.place else ""
    date = short_date(made.astimezone(_SIGNED_IN).date())
    paper.cell(_WIDTH, 5, _latin(f"{where}{date}"), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    each = _WIDTH / len(document.signers)
    for signer in document.signers:
        paper.cell(each, 5, _latin(signer), align="C")
    paper.ln(20)
    for _ in document.signers:
        paper.cell(each, 5, "(......................................................)", align="C")
    paper.ln(4.5)
    for _ in document.signers:
        paper.cell(each, 5, "NIP.                                                      ", align="C")
    paper.ln(5)


def _latin(text: str) -> str:
    return text.translate(_PLAIN).encode("latin-1", "replace").decode("latin-1")


_PLAIN: Final = str.maketrans({"–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "…": "...", "→": "->", "Σ": "Jumlah"})
