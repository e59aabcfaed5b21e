"""From a batch of raw messages to one committed transaction: replays dropped, holes healed, poison buried."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from shared import logs, metrics
from shared.dead_letter import INTERNAL_PER_HOUR
from shared.envelope import Envelope, decode
from shared.failures import ASTRAY, INTERNAL, BadDeploy, Fenced, Hole, Poison
from shared.health import Readiness
from shared.isolation import Condemned, Streak, settle
from shared.lanes import Lanes, Position, Record, Work
from shared.positions import Claim, Positions
from shared.rereading import Range
from shared.retry import Abandoned, persist
from shared.topics import Service, Topic, lane_of

_log = logging.getLogger(__name__)

Handle = Callable[[Work, Sequence[Record[Any]]], Awaitable[None]]
"""Decides and writes for a whole batch, records in offset order per partition. May call `work.bury`; may raise
`Poison` when the batch is a single record, and `Unready` when something it needs has not arrived."""

Reread = Callable[[str, int], AbstractAsyncContextManager[Range]]


@dataclass(slots=True, eq=False)
class Delivery:
    """A message as delivered, not yet decoded; compared by identity."""

    topic: Topic[Any]
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Any
    timestamp_s: float
    _read: Record[Any] | Condemned | None = None

    @property
    def position(self) -> Position:
        """The position that this message moves."""
        return self.topic.name, self.partition

    def read(self) -> Record[Any] | Condemned:
        """The decoded record, or why it is poison; decoded once however often the batch is tried."""
        if self._read is None:
            envelope = self.envelope()
            try:
                event = decode(self.topic, self.value)
            except Poison as error:
                self._read = Condemned(error.reason, error.detail)
            else:
                if self.topic.key == "employee_id" and lane_of(getattr(event, "employee_id", None)) != self.partition:
                    # Its facts would be written under a lane that does not guard this employee.
                    self._read = Condemned(ASTRAY, "partition: not that of this employee_id (murmur2 of its text)")
                    return self._read
                self._read = Record(
                    self.topic, self.partition, self.offset, self.key, event, envelope, self.value or b""
                )
        return self._read

    def envelope(self) -> Envelope:
        """The envelope as far as the headers are readable."""
        return Envelope.of_headers(
            self.headers, topic=self.topic, partition=self.partition, offset=self.offset,
            timestamp_ms=(self.timestamp_s or 0) * 1000,
        )  # fmt: skip


class Inbox:
    """Messages that wait for the next transaction; it fills while one is under way, so batches grow with the load."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._waiting: deque[Any] = deque()
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    async def put(self, messages: Sequence[Any]) -> None:
        """Adds messages; waits first while two batches are waiting already, which holds the pump back."""
        await self._drained.wait()
        self._waiting.extend(messages)
        self._filled.set()
        if len(self._waiting) >= 2 * self._most:
            self._drained.clear()

    async def take(self) -> list[Any]:
        """The oldest messages, as soon as there is any, at most one batch."""
        await self._filled.wait()
        taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        if not self._waiting:
            self._filled.clear()
        if len(self._waiting) < 2 * self._most:
            self._drained.set()
        return taken


