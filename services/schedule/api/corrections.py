"""Corrections: what is requested and decided about days, listed and recorded."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.schedule.admissible import admit_finding
from services.schedule.api.days import First, Last, in_range
from services.schedule.commands import record_fact
from services.schedule.corrections import KINDS, RECORDED, CorrectionRefused
from services.schedule.store import concluded, listing
from shared.faults import Fault
from shared.lanes import Lanes
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, CommandBody, commands
from shared.web.pages import Page, PageAsked
from shared.web.problems import INVALID_REQUEST, OUT_OF_REACH, UNKNOWN, Problem

router = APIRouter(tags=["koreksi"])

State = Literal["requested", "approved", "rejected"]


class Correction(BaseModel):
    """Satu koreksi dalam versi terbarunya: tentang satu pegawai, satu unit, atau (keduanya null) semua orang."""

    correction_id: UUID
    version: int
    kind: str
    state: State
    employee_id: UUID | None
    org_unit_id: UUID | None
    from_date: dt.date
    until_date: dt.date
    actor: str
    decided_at: dt.datetime
    body: dict[str, Any]


class NewCorrection(CommandBody):
    """Koreksi yang dicatat. `body` memuat bidang menurut jenisnya; koreksi lama diganti dengan menyebut id-nya."""

    correction_id: Annotated[UUID | None, Field(description="Id koreksi yang diganti; kosong untuk yang baru")] = None
    kind: Annotated[str, Field(description=f"Salah satu dari: {', '.join(sorted(RECORDED))}; yang lain melalui POST /v1/requests")]
    state: State = "approved"
    employee_id: UUID | None = None
    org_unit_id: UUID | None = None
    body: dict[str, Any]


class Recorded(BaseModel):
    """Koreksi yang tercatat; `changed` false bila isinya sama dengan yang sudah ada.

    `duty_day` false: temuan pada tanggal yang bukan hari dinas pegawai itu, jadi tidak berakibat; null: bukan temuan satu tanggal.
    """

    correction_id: UUID
    version: int
    state: State
    changed: bool
    duty_day: bool | None


@router.get("/corrections", operation_id="listCorrections", summary="Koreksi")
async def list_corrections(
    actor: Annotated[Actor, asks("corrections.read")], connection: Reading, paging: PageAsked, first: First, last: Last,
    employee_id: UUID | None = None, org_unit_id: UUID | None = None, kind: str | None = None, state: State | None = None,
) -> Page[Correction]:  # fmt: skip
    """Koreksi yang menyentuh rentang tanggal ini, menurut tanggal pertama. Pengusulan yang belum diputus: state=requested."""
    in_range(first, last)
    if kind is not None and kind not in KINDS:
        raise Problem(INVALID_REQUEST, Fault("kind", "not-allowed", f"Harus salah satu dari: {', '.join(KINDS)}."))
    found = await concluded.corrections(
        connection, after=paging.key(dt.date, UUID), rows=paging.rows, bounds=actor.bounds(employee_id, org_unit_id),
        first=first, last=last, kind=kind, state=state,
    )  # fmt: skip
    return paging.page([_correction(row) for row in found], lambda one: (one.from_date, one.correction_id))


@router.get("/corrections/{correction_id}", operation_id="getCorrection", summary="Satu koreksi")
async def get_correction(
    actor: Annotated[Actor, asks("corrections.read")], connection: Reading, correction_id: UUID
) -> Correction:
    """Satu koreksi dalam versi terbarunya."""
    row = await concluded.correction(connection, correction_id)
    if row is None:
        raise Problem(UNKNOWN)
    if row["employee_id"] is not None:
        actor.require(row["employee_id"], await listing.units_of(connection, row["employee_id"]) or ())
    elif row["org_unit_id"] is not None:
        actor.require_unit(row["org_unit_id"])
    elif actor.own_id is not None:
        raise Problem(OUT_OF_REACH)
    return _correction(row)


@router.post("/corrections", operation_id="recordCorrection", summary="Catat koreksi", response_model=Recorded, status_code=201)
async def record_correction(
    body: NewCorrection, command: Annotated[Command, commands("corrections.record")]
) -> Response:
    """Catat temuan atau perintah kantor; hari yang tersentuh dinilai ulang dengan sendirinya.

    Cuti, dinas luar, tanda yang lupa, gangguan, dan keputusan atasnya diminta dan diputus menurut tingkatnya (/v1/requests).
    """
    if body.kind in KINDS and body.kind not in RECORDED:
        raise CorrectionRefused(
            f"koreksi {body.kind} diminta lalu diputus menurut tingkatnya: POST /v1/requests atau `hadir correction request`"
        )
    correction_id = body.correction_id or command.id

    async def act(lanes: Lanes) -> Recorded:
        async with lanes.pool.acquire() as connection:
            on_duty = await admit_finding(
                connection, body.kind, body.body, dt.datetime.now(dt.UTC), employee_id=body.employee_id, org_unit_id=body.org_unit_id
            )
        event = await record_fact(
            lanes, correction_id=correction_id, kind=body.kind, body=body.body, employee_id=body.employee_id,
            org_unit_id=body.org_unit_id, state=body.state, actor=command.actor.name,
        )  # fmt: skip
        if event is not None:
            return Recorded(correction_id=correction_id, version=event.version, state=body.state, changed=True, duty_day=on_duty)
        async with lanes.pool.acquire() as connection:
            row = await concluded.correction(connection, correction_id)
        assert row is not None  # `record_fact` found it, and nothing takes a correction away
        return Recorded(correction_id=correction_id, version=row["version"], state=row["state"], changed=False, duty_day=on_duty)

    return await command.run(act, subject=str(correction_id), reason=body.reason, status=201)


def _correction(row: Any) -> Correction:
    return Correction(**{**row, "body": orjson.loads(row["body"])})
