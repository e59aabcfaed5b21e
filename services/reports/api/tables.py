"""The reports of the command line over HTTP: as JSON, or as the file that is asked for by `format` or `Accept`."""

import asyncio
import datetime as dt
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel

from services.reports import making
from services.reports.documents import Document
from services.reports.feedback import COLUMNS, rated_in
from services.reports.making import Asked, Form
from shared.database import Connection
from shared.events import Month
from shared.faults import Fault
from shared.imports import parse_table
from shared.percent import percent_text
from shared.sheets import Cell, Kind
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.parameters import LivesBy, OnDate
from shared.web.problems import INVALID_REQUEST, OUT_OF_REACH, UNKNOWN, Problem
from shared.web.problems import Kind as ProblemKind

router = APIRouter(tags=["laporan"])

TOO_MANY_ROWS: Final = ProblemKind(
    "report-too-long", 422, "Laporan terlalu panjang", "Sebut org_unit_id, pilih csv, atau pakai `hadir report`.")
MOST_ROWS: Final = {"json": 50_000, "text": 50_000, "csv": 400_000, "xlsx": 100_000, "pdf": 5_000}
"""So many rows are made while somebody waits; PDF takes some 2 ms a row."""

_TYPES: Final[dict[str, str]] = {
    "json": "application/json", "text": "text/plain; charset=utf-8", "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "pdf": "application/pdf",
}

Wanted = Literal["json", "text", "csv", "xlsx", "pdf"]


class ReportColumn(BaseModel):
    """Satu kolom: judulnya dan apa isinya. Persen dan bilangan pecahan adalah teks eksak ("0.50", "25/22"), tanggal TTTT-BB-HH."""

    name: str
    kind: Kind


class ReportTable(BaseModel):
    """Satu tabel; `totals` kosong bila tidak ada jumlahnya."""

    title: str
    columns: list[ReportColumn]
    rows: list[list[str | int | None]]
    totals: list[str | int | None]


class Report(BaseModel):
    """Satu laporan: judul, baris kepala, tabel-tabelnya, dan catatan yang perlu diketahui untuk membacanya."""

    title: str
    head: list[str]
    tables: list[ReportTable]
    notes: list[str]


_FILES: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Report, "description": "Laporan dalam bentuk yang diminta", "content": {
    _TYPES[form].partition(";")[0]: {"schema": {"type": "string", "format": "binary"}} for form in ("csv", "xlsx", "pdf", "text")
}}}


