"""Sites: offices, activity sites and regions, listed and imported."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.geofence.importer import Gate, Moving, SitesReport, parse_sites, take_over
from services.geofence.store import listing
from shared.faults import Fault
from shared.lanes import Lanes
from shared.refusal import Refused
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, commands
from shared.web.pages import Page, PageAsked
from shared.web.problems import UNKNOWN, Kind, Problem
from shared.web.uploads import DryRun, Reason

router = APIRouter(tags=["situs"])

INVALID_SITES = Kind(
    "invalid-sites", 422, "Berkas situs belum benar", "Tidak ada yang diterapkan. Perbaiki yang disebut dalam errors, lalu kirim ulang.")

_MOST_TOLD = 200
_PATIENCE_S = 3.0


class Site(BaseModel):
    """Satu situs. `employee_ids` (peserta kegiatan) hanya memuat diri sendiri bagi pegawai."""

    site_id: UUID
    code: str
    version: int
    name: str
    kind: Literal["office", "activity", "region"]
    geometry: dict[str, Any]
    radius_m: float | None
    org_unit_ids: list[UUID]
    employee_ids: list[UUID]
    valid_from: dt.datetime | None
    valid_to: dt.datetime | None
    letter: str | None
    accuracy_cap_m: float | None
    max_accuracy_m: float | None
    outside_factor: float | None


class Imported(BaseModel):
    """Hasil impor; `judged_again` menghitung tanda hadir yang dinilai ulang (atau akan, pada uji coba), paling banyak 100000.

    Dihitung sebelum diterapkan. Penilaian ulang berjalan sesudahnya, sedikit demi sedikit, dan tidak menahan absensi yang masuk.
    """

    applied: bool
    features: int
    new: int
    changed: int
    unchanged: int
    judged_again: int
    preview: list[str]
    warnings: list[str]


@router.get("/sites", operation_id="listSites", summary="Daftar situs")
async def list_sites(
    actor: Annotated[Actor, asks("sites.read")], connection: Reading, paging: PageAsked,
    kind: Literal["office", "activity", "region"] | None = None,
) -> Page[Site]:  # fmt: skip
    """Situs menurut kode, dengan bentuknya."""
    after = paging.key(str)
    found = await listing.sites(connection, after[0] if after else "", paging.rows, kind)
    return paging.page([_site(row, actor) for row in found], lambda one: (one.code,))


@router.get("/sites/{site_id}", operation_id="getSite", summary="Satu situs")
async def get_site(actor: Annotated[Actor, asks("sites.read")], connection: Reading, site_id: UUID) -> Site:
    """Satu situs."""
    row = await listing.site(connection, site_id)
    if row is None:
        raise Problem(UNKNOWN)
    return _site(row, actor)


@router.post(
    "/sites:import", operation_id="importSites", summary="Impor situs (GeoJSON)", response_model=Imported,
    openapi_extra={"requestBody": {"required": True, "content": {"application/geo+json": {"schema": {"type": "object"}}}}},
)  # fmt: skip
async def import_sites(
    request: Request, command: Annotated[Command, commands("sites.import")],
    reason: Reason, dry_run: DryRun = False,
) -> Response:  # fmt: skip
    """Terapkan seluruh berkas, atau tidak sama sekali; situs yang tidak disebut tetap berlaku.

    Pagar yang sudah berlaku tidak berubah selagi orang absen, dan di atas batas hanya dengan pratinjau (dan persetujuan).
    """
    read, digest = parse_sites(await request.body())

    async def act(lanes: Lanes) -> Imported:
        gate: Gate = request.app.state.gate(command.actor.name)
        report = await take_over(lanes, read, digest, dry_run=dry_run, gate=gate, actor=command.actor.name, patience_s=_PATIENCE_S)
        if report.errors:
            raise Problem(INVALID_SITES, *(_fault(report, place) for place in range(min(len(report.errors), _MOST_TOLD))))
        return Imported(
            applied=report.applied, features=report.rows, new=report.new, changed=report.changed, unchanged=report.unchanged,
            judged_again=report.judged_again, preview=list(report.preview), warnings=[str(one) for one in report.warnings],
        )  # fmt: skip

    return await command.run(act, subject=digest[:16] or "sites", reason=reason)


def closed(_actor: str) -> Gate:
    """The gate of a process that cannot ask anybody about hours of duty: what may hurt does not move."""

    async def gate(moving: Moving) -> None:
        if moving.replaced or moving.exposing:
            raise Refused(
                "proses ini tidak dapat memeriksa jam absen pegawai, jadi pagar yang berlaku tidak diubah; "
                "jalankan `python -m services.preview geofence-api`, atau pakai `hadir import sites`"
            )

    return gate


def _fault(report: SitesReport, place: int) -> Fault:
    error = report.errors[place]
    where = f"features.{error.row - 1}" if error.row else ""
    return Fault(f"{where}.{error.column}".strip(".") if error.column else where, "invalid", error.problem)


def _site(row: Any, actor: Actor) -> Site:
    people = [one for one in row["employee_ids"] if actor.own_id in (None, one)]
    return Site(**{**row, "geometry": orjson.loads(row["geometry"]), "employee_ids": people})
