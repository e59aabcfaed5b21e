"""Reference data taken over from files and given as files: people, units, weeks, rosters, calendars, rule packs."""

import datetime as dt
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.schedule.importer import apply, exports
from shared.events import Month
from shared.faults import Fault
from shared.imports import Report
from shared.lanes import Lanes
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, commands
from shared.web.problems import INVALID_REQUEST, Problem
from shared.web.uploads import FILES_GIVEN, TABLE, YAML, DryRun, FileTaken, FormAsked, Reason, give_file, take_file

router = APIRouter(tags=["impor berkas"])


@router.post("/employees:import", operation_id="importEmployees", summary="Impor pegawai", response_model=FileTaken, openapi_extra=TABLE)
async def import_employees(
    request: Request, command: Annotated[Command, commands("employees.import")], reason: Reason, dry_run: DryRun = False
) -> Response:
    """Pegawai, mutasi, dan masa tugas dari csv atau xlsx; berkas yang memuat kesalahan tidak diterapkan sama sekali.

    Lebih dari 1.000 pegawai diterapkan bertahap; bila terputus, perintah yang sama meneruskan sisanya (yang butuh
    pratinjau, dengan pratinjau atas sisanya).
    Hari yang jendela absennya terbuka tidak berubah; banyak pegawai dengan hari lampau yang berubah butuh pratinjau dan orang kedua.
    """

    async def take(lanes: Lanes, path: Path) -> Report:
        return await apply.take_employees(lanes, path, dry_run, command.actor.name)

    return await take_file(request, command, "employees", reason, take)


@router.post("/org-units:import", operation_id="importOrgUnits", summary="Impor unit kerja", response_model=FileTaken, openapi_extra=TABLE)
async def import_org_units(
    request: Request, command: Annotated[Command, commands("org-units.import")], reason: Reason, dry_run: DryRun = False
) -> Response:
    """Unit kerja (OPD, UPT) dari csv atau xlsx; unit yang tidak disebut tetap."""

    async def take(lanes: Lanes, path: Path) -> Report:
        return await apply.take_org_units(lanes, path, dry_run, command.actor.name)

    return await take_file(request, command, "org-units", reason, take)


@router.post("/weeks:import", operation_id="importWeeks", summary="Impor pola kerja", response_model=FileTaken, openapi_extra=TABLE)
async def import_weeks(
    request: Request, command: Annotated[Command, commands("weeks.import")], reason: Reason, dry_run: DryRun = False
) -> Response:
    """Pola kerja mingguan dari csv atau xlsx; jam pola yang sudah dipakai tidak berubah."""

    async def take(lanes: Lanes, path: Path) -> Report:
        return await apply.take_weeks(lanes, path, dry_run, command.actor.name)

    return await take_file(request, command, "weeks", reason, take)


@router.post("/weeks-in-force:import", operation_id="importWeeksInForce", summary="Impor berlakunya pola kerja", response_model=FileTaken,
             openapi_extra=TABLE)
async def import_weeks_in_force(
    request: Request, command: Annotated[Command, commands("weeks.import")], reason: Reason, dry_run: DryRun = False
) -> Response:
    """Pola kerja mana berlaku untuk unit mana (kosong: semua) dan kapan, dari csv atau xlsx; yang tidak disebut tetap, `-` mencabut."""

    async def take(lanes: Lanes, path: Path) -> Report:
        return await apply.take_week_scopes(lanes, path, dry_run, command.actor.name)

    return await take_file(request, command, "weeks-in-force", reason, take)


@router.post("/rosters:import", operation_id="importRosters", summary="Impor roster", response_model=FileTaken, openapi_extra=TABLE)
async def import_rosters(
    request: Request, command: Annotated[Command, commands("rosters.import")], reason: Reason, dry_run: DryRun = False
) -> Response:
    """Roster pegawai dari csv atau xlsx; tanggal yang tidak disebut tetap. Roster satu unit yang disetujui BKD: /v1/org-units/…/rosters."""

    async def take(lanes: Lanes, path: Path) -> Report:
        return await apply.take_roster(lanes, path, dry_run, command.actor.name)

    return await take_file(request, command, "rosters", reason, take)


@router.post(
    "/calendars:import", operation_id="importCalendar", summary="Impor hari libur", response_model=FileTaken,
    openapi_extra={"requestBody": {**TABLE["requestBody"], "required": False}},
)  # fmt: skip
async def import_calendar(
    request: Request, command: Annotated[Command, commands("calendars.import")], reason: Reason, dry_run: DryRun = False,
    year: Annotated[int | None, Query(description="Isi libur nasional tahun ini, tanpa berkas")] = None,
) -> Response:  # fmt: skip
    """Hari libur dan cuti bersama: berkas csv atau xlsx yang mengubah, atau daftar awal satu tahun; bandingkan dengan SKB 3 Menteri."""
    if bool(await request.body()) is (year is not None):
        raise Problem(INVALID_REQUEST, Fault("year", "not-allowed", "Kirim berkas atau sebut year, salah satu saja."))

    async def take(lanes: Lanes, path: Path) -> Report:
        return await apply.take_calendar(lanes, path if year is None else year, dry_run, command.actor.name)

    return await take_file(request, command, "calendars", reason, take)


