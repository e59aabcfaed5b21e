"""Lanes: the lock under which facts of an employee are written, and the outbox sequence that it issues.

Whoever writes facts of an employee, be it the stream, a batch of due days or a command, first locks the lane
of that employee. So per employee everything is serial, the order of the outbox is the order of the commits, and
since lanes are always locked in rising order nobody can wait in a circle.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

import asyncpg
import orjson

from shared import dead_letter, failpoints, logs, metrics
from shared.database import Connection, Pool, add_outbox_days
from shared.envelope import MAX_EVENT_BYTES, Envelope, derived_id, encode
from shared.events import Event
from shared.failures import Fenced
from shared.topics import DEAD_LETTER, E_co, Service, Topic

_log = logging.getLogger(__name__)

S = TypeVar("S")

Position = tuple[str, int]
"""A consumed topic's name and the lane, which is the partition."""


class Record(NamedTuple, Generic[E_co]):
    """One message as a service sees it: decoded, with its envelope and where it stood."""

    topic: Topic[E_co]
    partition: int
    offset: int
    key: bytes | None
    event: E_co
    envelope: Envelope
    raw: bytes


class Work:
    """One unit of work: a database transaction that holds some lanes.

    What is emitted is queued, gets its sequence number when the transaction ends, and is published by the
    relay once it has committed.
    """

    def __init__(
        self, connection: Connection, service: Service, out_seq: Mapping[int, int],
        positions: Mapping[Position, tuple[int, int]], relayed: Collection[int] = (),
    ) -> None:  # fmt: skip
        self.connection = connection
        self.service: Final = service
        self.positions: Final = positions
        """(epoch, next_offset) of the positions that were locked together with the lanes."""
        self._relayed = frozenset(relayed)
        self._out_seq = dict(out_seq)
        self._outgoing: list[tuple[int, str, int, bytes, str, bytes]] = []
        self._buried: list[tuple[str, int, int, str, str, bytes | None, bytes | None]] = []
        self._advanced: dict[Position, int] = {}

    @property
    def lanes(self) -> frozenset[int]:
        """The lanes that this transaction holds."""
        return frozenset(self._out_seq)

    def emit(
        self, topic: Topic[Event], entity: str, version: int, event: Event, *,
        key: str, lane: int, cause: Envelope | None, time: datetime | None = None, encoded: bytes | None = None,
    ) -> Envelope:  # fmt: skip
        """Queues an event for the outbox and returns the envelope that it will have.

        The id follows from topic, entity and version, so that doing the same work again publishes the same
        event. `lane` must be one that this work holds; the partition is the lane's on that topic. `cause` is the
        envelope of what led to it, None for the first of a story. `time` (aware) defaults to now. `encoded` is what
        `encode` makes of the event, from whoever has it already.
        Raises ValueError when the lane is not held, the topic is another service's, or the event is too large.
        """
        if lane not in self._out_seq:
            raise ValueError(f"lane {lane} is not held")
        if topic.owner != self.service:
            raise ValueError(f"{topic.name} belongs to {topic.owner}, not to {self.service}")
        own_id = derived_id(topic, entity, version)
        envelope = Envelope(
            id=own_id,
            type=topic.ce_type,
            source=f"/hadir/{self.service}",
            time=time or datetime.now(UTC),
            subject=entity,
            causation_id=cause.id if cause is not None else None,
            correlation_id=cause.correlation_id if cause is not None else own_id,
        )
        value = encode(event) if encoded is None else encoded
        if len(value) > MAX_EVENT_BYTES:
            raise ValueError(f"an event of {len(value)} bytes for {topic.name}, at most {MAX_EVENT_BYTES} are taken")
        headers = orjson.dumps(envelope.header_texts()).decode()
        self._outgoing.append((lane, topic.name, lane % topic.partitions, key.encode(), headers, value))
        return envelope

    def bury(self, record: Record[Event], reason: str, detail: str) -> None:
        """Gives a message up: dead-letter row and event in this transaction. `detail` must not quote content."""
        self.bury_raw(record.topic.name, record.partition, record.offset, record.key, record.raw, record.envelope,
                      reason, detail)  # fmt: skip

    def bury_raw(
        self, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None,
        cause: Envelope | None, reason: str, detail: str,
    ) -> None:  # fmt: skip
        """Gives up a message that may not even be readable; `partition` is the lane and must be held."""
        detail = dead_letter.one_line(detail)
        self._buried.append((topic, partition, offset, reason, detail, key, value))
        now = datetime.now(UTC)
        event = dead_letter.buried(
            self.service, topic, partition, offset, reason=reason, detail=detail, key=key, value=value, at=now
        )
        self.emit(DEAD_LETTER[self.service], dead_letter.entity(topic, partition, offset), 1, event,
                  key=f"{topic}:{partition}", lane=partition, cause=cause, time=now)  # fmt: skip

    def advance(self, position: Position, next_offset: int) -> None:
        """Moves a locked position when the transaction commits (runtime only)."""
        self._advanced[position] = next_offset

    @property
    def buried(self) -> list[tuple[str, int, int, str]]:
        """Topic, partition, offset and reason of what this work buries."""
        return [row[:4] for row in self._buried]

    async def write(self) -> int:
        """Writes dead letters, outbox, sequences and positions; returns how many rows will be published."""
        if self._buried:
            await self.connection.execute(
                'insert into dead_letter (topic, partition, "offset", reason, detail, key, value)'
                " select * from unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::bytea[],"
                " $7::bytea[]) on conflict do nothing",
                *map(list, zip(*self._buried, strict=True)),
            )
            failpoints.reach("letters-written")
        if not self._outgoing and not self._advanced:
            return 0
        seqs = []
        for row in self._outgoing:
            self._out_seq[row[0]] += 1
            seqs.append(self._out_seq[row[0]])
        columns: list[Sequence[Any]] = list(zip(*self._outgoing, strict=True)) or [()] * 6
        touched = sorted(set(columns[0]))
        # One statement, one round trip: every data-modifying part of a WITH is carried out.
        await self.connection.execute(
            _WRITE,
            touched,
            [self._out_seq[lane] for lane in touched],
            columns[0],
            seqs,
            *columns[1:],
            [topic for topic, _ in self._advanced],
            [lane for _, lane in self._advanced],
            list(self._advanced.values()),
            channel(self.service) if set(columns[0]) - self._relayed else None,
        )
        return len(self._outgoing)


