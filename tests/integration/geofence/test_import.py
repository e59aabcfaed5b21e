"""What an import of sites asks before it moves a fence, and that nobody's check-in waits for the answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.geofence.importer import Gate, Moving, SitesReport, import_sites
from shared.database import open_pool
from shared.lanes import Lanes
from shared.refusal import Refused
from shared.topics import LANES

Importing = Callable[[dict[str, Any], Gate], Awaitable[SitesReport]]


@pytest.fixture
def importing(module_database: str, tmp_path: Path) -> Importing:
    async def importing(feature: dict[str, Any], gate: Gate) -> SitesReport:
        path = tmp_path / "sites.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        return await import_sites(module_database, path, gate=gate)

    return importing


def region(code: str, size: float) -> dict[str, Any]:
    ring = [[102, -4], [102 + size, -4], [102 + size, -4 + size], [102, -4 + size], [102, -4]]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"code": code, "kind": "region"}}


async def open_gate(_moving: Moving) -> None:
    """Lets everything through."""


async def test_every_lane_is_free_while_the_gate_looks_at_everybody(importing: Importing, module_database: str) -> None:
    async def gate(_moving: Moving) -> None:
        async with (
            asyncio.timeout(20), await open_pool(module_database, "geofence", max_size=1) as pool,
            Lanes(pool, "geofence").hold(range(LANES)) as work,
        ):  # fmt: skip
            assert len(work.lanes) == LANES

    assert (await importing(region("FREE", 1), gate)).applied


async def test_a_fence_that_somebody_moves_while_the_gate_is_asked_is_asked_about_again(importing: Importing) -> None:
    asked: list[Moving] = []

    async def gate(moving: Moving) -> None:
        asked.append(moving)
        if len(asked) == 1:
            await importing(region("MOVED", 1), open_gate)

    report = await importing(region("MOVED", 2), gate)

    assert [len(moving.replaced) for moving in asked] == [0, 1]
    assert (report.applied, report.changed) == (True, 1)


async def test_what_a_gate_refuses_at_the_second_question_is_not_applied(importing: Importing) -> None:
    async def gate(moving: Moving) -> None:
        if moving.replaced:
            raise Refused("later")
        await importing(region("REFUSED", 1), open_gate)

    with pytest.raises(Refused):
        await importing(region("REFUSED", 2), gate)

    assert (await importing(region("REFUSED", 1), open_gate)).unchanged == 1
