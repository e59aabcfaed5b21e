"""A geofence worker without its stream, for the tests of what it does again."""

from collections.abc import AsyncIterator

import pytest

from shared.database import open_pool
from shared.lanes import Lanes
from tests.integration.geofence.fence import Fence


@pytest.fixture
async def fence(fresh_database: str) -> AsyncIterator[Fence]:
    pool = await open_pool(fresh_database, "geofence")
    yield Fence(Lanes(pool, "geofence"))
    await pool.close()
