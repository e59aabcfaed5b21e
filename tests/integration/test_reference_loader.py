"""Who loads references when the lock changes hands in the middle of a transaction, on a real PostgreSQL and topics of chance."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import asyncpg
from aiokafka import TopicPartition

from shared.database import open_pool
from shared.health import Readiness
from shared.lanes import Lanes
from shared.reference import Reference, ReferenceLoader, Row
from shared.settings import Settings
from shared.topics import EMPLOYEE
from tests.waiting import PATIENCE_S, until

PLACE = TopicPartition(EMPLOYEE.name, 0)
LOCK = "hadir payroll references"


class Log:
    """A consumer that sees so many records of one partition, each a tombstone; it stands for aiokafka's."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.at = dict.fromkeys((TopicPartition(EMPLOYEE.name, partition) for partition in range(EMPLOYEE.partitions)), 0)
        self.ended = asyncio.Event()

    async def start(self) -> None:
        """Nothing is to be done."""

    async def stop(self) -> None:
        self.ended.set()

    def assign(self, places: Sequence[TopicPartition]) -> None:
        assert set(places) == set(self.at)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.at[place] = offset

    async def position(self, place: TopicPartition) -> int:
        return self.at[place]

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self.end if place == PLACE else 0 for place in places}

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        first = self.at[PLACE] if self.at[PLACE] <= self.end else 0  # beyond the log: auto_offset_reset="earliest"
        self.at[PLACE] = min(self.end, first + max_records)
        if first == self.end:
            await asyncio.sleep(timeout_ms / 1000)
        return {PLACE: [
            SimpleNamespace(
                topic=PLACE.topic, partition=0, offset=offset, key=b"00000000-0000-0000-0000-000000000001", value=None, headers=(),
                timestamp=datetime.now(UTC).timestamp() * 1000,
            )
            for offset in range(first, self.at[PLACE])
        ]}  # fmt: skip


class Loader(ReferenceLoader):
    """A process's loader, whose consumer is the given log."""

    log: Log

    def _consumer(self) -> Any:
        return self.log


async def nothing(_connection: Any, _rows: Sequence[Row]) -> None:
    """Rows are of no interest here."""


@asynccontextmanager
async def loading(database: str, end: int, apply: Callable[..., Any] = nothing) -> AsyncIterator[Loader]:
    """A process that begins to load a topic which ends there."""
    pool = await open_pool(database, "payroll")
    loader = Loader(
        Settings(database=database), "payroll", [Reference(EMPLOYEE, apply)], Lanes(pool, "payroll"), Readiness("payroll"),
        on_change=lambda: None,
    )
    loader.log = Log(end)
    task = asyncio.create_task(loader.run())
    try:
        yield loader
    finally:
        task.cancel()
        await asyncio.wait([task])
        await pool.close()


async def test_whoever_lost_the_lock_in_the_middle_of_a_transaction_does_not_set_the_position_back(fresh_database: str) -> None:
    in_apply, may_fail = asyncio.Event(), asyncio.Event()

    async def struck_once(_connection: Any, _rows: Sequence[Row]) -> None:
        if not in_apply.is_set():
            in_apply.set()
            await may_fail.wait()
            raise ConnectionResetError("the server restarts")

    database = await asyncpg.connect(fresh_database, server_settings={"search_path": "payroll"})

    async def stored() -> int:
        return await database.fetchval("select coalesce(max(next_offset), 0) from reference_position")  # type: ignore[no-any-return]

    async def stands_at(offset: int) -> None:
        async def there() -> bool:
            return await stored() == offset

        await until(there)

    try:
        async with loading(fresh_database, 150, struck_once) as frozen, asyncio.timeout(PATIENCE_S):
            await in_apply.wait()
            # The restart ends the session of the lock, and another process is quicker.
            await database.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", LOCK)
            async with loading(fresh_database, 200):
                await stands_at(200)
                may_fail.set()
                await frozen.log.ended.wait()

                assert await stored() == 200
                async with loading(fresh_database, 200) as later:
                    await later.caught_up()
    finally:
        await database.close()


async def test_a_topic_that_was_made_anew_is_read_from_its_beginning_and_the_position_follows(fresh_database: str) -> None:
    database = await asyncpg.connect(fresh_database, server_settings={"search_path": "payroll"})

    async def follows() -> bool:
        return bool(await database.fetchval("select next_offset = 50 from reference_position where partition = 0"))

    try:
        await database.execute("insert into reference_position (topic, partition, next_offset) values ($1, 0, 200)", EMPLOYEE.name)
        async with loading(fresh_database, 50):
            await until(follows)
    finally:
        await database.close()
