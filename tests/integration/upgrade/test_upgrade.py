"""A database of the first version that had migrations becomes one of this version, and both versions can use it meanwhile."""

import asyncio
import gzip
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.local.postgres import program
from services.payroll.store.balance import balance
from services.replay.digest import digest
from shared.database import open_pool
from shared.schemas import apply_schemas, pending_in, require_schema
from shared.topics import SERVICES

FIRST = Path(__file__).with_name("first.sql.gz")
COLUMNS = (
    "select table_schema || '.' || table_name as of, column_name as name, data_type as type, is_nullable = 'YES' as nullable,"
    " column_default is not null as filled from information_schema.columns where table_schema = any($1)"
)


@pytest.fixture
def old_database(postgres: str, fresh_database: str) -> str:
    """URL of a database as the first version left it, with a played day in it; the roles came with `fresh_database`."""
    name = f"{fresh_database.rpartition('/')[2]}_first"

    async def make() -> None:
        connection = await asyncpg.connect(postgres)
        try:
            await connection.execute(f"create database {name}")
        finally:
            await connection.close()

    asyncio.run(make())
    url = f"{postgres.rpartition('/')[0]}/{name}"
    subprocess.run(
        [program("psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url], input=gzip.decompress(FIRST.read_bytes()),
        capture_output=True, check=True,
    )  # fmt: skip
    return url


async def columns(url: str) -> dict[tuple[str, str], Any]:
    connection = await asyncpg.connect(url)
    try:
        return {(row["of"], row["name"]): row for row in await connection.fetch(COLUMNS, list(SERVICES))}
    finally:
        await connection.close()


async def test_a_filled_database_of_the_first_version_says_the_same_after_the_upgrade(old_database: str) -> None:
    before = await digest(old_database)
    assert before["assessed days"][0] >= 60
    assert before["deductions by month of origin"][0] > 0

    ran = await apply_schemas(old_database)

    assert ran["schedule"]
    assert not any((await pending_in(old_database)).values())
    assert await digest(old_database) == before
    pool = await open_pool(old_database, "payroll")
    await require_schema(pool, "payroll")
    async with pool.acquire() as connection:
        found = await balance(connection)
    assert found.months > 0
    assert not found.different
    await pool.close()
    assert not any((await apply_schemas(old_database)).values())


async def test_the_version_before_finds_everything_where_it_was(old_database: str) -> None:
    old = await columns(old_database)
    await apply_schemas(old_database)
    new = await columns(old_database)

    assert {place: row["type"] for place, row in old.items()} == {place: new[place]["type"] for place in old if place in new}
    tables = {table for table, _ in old}
    unfilled = [
        f"{table}.{name}" for (table, name), row in new.items()
        if table in tables and (table, name) not in old and not row["nullable"] and not row["filled"]
    ]  # fmt: skip
    assert not unfilled, "an insert of the version before would fail: give these a default"
