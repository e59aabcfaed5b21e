"""One database for all towns of these tests."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from shared.database import open_pool
from shared.lanes import Lanes
from shared.schemas import apply_schemas
from tests.integration.preview.town import Town


@pytest.fixture(scope="module")
def town_database(postgres: str) -> str:
    name = f"hadir_preview_{uuid4().hex[:10]}"

    async def make() -> None:
        connection = await asyncpg.connect(postgres)
        await connection.execute(f"create database {name}")
        await connection.close()
        await apply_schemas(url)

    url = f"{postgres.rpartition('/')[0]}/{name}"
    asyncio.run(make())
    return url


@pytest.fixture
async def town(town_database: str) -> AsyncIterator[Town]:
    pools = [await open_pool(town_database, service) for service in ("schedule", "payroll")]
    yield Town(town_database, Lanes(pools[0], "schedule"), Lanes(pools[1], "payroll"), random.Random(7))
    for pool in pools:
        await pool.close()
