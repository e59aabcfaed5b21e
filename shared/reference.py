"""Reference data: compacted topics loaded into the service's own tables, with the position in the same transaction.

Compacted topics have holes in their offsets, so they are not for the stream: one process of a service loads them
with a plain consumer, under an advisory lock, and goes on where the stored position stands. Rows carry versions, so
reading something twice changes nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared import failpoints, logs
from shared.database import Connection, connect
from shared.envelope import Envelope, decode
from shared.events import Event
from shared.failures import SCHEMA, Fenced, Poison
from shared.health import Readiness
from shared.isolation import Condemned, Streak, settle
from shared.kafka import let_go, security
from shared.lanes import Lanes, Record
from shared.retry import persist
from shared.settings import Settings
from shared.topics import Service, Topic

_log = logging.getLogger(__name__)

_MOST_ROWS: Final = 500
_SILENCE_S: Final = 15
_POLL_S: Final = 0.1
_LOCK_POLL_S: Final = 1.0
_START_S: Final = 60.0
_LOOK_EVERY_S: Final = 10.0
"""How long a consumer may bring nothing before it is asked whether there is something."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The record that says: what this key stood for is no more."""

    topic: Topic[Event]
    partition: int
    offset: int
    key: bytes | None


Row: TypeAlias = Record[Any] | Tombstone
Apply: TypeAlias = Callable[[Connection, Sequence[Row]], Awaitable[None]]


def standing(rows: Sequence[Row]) -> tuple[list[UUID], list[Any]]:
    """The ids that are erased in a batch, and the events that no tombstone follows, in every version that came.

    Erase first, then save. Versions may come late, so which event is the newest is for the saving to say.
    """
    erased_at = {row.key: at for at, row in enumerate(rows) if isinstance(row, Tombstone)}
    return (
        [UUID((key or b"").decode()) for key in erased_at],
        [row.event for at, row in enumerate(rows) if not isinstance(row, Tombstone) and at > erased_at.get(row.key, -1)],
    )


@dataclass(frozen=True)
class Reference:
    """A compacted topic and how its records become rows.

    `apply` gets records in offset order per partition, within the transaction that stores the position; it upserts
    rows whose version is newer than the stored one and ignores the others.
    """

    topic: Topic[Any]
    apply: Apply


@dataclass(frozen=True, slots=True, eq=False)
class _Fetched:
    """A record as fetched; compared by identity."""

    reference: Reference
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int


