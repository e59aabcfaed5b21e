"""Facts, outbox and sequence come together or not at all; roles keep services out of each other's tables."""

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from shared import topics
from shared.database import Connection, Pool, add_outbox_days, connect, drop_sent_outbox_days, open_pool
from shared.envelope import Envelope
from shared.events import OrgUnitPublished
from shared.lanes import Lanes, Work, channel
from shared.schemas import apply_schemas
from tests.waiting import until


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    """Connections of the schedule service."""
    opened = await open_pool(fresh_database, "schedule", max_size=10)
    yield opened
    opened.terminate()


@pytest.fixture
def lanes(pool: Pool) -> Lanes:
    """Lanes of the schedule service."""
    return Lanes(pool, "schedule")


def emit(work: Work, lane: int, version: int = 1) -> Envelope:
    unit = uuid4()
    event = OrgUnitPublished(org_unit_id=unit, version=version, code="1", name="Dinas", timezone="Asia/Jakarta")
    return work.emit(topics.ORG_UNIT, str(unit), version, event, key=str(unit), lane=lane, cause=None)


async def test_what_is_emitted_is_in_the_outbox_when_the_work_commits(lanes: Lanes, pool: Pool) -> None:
    async with lanes.hold([3]) as work:
        envelope = emit(work, 3)

    row = await pool.fetchrow("select seq, topic, partition, headers::jsonb->>'ce_id' as id from outbox where lane = 3")
    assert row is not None
    assert tuple(row) == (1, topics.ORG_UNIT.name, 3, str(envelope.id))
    assert envelope.correlation_id == envelope.id


async def test_other_relays_are_told_of_what_is_written_but_not_where_this_process_publishes_all_of_it_itself(
    pool: Pool, fresh_database: str
) -> None:
    heard: list[str] = []
    listening = await connect(fresh_database, "schedule", name="test")
    await listening.add_listener(channel("schedule"), lambda *_: heard.append("told"))
    for own, written in (({3, 4}, [3, 4]), ({3}, [3]), ({3}, [3, 4])):
        async with Lanes(pool, "schedule", relayed=partial(frozenset, own)).hold(written) as work:
            for lane in written:
                emit(work, lane)
    await until(lambda: heard)
    await listening.close()
    assert heard == ["told"], "notifications come in the order of their commits, and the last one alone had to notify"


async def test_the_relay_of_this_process_is_told_once_there_is_something_to_publish_and_not_before(pool: Pool) -> None:
    told: list[int] = []

    def look() -> None:
        told.append(1)

    lanes = Lanes(pool, "schedule", on_outbox=look)
    async with lanes.hold([3]):
        """Nothing is emitted."""
    with pytest.raises(ZeroDivisionError):
        await emit_and_fail(lanes, [3])
    assert told == []
    async with lanes.hold([3, 4]) as work:
        emit(work, 3)
        emit(work, 4)
        assert told == []

    assert told == [1]


async def test_work_whose_server_has_gone_silent_is_let_go_within_seconds_and_its_session_with_it(lanes: Lanes, pool: Pool) -> None:
    async with AsyncExitStack() as held:
        with pytest.raises(TimeoutError):  # noqa: PT012 - the whole of it is what times out
            async with asyncio.timeout(60) as patience, lanes.hold([3]) as work:
                process = await work.connection.fetchval("select pg_backend_pid()")
                os.kill(process, signal.SIGSTOP)
                held.callback(os.kill, process, signal.SIGCONT)
                async with asyncio.timeout(0.2):
                    await work.connection.fetchval("select 1")

        assert not patience.expired()
        assert process not in [await session.fetchval("select pg_backend_pid()") for session in await everybody(pool, held)]


async def test_whose_session_is_lost_in_the_middle_hears_of_its_own_failure(lanes: Lanes) -> None:
    async def lose(session: Any) -> None:
        os.kill(await session.fetchval("select pg_backend_pid()"), signal.SIGTERM)
        await until(session._con.is_closed)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with lanes.hold([3]) as work:
            await lose(work.connection)


async def everybody(pool: Pool, held: AsyncExitStack) -> list[Connection]:
    return [await held.enter_async_context(pool.acquire()) for _ in range(10)]


async def emit_and_fail(lanes: Lanes, wanted: list[int]) -> None:
    async with lanes.hold(wanted) as work:
        for lane in set(wanted):
            emit(work, lane)
        raise ZeroDivisionError


async def test_a_failure_leaves_nothing_behind(lanes: Lanes, pool: Pool) -> None:
    with pytest.raises(ZeroDivisionError):
        await emit_and_fail(lanes, [3])

    assert await pool.fetchval("select count(*) from outbox") == 0
    assert await pool.fetchval("select sum(out_seq) from lane") == 0


