"""Previews over HTTP: ordered, followed, listed, consented to by a second person; and the limits above which they are asked for."""

import datetime as dt
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, model_validator

from services.schedule import previewing
from services.schedule.rules.taking_force import Limits
from services.schedule.store import preview_orders, previews
from services.schedule.store.preview_orders import Order
from services.schedule.store.previews import Preview
from shared.database import Connection
from shared.events import BusinessDate
from shared.lanes import Lanes
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, CommandBody, commands
from shared.web.pages import Page, PageAsked
from shared.web.problems import UNKNOWN, Kind, Problem

router = APIRouter(tags=["pratinjau perubahan"])

UNPLAYED = Kind(
    "preview-unavailable", 503, "Pratinjau tidak dimainkan di sini",
    "Proses ini tidak dapat membaca semua data; jalankan `python -m services.preview schedule-api`, atau pakai `hadir preview`.",
    retry_after_s=60)

_DAY = dt.timedelta(days=1)
_LARGEST = 6_000_000
_UnitCode = Annotated[str, Field(min_length=1, max_length=100)]


class PutInForce(BaseModel):
    """Satu paket aturan atau skema berlaku sejak tanggal ini, di satu unit atau (kosong) seluruh provinsi."""

    model_config = {"extra": "forbid"}

    name: Annotated[str, Field(min_length=1, max_length=100)]
    since: BusinessDate
    until: Annotated[BusinessDate | None, Field(description="Hari terakhir; hanya untuk scheme, kosong: terbuka")] = None
    org_unit: Annotated[_UnitCode | None, Field(description="Kode unit kerja; kosong: seluruh provinsi")] = None


class NewPreview(CommandBody):
    """Perubahan yang dicoba pada hari-hari lampau. `content` adalah berkas seperti yang diterima `hadir import`, sebagai teks."""

    kind: Annotated[Literal["policy", "calendar", "roster", "sites", "org-units", "employees", "scheme", "weeks-in-force"], Field(
        description="policy, scheme: YAML; calendar, roster, org-units, employees, weeks-in-force: csv; sites: GeoJSON")]
    content: Annotated[str, Field(min_length=1, max_length=_LARGEST)]
    in_force: Annotated[tuple[PutInForce, ...], Field(max_length=1000, description="Hanya dan wajib untuk policy dan scheme")] = ()
    until: Annotated[BusinessDate | None, Field(description="Hari terakhir; kosong: hari ini")] = None
    days: Annotated[int, Field(ge=1, le=366, description="Berapa hari ke belakang")] = 22
    org_units: Annotated[tuple[_UnitCode, ...], Field(
        max_length=1000, description="Kode unit yang dilihat; kosong: semua. Hanya yang lengkap berlaku sebagai izin")] = ()

    @model_validator(mode="after")
    def _scopes_of_packs(self) -> "NewPreview":
        if (self.kind in {"policy", "scheme"}) != bool(self.in_force):
            raise ValueError("in_force wajib untuk policy dan scheme, dan hanya untuk itu")
        if self.kind != "scheme" and any(one.until is not None for one in self.in_force):
            raise ValueError("until hanya untuk scheme; paket aturan berlaku sampai ada yang menggantikannya")
        return self


class PreviewApproval(CommandBody):
    """Persetujuan orang kedua; alasannya tercatat."""


class LimitsShown(BaseModel):
    """Batas: tanpa pratinjau sampai `free_people` pegawai; orang kedua di atas `people` pegawai atau `rupiah`; masa berlaku dalam hari."""

    free_people: int
    people: int
    rupiah: int
    valid_days: int


class NewLimits(CommandBody):
    """Batas yang diubah; yang kosong tetap."""

    free_people: Annotated[int | None, Field(strict=True, ge=0, le=2**31 - 1)] = None
    people: Annotated[int | None, Field(strict=True, ge=0, le=2**31 - 1)] = None
    rupiah: Annotated[int | None, Field(strict=True, ge=0, le=10**15)] = None
    valid_days: Annotated[int | None, Field(strict=True, ge=1, le=90)] = None


class PreviewShown(BaseModel):
    """Satu pratinjau yang selesai: apa yang akan berubah, bagi siapa menurut jumlah, dan siapa yang menyetujui."""

    preview_id: UUID
    kind: str
    title: str
    digest: str
    actor: str
    made_at: dt.datetime
    first: dt.date
    last: dt.date
    whole: bool
    people_changed: int
    rupiah_more: int
    rupiah_less: int
    approved_by: list[str]
    needs_second_approver: bool


class PreviewOrdered(BaseModel):
    """Satu pratinjau yang dipesan: sejauh mana, dan hasilnya bila selesai. `found` memuat unit dan kasus terberat menurut id."""

    preview_id: UUID
    state: Literal["waiting", "playing", "done", "failed"]
    people_done: int
    people_all: int | None
    problem: str | None
    preview: PreviewShown | None
    found: dict[str, Any] | None


