"""A database for each file of these tests, and an office on it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from shared.database import open_pool
from shared.lanes import Lanes
from shared.schemas import apply_schemas
from tests.integration.schedule.office import Office


@pytest.fixture(scope="module")
def schedule_database(postgres: str) -> str:
    """A database with all schemas for one file of tests."""
    name = f"hadir_schedule_{uuid4().hex[:10]}"

    async def make() -> None:
        connection = await asyncpg.connect(postgres)
        await connection.execute(f"create database {name}")
        await connection.close()
        await apply_schemas(url)

    url = f"{postgres.rpartition('/')[0]}/{name}"
    asyncio.run(make())
    return url


@pytest.fixture
async def lanes(schedule_database: str) -> AsyncIterator[Lanes]:
    pool = await open_pool(schedule_database, "schedule")
    yield Lanes(pool, "schedule")
    await pool.close()


@pytest.fixture
async def office(lanes: Lanes) -> Office:
    """A unit and a person under POL-A since Monday 2 February 2026; the clock is not set."""
    office = Office(lanes)
    await office.set_up()
    return office

