"""Writes a roster as files: the table that `hadir roster import` takes back, and the picture of people × dates."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

import xlsxwriter

from services.schedule.rules.schemes.picture import LEGEND, Picture
from services.schedule.store.plans import Asked

HEADER: Final = ("nip", "tanggal", "moda", "mulai", "selesai")


def as_csv(asked: Asked, nips: Mapping[UUID, str]) -> bytes:
    """The roster's days as a table (`;`, UTF-8 with BOM, as Excel in Indonesia opens it)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(_rows(asked, nips))
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(asked: Asked, nips: Mapping[UUID, str], picture: Picture, labels: Mapping[UUID, str], title: str) -> bytes:
    """The same table as the first sheet of a workbook, and the picture as the second; NIPs are text, so that none is rounded."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("Roster")
        sheet.set_column(0, 1, 20)
        for number, row in enumerate([HEADER, *_rows(asked, nips)]):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell, bold if number == 0 else None)
        grid = book.add_worksheet("Kisi")
        grid.write_string(0, 0, title, bold)
        grid.set_column(0, 0, 28)
        grid.set_column(1, len(picture.dates), 4)
        for number, (head, cells) in enumerate(_grid(picture, labels), start=2):
            grid.write_string(number, 0, head, bold if number < 4 else None)
            for column, cell in enumerate(cells, start=1):
                grid.write_string(number, column, cell)
        grid.write_string(len(picture.rows) + 8, 0, LEGEND)
        grid.freeze_panes(4, 1)
    return buffer.getvalue()


def _grid(picture: Picture, labels: Mapping[UUID, str]) -> Iterator[tuple[str, Iterable[str]]]:
    yield "Tanggal", picture.days
    yield "Hari", picture.weekdays
    for employee_id, letters in picture.rows:
        yield labels.get(employee_id, str(employee_id)), letters
    yield "WFA", picture.wfa
    yield "Skema", picture.allowed


def _rows(asked: Asked, nips: Mapping[UUID, str]) -> list[tuple[str, ...]]:
    return [
        (nips.get(employee_id, str(employee_id)), day.date.isoformat(), day.mode.value, day.start or "", day.end or "")
        for employee_id, days in asked.items() for day in days
    ]
