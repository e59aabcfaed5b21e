"""A worker for the tests of the streaming runtime: writes down every record and publishes it again.

Started as a process of its own. `HADIR_TEST_TOPIC` names the topic that it reads. `HADIR_TEST_FAULT` has it
meet a fault that cannot be caused from outside, `HADIR_TEST_MUTANT` switches one guarantee off, to prove that the
tests would notice.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg

from shared import batches, lanes, pump, reference, relay
from shared.database import Connection
from shared.events import Event
from shared.failures import Poison, Unready
from shared.lanes import Record, Work
from shared.streaming import Context, Reference, Worker, run_worker
from shared.topics import Service, Topic
from tests.faults import mutated

SERVICE: Service = "geofence"


class Numbered(Event):
    """A number with the trouble it makes: none, or the name of one."""

    number: int
    trouble: str = ""


class Setting(Event):
    """Reference data: a key's version."""

    key: str
    version: int


AHEAD = 5
DEAF_AFTER = 5
NAME = os.environ["HADIR_TEST_TOPIC"]
IN = Topic(NAME, Numbered, "number", "ingest", "numbers to process")
OUT = Topic(f"{NAME}.out", Numbered, "number", SERVICE, "numbers processed")
SETTINGS = Topic(f"{NAME}.settings", Setting, "key", "schedule", "reference data", partitions=3, compacted=True)


async def handle(work: Work, records: Sequence[Record[Any]]) -> None:
    """Writes the batch down and publishes it; makes the trouble that a record asks for."""
    for record in records:
        match record.event.trouble:
            case "bug":
                raise ZeroDivisionError(record.event.number)
            case "poison":
                raise Poison("schema", "number: told to be poison")
            case "bury":
                work.bury(record, "schema", "number: buried by the service")
            case "unready" if not await work.connection.fetchval("select exists (select from gate)"):
                raise Unready("the gate is shut")
            case "refused":
                await work.connection.execute("select 1 / $1::int", 0)
    good = [record for record in records if record.event.trouble != "bury"]
    await work.connection.execute(
        "insert into sink (partition, off, number) select * from unnest($1::int[], $2::bigint[], $3::bigint[])",
        [record.partition for record in good], [record.offset for record in good],
        [record.event.number for record in good],
    )  # fmt: skip
    for record in good:
        work.emit(OUT, str(record.event.number), 1, record.event, key=(record.key or b"").decode(),
                  lane=record.partition, cause=record.envelope)  # fmt: skip


async def apply_settings(connection: Connection, rows: Sequence[Any]) -> None:
    """Keeps the newest version of each setting."""
    for row in rows:
        if not isinstance(row, Record):
            await connection.execute("delete from setting where key = $1", (row.key or b"").decode())
        elif row.event.version < 0:
            raise ZeroDivisionError(row.event.key)
        else:
            await connection.execute(
                "insert into setting (key, version) values ($1, $2)"
                " on conflict (key) do update set version = excluded.version where setting.version < excluded.version",
                row.event.key, row.event.version,
            )  # fmt: skip


async def make_tables(context: Context) -> None:
    """The tables of the test, in the service's schema."""
    async with context.pool.acquire() as connection:
        try:
            await connection.execute(
                "create table if not exists sink (id bigserial, partition int, off bigint, number bigint);"
                "create table if not exists gate (open bool);"
                "create table if not exists chore_log (id bigserial, lanes int[]);"
                "create table if not exists setting (key text primary key, version int)"
            )
        except (asyncpg.UniqueViolationError, asyncpg.DuplicateTableError):
            return  # another worker of the same test was faster


def build(context: Context) -> Worker:
    """The composition root."""

    async def note_lanes(owned: frozenset[int]) -> int:
        async with context.lanes.hold(owned) as work:
            await work.connection.execute("insert into chore_log (lanes) values ($1)", sorted(work.lanes))
        return 0

    references = (Reference(SETTINGS, apply_settings),) if os.environ.get("HADIR_TEST_REFERENCE") else ()
    chores = (note_lanes,) if os.environ.get("HADIR_TEST_CHORE") else ()
    return Worker(SERVICE, (IN,), handle, references=references, chores=chores, on_start=make_tables, pause=0.2)


