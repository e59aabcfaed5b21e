"""What geofence concluded of check-ins: verdicts, and suspicions that wait for a person.

Decisions on suspicions are corrections (`fraud`) of schedule; a suspicion by itself never costs anything.
"""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.geofence.store import listing
from shared.database import Connection
from shared.events import CheckInLocated, Code
from shared.faults import Fault
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.pages import Page, PageAsked
from shared.web.parameters import LivesBy
from shared.web.problems import INVALID_REQUEST, UNKNOWN, Problem

router = APIRouter(tags=["putusan lokasi"])

LONGEST = dt.timedelta(days=366)


class Suspicion(BaseModel):
    """Satu tanda pemalsuan posisi: bukti untuk diperiksa orang, bukan hukuman."""

    suspicion_id: UUID
    employee_id: UUID
    check_in_id: UUID
    signal: str
    seen_at: dt.datetime


@router.get("/check-ins", operation_id="listVerdicts", summary="Putusan lokasi seorang pegawai")
async def list_verdicts(
    actor: Annotated[Actor, asks("check-ins.read")], connection: Reading, paging: PageAsked, employee_id: UUID,
    first: Annotated[AwareDatetime, Query(alias="from", description="Sejak waktu ini")],
    last: Annotated[AwareDatetime, Query(alias="until", description="Sebelum waktu ini; paling lama setahun")],
) -> Page[CheckInLocated]:  # fmt: skip
    """Tanda hadir seorang pegawai menurut waktu, dengan putusan terbarunya. Tanpa koordinat."""
    if not dt.timedelta() <= last - first <= LONGEST:
        raise Problem(INVALID_REQUEST, Fault("until", "out-of-range", "Tidak boleh sebelum from, dan paling lama setahun sesudahnya."))
    await _sight(connection, actor, employee_id)
    found = await listing.verdicts(
        connection, after=paging.key(dt.datetime, UUID), rows=paging.rows, employee_id=employee_id, first=first, last=last)
    return paging.page([CheckInLocated(**row) for row in found], lambda one: (one.captured_at, one.check_in_id))


@router.get("/check-ins/{check_in_id}", operation_id="getVerdict", summary="Putusan lokasi satu tanda hadir")
async def get_verdict(
    actor: Annotated[Actor, asks("check-ins.read")], connection: Reading, check_in_id: UUID
) -> CheckInLocated:
    """Putusan terbaru: di dalam, di luar, atau belum pasti; jarak dibulatkan. Tanpa koordinat."""
    row = await listing.verdict(connection, check_in_id)
    if row is None:
        raise Problem(UNKNOWN)
    await _sight(connection, actor, row["employee_id"])
    return CheckInLocated(**row)


@router.get("/suspicions", operation_id="listSuspicions", summary="Dugaan pemalsuan posisi")
async def list_suspicions(
    actor: Annotated[Actor, asks("suspicions.read")], connection: Reading, paging: PageAsked,
    employee_id: UUID | None = None, org_unit_id: UUID | None = None, signal: Code | None = None,
    first: Annotated[AwareDatetime | None, Query(alias="from", description="Yang terlihat sejak waktu ini")] = None,
    clock: LivesBy = "",
) -> Page[Suspicion]:  # fmt: skip
    """Dugaan menurut waktu terlihatnya. Putusannya dicatat sebagai koreksi `fraud` pada layanan jadwal."""
    found = await listing.suspicions(
        connection, after=paging.key(dt.datetime, UUID), rows=paging.rows, bounds=actor.bounds(employee_id, org_unit_id),
        signal=signal, first=first, clock=clock,
    )  # fmt: skip
    return paging.page([Suspicion(**row) for row in found], lambda one: (one.seen_at, one.suspicion_id))


async def _sight(connection: Connection, actor: Actor, employee_id: UUID) -> None:
    units: Any = await listing.units_of(connection, employee_id)
    actor.require(employee_id, units or ())