async def test_the_sequence_of_a_lane_has_no_holes_whoever_fails_in_between(lanes: Lanes, pool: Pool) -> None:
    async def one(turn: int) -> None:
        wanted = [turn % 3, (turn + 1) % 3, turn % 5]
        if turn % 7 == 0:
            with pytest.raises(ZeroDivisionError):
                await emit_and_fail(lanes, wanted)
            return
        async with lanes.hold(wanted) as work:
            for lane in set(wanted):
                emit(work, lane)

    await asyncio.gather(*(one(turn) for turn in range(100)))

    rows = await pool.fetch("select lane, seq from outbox order by lane, seq")
    found = defaultdict(list)
    for row in rows:
        found[row["lane"]].append(row["seq"])
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in found.values())
    assert {row["lane"]: row["out_seq"] for row in await pool.fetch("select * from lane where out_seq > 0")} == {
        lane: len(seqs) for lane, seqs in found.items()
    }


async def test_work_may_emit_only_on_lanes_it_holds_and_on_topics_of_its_service(lanes: Lanes) -> None:
    with pytest.raises(ValueError, match="lane 4 is not held"):
        async with lanes.hold([3]) as work:
            emit(work, 4)
    event = OrgUnitPublished(org_unit_id=uuid4(), version=1, code="1", name="Dinas", timezone="Asia/Jakarta")
    with pytest.raises(ValueError, match="belongs to payroll"):
        async with lanes.hold([3]) as work:
            work.emit(topics.CEILING, "x", 1, event, key="x", lane=3, cause=None)
    with pytest.raises(ValueError, match="no such lanes"):
        async with lanes.hold([24]):
            pass


async def test_close_waits_for_the_work_in_flight_and_lets_no_other_begin(lanes: Lanes, pool: Pool) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with lanes.hold([1]) as work:
            begun.set()
            await go_on.wait()
            emit(work, 1)

    working = asyncio.create_task(slow())
    await begun.wait()
    closing = asyncio.create_task(lanes.close())
    await asyncio.sleep(0)
    late = asyncio.create_task(slow())
    await asyncio.sleep(0.05)
    assert not closing.done()
    go_on.set()
    await closing
    await working

    assert not late.done()
    late.cancel()
    assert await pool.fetchval("select count(*) from outbox") == 1


async def test_applying_the_schemas_again_and_at_once_changes_nothing(fresh_database: str, lanes: Lanes) -> None:
    async with lanes.hold([3]) as work:
        emit(work, 3)

    await asyncio.gather(apply_schemas(fresh_database), apply_schemas(fresh_database))

    assert await lanes.pool.fetchval("select out_seq from lane where lane = 3") == 1


async def test_a_service_cannot_see_another_ones_tables_and_the_auditor_reads_all_and_writes_none(
    fresh_database: str, pool: Pool
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.fetch("select * from payroll.lane")
    auditor = await connect(fresh_database, None)
    await auditor.execute("set role hadir_audit")
    for service in topics.SERVICES:
        await auditor.fetch(f"select * from {service}.dead_letter")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await auditor.execute(f"delete from {service}.dead_letter")
    await auditor.close()


async def test_a_day_of_the_outbox_is_dropped_once_it_is_old_and_sent(lanes: Lanes, pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        # any date: the date of a transaction stays the same to its end
        today: date = await connection.fetchval("select current_date")
        old, older = today - timedelta(days=9), today - timedelta(days=10)
        for day in (old, older):
            await connection.execute(
                f"create table outbox_{day:%Y%m%d} partition of outbox"
                f" for values from ('{day}') to ('{day + timedelta(days=1)}')"
            )
        await connection.execute(
            "insert into outbox values (1, 1, 't', 1, null, '{}', 'v', $1), (1, 2, 't', 1, null, '{}', 'v', $2)",
            older, old,
        )  # fmt: skip
        await connection.execute("update relay_cursor set sent_seq = 1 where lane = 1")

        assert await drop_sent_outbox_days(connection) == [f"outbox_{older:%Y%m%d}"]

        await connection.execute("update relay_cursor set sent_seq = 2 where lane = 1")
        assert await drop_sent_outbox_days(connection) == [f"outbox_{old:%Y%m%d}"]
        assert await drop_sent_outbox_days(connection) == []
        await add_outbox_days(connection)
    async with lanes.hold([1]) as work:
        emit(work, 1)


async def test_every_lane_is_free_while_a_change_is_cleared_and_held_once_it_is(lanes: Lanes, pool: Pool) -> None:
    async def look(connection: Connection) -> int:
        return int(await connection.fetchval("select changes from reference_state"))

    async def clear(_connection: Connection, _seen: int) -> None:
        async with asyncio.timeout(20), lanes.hold(range(topics.LANES)):
            pass

    async with lanes.hold_cleared(range(topics.LANES), look, clear) as (work, _):
        assert len(work.lanes) == topics.LANES


async def test_what_changed_while_it_was_cleared_is_cleared_again_and_what_is_refused_then_is_not_begun(lanes: Lanes, pool: Pool) -> None:
    asked: list[int] = []

    async def look(connection: Connection) -> int:
        return int(await connection.fetchval("select changes from reference_state"))

    async def clear(_connection: Connection, seen: int) -> None:
        asked.append(seen)
        if len(asked) == 3:
            raise LookupError
        if len(asked) != 2:
            await pool.execute("update reference_state set changes = changes + 1")

    async with lanes.hold_cleared([3], look, clear) as (_, seen):
        assert asked == [seen - 1, seen]
    with pytest.raises(LookupError):
        async with lanes.hold_cleared([3], look, clear):
            pytest.fail("begun")
