"""Reference data: week patterns, calendars, rule packs with where they are in force, rosters."""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.schedule.store import listing
from shared.events import CalendarDay, Month, RosterDay
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.pages import Page, PageAsked
from shared.web.problems import UNKNOWN, Problem

router = APIRouter(tags=["data acuan"])


class WeekPattern(BaseModel):
    """Pola minggu: jam mulai dan selesai setempat per hari ("mon": ["07:30", "16:00"]); hari yang tidak disebut libur."""

    code: str
    version: int
    name: str
    hours: dict[str, tuple[str, str]]
    source: str


class WeekHolds(BaseModel):
    """Pola minggu ini berlaku pada tanggal-tanggal itu (`until` null: seterusnya); `org_unit_id` null berarti untuk semua."""

    week: str
    since: dt.date
    until: dt.date | None
    org_unit_id: UUID | None


class Calendar(BaseModel):
    """Hari libur dan cuti bersama satu kalender dan tahun."""

    calendar: str
    year: int
    version: int
    days: list[CalendarDay]


class PolicyHead(BaseModel):
    """Satu paket aturan tanpa isinya."""

    policy_id: UUID
    version: int
    name: str


class PolicyPack(PolicyHead):
    """Satu paket aturan; isi di bawah satu id tidak pernah berubah."""

    content: dict[str, Any]


class InForce(BaseModel):
    """Paket ini berlaku sejak tanggal itu; `org_unit_id` null berarti di seluruh daerah."""

    since: dt.date
    org_unit_id: UUID | None
    policy_id: UUID
    name: str


class Roster(BaseModel):
    """Jadwal satu pegawai dan bulan; hari yang tidak disebut mengikuti pola minggunya."""

    employee_id: UUID
    month: Month
    version: int
    days: list[RosterDay]


@router.get("/weeks", operation_id="listWeeks", summary="Pola minggu kerja")
async def list_weeks(_: Annotated[Actor, asks("weeks.read")], connection: Reading, paging: PageAsked) -> Page[WeekPattern]:
    """Pola minggu menurut kode."""
    after = paging.key(str)
    found = await listing.weeks(connection, after[0] if after else "", paging.rows)
    return paging.page(
        [WeekPattern(**{**row, "hours": orjson.loads(row["hours"])}) for row in found], lambda one: (one.code,))


@router.get("/weeks-in-force", operation_id="listWeeksInForce", summary="Pola minggu yang berlaku")
async def list_weeks_in_force(
    _: Annotated[Actor, asks("weeks.read")], connection: Reading, paging: PageAsked,
    org_unit_id: Annotated[UUID | None, Query(description="Hanya yang menyangkut unit ini: miliknya, milik induknya, untuk semua")] = None,
) -> Page[WeekHolds]:  # fmt: skip
    """Pola minggu mana berlaku di mana dan kapan, menurut tanggal mulai.

    Pola pegawai sendiri (lihat pegawainya) mendahului pola unitnya, pola unit mendahului pola induknya, dan itu mendahului pola semua.
    """
    after = paging.key(dt.date, UUID)
    found = await listing.weeks_in_force(connection, (after[0], after[1]) if after else None, paging.rows, org_unit_id)
    return paging.page([WeekHolds(**row) for row in found], lambda one: (one.since, one.org_unit_id or listing.EVERYWHERE))


@router.get("/calendars", operation_id="listCalendars", summary="Kalender libur")
async def list_calendars(
    _: Annotated[Actor, asks("calendars.read")], connection: Reading, paging: PageAsked
) -> Page[Calendar]:
    """Kalender menurut nama dan tahun."""
    after = paging.key(str, int)
    found = await listing.calendars(connection, (after[0], after[1]) if after else ("", 0), paging.rows)
    return paging.page(
        [Calendar(**{**row, "days": orjson.loads(row["days"])}) for row in found], lambda one: (one.calendar, one.year))


@router.get("/policies", operation_id="listPolicies", summary="Paket aturan")
async def list_policies(
    _: Annotated[Actor, asks("policies.read")], connection: Reading, paging: PageAsked
) -> Page[PolicyHead]:
    """Paket aturan menurut id, tanpa isinya."""
    after = paging.key(UUID)
    found = await listing.policies(connection, after[0] if after else None, paging.rows)
    return paging.page([PolicyHead(**row) for row in found], lambda one: (one.policy_id,))


@router.get("/policies/in-force", operation_id="listPoliciesInForce", summary="Paket aturan yang berlaku")
async def list_policies_in_force(
    _: Annotated[Actor, asks("policies.read")], connection: Reading, paging: PageAsked,
    org_unit_id: Annotated[UUID | None, Query(description="Yang dapat berlaku di unit ini: miliknya, unit di atasnya, daerah")] = None,
) -> Page[InForce]:  # fmt: skip
    """Paket mana berlaku di mana sejak kapan, menurut tanggal. Paket unit mendahului paket unit di atasnya, dan itu paket daerah."""
    after = paging.key(dt.date, UUID)
    found = await listing.policies_in_force(connection, (after[0], after[1]) if after else None, paging.rows, org_unit_id)
    return paging.page([InForce(**row) for row in found], lambda one: (one.since, one.org_unit_id or listing.EVERYWHERE))


@router.get("/policies/{policy_id}", operation_id="getPolicy", summary="Satu paket aturan")
async def get_policy(_: Annotated[Actor, asks("policies.read")], connection: Reading, policy_id: UUID) -> PolicyPack:
    """Satu paket aturan dengan isinya."""
    row = await listing.policy(connection, policy_id)
    if row is None:
        raise Problem(UNKNOWN)
    return PolicyPack(**{**row, "content": orjson.loads(row["content"])})


@router.get("/rosters", operation_id="listRosters", summary="Jadwal per pegawai dan bulan")
async def list_rosters(
    actor: Annotated[Actor, asks("rosters.read")], connection: Reading, paging: PageAsked,
    month: Month | None = None, employee_id: UUID | None = None, org_unit_id: UUID | None = None,
) -> Page[Roster]:  # fmt: skip
    """Jadwal menurut pegawai dan bulan; dengan unit: mereka yang pernah menjadi anggotanya."""
    found = await listing.rosters(
        connection, after=paging.key(UUID, dt.date), rows=paging.rows, month=dt.date.fromisoformat(f"{month}-01") if month else None,
        bounds=actor.bounds(employee_id, org_unit_id),
    )  # fmt: skip
    return paging.page(
        [Roster(employee_id=row["employee_id"], month=f"{row['month']:%Y-%m}", version=row["version"], days=orjson.loads(row["days"]))
         for row in found],
        lambda one: (one.employee_id, f"{one.month}-01"))
