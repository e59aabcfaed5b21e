"""One database for all towns of these tests."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.schedule import taking_force
from shared.database import open_pool
from shared.lanes import Lanes
from shared.topics import LANES
from tests.integration.preview.town import Town


@pytest.fixture(scope="module")
def town_database(module_database: str) -> str:
    return module_database


@pytest.fixture
async def town(town_database: str) -> AsyncIterator[Town]:
    pools = [await open_pool(town_database, service) for service in ("schedule", "payroll")]
    yield Town(town_database, Lanes(pools[0], "schedule"), Lanes(pools[1], "payroll"), random.Random(7))
    for pool in pools:
        await pool.close()


@pytest.fixture
def asked_freely(town: Town, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that the gate is asked; at each, somebody else can hold every lane, or the test fails."""
    asked: list[str] = []

    def letting_others_work(name: str) -> Any:
        gate = getattr(taking_force, name)

        async def allow(*given: Any) -> taking_force.Cleared:
            async with asyncio.timeout(20), town.schedule.hold(range(LANES)):
                asked.append(name)
            cleared: taking_force.Cleared = await gate(*given)
            return cleared

        return allow

    for name in [name for name in vars(taking_force) if name.startswith("allow_")]:
        monkeypatch.setattr(taking_force, name, letting_others_work(name))
    return asked
