"""The relay: publishes the outbox in sequence, lane by lane, and moves a cursor once Kafka has acknowledged.

Each lane is relayed by the process that owns it, under an advisory lock, so workers share the work and two of them
never publish one lane at once. The lock lives as long as its session, and Postgres ends a session that has been
silent for a while: a frozen process loses its locks. Only then, after a takeover, may records be repeated; readers
apply an event if its version is newer than theirs.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer

from shared import dead_letter, failpoints, logs, metrics
from shared.database import Connection, add_outbox_days, connect, drop_sent_outbox_days
from shared.health import Readiness
from shared.kafka import drop, new_producer, start
from shared.lanes import channel
from shared.retry import persist
from shared.settings import Settings
from shared.topics import Service

_log = logging.getLogger(__name__)

_MOST_ROWS: Final = 1200
_POLL_S: Final = 1.0
_LOCK_POLL_S: Final = 0.2
_SILENCE_S: Final = 15
_ANSWER_S: Final = 10.0
"""For so long a database may leave a relay without an answer: before it ends the silent session nothing may be on its way any more."""
_PATIENCE_S: Final = 60.0
"""After so many seconds without an acknowledgement the producer is made anew: aiokafka's may have fallen silent for good."""
_TIDY_EVERY_S: Final = 600.0
_FORGET_AT_MOST: Final = 10_000

_READ: Final = """
select o.lane, o.seq, o.topic, o.partition, o.key, o.headers::text as headers, o.value
from relay_cursor c cross join lateral (
    select * from outbox o where o.lane = c.lane and o.seq > c.sent_seq order by o.seq limit $2
) o where c.lane = any($1::int[]) order by o.lane, o.seq
"""

_MARK: Final = """
update relay_cursor set sent_seq = v.seq from unnest($1::int[], $2::bigint[]) v(lane, seq)
where relay_cursor.lane = v.lane
"""


