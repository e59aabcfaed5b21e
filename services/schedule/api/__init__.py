"""The HTTP API of schedule: people and reference data, days and what follows from them, corrections.

`ROUTERS` is where a capability is added: one module with a `router`, one line here (docs/api.md).
"""

from typing import Final

from fastapi import APIRouter, FastAPI

from services.schedule.api import corrections, days, discipline, people, reference, requests, rosters, schemes
from services.schedule.corrections import CorrectionRefused
from services.schedule.publishing import Refused
from shared.web.app import Context, new_app

ROUTERS: Final[tuple[APIRouter, ...]] = (
    people.router,
    reference.router,
    days.router,
    corrections.router,
    requests.router,
    discipline.router,
    schemes.router,
    rosters.router,
)


def create_app(context: Context) -> FastAPI:
    """The API of schedule."""
    return new_app(
        context,
        title="Hadir: jadwal, penilaian hari, koreksi",
        description="Pegawai, unit, jadwal, penilaian hari kerja, pelanggaran, koreksi. Semua daftar berhalaman (`after`, `limit`).",
        routers=ROUTERS,
        refusals=(CorrectionRefused, Refused),
    )
