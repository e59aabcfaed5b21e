"""TPP ceilings taken over from a file and given as one, by the importer of the command line."""

from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from services.payroll.importer import CEILINGS, ceilings_table, take_ceilings
from shared.events import Month
from shared.imports import Report
from shared.lanes import Lanes
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, commands
from shared.web.uploads import FILES_GIVEN, TABLE, DryRun, FileTaken, FormAsked, Reason, give_file, take_file

router = APIRouter(tags=["impor berkas"])

_PATIENCE_S: Final = 3.0
"""How long people are waited for who were imported a moment ago."""


@router.post("/ceilings:import", operation_id="importCeilings", summary="Impor pagu TPP", response_model=FileTaken, openapi_extra=TABLE)
async def import_ceilings(
    request: Request, command: Annotated[Command, commands("ceilings.import")], reason: Reason, dry_run: DryRun = False,
    month: Annotated[Month | None, Query(description="Bulannya, bila berkas tidak punya kolom month (bulan)")] = None,
) -> Response:  # fmt: skip
    """Pagu TPP pegawai dari csv atau xlsx: seluruh berkas, atau tidak sama sekali; bulan yang sudah dinilai dihitung ulang."""

    async def take(lanes: Lanes, path: Path) -> Report:
        return await take_ceilings(
            lanes, path, dry_run=dry_run, month=month, actor=command.actor.name, patience_s=_PATIENCE_S)

    return await take_file(request, command, "ceilings", reason, take)


@router.get("/ceilings:export", operation_id="exportCeilings", summary="Ekspor pagu TPP sebulan", responses=FILES_GIVEN)
async def export_ceilings(
    connection: Reading, month: Month, _: Annotated[Actor, asks("ceilings.import")], form: FormAsked = "csv"
) -> Response:
    """Pagu TPP satu bulan dalam bentuk yang dapat diimpor lagi; memuat NIP."""
    return await give_file(ceilings_table(connection, month), CEILINGS, form, f"pagu-{month}")
