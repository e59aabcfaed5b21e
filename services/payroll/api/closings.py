"""How months become facts: where each stands, its figures and trail, and the steps that people take: review, sign, return, pay."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.payroll.commands import set_levels, step_month
from services.payroll.rules.signing import (
    MOST_LEVELS,
    Asked,
    CeilingsMissing,
    Level,
    Step,
    Uncovered,
    signatures,
    state_of,
)
from services.payroll.store import steps as store
from shared.events import Month
from shared.faults import Fault
from shared.lanes import Lanes
from shared.roles import may
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, CommandBody, commands
from shared.web.pages import Page, PageAsked
from shared.web.problems import Kind, Problem

router = APIRouter(tags=["tutup bulan"])

State = Literal["OPEN", "REVIEW", "SIGNED", "PAID"]

CEILINGS_MISSING: Final = Kind(
    "ceilings-missing", 422, "Ada pegawai tanpa pagu TPP", "Impor pagunya, atau nyatakan tetap ditandatangani dengan alasan.")
_MOST_UNITS: Final = 20


class MonthStep(BaseModel):
    """Satu langkah: siapa, dalam peran apa, mengapa, atas angka yang mana (`figures`: SHA-256 jumlah semua pegawai).

    `uncovered`: pegawai tanpa pagu TPP yang dinyatakan tetap ditandatangani.
    """

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
    uncovered: int | None
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


class Signature(BaseModel):
    """Nama satu tingkat tanda tangan dan perannya; kosong: peran apa pun."""

    name: str
    role: str


class WithoutCeiling(BaseModel):
    """Pegawai satu unit (null: belum diketahui) yang belum berpagu TPP: potongannya Rp 0, susulannya dibawa ke bulan berikutnya.

    Harinya sudah dinilai, atau ia masih menanggung susulan dari bulan yang sudah ditutup.
    `charged` di antaranya terkena potongan; `employee_id` dan `nip` salah seorang sebagai contoh.
    """

    org_unit_id: UUID | None
    people: int
    charged: int
    employee_id: UUID
    nip: str | None


class Closing(BaseModel):
    """Satu bulan dengan angkanya sekarang, tingkat tanda tangannya dan semua langkahnya.

    `without_ceiling` memuat pegawai tanpa pagu per unit; selama ada, tanda tangan ditolak (`ceilings-missing`).
    """

    month: Month
    state: State
    people: int
    with_ceiling: int
    rupiah: int
    open_days: int
    without_ceiling: list[WithoutCeiling]
    figures: str
    levels: list[Signer]
    steps: list[MonthStep]


class LevelSet(BaseModel):
    """Satu tingkat tanda tangan menurut urutannya; `role` kosong: peran apa pun yang boleh menandatangani."""

    model_config = {"extra": "forbid", "frozen": True}

    name: Annotated[str, Field(min_length=1, max_length=100)]
    role: Literal["", "bkd", "payroll_officer"] = ""


class LevelsBody(CommandBody):
    """Siapa menandatangani bulan, menurut urutan; daftar kosong: satu tanda tangan cukup."""

    levels: Annotated[tuple[LevelSet, ...], Field(max_length=MOST_LEVELS)]


class Levels(BaseModel):
    """Tingkat tanda tangan yang berlaku; kosong: belum diatur, satu tanda tangan cukup."""

    levels: list[Signature]


class StepBody(CommandBody):
    """Langkah yang diminta. `reference`: nomor pembayaran (SP2D), hanya untuk `pay`."""

    action: Literal["review", "return", "sign", "pay"]
    reference: Annotated[str | None, Field(max_length=100, description="Nomor SP2D, untuk pay")] = None
    despite_open_days: Annotated[bool, Field(description="Tanda tangani meskipun ada hari yang belum final")] = False
    despite_missing_ceilings: Annotated[bool, Field(
        description="Tanda tangani meskipun ada pegawai tanpa pagu TPP; jumlahnya tercatat pada langkah ini")] = False


@router.get("/closings", operation_id="listClosings", summary="Keadaan bulan-bulan")
async def list_closings(connection: Reading, paging: PageAsked, _: Annotated[Actor, asks("closings.read")]) -> Page[Standing]:
    """Bulan yang sudah mengambil langkah, menurut bulan; yang tidak disebut masih terbuka."""
    after = paging.key(str)
    found = await store.newest_steps(connection, "", after[0] if after else "", paging.rows)
    return paging.page(
        [Standing(month=month, state=step.state, last=_told(step)) for month, step in found], lambda one: (one.month,)
    )


@router.get("/closings/{month}", operation_id="getClosing", summary="Satu bulan: angka, tanda tangan, jejak")
async def get_closing(connection: Reading, month: Month, actor: Annotated[Actor, asks("closings.read")]) -> Closing:
    """Keadaan satu bulan bagi semua pegawai."""
    named = may(actor.role, "people.identify")
    steps = await store.steps_of(connection, month, "")
    figures = await store.figures_of(connection, month, "")
    signed = {step.level: step.asked.actor for step in signatures(steps)}
    return Closing(
        month=month, state=state_of(steps), people=figures.people, with_ceiling=figures.with_ceiling, rupiah=figures.rupiah,
        open_days=figures.open_days, figures=figures.digest, steps=[_told(step) for step in steps],
        without_ceiling=[
            WithoutCeiling(
                org_unit_id=one.org_unit_id, people=one.people, charged=one.charged, employee_id=one.employee_id,
                nip=one.nip if named else None,
            )
            for one in await store.uncovered_of(connection, month, "")
        ],
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
        try:
            return _told(await step_month(
                lanes, month, "", asked, despite_open_days=body.despite_open_days, despite_missing_ceilings=body.despite_missing_ceilings
            ))
        except CeilingsMissing as problem:
            faults = [_unit_fault(one) for one in problem.uncovered[:_MOST_UNITS]]
            raise Problem(CEILINGS_MISSING, *faults, detail=f"{problem}.") from None

    return await command.run(act, subject=month, reason=body.reason, status=201)


@router.get("/signing-levels", operation_id="getSigningLevels", summary="Tingkat tanda tangan")
async def get_levels(connection: Reading, _: Annotated[Actor, asks("closings.read")]) -> Levels:
    """Siapa menandatangani bulan, menurut urutan."""
    return _levels(await store.levels(connection))


@router.put("/signing-levels", operation_id="setSigningLevels", summary="Atur tingkat tanda tangan", response_model=Levels)
async def put_levels(body: LevelsBody, command: Annotated[Command, commands("closings.levels")]) -> Response:
    """Ganti semua tingkat; ditolak selagi ada bulan yang sedang diperiksa."""
    asked = [Level(number, one.name, one.role) for number, one in enumerate(body.levels, 1)]

    async def act(lanes: Lanes) -> Levels:
        await set_levels(lanes, asked, actor=command.actor.name, reason=body.reason)
        return _levels(asked)

    return await command.run(act, subject="signing-levels", reason=body.reason)


def _unit_fault(one: Uncovered) -> Fault:
    unit = "?" if one.org_unit_id is None else str(one.org_unit_id)
    example = f"pegawai {one.employee_id}" if one.nip is None else f"NIP {one.nip}"
    told = f"{one.people} pegawai tanpa pagu, {one.charged} terkena potongan; misalnya {example}"
    return Fault(f"org_units.{unit}", CEILINGS_MISSING.code, told)


def _levels(levels: Sequence[Level]) -> Levels:
    return Levels(levels=[Signature(name=one.name, role=one.role) for one in levels])


def _told(taken: Step) -> MonthStep:
    asked = taken.asked
    return MonthStep(
        number=taken.number, action=asked.action, state=taken.state, level=taken.level, actor=asked.actor, role=asked.role,
        reason=asked.reason, reference=asked.reference, people=taken.people, rupiah=taken.rupiah, figures=taken.figures,
        uncovered=taken.uncovered, at=taken.at,
    )