@router.post("/previews", operation_id="orderPreview", summary="Pesan pratinjau", response_model=PreviewOrdered, status_code=202)
async def order(request: Request, body: NewPreview, command: Annotated[Command, commands("previews.make")]) -> Response:
    """Coba sebuah perubahan pada hari-hari lampau dengan aturan yang sama; ikuti kemajuannya lewat id yang dijawab."""
    if not request.app.state.plays:
        raise Problem(UNPLAYED)
    today = dt.datetime.now(dt.timezone(dt.timedelta(hours=7))).date()
    last = body.until or today
    asked = Order(
        command.id, body.kind, body.content,
        {"in_force": [one.model_dump(mode="json") for one in body.in_force], "org_units": list(body.org_units)},
        last - (body.days - 1) * _DAY, last, command.actor.name, dt.datetime.now(dt.UTC),
    )  # fmt: skip

    async def act(lanes: Lanes) -> PreviewOrdered:
        return _ordered(await previewing.order_preview(lanes, asked))

    return await command.run(act, subject=str(command.id), reason=body.reason, status=202)


@router.get("/previews", operation_id="listPreviews", summary="Pratinjau yang selesai")
async def list_previews(connection: Reading, paging: PageAsked, _: Annotated[Actor, asks("previews.read")]) -> Page[PreviewShown]:
    """Dari yang terbaru."""
    after = paging.key(dt.datetime, UUID)
    limits = await previews.limits(connection)
    found = await previews.page(connection, (after[0], after[1]) if after else None, paging.rows)
    return paging.page([_shown(one, approved, limits) for one, approved in found], lambda one: (one.made_at, one.preview_id))


@router.get("/previews/{preview_id}", operation_id="getPreview", summary="Satu pratinjau")
async def get_preview(connection: Reading, preview_id: UUID, _: Annotated[Actor, asks("previews.read")]) -> PreviewOrdered:
    """Kemajuan pratinjau yang dipesan, atau hasil lengkap yang selesai."""
    ordered = await preview_orders.order(connection, preview_id)
    shown = await _one(connection, preview_id)
    if shown is None:
        if ordered is None:
            raise Problem(UNKNOWN)
        return _ordered(ordered)
    found = await previews.found(connection, preview_id)
    people = int(found.get("people_looked_at", 0))
    return PreviewOrdered(
        preview_id=preview_id, state="done", people_done=people, people_all=people, problem=None, preview=shown, found=found)


@router.post("/previews/{preview_id}/approvals", operation_id="approvePreview", summary="Setujui pratinjau", response_model=PreviewShown)
async def approve(preview_id: UUID, body: PreviewApproval, command: Annotated[Command, commands("previews.approve")]) -> Response:
    """Setujui sebagai orang kedua: bukan yang membuat pratinjau, dan bukan yang akan memberlakukannya."""

    async def act(lanes: Lanes) -> PreviewShown:
        await previewing.approve_preview(lanes, preview_id, command.actor.name, body.reason)
        async with lanes.pool.acquire() as connection:
            shown = await _one(connection, preview_id)
        assert shown is not None  # it was just approved
        return shown

    return await command.run(act, subject=str(preview_id), reason=body.reason)


@router.get("/preview-limits", operation_id="getPreviewLimits", summary="Batas pratinjau")
async def get_limits(connection: Reading, _: Annotated[Actor, asks("previews.read")]) -> LimitsShown:
    """Sejak berapa pegawai perlu pratinjau, dan sejak berapa perlu orang kedua."""
    return LimitsShown(**asdict(await previews.limits(connection)))


@router.put("/preview-limits", operation_id="setPreviewLimits", summary="Ubah batas pratinjau", response_model=LimitsShown)
async def set_limits(body: NewLimits, command: Annotated[Command, commands("previews.limit")]) -> Response:
    """Ubah sebagian atau semua batas."""
    asked = body.model_dump(exclude={"reason"}, exclude_none=True)

    async def act(lanes: Lanes) -> LimitsShown:
        async with lanes.pool.acquire() as connection:
            limits = replace(await previews.limits(connection), **asked)
        await previewing.set_limits(lanes, limits, command.actor.name, body.reason)
        return LimitsShown(**asdict(limits))

    return await command.run(act, subject="preview-limits", reason=body.reason)


async def _one(connection: Connection, preview_id: UUID) -> PreviewShown | None:
    preview = await previews.preview(connection, preview_id)
    if preview is None:
        return None
    approved = await previews.approvers(connection, preview_id)
    return _shown(preview, sorted(approved), await previews.limits(connection))


def _shown(preview: Preview, approved: list[str], limits: Limits) -> PreviewShown:
    return PreviewShown(
        preview_id=preview.preview_id, kind=preview.kind, title=preview.title, digest=preview.digest, actor=preview.actor,
        made_at=preview.made_at, first=preview.first, last=preview.last, whole=preview.whole, people_changed=preview.people_changed,
        rupiah_more=preview.rupiah_more, rupiah_less=preview.rupiah_less, approved_by=approved,
        needs_second_approver=limits.needs_second(preview.people_changed, preview.rupiah),
    )  # fmt: skip


def _ordered(order: Order) -> PreviewOrdered:
    state: Any = order.state
    return PreviewOrdered(
        preview_id=order.preview_id, state=state, people_done=order.done, people_all=order.everybody, problem=order.problem, preview=None,
        found=None,
    )  # fmt: skip
