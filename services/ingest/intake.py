"""Turns concurrent requests into rounds: gather employees, decide, record receipts, emit, and only then answer.

All submissions that wait when a round begins share its two database trips and its produce requests, so the
cost per check-in falls as load rises. The order of steps is the promise: a receipt is durable before its event
is produced, and nobody is answered 202 before Kafka has acknowledged the event. Whatever dies in between,
the client's retry finds the receipt and the same event, byte for byte, is produced again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Final, NamedTuple
from uuid import UUID

from services.ingest.conflicts import Conflict, Conflicts
from services.ingest.publisher import Outgoing, Publisher
from services.ingest.rules.admission import Submission, refusal_of
from services.ingest.rules.refusals import Refusal
from services.ingest.store import Receipt, Store
from shared import failpoints, logs, metrics
from shared.envelope import Envelope
from shared.failures import is_infrastructure
from shared.faults import Fault
from shared.topics import lane_of

_logger = logging.getLogger(__name__)

ROUND_SIZE: Final = 1_000
ROUNDS: Final = 3
"""Rounds under way at once: while one waits for Kafka, the next claims its receipts."""

NOTED_WITHIN_S: Final = 0.1
"""Notes of so long share a statement. Nobody waits for them: a repeat that comes before its note publishes the same event again."""

_CONFLICT: Final = Refusal("id-conflict", (Fault(
    "", "id-conflict", "Id ini sudah dipakai untuk isi yang lain. Untuk pernyataan baru, buat UUID baru."),))
_KAFKA_AWAY: Final = Refusal("kafka-unavailable")


class Accepted(NamedTuple):
    """Kafka has the event. `replayed`: the id had been accepted before, with the same statement."""

    id: UUID
    label: str
    received_at: datetime
    replayed: bool


Outcome = Accepted | Refusal


class _Ticket:
    """The submissions of one request, and their outcomes as they become known."""

    __slots__ = ("done", "outcomes", "submissions", "waiting")

    def __init__(self, submissions: Sequence[Submission]) -> None:
        self.submissions = submissions
        self.outcomes: list[Outcome | None] = [None] * len(submissions)
        self.waiting = len(submissions)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, index: int, outcome: Outcome) -> None:
        if self.outcomes[index] is None:
            self.outcomes[index] = outcome
            self.waiting -= 1
            if self.waiting == 0 and not self.done.done():
                self.done.set_result(None)


class _Entry(NamedTuple):
    ticket: _Ticket
    place: int

    @property
    def submission(self) -> Submission:
        return self.ticket.submissions[self.place]

    def settle(self, outcome: Outcome) -> None:
        self.ticket.settle(self.place, outcome)

    def settle_conflict(self, refusal: Refusal | None = None) -> None:
        """With 409 once the conflict is on record, with `refusal` if it could not be."""
        self.settle(refusal or _CONFLICT)


class Intake:
    """The bounded queue in front of the rounds."""

    def __init__(
        self, store: Store, publisher: Publisher, conflicts: Conflicts, *, capacity: int, answer_within_s: float, gather_within_s: float
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._conflicts = conflicts
        self._capacity = capacity
        self._answer_within_s = answer_within_s
        self._gather_within_s = gather_within_s
        self._queue: deque[_Entry] = deque()
        self._pending = 0
        self._free = asyncio.Semaphore(ROUNDS)
        self._arrived = asyncio.Event()
        self._rounds: set[asyncio.Task[None]] = set()
        self._published: list[UUID] = []
        self._to_mark = asyncio.Event()

    async def drain(self) -> None:
        """Returns when the queue is empty and no round is under way. Requests must have ended before."""
        while self._queue or self._rounds:  # noqa: ASYNC110 - happens once; an event would cost every request
            await asyncio.sleep(0.01)

    async def note_rest(self) -> None:
        """Notes what was published since the last note."""
        await self._mark()

    @property
    def full(self) -> bool:
        """Whether even a single check-in would have to be turned away now."""
        return self._pending >= self._capacity

    async def submit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """What became of each submission, in the same order; never later than the time limit.

        Without an answer in time the outcome is `not-confirmed`: the client has to ask again with the same id.
        """
        if self._pending + len(submissions) > self._capacity and (self._pending or len(submissions) > self._capacity):
            return [Refusal("overloaded")] * len(submissions)
        ticket = _Ticket(submissions)
        self._pending += len(submissions)
        self._queue.extend(_Entry(ticket, index) for index in range(len(submissions)))
        self._arrived.set()
        try:
            async with asyncio.timeout(self._answer_within_s):
                await ticket.done
        except TimeoutError:
            pass
        finally:
            self._pending -= len(submissions)
        return [outcome or Refusal("not-confirmed") for outcome in ticket.outcomes]

    async def begin_rounds(self) -> None:
        """Works off the queue, for ever.

        A round begins at once if none is under way, else with the next tick: the more wait, the fewer trips and appends for each.
        """
        clock = asyncio.get_running_loop().time
        while True:
            await self._arrived.wait()
            await self._free.acquire()
            if self._rounds and len(self._queue) < ROUND_SIZE:
                await asyncio.sleep(self._gather_within_s - clock() % self._gather_within_s)
            entries = [entry for entry in self._take(ROUND_SIZE) if not entry.ticket.done.done()]
            if entries:
                task = asyncio.create_task(self._round(entries))
                self._rounds.add(task)
                task.add_done_callback(self._ended)
            else:
                self._free.release()

    def _take(self, most: int) -> list[_Entry]:
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        if not self._queue:
            self._arrived.clear()
        return taken

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._rounds.discard(task)
        self._free.release()

    async def _round(self, entries: list[_Entry]) -> None:
        started = perf_counter()
        try:
            await self._settle(entries)
        except Exception as error:  # noqa: BLE001 - the edge of a round: whatever happened, its requests must be answered
            known = is_infrastructure(error)
            logs.event(_logger, "round failed", level=logging.WARNING if known else logging.ERROR,
                       count=len(entries), exc_info=error)
            refusal = Refusal("database-unavailable" if known else "internal-error")
            for entry in entries:
                entry.settle(refusal)
        metrics.BATCH_SIZE.labels("ingest").observe(len(entries))
        metrics.BATCH_SECONDS.labels("ingest").observe(perf_counter() - started)

    async def _settle(self, entries: list[_Entry]) -> None:
        claims: dict[UUID, Submission] = {}
        refusals: dict[int, Refusal] = {}
        async with self._store.session() as session:
            employees = await session.employees({entry.submission.employee_id for entry in entries})
            failpoints.reach("ingest-known")
            for position, entry in enumerate(entries):
                submission = entry.submission
                refusal = refusal_of(submission, employees.get(submission.employee_id))
                if refusal is None:
                    claims.setdefault(submission.id, submission)
                else:
                    refusals[position] = refusal
            # Also of refused ones: what was once accepted keeps its answer, even if the employee has left since.
            receipts = await session.claim(
                claims.values(), {entries[position].submission.id for position in refusals} - claims.keys()
            )
        unpublished: dict[UUID, tuple[Receipt, list[_Entry]]] = {}
        conflicts: list[Conflict] = []
        for position, entry in enumerate(entries):
            submission = entry.submission
            receipt = receipts.get(submission.id)
            if receipt is None:
                entry.settle(refusals.get(position, Refusal("not-confirmed")))
            elif receipt.digest != submission.digest and receipt.contested:
                entry.settle_conflict()
            elif receipt.digest != submission.digest:
                conflicts.append(Conflict(submission, receipt.received_at, entry.settle_conflict))
            elif receipt.published:
                entry.settle(Accepted(submission.id, submission.label, receipt.received_at, replayed=True))
            else:
                unpublished.setdefault(submission.id, (receipt, []))[1].append(entry)
        if conflicts:
            self._conflicts.tell(conflicts)
        if unpublished:
            failpoints.reach("ingest-claimed")
            await self._publish(unpublished.values())
            failpoints.reach("ingest-settled")

    async def _publish(self, unpublished: Iterable[tuple[Receipt, list[_Entry]]]) -> None:
        waiting = list(unpublished)
        sent = await self._publisher.publish([_record(same[0].submission, receipt) for receipt, same in waiting])
        for (receipt, same), acknowledged in zip(waiting, sent, strict=True):
            first = same[0].submission
            for place, entry in enumerate(same):
                entry.settle(
                    Accepted(first.id, first.label, receipt.received_at, replayed=place > 0 or not receipt.fresh)
                    if acknowledged else _KAFKA_AWAY
                )
            if acknowledged:
                self._published.append(first.id)
        if self._published:
            self._to_mark.set()

    async def note_published(self) -> None:
        """Writes down what was published, behind the answers, for ever."""
        while True:
            await self._to_mark.wait()
            await asyncio.sleep(NOTED_WITHIN_S)
            self._to_mark.clear()
            await self._mark()

    async def _mark(self) -> None:
        ids, self._published = self._published, []
        if ids:
            try:
                await self._store.mark_published(ids)
                failpoints.reach("ingest-marked")
            except Exception as error:  # noqa: BLE001 - not worth failing anything: a retry would publish again, that is all
                logs.event(_logger, "could not note publication", level=logging.WARNING, count=len(ids), exc_info=error)


def _record(submission: Submission, receipt: Receipt) -> Outgoing:
    """The event as it is produced: the same bytes for the same receipt, whoever makes it and whenever."""
    topic = submission.topic
    identity, employee = str(submission.id), str(submission.employee_id)
    envelope = Envelope(
        id=submission.id,
        type=topic.ce_type,
        source="/hadir/ingest",
        time=receipt.received_at,
        subject=identity,
        causation_id=None,
        correlation_id=submission.id,
    )
    return Outgoing(
        topic=topic.name,
        partition=lane_of(employee) % topic.partitions,
        key=employee.encode(),
        value=submission.event(receipt.received_at),
        headers=envelope.headers(),
    )