_WRITE: Final = """
with sequenced as (
    update lane set out_seq = v.seq from unnest($1::int[], $2::bigint[]) v(lane, seq) where lane.lane = v.lane
), published as (
    insert into outbox (lane, seq, topic, partition, key, headers, value)
    select v.lane, v.seq, v.topic, v.partition, v.key, v.headers::jsonb, v.value
    from unnest($3::int[], $4::bigint[], $5::text[], $6::int[], $7::bytea[], $8::text[], $9::bytea[])
        v(lane, seq, topic, partition, key, headers, value)
), advanced as (
    update position set next_offset = v.next_offset
    from unnest($10::text[], $11::int[], $12::bigint[]) v(topic, lane, next_offset)
    where position.topic = v.topic and position.lane = v.lane
)
select pg_notify($13, '') where $13::text is not null
"""

_LOCK: Final = "select lane, out_seq from lane where lane = any($1::int[]) order by lane for update"

_LOCK_WITH_POSITIONS: Final = """
select l.lane, l.out_seq, p.topic, p.epoch, p.next_offset
from lane l join position p on p.lane = l.lane and p.topic = any($2::text[])
where l.lane = any($1::int[]) order by l.lane, p.topic for update of l, p
"""


_ROLL_BACK_WITHIN_S: Final = 5.0
"""asyncpg first waits for the cancellation of what timed out, which a server that vanished without a word never answers."""


def channel(service: Service) -> str:
    """Name of the Postgres notification channel that wakes the service's relays."""
    return f"hadir_{service}_outbox"


