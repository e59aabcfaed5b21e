"""Employees and org units, as each role may see them: NIP and name only for roles that have `people.identify`."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.schedule.store import listing
from shared.database import Connection
from shared.events import Text
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.pages import Page, PageAsked
from shared.web.parameters import OnDate
from shared.web.problems import UNKNOWN, Problem

router = APIRouter(tags=["pegawai dan unit"])

_WIDEST = ZoneInfo("Asia/Jayapura")


class Membership(BaseModel):
    """Keanggotaan unit sejak tanggal itu."""

    since: dt.date
    org_unit_id: UUID


class WeekAssigned(BaseModel):
    """Pola minggu kerja sejak tanggal itu."""

    since: dt.date
    week: str


class RankHeld(BaseModel):
    """Jenis ASN, kelompok, dan kelas jabatan sejak tanggal itu; yang pertama berlaku juga sebelumnya."""

    since: dt.date
    kind: str
    group: str
    job_class: int | None


class ZoneHeld(BaseModel):
    """Zona waktu sejak tanggal itu; yang pertama berlaku juga sebelumnya."""

    since: dt.date
    timezone: str


class Employee(BaseModel):
    """Satu pegawai. `ranks` kosong bila jenis, kelompok, dan kelas jabatannya tidak pernah berubah; begitu pula `zones`.

    `nip`, `name` dan `former_nips` null bagi peran yang tidak boleh melihatnya; `until`: hari kerja terakhir.
    """

    employee_id: UUID
    version: int
    nip: str | None
    name: str | None
    kind: str
    group: str
    timezone: str
    active: bool
    memberships: list[Membership]
    weeks: list[WeekAssigned]
    job_class: int | None
    until: dt.date | None
    former_nips: list[str] | None
    ranks: list[RankHeld]
    zones: list[ZoneHeld]


class OrgUnit(BaseModel):
    """Satu unit kerja (OPD, UPT)."""

    org_unit_id: UUID
    version: int
    code: str
    name: str
    timezone: str
    calendar: str
    public_service: bool
    kind: Literal["OPD", "UPT"] | None
    parent_id: UUID | None
    round_the_clock: bool


@router.get("/employees", operation_id="listEmployees", summary="Daftar pegawai")
async def list_employees(
    actor: Annotated[Actor, asks("employees.read")], connection: Reading, paging: PageAsked,
    org_unit_id: UUID | None = None,
    on: Annotated[OnDate | None, Query(description="Keanggotaan pada tanggal ini; hari ini bila kosong")] = None,
    search: Annotated[Text | None, Query(min_length=3, max_length=100, description="NIP, atau bagian dari nama")] = None,
) -> Page[Employee]:  # fmt: skip
    """Pegawai menurut id. Peran unit hanya melihat anggota unitnya, pegawai hanya dirinya sendiri."""
    after = paging.key(UUID)
    found = await listing.employees(
        connection, after=after[0] if after else None, rows=paging.rows, on=on or dt.datetime.now(_WIDEST).date(),
        bounds=actor.bounds(unit=org_unit_id), text=search if actor.sees_names else None,
    )  # fmt: skip
    return paging.page([_employee(row, actor) for row in found], lambda one: (one.employee_id,))


@router.get("/employees/{employee_id}", operation_id="getEmployee", summary="Satu pegawai")
async def get_employee(actor: Annotated[Actor, asks("employees.read")], connection: Reading, employee_id: UUID) -> Employee:
    """Satu pegawai dengan keanggotaan dan pola minggunya."""
    await sight(connection, actor, employee_id)
    row = await listing.employee(connection, employee_id)
    assert row is not None  # `sight` has found it, in the same snapshot
    return _employee(row, actor)


@router.get("/org-units", operation_id="listOrgUnits", summary="Daftar unit kerja")
async def list_org_units(
    _: Annotated[Actor, asks("org-units.read")], connection: Reading, paging: PageAsked
) -> Page[OrgUnit]:
    """Unit kerja menurut kode."""
    after = paging.key(str)
    found = await listing.org_units(connection, after[0] if after else "", paging.rows)
    return paging.page([OrgUnit(**row) for row in found], lambda one: (one.code,))


@router.get("/org-units/{org_unit_id}", operation_id="getOrgUnit", summary="Satu unit kerja")
async def get_org_unit(_: Annotated[Actor, asks("org-units.read")], connection: Reading, org_unit_id: UUID) -> OrgUnit:
    """Satu unit kerja."""
    row = await listing.org_unit(connection, org_unit_id)
    if row is None:
        raise Problem(UNKNOWN)
    return OrgUnit(**row)


async def sight(connection: Connection, actor: Actor, employee_id: UUID) -> None:
    """Raises Problem unless the actor may know of this employee: 404 for one who does not exist, else 403."""
    units = await listing.units_of(connection, employee_id)
    actor.require(employee_id, units or ())
    if units is None:
        raise Problem(UNKNOWN)


def _employee(row: Any, actor: Actor) -> Employee:
    named = actor.sees_names
    return Employee(
        employee_id=row["employee_id"], version=row["version"], nip=row["nip"] if named else None,
        name=row["name"] if named else None, kind=row["kind"], group=row["grp"], timezone=row["timezone"], active=row["active"],
        memberships=[Membership(since=since, org_unit_id=unit)
                     for since, unit in zip(row["member_since"], row["member_unit"], strict=True)],
        weeks=[WeekAssigned(since=since, week=week) for since, week in zip(row["week_since"], row["week_code"], strict=True)],
        job_class=row["job_class"], until=row["until"], former_nips=row["former_nips"] if named else None,
        ranks=[
            RankHeld(since=since, kind=kind, group=group, job_class=job_class)
            for since, kind, group, job_class in zip(
                row["rank_since"], row["rank_kind"], row["rank_grp"], row["rank_class"], strict=True)
        ],
        zones=[ZoneHeld(since=since, timezone=zone) for since, zone in zip(row["zone_since"], row["zone_name"], strict=True)],
    )