class Batches:
    """Carries batches through to a commit, one at a time, whatever fails on the way."""

    def __init__(
        self, service: Service, topics: Sequence[Topic[Any]], handle: Handle, *,
        lanes: Lanes, positions: Positions, readiness: Readiness, reread: Reread, most: int,
    ) -> None:  # fmt: skip
        self._service: Final = service
        self._topics: Final = {topic.name: topic for topic in topics}
        self._handle = handle
        self._lanes = lanes
        self._positions = positions
        self._readiness = readiness
        self._reread = reread
        self._most: Final = most
        self._busy = asyncio.Lock()
        self._streak = Streak()

    @property
    def is_busy(self) -> bool:
        """Whether a batch is in flight."""
        return self._busy.locked()

    async def idle(self) -> None:
        """Returns when no batch is in flight."""
        async with self._busy:
            pass

    async def process(self, messages: Sequence[Any]) -> None:
        """Processes Faust's messages of the present claim and drops all others: they were read before a rebalance.

        Returns when the batch is committed, or when its lanes have gone to another process. Raises `Fenced`,
        `BadDeploy`, and what only the end of the process can answer.
        """
        async with self._busy:
            claim = self._positions.current
            if claim is None:
                return
            deliveries = [
                Delivery(self._topics[m.topic], m.partition, m.offset, m.key, m.value, m.headers, m.timestamp)
                for m in messages
                if m.generation_id == claim.generation and (m.topic, m.partition) in claim.epochs
            ]
            if deliveries:
                await self._unless_abandoned(claim, self._settle(claim, deliveries))

    async def catch_up(self, position: Position, end: int) -> None:
        """Processes what the pump has not brought: the records of a position up to `end`, read past the pump."""
        async with self._busy:
            claim = self._positions.current
            if claim is not None and position in claim.epochs and self._positions.next_offsets[position] < end:
                await self._unless_abandoned(
                    claim, self._heal(claim, position, self._positions.next_offsets[position], end)
                )

    async def _unless_abandoned(self, claim: Claim, work: Awaitable[None]) -> None:
        try:
            await work
        except (Abandoned, Fenced):
            if self._positions.current is claim:
                raise
            logs.event(_log, "A batch was left to the new owner of its lanes", generation=claim.generation)

    async def _settle(self, claim: Claim, deliveries: Sequence[Delivery]) -> None:
        started = monotonic()
        while True:
            try:
                await settle(deliveries, lambda part, condemned: self._attempt(claim, part, condemned), self._streak)
                break
            except Hole as hole:
                metrics.HOLES.labels(self._service).inc()
                logs.event(_log, "The pump left a hole; reading it again", level=logging.WARNING, topic=hole.topic,
                           partition=hole.partition, first=hole.first, last=hole.end - 1)  # fmt: skip
                await self._heal(claim, (hole.topic, hole.partition), hole.first, hole.end)
        metrics.BATCH_SECONDS.labels(self._service).observe(monotonic() - started)

    async def _attempt(
        self,
        claim: Claim,
        part: Sequence[Delivery],
        condemned: Mapping[Delivery, Condemned],
        complete_from: int | None = None,
    ) -> None:
        """One transaction, repeated while infrastructure fails; a commit in doubt shows as replays next time."""
        await persist(
            lambda: self._transact(claim, part, condemned, complete_from),
            what="batches committed",
            service=self._service,
            readiness=self._readiness,
            abandoned=lambda: self._positions.current is not claim,
        )

    async def _transact(
        self,
        claim: Claim,
        part: Sequence[Delivery],
        condemned: Mapping[Delivery, Condemned],
        complete_from: int | None,
    ) -> None:
        """Locks, drops replays, decides, commits; raises `Hole` once what comes before the hole is committed.

        `complete_from`: the part was read past the pump, and from this offset on holds all that the broker has, so
        that an offset missing from it is no hole.
        """
        touched = {delivery.position for delivery in part}
        epochs = {position: claim.epochs[position] for position in touched}
        records: list[Record[Any]] = []
        holes: dict[Position, Hole] = {}
        async with self._lanes.hold(
            {lane for _, lane in touched}, topics={topic for topic, _ in touched}, epochs=epochs
        ) as work:
            expected = {position: work.positions[position][1] for position in touched}
            for delivery in part:
                at = expected[delivery.position]
                if delivery.offset < at or delivery.position in holes:
                    continue
                if delivery.offset > at and (complete_from is None or at < complete_from):
                    holes[delivery.position] = Hole(*delivery.position, at, delivery.offset)
                    continue
                expected[delivery.position] = delivery.offset + 1
                read = condemned.get(delivery) or delivery.read()
                if isinstance(read, Record):
                    records.append(read)
                else:
                    await self._brake(work, read)
                    work.bury_raw(
                        delivery.topic.name, delivery.partition, delivery.offset, delivery.key, delivery.value,
                        delivery.envelope(), read.reason, read.detail,
                    )  # fmt: skip
            if records:
                await self._handle(work, records)
            for position, offset in expected.items():
                if offset != work.positions[position][1]:
                    work.advance(position, offset)
        if self._positions.current is claim:
            self._positions.next_offsets.update(expected)
        if records:
            metrics.BATCH_SIZE.labels(self._service).observe(len(records))
            oldest = min(record.envelope.time for record in records)
            metrics.TIME_LAG_SECONDS.labels(self._service).observe((datetime.now(UTC) - oldest).total_seconds())
        for hole in holes.values():
            raise hole

    async def _brake(self, work: Work, verdict: Condemned) -> None:
        """Raises `BadDeploy` when too many messages were buried for bugs of late, by whichever process."""
        if verdict.reason == INTERNAL:
            recent: int = await work.connection.fetchval(
                "select count(*) from dead_letter where reason = $1 and buried_at > now() - interval '1 hour'", INTERNAL
            )
            if recent >= INTERNAL_PER_HOUR:
                raise BadDeploy(f"{recent} messages were buried as internal within an hour")

    async def _heal(self, claim: Claim, position: Position, first: int, end: int) -> None:
        """Reads [first, end) again and processes it; what the broker no longer has becomes a gap and an alarm."""

        async def once() -> None:
            topic = self._topics[position[0]]
            async with self._reread(*position) as found:
                start = first
                if found.first_available > first:
                    start = min(found.first_available, end)
                    await self._record_gap(claim, position, start)
                async for records in found.read(start, end, self._most):
                    again = [
                        Delivery(topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp / 1000)
                        for r in records
                    ]
                    await settle(
                        again, lambda part, condemned: self._attempt(claim, part, condemned, start), self._streak
                    )
                await self._pass_over(claim, position, start, end)

        await persist(
            once, what="holes healed", service=self._service, readiness=self._readiness,
            abandoned=lambda: self._positions.current is not claim,
        )  # fmt: skip

    async def _record_gap(self, claim: Claim, position: Position, log_start: int) -> None:
        topic, lane = position
        async with self._lanes.hold({lane}, topics={topic}, epochs={position: claim.epochs[position]}) as work:
            first = work.positions[position][1]
            if first < log_start:
                await work.connection.execute(
                    "insert into gap (topic, partition, first_offset, next_offset) values ($1, $2, $3, $4)"
                    " on conflict do nothing", topic, lane, first, log_start,
                )  # fmt: skip
                work.advance(position, log_start)
        if first < log_start:
            metrics.GAPS.labels(self._service).inc(log_start - first)
            logs.event(_log, "Records are lost: the broker no longer has them", level=logging.ERROR, topic=topic,
                       partition=lane, first=first, last=log_start - 1)  # fmt: skip

    async def _pass_over(self, claim: Claim, position: Position, start: int, end: int) -> None:
        """Moves past offsets at the end of a range that was read completely and held no further record."""
        topic, lane = position
        async with self._lanes.hold({lane}, topics={topic}, epochs={position: claim.epochs[position]}) as work:
            if start <= work.positions[position][1] < end:
                work.advance(position, end)
        if self._positions.current is claim:
            self._positions.next_offsets[position] = max(end, self._positions.next_offsets[position])
