"""The HTTP API of geofence: sites, verdicts of check-ins, suspicions. Never a coordinate of a person.

`ROUTERS` is where a capability is added: one module with a `router`, one line here (docs/api.md).
"""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, FastAPI

from services.geofence.api import sites, verdicts
from services.geofence.api.sites import closed
from services.geofence.importer import Gate
from shared.refusal import Refused
from shared.web.app import Context, new_app
from shared.web.uploads import LARGEST_FILE

ROUTERS: Final[tuple[APIRouter, ...]] = (
    sites.router,
    verdicts.router,
)


def create_app(context: Context, gate: Callable[[str], Gate] = closed) -> FastAPI:
    """The API of geofence. `gate` for an actor says whether fences may move now; without one, fences that hold do not move."""
    app = new_app(
        context,
        title="Hadir: tempat dan bukti kehadiran",
        description="Situs, putusan lokasi setiap tanda hadir (tanpa koordinat), dan dugaan pemalsuan yang menunggu orang.",
        routers=ROUTERS,
        refusals=(Refused,),
        largest_body=LARGEST_FILE,
    )
    app.state.gate = gate
    return app
