"""The HTTP API of schedule: people and reference data, days and what follows from them, corrections.

`ROUTERS` is where a capability is added: one module with a `router`, one line here (docs/api.md).
"""

from typing import Final

from fastapi import APIRouter, FastAPI

from services.schedule.api import corrections, days, discipline, people, previews, reference, requests, rosters, schemes
from services.schedule.corrections import CorrectionRefused
from services.schedule.publishing import Refused
from shared.web.app import Context, Duty, new_app

ROUTERS: Final[tuple[APIRouter, ...]] = (
    people.router,
    reference.router,
    days.router,
    corrections.router,
    requests.router,
    discipline.router,
    schemes.router,
    rosters.router,
    previews.router,
)


LARGEST_BODY: Final = 8 * 1024 * 1024
"""Bytes of one request: a rule pack or a file of rosters or sites to be previewed; a larger one is for `hadir preview`."""


def create_app(context: Context, player: Duty | None = None) -> FastAPI:
    """The API of schedule. `player` plays the previews that are ordered; without one none can be."""
    app = new_app(
        context,
        title="Hadir: jadwal, penilaian hari, koreksi",
        description="Pegawai, unit, jadwal, penilaian hari kerja, pelanggaran, koreksi. Semua daftar berhalaman (`after`, `limit`).",
        routers=ROUTERS,
        refusals=(CorrectionRefused, Refused),
        largest_body=LARGEST_BODY,
        alongside={} if player is None else {"previews": player},
    )
    app.state.plays = player is not None
    return app
