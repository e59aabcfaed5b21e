"""Officers' workbooks (xlsx, xls, ods) read into the texts that their cells stand for; what Excel made a number is text again."""

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Final, TypeAlias

import python_calamine

FIRST_BYTES: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How xlsx and ods (ZIP) and xls (OLE) begin."""

MOST_UNPACKED: Final = 1024 * 1024 * 1024
"""Bytes that a workbook may be once it is unpacked: 300,000 people take some 150 MB; a small file that claims more is a trap."""

ENDINGS: Final = frozenset({".xlsx", ".xlsm", ".xls", ".ods"})
"""How the names of workbooks end."""

_EXACT: Final = 10**15
"""Excel keeps 15 digits of a number; what is longer has lost its last ones (a NIP has 18)."""

_Cell: TypeAlias = str | float | int | bool | dt.date | dt.datetime | dt.time | dt.timedelta


class Unreadable(ValueError):
    """Not a workbook that can be read; the text says why, in Indonesian."""


def records(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first visible sheet, each with its number in the sheet (from 1). Raises Unreadable."""
    try:
        if raw.startswith(FIRST_BYTES[0]):
            with zipfile.ZipFile(io.BytesIO(raw)) as packed:
                if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
                    raise Unreadable("buku kerja terlalu besar bila dibuka; bagi menjadi beberapa berkas")
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
        shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible is python_calamine.SheetVisibleEnum.Visible]
        if not shown:
            raise Unreadable("buku kerja tidak punya lembar yang tampak; tampilkan lembar datanya")
        rows = book.get_sheet_by_name(shown[0]).iter_rows()
        for number, row in enumerate(rows, 1):
            yield number, [text_of(cell) for cell in row]
    except python_calamine.PasswordError:
        raise Unreadable("buku kerja berkata sandi; simpan tanpa kata sandi") from None
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError):
        raise Unreadable("buku kerja rusak atau tidak lengkap; buka di Excel, lalu simpan ulang sebagai .xlsx atau CSV UTF-8") from None


def text_of(cell: _Cell) -> str:
    """A cell as an officer would have typed it: whole numbers without point, dates as 2026-02-28, times as 07:30.

    A number of more digits than Excel keeps is written with its exponent, so that no reader takes it for exact.
    """
    match cell:
        case bool():
            return "ya" if cell else "tidak"
        case float() | int():
            if abs(cell) >= _EXACT:
                return f"{cell:.14E}"
            return str(int(cell)) if cell == int(cell) else repr(cell)
        case dt.datetime():
            return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(sep=" ", timespec="minutes")
        case dt.date():
            return cell.isoformat()
        case dt.time():
            return cell.strftime("%H:%M")
        case dt.timedelta():
            minutes = round(cell.total_seconds() / 60)
            return f"{minutes // 60:02}:{minutes % 60:02}"
        case _:
            return cell
