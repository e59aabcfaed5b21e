"""Requests for corrections over HTTP: made, decided level by level, withdrawn, and the deputies of those who decide."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from services.schedule import requests
from services.schedule.api.people import sight
from services.schedule.approvals import RequestKind
from services.schedule.outages import effect_on
from services.schedule.rules.workflow import Who
from services.schedule.store import requests as rows
from services.schedule.store.requests import Asked, Deputy
from shared.events import BusinessDate, Document, Text
from shared.lanes import Lanes
from shared.roles import Reach, Role
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, CommandBody, commands
from shared.web.pages import Page, PageAsked
from shared.web.parameters import OnDate
from shared.web.problems import OUT_OF_REACH, UNKNOWN, Problem

router = APIRouter(tags=["permohonan koreksi"])

State = Literal["requested", "approved", "rejected", "withdrawn"]


class LevelAsked(BaseModel):
    """Satu tingkat persetujuan dan peran yang memutuskannya."""

    name: str
    roles: list[str]


class Entry(BaseModel):
    """Satu catatan jejak: siapa berbuat apa, dalam peran apa, untuk siapa, mengapa, dengan surat apa."""

    number: int
    action: str
    level: str | None
    actor: str
    role: str
    deputy_of: str | None
    at: dt.datetime
    reason: str
    document: Document | None


class RequestShown(BaseModel):
    """Satu permohonan koreksi dengan jejaknya; `waits_for` tingkat yang sedang ditunggu, null bila selesai."""

    request_id: UUID
    kind: str
    employee_id: UUID | None
    org_unit_id: UUID | None
    state: State
    waits_for: LevelAsked | None
    levels: list[LevelAsked]
    body: dict[str, Any]
    first: dt.date
    last: dt.date
    due_by: dt.date | None
    late: bool
    requested_at: dt.datetime
    trail: list[Entry]


class Turn(BaseModel):
    """Berapa hari menjadi `granted` dengan amnesti yang tanpa amnesti `refused`: status dan kode, misalnya "ABSENT TK"."""

    refused: str
    granted: str
    days: int


class Effect(BaseModel):
    """Akibat amnesti menurut absensi saat ini; hari yang tidak berubah tidak disebut."""

    days: int
    turns: list[Turn]


class NewRequest(CommandBody):
    """Permohonan baru. `body` menurut jenisnya (docs/corrections.md); tentang satu pegawai, satu unit, atau semua orang."""

    kind: RequestKind
    employee_id: Annotated[UUID | None, Field(description="Pegawai yang dimohonkan; kosong untuk gangguan sistem")] = None
    org_unit_id: Annotated[UUID | None, Field(description="Unit yang terkena gangguan; kosong: semua unit")] = None
    body: dict[str, Any]
    document: Document | None = None


class Decision(CommandBody):
    """Keputusan pada tingkat yang sedang ditunggu; sebagai wakil: sebut pejabat yang diwakili."""

    action: Literal["approve", "reject"]
    document: Document | None = None
    stands_in_for: Annotated[Text | None, Field(description="Pejabat yang diwakili")] = None


class Withdrawal(CommandBody):
    """Penarikan permohonan oleh pemohon atau pegawai yang bersangkutan, sebelum diputuskan."""


class NewDeputy(CommandBody):
    """Penunjukan wakil: siapa mewakili siapa, dalam peran apa, dari tanggal berapa sampai tanggal berapa."""

    principal: Text
    deputy: Text
    role: Role
    units: Annotated[list[UUID] | None, Field(description="Unit wewenang; kosong: seluas perannya")] = None
    since: BusinessDate
    until: BusinessDate


class DeputyShown(BaseModel):
    """Satu penunjukan wakil."""

    deputy_id: UUID
    principal: str
    deputy: str
    role: str
    units: list[UUID] | None
    since: dt.date
    until: dt.date
    reason: str
    ended: bool


@router.get("/requests", operation_id="listRequests", summary="Permohonan koreksi")
async def list_requests(
    actor: Annotated[Actor, asks("corrections.read")], connection: Reading, paging: PageAsked, state: State | None = None,
    employee_id: UUID | None = None,
    waiting_for: Annotated[Role | None, Query(description="Hanya yang menunggu keputusan peran ini")] = None,
) -> Page[RequestShown]:  # fmt: skip
    """Permohonan menurut waktu pengajuan. Pegawai melihat miliknya, peran unit melihat unitnya."""
    bounds = actor.bounds(employee_id)
    found = await rows.requests(
        connection, state=state, employee_id=bounds[0], units=bounds[1], role=waiting_for and waiting_for.value,
        after=paging.key(dt.datetime, UUID), most=paging.rows,
    )  # fmt: skip
    return paging.page([shown(asked) for asked in found], lambda one: (one.requested_at, one.request_id))


@router.get("/requests/{request_id}", operation_id="getRequest", summary="Satu permohonan")
async def get_request(actor: Annotated[Actor, asks("corrections.read")], connection: Reading, request_id: UUID) -> RequestShown:
    """Satu permohonan dengan seluruh jejaknya."""
    asked = await rows.request(connection, request_id)
    if asked is None:
        raise Problem(UNKNOWN)
    if asked.employee_id is not None:
        await sight(connection, actor, asked.employee_id)
    elif asked.org_unit_id is not None:
        actor.require_unit(asked.org_unit_id)
    return shown(asked)


@router.get("/requests/{request_id}/effect", operation_id="getAmnestyEffect", summary="Akibat amnesti gangguan")
async def get_effect(actor: Annotated[Actor, asks("corrections.decide")], connection: Reading, request_id: UUID) -> Effect:
    """Berapa hari yang diubah amnesti atas gangguan yang menunggu putusan, dan dari apa menjadi apa; tidak memutuskan apa pun."""
    if actor.reach is not Reach.ALL:
        raise Problem(OUT_OF_REACH)
    turns = await effect_on(connection, request_id, dt.datetime.now(dt.UTC))
    return Effect(days=sum(turns.values()), turns=[
        Turn(refused=refused, granted=granted, days=days)
        for (refused, granted), days in sorted(turns.items(), key=lambda one: (-one[1], one[0]))
    ])  # fmt: skip


@router.post("/requests", operation_id="makeRequest", summary="Ajukan koreksi", response_model=RequestShown, status_code=201)
async def make_request(
    command: Annotated[Command, commands("corrections.request")], connection: Reading, body: NewRequest
) -> Response:
    """Ajukan koreksi. Sejak diajukan, harinya bukan ketidakhadiran; menjadi fakta setelah semua tingkat menyetujui."""
    actor = command.actor
    if body.employee_id is not None:
        await sight(connection, actor, body.employee_id)
    elif body.org_unit_id is not None:
        actor.require_unit(body.org_unit_id)
    elif actor.reach is not Reach.ALL:
        raise Problem(OUT_OF_REACH)

    async def act(lanes: Lanes) -> RequestShown:
        return shown(await requests.submit(
            lanes, command.id, body.kind, body.body, who(actor), reason=body.reason, employee_id=body.employee_id,
            org_unit_id=body.org_unit_id, document=body.document,
        ))  # fmt: skip

    return await command.run(act, subject=str(command.id), reason=body.reason, status=201)


@router.post("/requests/{request_id}/decisions", operation_id="decideRequest", summary="Putuskan", response_model=RequestShown)
async def decide_request(
    request_id: UUID, body: Decision, command: Annotated[Command, commands("corrections.decide")]
) -> Response:
    """Setujui atau tolak pada tingkat yang sedang ditunggu; permohonan sendiri dan dua tingkat oleh satu orang ditolak."""

    async def act(lanes: Lanes) -> RequestShown:
        return shown(await requests.decide(
            lanes, request_id, body.action, who(command.actor), reason=body.reason, document=body.document,
            stands_in_for=body.stands_in_for,
        ))  # fmt: skip

    return await command.run(act, subject=str(request_id), reason=body.reason)


@router.post("/requests/{request_id}/withdrawal", operation_id="withdrawRequest", summary="Tarik", response_model=RequestShown)
async def withdraw_request(
    request_id: UUID, body: Withdrawal, command: Annotated[Command, commands("corrections.request")]
) -> Response:
    """Tarik permohonan sebelum diputuskan; harinya dinilai seakan tidak pernah diajukan."""

    async def act(lanes: Lanes) -> RequestShown:
        return shown(await requests.withdraw(lanes, request_id, who(command.actor), reason=body.reason))

    return await command.run(act, subject=str(request_id), reason=body.reason)


@router.get("/deputies", operation_id="listDeputies", summary="Wakil pejabat")
async def list_deputies(
    _: Annotated[Actor, asks("corrections.deputise")], connection: Reading, paging: PageAsked,
    on: Annotated[OnDate | None, Query(description="Hanya yang berlaku pada tanggal ini")] = None,
) -> Page[DeputyShown]:  # fmt: skip
    """Penunjukan wakil menurut tanggal mulai."""
    after = paging.key(dt.date, UUID)
    found = [one for one in await rows.deputies(connection, on=on) if after is None or (one.since, one.deputy_id) > after]
    return paging.page([_deputy(one) for one in found[: paging.rows]], lambda one: (one.since, one.deputy_id))


@router.post("/deputies", operation_id="appointDeputy", summary="Tunjuk wakil", response_model=DeputyShown, status_code=201)
async def appoint_deputy(body: NewDeputy, command: Annotated[Command, commands("corrections.deputise")]) -> Response:
    """Tunjuk wakil untuk suatu masa: pejabat menunjuk wakilnya sendiri dalam perannya, BKD untuk siapa saja."""
    actor = command.actor
    own = body.principal == actor.name and body.role is actor.role
    if actor.role is not Role.BKD and not (own and (actor.own_units is None or set(body.units or ()) <= actor.units)):
        raise Problem(OUT_OF_REACH)
    units = body.units or (actor.own_units if own else None)
    deputy = Deputy(
        command.id, body.principal, body.deputy, body.role.value, None if units is None else frozenset(units), body.since, body.until,
        body.reason, actor.name,
    )  # fmt: skip

    async def act(lanes: Lanes) -> DeputyShown:
        await requests.appoint(lanes, deputy)
        return _deputy(deputy)

    return await command.run(act, subject=str(command.id), reason=body.reason, status=201)


def who(actor: Actor) -> Who:
    """The actor as the workflow knows somebody."""
    return Who(actor.name, actor.role.value, actor.units if actor.reach is Reach.UNITS else None)


def shown(asked: Asked) -> RequestShown:
    """A request as the API tells it."""
    request = asked.request
    return RequestShown(
        request_id=asked.request_id, kind=asked.kind, employee_id=asked.employee_id, org_unit_id=asked.org_unit_id, state=request.state,
        waits_for=None if request.level is None else LevelAsked(name=request.level.name, roles=list(request.level.roles)),
        levels=[LevelAsked(name=level.name, roles=list(level.roles)) for level in request.levels], body=asked.body, first=asked.first,
        last=asked.last, due_by=asked.due_by, late=asked.late, requested_at=asked.requested_at,
        trail=[
            Entry(number=done.number, action=done.action, level=done.level, actor=done.who.name, role=done.who.role,
                  deputy_of=done.who.deputy_of, at=done.at, reason=done.reason, document=done.document)
            for done in request.trail
        ],
    )  # fmt: skip


def _deputy(one: Deputy) -> DeputyShown:
    return DeputyShown(
        deputy_id=one.deputy_id, principal=one.principal, deputy=one.deputy, role=one.role,
        units=None if one.units is None else sorted(one.units), since=one.since, until=one.until, reason=one.reason, ended=one.ended,
    )  # fmt: skip
