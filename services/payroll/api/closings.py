"""How months become facts: where each stands, its figures and trail, and the steps that people take: review, sign, return, pay."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.payroll.commands import step_month
from services.payroll.rules.signing import Asked, Step, signatures, state_of
from services.payroll.store import steps as store
from shared.events import Month
from shared.lanes import Lanes
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, CommandBody, commands
from shared.web.pages import Page, PageAsked

router = APIRouter(tags=["tutup bulan"])

State = Literal["OPEN", "REVIEW", "SIGNED", "PAID"]


class MonthStep(BaseModel):
    """Satu langkah: siapa, dalam peran apa, mengapa, atas angka yang mana (`figures`: SHA-256 jumlah semua pegawai)."""

    number: int
    action: Literal["review", "return", "sign", "close", "pay"]
    state: State
    level: int | None
    actor: str
    role: str
    reason: str
    reference: str | None
    people: int | None
    rupiah: int | None
    figures: str | None
    at: dt.datetime


class Standing(BaseModel):
    """Keadaan satu bulan sesudah langkah terakhirnya; bulan tanpa langkah terbuka (OPEN)."""

    month: Month
    state: State
    last: MonthStep


class Signer(BaseModel):
    """Satu tingkat tanda tangan; `role` kosong: peran apa pun."""

    level: int
    name: str
    role: str
    signed_by: str | None


class Closing(BaseModel):
    """Satu bulan dengan angkanya sekarang, tingkat tanda tangannya dan semua langkahnya."""

    month: Month
    state: State
    people: int
    with_ceiling: int
    rupiah: int
    open_days: int
    figures: str
    levels: list[Signer]
    steps: list[MonthStep]


class StepBody(CommandBody):
    """Langkah yang diminta. `reference`: nomor pembayaran (SP2D), hanya untuk `pay`."""

    action: Literal["review", "return", "sign", "pay"]
    reference: Annotated[str | None, Field(max_length=100, description="Nomor SP2D, untuk pay")] = None
    despite_open_days: Annotated[bool, Field(description="Tanda tangani meskipun ada hari yang belum final")] = False


@router.get("/closings", operation_id="listClosings", summary="Keadaan bulan-bulan")
async def list_closings(connection: Reading, paging: PageAsked, _: Annotated[Actor, asks("closings.read")]) -> Page[Standing]:
    """Bulan yang sudah mengambil langkah, menurut bulan; yang tidak disebut masih terbuka."""
    after = paging.key(str)
    found = await store.newest_steps(connection, "", after[0] if after else "", paging.rows)
    return paging.page(
        [Standing(month=month, state=step.state, last=_told(step)) for month, step in found], lambda one: (one.month,)
    )


@router.get("/closings/{month}", operation_id="getClosing", summary="Satu bulan: angka, tanda tangan, jejak")
async def get_closing(connection: Reading, month: Month, _: Annotated[Actor, asks("closings.read")]) -> Closing:
    """Keadaan satu bulan bagi semua pegawai."""
    steps = await store.steps_of(connection, month, "")
    figures = await store.figures_of(connection, month, "")
    signed = {step.level: step.asked.actor for step in signatures(steps)}
    return Closing(
        month=month, state=state_of(steps), people=figures.people, with_ceiling=figures.with_ceiling, rupiah=figures.rupiah,
        open_days=figures.open_days, figures=figures.digest, steps=[_told(step) for step in steps],
        levels=[
            Signer(level=one.level, name=one.name, role=one.role, signed_by=signed.get(one.level))
            for one in await store.levels(connection)
        ],
    )  # fmt: skip


@router.post(
    "/closings/{month}/steps", operation_id="stepMonth", summary="Ajukan, tanda tangani, kembalikan, catat bayar",
    response_model=MonthStep, status_code=201,
)  # fmt: skip
async def step(month: Month, body: StepBody, command: Annotated[Command, commands("closings.step")]) -> Response:
    """Satu langkah bulan itu. Dengan tanda tangan terakhir angkanya menjadi fakta; sesudah itu koreksi menjadi susulan."""
    actor = command.actor
    asked = Asked(body.action, command.id, actor.name, actor.role.value, body.reason, body.reference)

    async def act(lanes: Lanes) -> MonthStep:
        return _told(await step_month(lanes, month, "", asked, despite_open_days=body.despite_open_days))

    return await command.run(act, subject=month, reason=body.reason, status=201)


def _told(taken: Step) -> MonthStep:
    asked = taken.asked
    return MonthStep(
        number=taken.number, action=asked.action, state=taken.state, level=taken.level, actor=asked.actor, role=asked.role,
        reason=asked.reason, reference=asked.reference, people=taken.people, rupiah=taken.rupiah, figures=taken.figures, at=taken.at,
    )