class Relay:
    """Publishes what the lanes that this process owns have put into the outbox."""

    def __init__(
        self, settings: Settings, service: Service, readiness: Readiness, owned: Callable[[], frozenset[int]]
    ) -> None:
        self._settings = settings
        self._service: Final = service
        self._readiness = readiness
        self._owned = owned
        self._woken = asyncio.Event()
        self._stopping = False
        self._stopped = asyncio.Event()
        self._held: set[int] = set()
        self._connection: Connection | None = None
        self._producer: AIOKafkaProducer | None = None
        self._tidied = float("-inf")

    def wake(self) -> None:
        """Tells that there may be something to publish."""
        self._woken.set()

    async def stop(self) -> None:
        """Ends after the round in progress, so that nothing acknowledged stays unmarked."""
        self._stopping = True
        self._woken.set()
        await self._stopped.wait()

    async def run(self) -> None:
        """Publishes until `stop`; outages are lived through, anything else is raised."""
        while not self._stopping:
            self._woken.clear()  # before the look: whoever wakes us during it may have come too late for it
            published = await persist(
                self._round_or_reset, what="outbox published", service=self._service, readiness=self._readiness
            )
            if not published:
                pause = _POLL_S if self._held == self._owned() else _LOCK_POLL_S
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._woken.wait()
        await self._reset()
        self._stopped.set()

    async def _round_or_reset(self) -> int:
        """One round; after any failure connection and producer are made anew, since either may be beyond use."""
        try:
            connection, producer = await self._connected()
            await self._hold_owned(connection)
            await self._tidy(connection)
            return await self._round(connection, producer)
        except BaseException:
            await self._reset()
            raise

    async def _connected(self) -> tuple[Connection, AIOKafkaProducer]:
        if self._connection is None or self._producer is None:
            connection = await connect(self._settings.database, self._service, name=f"hadir {self._service} relay")
            self._connection = connection
            self._producer = new_producer(self._settings.kafka, client_id=f"hadir-{self._service}-relay")
            await start(self._producer)
            # The session may not be silent from now on only: that start may take longer.
            # With the index alone the rows come in order; a plan that reads and sorts whole days never pays here.
            await connection.execute(
                f"set idle_session_timeout = '{_SILENCE_S}s'; set statement_timeout = '30s';"
                " set enable_seqscan = off; set enable_bitmapscan = off"
            )
            await connection.add_listener(channel(self._service), lambda *_: self._woken.set())
        return self._connection, self._producer

    async def _reset(self) -> None:
        connection, self._connection = self._connection, None
        producer, self._producer = self._producer, None
        self._held.clear()
        try:
            if producer is not None:  # first: with the session the locks go, and others publish
                await drop(producer)
        finally:
            if connection is not None:
                connection.terminate()

    async def _hold_owned(self, connection: Connection) -> None:
        """Takes the locks of the lanes that this process owns as they become free, and gives up the others."""
        owned = self._owned()
        for lane in sorted(self._held - owned):
            await connection.execute("select pg_advisory_unlock(hashtext($1), $2)", self._lock_space, lane)
            self._held.discard(lane)
        if owned - self._held:
            rows = await connection.fetch(
                "select lane, pg_try_advisory_lock(hashtext($1), lane) as held from unnest($2::int[]) lane",
                self._lock_space, sorted(owned - self._held),
            )  # fmt: skip
            self._held.update(row["lane"] for row in rows if row["held"])

    @property
    def _lock_space(self) -> str:
        return f"hadir {self._service} relay"

    async def _round(self, connection: Connection, producer: AIOKafkaProducer) -> int:
        """Publishes what is there, up to a limit, and marks it; returns how many records."""
        if not self._held:
            return 0
        rows = await connection.fetch(_READ, sorted(self._held), max(20, _MOST_ROWS // len(self._held)))
        if not rows:
            return 0
        failpoints.reach("relay-read")
        sent, failure = await self._publish(connection, producer, rows)
        failpoints.reach("relay-sent")
        if sent:
            await connection.execute(_MARK, list(sent), list(sent.values()))
            failpoints.reach("relay-marked")
        if failure is not None:
            raise failure
        metrics.RELAYED.labels(self._service).inc(len(rows))
        return len(rows)

    async def _publish(
        self, connection: Connection, producer: AIOKafkaProducer, rows: Sequence[Any]
    ) -> tuple[dict[int, int], BaseException | None]:
        """Sends rows in order and checks every acknowledgement.

        Returns, per lane, the sequence number up to which all is acknowledged, and the first failure, if any.
        """
        batches: dict[tuple[str, int], list[tuple[Any, list[int]]]] = defaultdict(list)
        for index, row in enumerate(rows):
            queue = batches[row["topic"], row["partition"]]
            headers = [(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()]
            record = {"timestamp": None, "key": row["key"], "value": row["value"], "headers": headers}
            if not queue or queue[-1][0].append(**record) is None:
                queue.append((producer.create_batch(), []))
                queue[-1][0].append(**record)
            queue[-1][1].append(index)
        unsent = set(range(len(rows)))
        failure: BaseException | None = None

        async def send(topic: str, partition: int, queue: list[tuple[Any, list[int]]]) -> None:
            for batch, indices in queue:
                batch.close()
                failpoints.reach("relay-producing")
                await (await producer.send_batch(batch, topic, partition=partition))
                failpoints.reach("relay-acknowledged")
                unsent.difference_update(indices)

        clock = asyncio.get_running_loop().time
        waiting, heard = len(unsent), clock()
        tasks = {asyncio.ensure_future(send(*place, queue)) for place, queue in batches.items()}
        try:
            while tasks:
                done, tasks = await asyncio.wait(tasks, timeout=_POLL_S)
                failure = next((task.exception() for task in done if task.exception()), None) or failure
                if len(unsent) < waiting:
                    waiting, heard = len(unsent), clock()
                elif tasks and clock() - heard > _PATIENCE_S:
                    failure = TimeoutError(f"Kafka acknowledged nothing for {_PATIENCE_S:.0f} s")
                    break
                if tasks:  # still here: keeps the locks while the broker is slow, or hears in time that they are lost
                    async with asyncio.timeout(_ANSWER_S):
                        await connection.execute("select 1")
        finally:
            for task in tasks:
                task.cancel()
        sent: dict[int, int] = {}
        broken: set[int] = set()
        for index, row in enumerate(rows):
            if index in unsent:
                broken.add(row["lane"])
            elif row["lane"] not in broken:
                sent[row["lane"]] = row["seq"]
        return sent, failure

    async def _tidy(self, connection: Connection) -> None:
        """Now and then adds the outbox's coming days, drops those that are sent and old, and forgets old dead letters."""
        now = asyncio.get_running_loop().time()
        if now - self._tidied < _TIDY_EVERY_S or 0 not in self._held:
            return
        self._tidied = now
        async with connection.transaction():
            await add_outbox_days(connection)
        if dropped := await drop_sent_outbox_days(connection):
            logs.event(_log, "Dropped days of the outbox that are sent", count=len(dropped))
        kept = timedelta(days=self._settings.dead_letter_days)
        if forgotten := await dead_letter.forget_old(connection, kept, _FORGET_AT_MOST):
            logs.event(_log, "Forgot old dead letters", count=forgotten)


async def outbox_depth(connection: Connection, lanes: frozenset[int]) -> int:
    """How many rows of these lanes are not yet published."""
    depth: int = await connection.fetchval(
        "select coalesce(sum(l.out_seq - c.sent_seq), 0)::bigint from lane l join relay_cursor c using (lane)"
        " where l.lane = any($1::int[])", sorted(lanes),
    )  # fmt: skip
    return depth
