"""Real servers for the tests that need them: one Kafka and one PostgreSQL per session, on free ports, in a temp folder.

Set HADIR_TEST_KAFKA or HADIR_TEST_DATABASE (a superuser's URL) to use servers of your own instead.
"""

import asyncio
import os
from collections.abc import Iterator
from itertools import count

import asyncpg
import pytest

from services.local.kafka import start_kafka
from services.local.postgres import Postgres, start_postgres
from shared.database import apply_schemas
from shared.kafka import apply_topics

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real broker that has all topics."""
    if given := os.environ.get("HADIR_TEST_KAFKA"):
        asyncio.run(apply_topics(given))
        yield given
        return
    broker = start_kafka(tmp_path_factory.mktemp("kafka"))
    try:
        broker.wait_ready()
        asyncio.run(apply_topics(broker.bootstrap))
        yield broker.bootstrap
    finally:
        broker.stop(5)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Superuser's URL of the maintenance database of a real PostgreSQL."""
    if given := os.environ.get("HADIR_TEST_DATABASE"):
        yield given
        return
    server: Postgres = start_postgres(tmp_path_factory.mktemp("postgres"), durable=False)
    try:
        server.wait_ready()
        yield server.url("postgres")
    finally:
        server.stop(5)


@pytest.fixture(scope="session")
def database(postgres: str, kafka: str) -> str:
    """URL of a database with all schemas, shared by the session; `kafka` has all topics."""
    assert kafka
    return _new_database(postgres)


@pytest.fixture
def fresh_database(postgres: str) -> str:
    """URL of a database with all schemas that no other test has seen."""
    return _new_database(postgres)


def _new_database(admin_url: str) -> str:
    name = f"hadir_test_{os.getpid()}_{next(_NUMBERS)}"

    async def make() -> str:
        connection = await asyncpg.connect(admin_url)
        try:
            await connection.execute(f"create database {name}")
        finally:
            await connection.close()
        url = f"{admin_url.rpartition('/')[0]}/{name}"
        await apply_schemas(url)
        return url

    return asyncio.run(make())