class ReferenceLoader:
    """Loads the references of a service, in whichever of its processes holds the lock."""

    def __init__(
        self, settings: Settings, service: Service, references: Sequence[Reference], lanes: Lanes,
        readiness: Readiness, on_change: Callable[[], None],
    ) -> None:  # fmt: skip
        self._settings = settings
        self._service: Final = service
        self._references: Final[Mapping[str, Reference]] = {ref.topic.name: ref for ref in references}
        self._lanes = lanes
        self._readiness = readiness
        self._on_change = on_change
        self._streak = Streak()
        self._known: dict[TopicPartition, int] = {}
        """What is stored, as far as this process has read or written it."""

    @property
    def _partitions(self) -> list[TopicPartition]:
        return [
            TopicPartition(name, partition)
            for name, ref in sorted(self._references.items())
            for partition in range(ref.topic.partitions)
        ]

    async def caught_up(self) -> None:
        """Returns once the tables hold what the topics held when this was called, whoever loads them."""
        if not self._references:
            return
        ends = await self._persist(self._end_offsets)
        wanted = {place: end for place, end in ends.items() if end > 0}
        while behind := await self._persist(lambda: self._behind(wanted)):
            logs.event(_log, "References are still loading", level=logging.DEBUG, count=behind)
            await asyncio.sleep(_POLL_S)

    async def run(self) -> None:
        """Loads for ever; outages and the loss of the lock are lived through, anything else is raised."""
        while self._references:
            try:
                await self._persist(self._load)
            except Fenced:
                logs.event(_log, "Another process loads the references now", level=logging.WARNING)

    async def _persist(self, work: Callable[[], Awaitable[Any]]) -> Any:
        return await persist(work, what="references loaded", service=self._service, readiness=self._readiness)

    async def _end_offsets(self) -> dict[TopicPartition, int]:
        consumer = self._consumer()
        await consumer.start()
        try:
            ends: dict[TopicPartition, int] = await consumer.end_offsets(self._partitions)
            return ends
        finally:
            await let_go(consumer)

    async def _behind(self, wanted: Mapping[TopicPartition, int]) -> int:
        """How many partitions have not been loaded up to the wanted offset."""
        stored = await self._stored()
        return sum(1 for place, end in wanted.items() if stored.get(place, 0) < end)

    async def _stored(self) -> dict[TopicPartition, int]:
        async with self._lanes.pool.acquire() as connection:
            rows = await connection.fetch("select topic, partition, next_offset from reference_position")
        return {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def _load(self) -> None:
        """Waits for the lock, then loads until something fails; a silent session loses the lock to another process."""
        lock = await connect(self._settings.database, self._service, name=f"hadir {self._service} references")
        consumer = self._consumer()
        try:
            name = f"hadir {self._service} references"
            while not await lock.fetchval("select pg_try_advisory_lock(hashtext($1))", name):
                self._readiness.have("references loaded")  # by the process that holds the lock
                await asyncio.sleep(_LOCK_POLL_S)
            await lock.execute(f"set idle_session_timeout = '{_SILENCE_S}s'")
            async with asyncio.timeout(_START_S):
                await consumer.start()
            consumer.assign(self._partitions)
            silence = _Silence(consumer)
            self._known = await self._stored()
            for place in self._partitions:
                consumer.seek(place, self._known.get(place, 0))
            while True:
                fetched = await consumer.getmany(timeout_ms=1000, max_records=_MOST_ROWS)
                await lock.execute("select 1")  # raises when the lock was lost meanwhile
                items = [self._as_fetched(record) for records in fetched.values() for record in records]
                # Beyond the last record there may be more offsets that compaction emptied: ask the consumer.
                reached = {place: await consumer.position(place) for place in self._partitions}
                if items:
                    silence = _Silence(consumer)
                    failpoints.reach("references-fetched")
                    await settle(items, self._apply, self._streak)
                    failpoints.reach("references-applied")
                    self._on_change()
                else:
                    await silence.end_if_stuck(reached)
                moved = {place: to for place, to in reached.items() if self._known.get(place, 0) != to}
                if moved:
                    async with self._lanes.pool.acquire() as connection:
                        await self._move(connection, moved)
                    self._known |= moved
                self._readiness.have("references loaded")
        finally:
            lock.terminate()
            await let_go(consumer)

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka,
            client_id=f"hadir-{self._service}-references",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=1_048_576,
            **security(),
        )

    def _as_fetched(self, record: Any) -> _Fetched:
        return _Fetched(
            self._references[record.topic], record.partition, record.offset, record.key, record.value,
            record.headers, record.timestamp,
        )  # fmt: skip

    async def _apply(self, items: Sequence[_Fetched], condemned: Mapping[_Fetched, Condemned]) -> None:
        rows: dict[str, list[Row]] = {}
        poison: list[tuple[_Fetched, Condemned]] = []
        for item in items:
            try:
                if item in condemned:
                    poison.append((item, condemned[item]))
                else:
                    rows.setdefault(item.reference.topic.name, []).append(_row(item))
            except Poison as error:
                poison.append((item, Condemned(error.reason, error.detail)))

        async def once() -> None:
            async with self._lanes.hold({item.partition for item, _ in poison}) as work:
                for name, found in rows.items():
                    await self._references[name].apply(work.connection, found)
                for item, verdict in poison:
                    work.bury_raw(item.reference.topic.name, item.partition, item.offset, item.key, item.value, None,
                                  verdict.reason, verdict.detail)  # fmt: skip
                await self._move(work.connection, reached)

        reached: dict[TopicPartition, int] = {}
        for item in items:
            reached[TopicPartition(item.reference.topic.name, item.partition)] = item.offset + 1
        await self._persist(once)
        self._known |= reached

    async def _move(self, connection: Connection, reached: Mapping[TopicPartition, int]) -> None:
        """Raises Fenced unless these positions stand where this process left them.

        The lock alone does not tell: its session may end while a transaction is retried. A position may go back, as it does
        when a topic was made anew.
        """
        done = await connection.execute(
            _MOVE, [place.topic for place in reached], [place.partition for place in reached],
            [self._known.get(place, 0) for place in reached], list(reached.values()),
        )  # fmt: skip
        if int(done.rpartition(" ")[2]) != len(reached):
            raise Fenced("another process has loaded references further")


class _Silence:
    """How long a consumer has brought nothing; one that stays behind meanwhile has lost its way to the broker.

    It may: of a broker that has just started it can learn of no leader, and says nothing about it.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._next_look = asyncio.get_running_loop().time() + _LOOK_EVERY_S
        self._behind: set[tuple[TopicPartition, int]] = set()

    async def end_if_stuck(self, reached: Mapping[TopicPartition, int]) -> None:
        """Raises ConnectionError if a partition is behind at the same place as when it was looked at before."""
        now = asyncio.get_running_loop().time()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_EVERY_S
        ends = await self._consumer.end_offsets(list(reached))
        behind = {(place, at) for place, at in reached.items() if ends[place] > at}
        if behind & self._behind:
            raise ConnectionError("the consumer of references brings nothing though there is something")
        self._behind = behind


_MOVE: Final = """
with given as (select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) v(topic, partition, known, reached))
insert into reference_position as p (topic, partition, next_offset) select topic, partition, reached from given
on conflict (topic, partition) do update set next_offset = excluded.next_offset
where p.next_offset = (select known from given g where (g.topic, g.partition) = (p.topic, p.partition))
"""


def _require_id(key: bytes | None) -> None:
    """Raises `Poison` for a tombstone that erases nothing of ours: its key is no id."""
    try:
        UUID((key or b"").decode())
    except ValueError:
        raise Poison(SCHEMA, "key: not an id") from None


def _row(item: _Fetched) -> Row:
    topic = item.reference.topic
    if item.value is None:
        if topic.key.endswith("_id"):
            _require_id(item.key)
        return Tombstone(topic, item.partition, item.offset, item.key)
    envelope = Envelope.of_headers(
        item.headers, topic=topic, partition=item.partition, offset=item.offset,
        timestamp_ms=item.timestamp_ms,
    )  # fmt: skip
    event = decode(topic, item.value)
    return Record(topic, item.partition, item.offset, item.key, event, envelope, item.value)
