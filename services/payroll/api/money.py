"""What is deducted: employee-months, the entries of their ledger, ceilings, and the proof that both agree."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.payroll.store import listing
from services.payroll.store.balance import balance
from shared.events import Month
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.pages import Page, PageAsked
from shared.web.problems import OUT_OF_REACH, UNKNOWN, Problem

router = APIRouter(tags=["potongan TPP"])


class EmployeeMonth(BaseModel):
    """Satu bulan pegawai: persen mentah dan sesudah batas, rupiah (null tanpa pagu), susulan dari bulan yang sudah ditutup.

    `of_wage` bagian dari `amount` yang dipotong dari upah, bukan dari TPP.
    """

    employee_id: UUID
    month: Month
    version: int
    closed: bool
    raw_percent: str
    percent: str
    amount: int | None
    of_wage: int
    supplementary: int
    ceiling: int | None
    days_assessed: int
    days_final: int
    entries: int


class Entry(BaseModel):
    """Satu catatan buku potongan; tidak pernah diubah, hanya dibatalkan oleh catatan lain (`reverses`)."""

    employee_id: UUID
    month: Month
    number: int
    entry_id: UUID
    date: dt.date | None
    code: str
    origin: str | None
    action: Literal["posted", "reversed"]
    percent: str
    amount: int
    month_version: int
    reverses: int | None
    policy_id: UUID | None
    cause: UUID | None
    correlation: UUID | None
    entered_at: dt.datetime
    row_hash: str | None


class Ceiling(BaseModel):
    """Pagu TPP satu bulan pegawai; `static_tkd` bagian statis dan `wage` upah bila kebijakan memakainya."""

    employee_id: UUID
    month: Month
    version: int
    amount: int
    static_tkd: int | None
    wage: int | None


class Difference(BaseModel):
    """Bulan yang tidak sama dengan bukunya."""

    employee_id: UUID
    month: Month
    told: int
    found: int
    entries_told: int
    entries_found: int


class Balance(BaseModel):
    """Bukti seimbang: `different` harus 0; `differences` memuat yang pertama."""

    months: int
    entries: int
    rupiah: int
    different: int
    differences: list[Difference]


@router.get("/months", operation_id="listMonths", summary="Bulan pegawai")
async def list_months(
    actor: Annotated[Actor, asks("months.read")], connection: Reading, paging: PageAsked,
    month: Month | None = None, employee_id: UUID | None = None, without_ceiling: bool = False,
) -> Page[EmployeeMonth]:  # fmt: skip
    """Potongan per pegawai dan bulan, menurut pegawai. `without_ceiling=true`: hanya yang belum berpagu TPP."""
    found = await listing.months(
        connection, after=paging.key(UUID, str), rows=paging.rows, month=month, employee_id=about(actor, employee_id),
        without_ceiling=without_ceiling,
    )
    return paging.page([EmployeeMonth(**row) for row in found], lambda one: (one.employee_id, one.month))


@router.get("/months/{employee_id}/{month}", operation_id="getMonth", summary="Satu bulan pegawai")
async def get_month(
    actor: Annotated[Actor, asks("months.read")], connection: Reading, employee_id: UUID, month: Month
) -> EmployeeMonth:
    """Potongan satu pegawai pada satu bulan; rinciannya pada slip (layanan laporan)."""
    about(actor, employee_id)
    row = await listing.month(connection, employee_id, month)
    if row is None:
        raise Problem(UNKNOWN)
    return EmployeeMonth(**row)


@router.get("/ledger", operation_id="listLedger", summary="Buku potongan")
async def list_ledger(
    actor: Annotated[Actor, asks("ledger.read")], connection: Reading, paging: PageAsked,
    month: Month | None = None, employee_id: UUID | None = None,
) -> Page[Entry]:  # fmt: skip
    """Catatan buku potongan menurut pegawai, bulan, dan nomor."""
    found = await listing.ledger(
        connection, after=paging.key(UUID, str, int), rows=paging.rows, month=month, employee_id=about(actor, employee_id))
    return paging.page([Entry(**row) for row in found], lambda one: (one.employee_id, one.month, one.number))


@router.get("/ceilings", operation_id="listCeilings", summary="Pagu TPP")
async def list_ceilings(
    actor: Annotated[Actor, asks("ceilings.read")], connection: Reading, paging: PageAsked,
    month: Month | None = None, employee_id: UUID | None = None,
) -> Page[Ceiling]:  # fmt: skip
    """Pagu yang berlaku menurut pegawai dan bulan."""
    found = await listing.ceilings(
        connection, after=paging.key(UUID, str), rows=paging.rows, month=month, employee_id=about(actor, employee_id))
    return paging.page([Ceiling(**row) for row in found], lambda one: (one.employee_id, one.month))


@router.get("/balance", operation_id="getBalance", summary="Bukti seimbang")
async def get_balance(_: Annotated[Actor, asks("balance.read")], connection: Reading) -> Balance:
    """Bandingkan setiap bulan dengan jumlah catatan bukunya, sampai ke rupiah."""
    return Balance.model_validate(await balance(connection), from_attributes=True)


def about(actor: Actor, employee_id: UUID | None) -> UUID | None:
    """The employee of whom a list may tell, None for all; Problem beyond the actor's reach.

    Payroll does not know who belongs to which unit, so nobody who is bound to units sees anything here.
    """
    bounds = actor.bounds(employee_id)
    if bounds.units is not None:
        raise Problem(OUT_OF_REACH)
    return bounds.employee_id
