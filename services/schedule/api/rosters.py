"""Rosters of org units over HTTP: drafted or proposed, submitted, adjusted, returned or approved, published; with their trail."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, model_validator

from services.schedule import rosters
from services.schedule.api.schemes import BreachShown
from services.schedule.memory import Memory
from services.schedule.rosters import Breached, Changes, NoRotation, Order, Outdated, Stepped
from services.schedule.rules.schemes.steps import RosterStep
from services.schedule.rules.workflow import Who
from services.schedule.store import plans
from shared.events import BusinessDate, Mode, Month, RosterDay
from shared.faults import Fault
from shared.lanes import Lanes
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, CommandBody, commands
from shared.web.pages import Page, PageAsked
from shared.web.problems import OUT_OF_REACH, UNKNOWN, Kind, Problem

router = APIRouter(tags=["roster unit"])

CHANGED = Kind("roster-changed", 409, "Roster sudah berubah", "Ambil lagi rosternya, lalu ulangi dengan versi yang baru.")
OUT_OF_MONTH = Kind("out-of-month", 422, "Tanggal di luar bulan roster", "Hapus tanggal yang disebut dalam errors.")
BREACHED = Kind(
    "roster-breaches-scheme", 422, "Roster melanggar skema", "Perbaiki yang disebut dalam errors, atau sebutkan despite_breaches.")
NO_ROTATION = Kind("no-rotation", 422, "Tidak ada pembagian yang memenuhi skema", "Longgarkan aturan yang disebut dalam errors.")

State = Literal["draft", "submitted", "approved", "published"]
_MOST_FAULTS = 50
_Days = Annotated[int | None, Field(ge=1, description="Versi yang Anda lihat; kosong bila roster belum ada")]


class RosterHead(BaseModel):
    """Roster satu unit dan bulan, tanpa harinya."""

    plan_id: UUID
    org_unit_id: UUID
    month: Month
    version: int
    state: State


class PersonDays(BaseModel):
    """Hari-hari satu pegawai; tanggal yang tidak disebut mengikuti pola kerjanya."""

    employee_id: UUID
    days: list[RosterDay]


class Entry(BaseModel):
    """Satu langkah: siapa, sebagai apa, mengapa, kapan, dan menjadi apa."""

    version: int
    action: str
    state: State
    actor: str
    role: str
    reason: str
    at: dt.datetime
    detail: dict[str, Any]


class RosterShown(BaseModel):
    """Roster satu unit dan bulan: harinya, pelanggaran skemanya, jejaknya. Tanpa roster, yang tampil ialah yang sudah terbit."""

    plan: RosterHead | None
    people: list[PersonDays]
    breaches: list[BreachShown]
    trail: list[Entry]


class DayChange(BaseModel):
    """Satu hari satu pegawai; `mode` kosong: mengikuti pola kerja lagi."""

    model_config = {"extra": "forbid", "frozen": True}

    employee_id: UUID
    date: BusinessDate
    mode: Mode | None
    start: Annotated[str | None, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = None
    end: Annotated[str | None, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = None

    @model_validator(mode="after")
    def _both_hours(self) -> Self:
        if (self.start is None) != (self.end is None) or (self.start is not None and self.mode in (None, Mode.OFF)):
            raise ValueError("Jam mulai dan selesai diisi keduanya pada hari kerja, atau dikosongkan keduanya.")
        return self


class NewDraft(CommandBody):
    """Rancangan roster: perubahan hari di atas yang ada, atau usulan sistem yang memenuhi skema."""

    version: _Days = None
    propose: Annotated[bool, Field(description="Susun usulan yang adil; `days` diabaikan")] = False
    days: Annotated[tuple[DayChange, ...], Field(max_length=50_000)] = ()


class Step(CommandBody):
    """Langkah berikutnya sebuah roster."""

    version: _Days = None


class Decision(Step):
    """Keputusan BKD: setujui, kembalikan, sesuaikan, atau terbitkan."""

    action: Literal["approve", "return", "adjust", "publish"]
    despite_breaches: Annotated[bool, Field(description="Setujui meskipun melanggar skema; tercatat")] = False
    days: Annotated[tuple[DayChange, ...], Field(max_length=50_000, description="Untuk adjust: hari yang diubah")] = ()


class RosterStepped(BaseModel):
    """Roster sesudah langkah itu, dan pelanggaran skemanya."""

    plan: RosterHead
    breaches: list[BreachShown]


@router.get("/unit-rosters", operation_id="listUnitRosters", summary="Roster unit")
async def list_unit_rosters(
    connection: Reading, paging: PageAsked, actor: Annotated[Actor, asks("rosters.read")], month: Month | None = None,
    org_unit_id: UUID | None = None, state: Annotated[State | None, Query(description="Yang menunggu BKD: submitted")] = None,
) -> Page[RosterHead]:  # fmt: skip
    """Roster menurut bulan; petugas unit melihat unitnya sendiri."""
    if org_unit_id is not None:
        actor.require_unit(org_unit_id)
    units = [org_unit_id] if org_unit_id is not None else actor.own_units
    if actor.own_id is not None:
        raise Problem(OUT_OF_REACH)
    found = await plans.listed(
        connection, after=paging.key(dt.date, UUID), rows=paging.rows, units=units, month=_first(month) if month else None, state=state,
    )
    return paging.page([_head(row) for row in found], lambda one: (_first(one.month), one.plan_id))


@router.get("/org-units/{org_unit_id}/rosters/{month}", operation_id="getUnitRoster", summary="Roster satu unit dan bulan")
async def get_unit_roster(
    connection: Reading, org_unit_id: UUID, month: Month, actor: Annotated[Actor, asks("rosters.read")]
) -> RosterShown:
    """Hari setiap pegawai, pelanggaran skema menurut tanggal dan pegawai, dan jejak langkahnya."""
    actor.require_unit(org_unit_id)
    try:
        seen = await rosters.view(connection, Memory(), org_unit_id, _first(month))
    except KeyError:
        raise Problem(UNKNOWN) from None
    trail = await plans.trail(connection, seen.row.plan_id) if seen.row is not None else []
    return RosterShown(
        plan=_head(seen.row) if seen.row is not None else None,
        people=[PersonDays(employee_id=employee_id, days=list(days)) for employee_id, days in seen.asked.items()],
        breaches=[BreachShown.of(breach) for breach in seen.breaches],
        trail=[Entry(version=step.version, action=step.action, state=step.state, actor=step.actor, role=step.role,
                     reason=step.reason, at=step.at, detail=dict(step.detail)) for step in trail],
    )


@router.post("/org-units/{org_unit_id}/rosters/{month}/drafts", operation_id="draftUnitRoster", summary="Susun roster",
             response_model=RosterStepped, status_code=201)
async def draft(org_unit_id: UUID, month: Month, body: NewDraft, command: Annotated[Command, commands("rosters.draft")]) -> Response:
    """Susun roster dari hari-hari yang disebut, atau minta usulan pembagian yang adil."""

    async def act(lanes: Lanes) -> RosterStepped:
        order = _order(command, org_unit_id, month, body)
        if body.propose:
            return await _done(rosters.draft_proposal(lanes, order))
        return await _done(rosters.draft(lanes, order, _changes(body.days, month)))

    return await command.run(act, subject=str(org_unit_id), reason=body.reason, status=201)


@router.post("/org-units/{org_unit_id}/rosters/{month}/submissions", operation_id="submitUnitRoster", summary="Ajukan roster",
             response_model=RosterStepped, status_code=201)
async def submit(org_unit_id: UUID, month: Month, body: Step, command: Annotated[Command, commands("rosters.draft")]) -> Response:
    """Ajukan rancangan kepada BKD."""

    async def act(lanes: Lanes) -> RosterStepped:
        return await _done(rosters.submit(lanes, _order(command, org_unit_id, month, body)))

    return await command.run(act, subject=str(org_unit_id), reason=body.reason, status=201)


@router.post("/org-units/{org_unit_id}/rosters/{month}/decisions", operation_id="decideUnitRoster", summary="Putuskan roster",
             response_model=RosterStepped, status_code=201)
async def decide(org_unit_id: UUID, month: Month, body: Decision, command: Annotated[Command, commands("rosters.decide")]) -> Response:
    """Setujui, kembalikan dengan alasan, sesuaikan, atau terbitkan; hari yang sudah dimulai tidak dapat diubah."""

    async def act(lanes: Lanes) -> RosterStepped:
        order = _order(command, org_unit_id, month, body)
        match RosterStep(body.action):
            case RosterStep.APPROVE:
                return await _done(rosters.approve(lanes, order, despite_breaches=body.despite_breaches))
            case RosterStep.RETURN:
                return await _done(rosters.give_back(lanes, order))
            case RosterStep.ADJUST:
                return await _done(rosters.adjust(lanes, order, _changes(body.days, month)))
        return await _done(rosters.publish(lanes, order))

    return await command.run(act, subject=str(org_unit_id), reason=body.reason, status=201)


async def _done(step: Any) -> RosterStepped:
    """The roster after a step; what stands against it as a problem that names it all."""
    try:
        stepped: Stepped = await step
    except Outdated as refused:
        raise Problem(CHANGED, detail=str(refused)) from None
    except Breached as refused:
        faults = [Fault(str(breach.employee_id or "unit"), breach.code, breach.sentence()) for breach in refused.breaches[:_MOST_FAULTS]]
        raise Problem(BREACHED, *faults, detail=str(refused)) from None
    except NoRotation as refused:
        faults = [Fault("scheme", reason.code, reason.sentence) for reason in refused.infeasible.reasons]
        raise Problem(NO_ROTATION, *faults, detail=str(refused)) from None
    return RosterStepped(plan=_head(stepped.row), breaches=[BreachShown.of(breach) for breach in stepped.breaches])


def _order(command: Command, org_unit_id: UUID, month: str, body: NewDraft | Step) -> Order:
    actor = command.actor
    units = None if actor.own_units is None else frozenset(actor.own_units)
    return Order(org_unit_id, _first(month), Who(actor.name, actor.role.value, units), body.reason, body.version)


def _changes(days: Sequence[DayChange], month: str) -> Changes:
    first = _first(month)
    changes: dict[UUID, dict[dt.date, RosterDay | None]] = {}
    for day in days:
        if day.date.replace(day=1) != first:
            raise Problem(OUT_OF_MONTH, Fault("days", "out-of-month", f"{day.date} di luar bulan {month}."))
        row = None if day.mode is None else RosterDay(date=day.date, mode=day.mode, start=day.start, end=day.end)
        changes.setdefault(day.employee_id, {})[day.date] = row
    return changes


def _head(row: plans.PlanRow) -> RosterHead:
    return RosterHead(
        plan_id=row.plan_id, org_unit_id=row.org_unit_id, month=f"{row.month:%Y-%m}", version=row.version, state=row.state,
    )


def _first(month: str) -> dt.date:
    return dt.date.fromisoformat(f"{month}-01")