class Lanes:
    """Hands out units of work on the lanes of one service; the only way to write facts and events.

    `on_outbox` is told when something to be published has committed. `relayed` are the lanes that this process publishes itself: the
    relays of others hear of what is written there, by a notification, only if it is not one of these. For PostgreSQL lets only one
    transaction at a time commit that notifies, from before it is flushed until after it; check-ins would commit one by one.
    `close()` lets the work in flight end and lets no further one begin.
    """

    given_before: bool = False
    """Whether the command that holds these lanes took effect before and only its answer was lost; known from its first `hold` on."""

    def __init__(
        self, pool: Pool, service: Service, on_outbox: Callable[[], None] | None = None, relayed: Callable[[], Collection[int]] = tuple
    ) -> None:
        self.pool: Final = pool
        self.service: Final = service
        self._on_outbox = on_outbox
        self._relayed = relayed
        self._room_seen_to = date.min
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    @asynccontextmanager
    async def hold(
        self, lanes: Collection[int], *, topics: Collection[str] = (), epochs: Mapping[Position, int] | None = None
    ) -> AsyncIterator[Work]:
        """Opens a transaction, locks these lanes in rising order, and commits what was written and emitted.

        With `topics` the positions of these topics are locked too, and with `epochs` compared: `Fenced` is raised
        if another process has claimed one since. An exception from within rolls everything back. Raises what
        the database raises; after a connection lost at COMMIT the caller cannot know whether it committed and must
        read before it does the work again.
        """
        if self._closed:
            await asyncio.Event().wait()  # the process is ending: nothing new may begin
        self._in_flight += 1
        self._idle.clear()
        try:
            async with self.pool.acquire() as connection:
                await self._make_room(connection)
                transaction = connection.transaction()
                await transaction.start()
                try:
                    failpoints.reach("begun")
                    work = await self._lock(connection, lanes, topics, epochs or {})
                    failpoints.reach("locked")
                    yield work
                    failpoints.reach("handled")
                    published = await work.write()
                except BaseException:
                    await _roll_back(connection, transaction)
                    raise
                await _commit(transaction)
            for topic, partition, offset, reason in work.buried:
                metrics.DEAD_LETTERS.labels(self.service, reason).inc()
                logs.event(_log, "A message was buried", level=logging.WARNING, topic=topic, partition=partition,
                           offset=offset, reason=reason)  # fmt: skip
            if published and self._on_outbox is not None:
                self._on_outbox()
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    @asynccontextmanager
    async def hold_cleared(
        self, lanes: Collection[int], look: Callable[[Connection], Awaitable[S]], clear: Callable[[Connection, S], Awaitable[None]]
    ) -> AsyncIterator[tuple[Work, S]]:
        """As `hold`, once `clear` has let through what `look` sees; yields the work and what was seen.

        `clear` may look at everybody, for a minute, and raises what stands against it. No event waits meanwhile, since no lane is
        held. What is seen otherwise under the lanes (somebody changed it) has to be cleared again. The answer is as old as it takes to
        get the lanes, two minutes at most.
        """
        while True:
            async with self.pool.acquire() as connection:
                seen = await look(connection)
                await clear(connection, seen)
            with suppress(_Overtaken):
                async with self.hold(lanes) as work:
                    if await look(work.connection) != seen:
                        raise _Overtaken
                    yield work, seen
                return

    async def close(self) -> None:
        """Lets no further work begin and returns when none is in flight."""
        self._closed = True
        await self._idle.wait()

    async def _lock(
        self, connection: Connection, lanes: Collection[int], topics: Collection[str], epochs: Mapping[Position, int]
    ) -> Work:
        wanted = sorted(set(lanes))
        if not topics:
            rows = await connection.fetch(_LOCK, wanted)
            if len(rows) != len(wanted):
                raise ValueError(f"there are no such lanes: {wanted}")
            return Work(connection, self.service, {row["lane"]: row["out_seq"] for row in rows}, {}, self._relayed())
        rows = await connection.fetch(_LOCK_WITH_POSITIONS, wanted, sorted(topics))
        positions = {(row["topic"], row["lane"]): (row["epoch"], row["next_offset"]) for row in rows}
        for position, epoch in epochs.items():
            if positions.get(position, (None,))[0] != epoch:
                raise Fenced(f"{position[0]} lane {position[1]} has another owner")
        return Work(connection, self.service, {row["lane"]: row["out_seq"] for row in rows}, positions, self._relayed())

    async def _make_room(self, connection: Connection) -> None:
        """Once a day, makes sure that the outbox has partitions for the days to come."""
        today = datetime.now(UTC).date()
        if self._room_seen_to < today:
            async with connection.transaction():
                await add_outbox_days(connection)
            self._room_seen_to = today


class _Overtaken(Exception):
    """Somebody changed meanwhile what was cleared."""


async def _commit(transaction: Any) -> None:
    failpoints.reach("outbox-written")
    if failpoints.ARMED:
        commit = asyncio.ensure_future(transaction.commit())
        await asyncio.sleep(0)  # lets the driver write COMMIT to its socket
        failpoints.reach("commit-sent")
        await commit
    else:
        await transaction.commit()
    failpoints.reach("committed")


async def _roll_back(connection: Connection, transaction: Any) -> None:
    """Rolls back if the connection still stands; if not, the server does, and the first error is the one to tell."""
    try:
        async with asyncio.timeout(_ROLL_BACK_WITHIN_S):
            await transaction.rollback()
    except (asyncpg.InterfaceError, asyncpg.PostgresError, OSError) as error:  # gone: the server rolls back itself
        with suppress(asyncpg.InterfaceError):  # a session that was lost has left its pool already
            connection.terminate()
        logs.event(_log, "Rollback was not possible", level=logging.DEBUG, error=error)
