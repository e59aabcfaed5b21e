"""A database for each file of these tests, and an office on it."""

from collections.abc import AsyncIterator

import pytest

from shared.database import open_pool
from shared.lanes import Lanes
from tests.integration.schedule.office import Office


@pytest.fixture(scope="module")
def schedule_database(module_database: str) -> str:
    """A database with all schemas for one file of tests."""
    return module_database


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

