"""The HTTP API of schedule: people and reference data, days and what follows from them, corrections.

`ROUTERS` is where a capability is added: one module with a `router`, one line here (docs/api.md).
"""

from typing import Final

from fastapi import APIRouter, FastAPI

from services.schedule.api import (
    approvals,
    corrections,
    days,
    discipline,
    imports,
    people,
    previews,
    reference,
    requests,
    rosters,
    schemes,
)
from services.schedule.corrections import CorrectionRefused
from shared.refusal import Refused
from shared.web.app import Context, Duty, new_app
from shared.web.uploads import LARGEST_FILE

ROUTERS: Final[tuple[APIRouter, ...]] = (
    people.router,
    reference.router,
    days.router,
    corrections.router,
    requests.router,
    approvals.router,
    discipline.router,
    schemes.router,
    rosters.router,
    previews.router,
    imports.router,
)


def create_app(context: Context, player: Duty | None = None) -> FastAPI:
    """The API of schedule. `player` plays the previews that are ordered; without one none can be."""
    app = new_app(
        context,
        title="Hadir: jadwal, penilaian hari, koreksi",
        description="Pegawai, unit, jadwal, penilaian hari kerja, pelanggaran, koreksi. Semua daftar berhalaman (`after`, `limit`).",
        routers=ROUTERS,
        refusals=(CorrectionRefused, Refused),
        largest_body=LARGEST_FILE,
        alongside={} if player is None else {"previews": player},
    )
    app.state.plays = player is not None
    return app
