"""What was concluded: assessed days, violations, steps of the discipline ladder, and what still waits to be judged."""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.schedule.api.people import sight
from services.schedule.store import concluded
from services.schedule.store.due import Priority
from shared.events import BusinessDate, DayAssessed
from shared.faults import Fault
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.pages import Page, PageAsked
from shared.web.parameters import LivesBy
from shared.web.problems import INVALID_REQUEST, UNKNOWN, Problem

router = APIRouter(tags=["penilaian hari"])

LONGEST = dt.timedelta(days=366)
"""The most dates that one list covers: a year is what a recap needs, and a typing error must not read ten."""

First = Annotated[BusinessDate, Query(alias="from", description="Tanggal kerja pertama")]
Last = Annotated[BusinessDate, Query(alias="until", description="Tanggal kerja terakhir, termasuk; paling lama setahun")]


class Violation(BaseModel):
    """Satu pelanggaran dalam versi terbarunya, dengan paket aturan dan dasar hukumnya (null bila ditarik); buktinya ada pada harinya."""

    violation_id: UUID
    employee_id: UUID
    date: dt.date
    version: int
    action: Literal["raised", "retracted"]
    kind: str
    code: str
    minutes: int | None
    assessment_version: int
    policy_id: UUID | None
    legal_source: str | None


class Step(BaseModel):
    """Satu anak tangga hukuman disiplin (PP 94/2021); diusulkan dan ditarik oleh sistem, diputuskan oleh orang."""

    employee_id: UUID
    step: str
    date: dt.date
    version: int
    action: Literal["proposed", "withdrawn", "decided"]
    unexcused_days: int
    legal_source: str


class Why(StrEnum):
    """Mengapa hari menunggu penilaian."""

    COMMAND = "command"
    CLOCK = "clock"
    OPENING = "opening"
    RESTATEMENT = "restatement"


class Waiting(BaseModel):
    """Hari yang menunggu sekarang karena satu sebab; `since` null bila tidak menunggu jam."""

    why: Why
    days: int
    since: dt.datetime | None


class DueDays(BaseModel):
    """Yang menunggu penilaian pada saat ini; `spreading` perubahan massal yang belum sampai ke semua pegawai."""

    at: dt.datetime
    waiting: list[Waiting]
    spreading: int


@router.get("/days", operation_id="listDays", summary="Penilaian hari kerja")
async def list_days(
    actor: Annotated[Actor, asks("days.read")], connection: Reading, paging: PageAsked, first: First, last: Last,
    employee_id: UUID | None = None, org_unit_id: UUID | None = None,
) -> Page[DayAssessed]:  # fmt: skip
    """Versi terbaru setiap hari dalam rentang tanggal, menurut pegawai dan tanggal."""
    in_range(first, last)
    found = await concluded.days(
        connection, after=paging.key(UUID, dt.date), rows=paging.rows, bounds=actor.bounds(employee_id, org_unit_id),
        first=first, last=last,
    )  # fmt: skip
    return paging.page([DayAssessed.model_validate_json(text) for text in found], lambda one: (one.employee_id, one.date))


@router.get("/days/{employee_id}/{date}", operation_id="getDay", summary="Satu hari kerja")
async def get_day(
    actor: Annotated[Actor, asks("days.read")], connection: Reading, employee_id: UUID, date: BusinessDate
) -> DayAssessed:
    """Penilaian terbaru satu hari: status, temuan, bukti, paket aturan."""
    await sight(connection, actor, employee_id)
    text = await concluded.day(connection, employee_id, date)
    if text is None:
        raise Problem(UNKNOWN)
    return DayAssessed.model_validate_json(text)


@router.get("/violations", operation_id="listViolations", summary="Pelanggaran")
async def list_violations(
    actor: Annotated[Actor, asks("violations.read")], connection: Reading, paging: PageAsked, first: First, last: Last,
    employee_id: UUID | None = None, org_unit_id: UUID | None = None,
    retracted: Annotated[bool, Query(description="Juga yang sudah ditarik kembali")] = False,
) -> Page[Violation]:  # fmt: skip
    """Pelanggaran menurut pegawai dan tanggal."""
    in_range(first, last)
    found = await concluded.violations(
        connection, after=paging.key(UUID, dt.date, UUID), rows=paging.rows, bounds=actor.bounds(employee_id, org_unit_id),
        first=first, last=last, standing=not retracted,
    )  # fmt: skip
    return paging.page([Violation(**row) for row in found], lambda one: (one.employee_id, one.date, one.violation_id))


@router.get("/discipline", operation_id="listDisciplineSteps", summary="Anak tangga hukuman disiplin")
async def list_steps(
    actor: Annotated[Actor, asks("discipline.read")], connection: Reading, paging: PageAsked,
    employee_id: UUID | None = None, org_unit_id: UUID | None = None,
    action: Literal["proposed", "withdrawn", "decided"] | None = None, clock: LivesBy = "",
) -> Page[Step]:  # fmt: skip
    """Usulan hukuman disiplin menurut pegawai, seperti terakhir diberitakan."""
    found = await concluded.steps(
        connection, after=paging.key(UUID, str, dt.date), rows=paging.rows, bounds=actor.bounds(employee_id, org_unit_id),
        action=action, clock=clock,
    )  # fmt: skip
    return paging.page([Step(**row) for row in found], lambda one: (one.employee_id, one.step, one.date))


@router.get("/due-days", operation_id="getDueDays", summary="Yang menunggu penilaian")
async def get_due_days(_: Annotated[Actor, asks("due-days.read")], connection: Reading) -> DueDays:
    """Berapa hari menunggu dinilai, dan mengapa; nol semua berarti semua angka mutakhir."""
    now = dt.datetime.now(dt.UTC)
    found = {row["priority"]: row for row in await concluded.due(connection, now)}
    return DueDays(
        at=now,
        waiting=[
            Waiting(why=Why[priority.name], days=found[priority]["days"] if priority in found else 0,
                    since=found[priority]["since"] if priority in found else None)
            for priority in Priority
        ],
        spreading=await concluded.spreading(connection),
    )


def in_range(first: dt.date, last: dt.date) -> None:
    """Raises Problem unless the dates are in order and not too many."""
    if not dt.timedelta() <= last - first <= LONGEST:
        raise Problem(INVALID_REQUEST, Fault("until", "out-of-range", "Tidak boleh sebelum from, dan paling lama setahun sesudahnya."))
