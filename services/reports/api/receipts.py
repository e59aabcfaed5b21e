"""The receipt of an employee-month: as JSON that anybody can recompute, and as a slip for people."""

import datetime as dt
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from services.reports.gathered import Gathered
from services.reports.gathering import gather, nothing_known
from services.reports.receipt import build, canonical
from services.reports.slip import slip
from shared.database import Connection
from shared.events import Month
from shared.faults import Fault
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.parameters import OnDate
from shared.web.problems import FORBIDDEN, INVALID_REQUEST, OUT_OF_REACH, UNKNOWN, Problem

router = APIRouter(tags=["slip potongan"])

OfDay = Annotated[OnDate | None, Query(description="Hanya hari ini; jumlahnya tetap sebulan")]

_RECEIPT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Slip sebagai JSON, byte demi byte seperti yang diperiksa docs/verify_receipt.py"},
}
_SLIP: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Slip sebagai teks", "content": {"text/plain": {"schema": {"type": "string"}}}},
}


@router.get("/receipts/{employee_id}/{month}", operation_id="getReceipt", summary="Slip sebagai JSON", responses=_RECEIPT)
async def get_receipt(
    actor: Annotated[Actor, asks("receipts.read")], connection: Reading, employee_id: UUID, month: Month, date: OfDay = None
) -> Response:
    """Tanda hadir, tugas, temuan, aturan, hitungan, buku potongan, dan sidiknya. Tanpa nama, NIP, dan koordinat."""
    gathered = await _gathered(connection, actor, employee_id, month, date)
    return Response(canonical(build(gathered, date)), media_type="application/json")


@router.get(
    "/receipts/{employee_id}/{month}/slip", operation_id="getSlip", summary="Slip untuk dibaca", responses=_SLIP,
    response_class=PlainTextResponse,
)  # fmt: skip
async def get_slip(
    actor: Annotated[Actor, asks("receipts.read")], connection: Reading, employee_id: UUID, month: Month, date: OfDay = None
) -> Response:
    """Slip dalam bahasa Indonesia, dengan nama dan NIP."""
    if not actor.sees_names:
        raise Problem(FORBIDDEN)
    gathered = await _gathered(connection, actor, employee_id, month, date)
    return PlainTextResponse("\n".join(slip(build(gathered, date), gathered.person)) + "\n")


async def _gathered(connection: Connection, actor: Actor, employee_id: UUID, month: str, date: dt.date | None) -> Gathered:
    if actor.bounds(employee_id).units is not None:
        raise Problem(OUT_OF_REACH)  # who may see whose pay is not a matter of units
    if date is not None and f"{date:%Y-%m}" != month:
        raise Problem(INVALID_REQUEST, Fault("date", "out-of-range", "Harus dalam bulan yang diminta."))
    gathered = await gather(connection, str(employee_id), month)
    if gathered is None or nothing_known(gathered):
        raise Problem(UNKNOWN, detail="Belum ada penilaian atau potongan pegawai ini pada bulan itu.")
    return gathered
