"""One database for all towns of these tests."""

import random
from collections.abc import AsyncIterator

import pytest

from shared.database import open_pool
from shared.lanes import Lanes
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