def meet(fault: str) -> None:
    """Causes what cannot be caused from outside the process."""
    if fault == "lost-commit-answer":
        commit = lanes._commit
        answers = iter([True, True, False])

        async def doubtful(transaction: Any) -> None:
            await commit(transaction)
            if not next(answers, True):
                raise asyncpg.ConnectionDoesNotExistError("the answer to COMMIT was lost")

        lanes._commit = doubtful
    elif fault == "boastful":
        tell = pump.tell_lag

        async def boasting(of: Any, offsets: Any) -> None:
            await tell(of, {position: offset + AHEAD for position, offset in offsets.items()})

        pump.tell_lag = boasting  # type: ignore[assignment]
    elif fault == "leaky-pump":
        real = pump.batches

        async def leaky(stream: Any, most: int, within: float) -> AsyncIterator[Sequence[Any]]:
            async for messages in real(stream, most, within):
                yield [message for message in messages if message.offset % 7 != 3]

        pump.batches = leaky
    elif fault == "deaf-references":
        deafen_the_first()
    elif fault:
        raise ValueError(f"there is no fault {fault}")


def deafen_the_first() -> None:
    """The first consumer of references hears nothing once it has caught up, and does not end either."""
    make = reference.ReferenceLoader._consumer
    made: list[Any] = []

    def deaf(self: Any) -> Any:
        consumer = make(self)
        assign, getmany = consumer.assign, consumer.getmany
        heard: list[int] = []

        async def nothing_more(**most: Any) -> Any:
            found = {} if sum(heard) >= DEAF_AFTER else await getmany(**most)
            heard.append(sum(map(len, found.values())))
            if not found:
                await asyncio.sleep(0.1)  # as getmany would wait
            return found

        async def for_ever() -> None:
            await asyncio.Event().wait()

        def first_of_its_kind(places: Any) -> None:
            if not made:
                made.append(consumer)
                consumer.getmany, consumer.stop = nothing_more, for_ever
            assign(places)

        consumer.assign = first_of_its_kind
        return consumer

    reference.ReferenceLoader._consumer = deaf  # type: ignore[method-assign]
    reference._LOOK_EVERY_S = 0.5  # type: ignore[misc]


def mutate(mutant: str) -> None:
    """Switches one guarantee off."""
    if mutant == "no-fencing":
        mutated.no_fencing()
    elif mutant == "no-replay-check":
        lock, transact = lanes.Lanes._lock, batches.Batches._transact

        async def careless(self: Any, connection: Any, wanted: Any, topics: Any, epochs: Any) -> Work:
            work = await lock(self, connection, wanted, topics, epochs)
            # As if every batch began where the position stands.
            forgetful = {at: (epoch, min(to, FIRST.get(at, to))) for at, (epoch, to) in work.positions.items()}
            work.positions = forgetful  # type: ignore[misc]
            return work

        async def remembering(self: Any, claim: Any, part: Any, condemned: Any, complete_from: int | None) -> None:
            FIRST.update({delivery.position: delivery.offset for delivery in reversed(part)})
            await transact(self, claim, part, condemned, complete_from)

        lanes.Lanes._lock = careless  # type: ignore[method-assign, assignment]
        batches.Batches._transact = remembering  # type: ignore[method-assign]
    elif mutant == "no-hole-check":
        mutated.no_hole_check()
    elif mutant == "kafka-position":
        mutated.kafka_position()
    elif mutant == "noack-off":  # Kafka is told by the fault
        mutated.kafka_position()
        mutated.no_hole_check()
    elif mutant == "no-relay-lock":

        async def grasping(self: Any, _: Any) -> None:
            self._held = set(self._owned())

        relay.Relay._hold_owned = grasping  # type: ignore[method-assign, assignment]
    elif mutant == "greedy-pump":
        pump._FETCHED, pump._FETCHED_BYTES = None, 1 << 20  # type: ignore[assignment, misc]  # as Faust has it
    elif mutant:
        raise ValueError(f"there is no mutant {mutant}")


FIRST: dict[Any, int] = {}

if __name__ == "__main__":
    meet(os.environ.get("HADIR_TEST_FAULT", ""))
    mutate(os.environ.get("HADIR_TEST_MUTANT", ""))
    run_worker(build, SERVICE)
