"""Officers' files over HTTP, in and out: the body of a request is the file, read by the same importer as the command line's.

`dry_run=true` answers with the differences and applies nothing; what is wrong with a file is a problem that names every row. A
route keeps to the pattern of commands: verb, `Idempotency-Key`, reason (docs/api.md).
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request, Response
from pydantic import BaseModel

from shared.events import Text
from shared.faults import Fault
from shared.imports import MOST_SHOWN, Report, RowError
from shared.lanes import Lanes
from shared.sheets import MOST_ROWS, columns_of, write_csv, write_xlsx
from shared.web.commands import Command
from shared.web.problems import Kind, Problem

INVALID_FILE: Final = Kind(
    "invalid-file", 422, "Berkas belum benar", "Tidak ada yang diterapkan. Perbaiki yang disebut dalam errors, lalu kirim ulang.")

TOO_LONG: Final = Kind("table-too-long", 422, "Terlalu banyak baris", "Terlalu banyak baris untuk satu lembar xlsx; minta format=csv.")

LARGEST_FILE: Final = 8 * 1024 * 1024
"""Bytes of one file over HTTP, some 60,000 rows of people; a larger one is for `hadir import`."""

Reason = Annotated[Text, Query(min_length=1, description="Alasan atau dasar, misalnya nomor surat")]
DryRun = Annotated[bool, Query(description="Periksa saja: kesalahan dan perbedaannya; tidak ada yang diterapkan")]

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

TABLE: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": {"text/csv": _BINARY, _WORKBOOK: _BINARY}}}
"""Describes the body of a route that takes a table."""

YAML: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": {"application/yaml": _BINARY}}}
"""Describes the body of a route that takes rule packs."""


FILES_GIVEN: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Berkas yang dapat diimpor lagi", "content": {"text/csv": _BINARY, _WORKBOOK: _BINARY}},
}
"""Describes the answer of a route that gives a table."""

TableForm = Literal["csv", "xlsx"]
FormAsked = Annotated[TableForm, Query(alias="format", description="Bentuknya")]


class FileTaken(BaseModel):
    """Hasil impor; pada uji coba (`applied` false) perbedaan yang akan diterapkan. `ended`: yang masa tugasnya berakhir."""

    applied: bool
    rows: int
    new: int
    changed: int
    ended: int
    unchanged: int
    preview: list[str]
    warnings: list[str]


async def take_file(
    request: Request, command: Command, subject: str, reason: str, take: Callable[[Lanes, Path], Awaitable[Report]], ending: str = "csv"
) -> Response:
    """Carries out an import of the request's body as a command about `subject`; raises Problem with all that is wrong with the file.

    `take` is the importer; it gets the lanes of the command and the file under a name that ends in `ending`.
    """
    body = await request.body()

    async def act(lanes: Lanes) -> FileTaken:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"berkas.{ending}"
            await asyncio.to_thread(path.write_bytes, body)
            report = await take(lanes, path)
        if report.errors:
            raise Problem(INVALID_FILE, *map(fault_of_row, report.errors[:MOST_SHOWN]), detail=_detail(report))
        return FileTaken(
            applied=report.applied, rows=report.rows, new=report.new, changed=report.changed, ended=report.ended,
            unchanged=report.unchanged, preview=list(report.preview), warnings=[str(one) for one in report.warnings[:MOST_SHOWN]],
        )  # fmt: skip

    return await command.run(act, subject=subject, reason=reason)


async def give_file(rows: AsyncIterator[Sequence[str]], names: Sequence[str], form: TableForm, name: str) -> Response:
    """Answers with a table in the shape that an import reads; raises Problem for more rows than a sheet holds."""
    found = [row async for row in rows]
    if form == "xlsx" and len(found) > MOST_ROWS:
        raise Problem(TOO_LONG)
    body = await asyncio.to_thread(_written, found, names, form)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, 200, headers, _WORKBOOK if form == "xlsx" else "text/csv; charset=utf-8")


def _written(rows: Sequence[Sequence[str]], names: Sequence[str], form: TableForm) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tabel"
        (write_xlsx if form == "xlsx" else write_csv)(path, columns_of(names), rows)
        return path.read_bytes()


def fault_of_row(error: RowError) -> Fault:
    """A row error as a fault: field `rows.17.nip`, the line as the file has it; "" is the whole file."""
    row = f"rows.{error.row}" if error.row else ""
    return Fault(f"{row}.{error.column}".strip(".") if error.column else row, "invalid", error.problem)


def _detail(report: Report) -> str | None:
    """What to do; a single error says it itself."""
    if len(report.errors) == 1:
        return str(report.errors[0])
    more = f" (yang pertama {MOST_SHOWN} disebut)" if len(report.errors) > MOST_SHOWN else ""
    return f"{len(report.errors)} kesalahan{more}; tidak ada yang diterapkan. Perbaiki yang disebut dalam errors, lalu kirim ulang."