def _wanted(
    form: Annotated[Wanted | None, Query(alias="format", description="Bentuknya; tanpa ini menurut Accept, selain itu json")] = None,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Wanted:
    if form is not None:
        return form
    for offered in (accept or "").split(","):
        media = offered.partition(";")[0].strip().lower()
        for name, known in _TYPES.items():
            if media == known.partition(";")[0]:
                return name  # type: ignore[return-value]  # the keys are those of Wanted
    return "json"


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """Of which unit, signed by whom and where, of which people."""

    org_unit_id: UUID | None
    signers: tuple[str, ...]
    place: str
    clock: str


def _narrowed(
    org_unit_id: Annotated[UUID | None, Query(
        description="Satu unit kerja; wajib bagi peran yang hanya melihat unitnya, bila lebih dari satu")] = None,
    signer: Annotated[list[str] | None, Query(max_length=6, description="Penanda tangan di bawah (PDF); boleh berulang")] = None,
    place: Annotated[str, Query(max_length=100, description="Tempat tanda tangan (PDF)")] = "",
    clock: LivesBy = "",
) -> _Narrowed:
    return _Narrowed(org_unit_id, tuple(signer or ()), place, clock)


Form_ = Annotated[Wanted, Depends(_wanted)]
Narrowed = Annotated[_Narrowed, Depends(_narrowed)]


@router.get("/reports/recap", operation_id="getRecap", summary="Rekap sebulan", responses=_FILES)
async def get_recap(
    actor: Annotated[Actor, asks("reports.money")], connection: Reading, form: Form_, narrowed: Narrowed, month: Month,
    by: Annotated[Literal["person", "unit"], Query(description="Satu baris per pegawai atau per unit")] = "person",
) -> Response:  # fmt: skip
    """Kehadiran dan potongan sebulan; jumlahnya sama dengan buku potongan sampai ke rupiah."""
    asked = await _asked(connection, actor, narrowed)
    document = await making.recap(connection, month, asked, units=by == "unit")
    return await _given(document, form, f"rekap-{asked.unit or 'semua'}-{month}")


@router.get("/reports/compliance", operation_id="getCompliance", summary="Kepatuhan harian per unit", responses=_FILES)
async def get_compliance(
    actor: Annotated[Actor, asks("reports.days")], connection: Reading, form: Form_, narrowed: Narrowed, date: OnDate
) -> Response:
    """Berapa orang hadir (WFO, WFA), terlambat, TK, cuti, dan belum diputus, per unit pada satu hari."""
    asked = await _asked(connection, actor, narrowed)
    return await _given(await making.compliance(connection, date, asked), form, f"kepatuhan-{asked.unit or 'semua'}-{date}")


@router.get("/reports/wfa", operation_id="getFromAnywhere", summary="Siapa WFA pada satu hari", responses=_FILES)
async def get_from_anywhere(
    actor: Annotated[Actor, asks("reports.days")], connection: Reading, form: Form_, narrowed: Narrowed, date: OnDate
) -> Response:
    """Untuk atasan dan Inspektorat: di dalam wilayah atau tidak, ada foto dan laporan kerja atau tidak; tanpa koordinat."""
    asked = await _asked(connection, actor, narrowed)
    return await _given(await making.from_anywhere(connection, date, asked), form, f"wfa-{asked.unit or 'semua'}-{date}")


@router.get("/reports/evaluation", operation_id="getEvaluation", summary="Evaluasi skema WFO/WFA", responses=_FILES)
async def get_evaluation(
    actor: Annotated[Actor, asks("reports.evaluation")], connection: Reading, form: Form_, narrowed: Narrowed, month: Month,
    before: Annotated[int, Query(ge=0, le=24, description="Dibandingkan dengan berapa bulan sebelumnya")] = 2,
    rating: Annotated[list[str] | None, Query(
        max_length=500, description="Umpan balik: UNIT;BULAN;SUMBER;RESPONDEN;NILAI, misalnya DINKES;2026-03;masyarakat;120;82,5")] = None,
    energy: Annotated[str, Query(max_length=300, description="KWH;RUPIAH;SUMBER: yang dihemat sehari WFA dan harga satu kWh")] = "",
) -> Response:  # fmt: skip
    """WFO di samping WFA menurut bulan: kehadiran, ketepatan, kelengkapan, laporan kerja, pelanggaran, potongan, hari tanpa kantor."""
    assumed = making.read_energy(energy)
    if assumed is None:
        raise Problem(INVALID_REQUEST, Fault("energy", "wrong-pattern", "Tulis KWH;RUPIAH;SUMBER, misalnya 1,8;1699,53;rekening gedung A."))
    ratings = [" ".join(line.split()) for line in rating or ()]
    rated, errors = rated_in(parse_table("\n".join(["org_unit;month;source;responden;nilai", *ratings]).encode(), COLUMNS))
    if errors:
        raise Problem(INVALID_REQUEST, *(Fault(f"rating.{one.row - 2}", "invalid", str(one.problem)) for one in errors))
    asked = await _asked(connection, actor, narrowed)
    document = await making.evaluation(connection, month, before, asked, energy=assumed, rated=rated)
    return await _given(document, form, f"evaluasi-{asked.unit or 'semua'}-{month}")


async def _asked(connection: Connection, actor: Actor, narrowed: _Narrowed) -> Asked:
    """What is asked for, as far as the actor reaches: who sees only some units names one of them."""
    own, org_unit_id = actor.own_units, narrowed.org_unit_id
    if own is not None and org_unit_id is None and len(own) == 1:
        org_unit_id = own[0]
    if own is not None and org_unit_id not in own:
        raise Problem(OUT_OF_REACH)
    code = await making.code_of(connection, org_unit_id) if org_unit_id is not None else None
    if org_unit_id is not None and code is None:
        raise Problem(UNKNOWN)
    return Asked(code, narrowed.signers, narrowed.place, narrowed.clock)


async def _given(document: Document, wanted: Wanted, name: str) -> Response:
    if len(document.sections[0].rows) > MOST_ROWS[wanted]:
        raise Problem(TOO_MANY_ROWS)
    if wanted == "json":
        return Response(await asyncio.to_thread(lambda: _told(document).model_dump_json()), media_type=_TYPES["json"])
    body = await asyncio.to_thread(_written, document, wanted)
    named = {} if wanted == "text" else {"Content-Disposition": f'attachment; filename="{_plain(name)}.{wanted}"'}
    return Response(body, 200, named, _TYPES[wanted])


def _written(document: Document, form: Form) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "laporan"
        making.write(document, form, path)
        return path.read_bytes()


def _told(document: Document) -> Report:
    return Report(title=document.title, head=list(document.head), notes=list(document.notes), tables=[
        ReportTable(
            title=section.title, columns=[ReportColumn(name=column.name, kind=column.kind) for column in section.columns],
            rows=[[_cell(cell) for cell in row] for row in section.rows], totals=[_cell(cell) for cell in section.totals],
        ) for section in document.sections
    ])  # fmt: skip


def _cell(cell: Cell) -> str | int | None:
    match cell:
        case Fraction():
            return percent_text(cell)
        case dt.date():
            return cell.isoformat()
        case _:
            return cell


def _plain(name: str) -> str:
    """A file's name as a header may say it."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in name)