@router.post("/policies:import", operation_id="importPolicies", summary="Impor kebijakan", response_model=FileTaken, openapi_extra=YAML)
async def import_policies(
    request: Request, command: Annotated[Command, commands("policies.import")], reason: Reason, dry_run: DryRun = False,
    in_force: Annotated[list[str] | None, Query(
        description="NAMA@TANGGAL atau NAMA@TANGGAL@UNIT: berlaku sejak tanggal itu, juga di unit di bawahnya; boleh berulang")] = None,
) -> Response:  # fmt: skip
    """Paket aturan dari YAML, dan sejak kapan yang mana berlaku; hari-hari sejak tanggal itu dinilai (ulang)."""
    scopes = [_scope(text) for text in in_force or ()]

    async def take(lanes: Lanes, path: Path) -> Report:
        return await apply.take_policies(lanes, path, scopes, dry_run, command.actor.name)

    return await take_file(request, command, "policies", reason, take, "yaml")


@router.get("/employees:export", operation_id="exportEmployees", summary="Ekspor pegawai", responses=FILES_GIVEN)
async def export_employees(
    connection: Reading, _: Annotated[Actor, asks("employees.import")], form: FormAsked = "csv"
) -> Response:
    """Semua pegawai sungguhan, satu baris setiap mutasi, dalam bentuk yang dapat diimpor lagi; memuat NIP dan nama."""
    return await give_file(exports.people_table(connection), exports.PEOPLE, form, "pegawai")


@router.get("/org-units:export", operation_id="exportOrgUnits", summary="Ekspor unit kerja", responses=FILES_GIVEN)
async def export_org_units(
    connection: Reading, _: Annotated[Actor, asks("org-units.import")], form: FormAsked = "csv"
) -> Response:
    """Semua unit kerja dalam bentuk yang dapat diimpor lagi."""
    return await give_file(exports.units_table(connection), exports.UNITS, form, "opd")


@router.get("/weeks-in-force:export", operation_id="exportWeeksInForce", summary="Ekspor berlakunya pola kerja", responses=FILES_GIVEN)
async def export_weeks_in_force(
    connection: Reading, _: Annotated[Actor, asks("weeks.import")], form: FormAsked = "csv"
) -> Response:
    """Di mana dan kapan pola kerja berlaku, dalam bentuk yang dapat diimpor lagi."""
    return await give_file(exports.week_scopes_table(connection), exports.WEEK_SCOPES, form, "pola-berlaku")


@router.get("/weeks:export", operation_id="exportWeeks", summary="Ekspor pola kerja", responses=FILES_GIVEN)
async def export_weeks(
    connection: Reading, _: Annotated[Actor, asks("weeks.import")], form: FormAsked = "csv"
) -> Response:
    """Semua pola kerja dengan jamnya, dalam bentuk yang dapat diimpor lagi."""
    return await give_file(exports.weeks_table(connection), exports.WEEKS, form, "pola-kerja")


@router.get("/calendars:export", operation_id="exportCalendar", summary="Ekspor hari libur setahun", responses=FILES_GIVEN)
async def export_calendar(
    connection: Reading, year: Annotated[int, Query(ge=1970, le=9999, description="Tahunnya")],
    _: Annotated[Actor, asks("calendars.import")], form: FormAsked = "csv",
) -> Response:
    """Hari libur dan cuti bersama semua kalender dalam satu tahun, dalam bentuk yang dapat diimpor lagi."""
    return await give_file(exports.calendar_table(connection, year), exports.CALENDAR, form, f"libur-{year}")


@router.get("/rosters:export", operation_id="exportRosters", summary="Ekspor roster sebulan", responses=FILES_GIVEN)
async def export_rosters(
    connection: Reading, month: Month, _: Annotated[Actor, asks("rosters.import")], form: FormAsked = "csv"
) -> Response:
    """Hari-hari roster satu bulan dalam bentuk yang dapat diimpor lagi."""
    return await give_file(exports.roster_table(connection, month), exports.ROSTER, form, f"roster-{month}")


def _scope(text: str) -> tuple[str, dt.date, str | None]:
    name, _, rest = text.partition("@")
    since, _, unit = rest.partition("@")
    try:
        return name, dt.date.fromisoformat(since), unit or None
    except ValueError:
        wrong = Fault("in_force", "wrong-pattern", "Tulis NAMA@TANGGAL atau NAMA@TANGGAL@UNIT, tanggal seperti 2026-02-01.")
        raise Problem(INVALID_REQUEST, wrong) from None
