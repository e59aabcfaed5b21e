"""The streaming runtime: what a service hands in, and the process that carries it.

A service gives `run_worker` a function that builds its `Worker`: which topics it reads, how a batch of records is
handled, which references it needs, which chores it has. The runtime owns everything else: positions and fencing,
retries, dead letters, the outbox, health, and the end of the process.

Whatever escapes ends the process at once (`os._exit`): a Faust agent that went on, restarted or cancelled, would
pass over what it failed on, while a killed process leaves only what Postgres rolls back.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

import mode.loop
from aiokafka.errors import KafkaError

from shared import logs, metrics, pump, rereading
from shared.batches import Batches, Handle, Inbox
from shared.database import Pool, open_pool
from shared.health import HealthServer, Readiness
from shared.kafka import BrokerAway, check_topics
from shared.lanes import Lanes, Position
from shared.positions import Positions
from shared.reference import Reference, ReferenceLoader
from shared.refusal import Refusal
from shared.relay import Relay, outbox_depth
from shared.retry import Abandoned, persist
from shared.schemas import require_schema
from shared.settings import Settings, settings
from shared.topics import LANES, TOPICS, Service, Topic
from shared.turns import Turns

__all__ = ["Chore", "Context", "Handle", "Reference", "Worker", "run_worker"]

_log = logging.getLogger(__name__)

Chore = Callable[[frozenset[int]], Awaitable[int]]
"""Background work over the lanes that this process owns; returns how many items it did. Called again at once while
that is more than 0, else after a pause or when woken. Writes under `Lanes.hold`, so it is serial with the stream; takes turns
with the other chores and leaves most of the time to arrivals (`shared.turns`), so a call should be a small piece of work."""

_INTERNAL_ERROR: Final = 70
_MISCONFIGURED: Final = 78
_TELL_LAG_EVERY_S: Final = 1.0
_WATCH_EVERY_S: Final = 5.0
_STALLED_AFTER_S: Final = 15.0


@dataclass(frozen=True)
class Context:
    """What the runtime gives to a service's composition root before anything is read."""

    settings: Settings
    pool: Pool
    lanes: Lanes
    wake: Callable[[], None]
    """Lets all chores run at once, instead of after their pause."""


@dataclass(frozen=True)
class Worker:
    """What a service is made of, as the runtime sees it.

    `consumes`: topics whose partitions are lanes; whoever has a lane of the first one owns the lane. `pause`: seconds
    between two runs of a chore that had nothing to do. `on_start` runs once the database is there, before any reading.
    """

    service: Service
    consumes: tuple[Topic[Any], ...]
    handle: Handle
    references: tuple[Reference, ...] = ()
    chores: tuple[Chore, ...] = ()
    on_start: Callable[[Context], Awaitable[None]] | None = None
    pause: float = 1.0


def run_worker(build: Callable[[Context], Worker], service: Service) -> None:
    """Runs the worker of a service until SIGTERM or SIGINT (exit code 0) or until it must not go on.

    Exit code 78: it refused to start, the sentence on standard error says why; 70: it was fenced by another process,
    or met what only a restart can answer. Never returns.
    """
    configured = settings()
    logs.configure(service, configured.log_level)
    mode.loop.use("uvloop")
    asyncio.run(_Process(build, service, configured).run())


class _Process:
    """One worker process, from its start to its end."""

    def __init__(self, build: Callable[[Context], Worker], service: Service, configured: Settings) -> None:
        self._build = build
        self._service: Final = service
        self._settings: Final = configured
        self._readiness = Readiness(service, "lanes assigned")
        self._wakers: list[asyncio.Event] = []
        self._turns = Turns()
        self._ending = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Starts everything in order and waits for a signal."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._spawn(self._start())
        await stop.wait()
        await self._end_cleanly()

    async def _start(self) -> None:
        port = getattr(self._settings, f"{self._service}_port")
        await HealthServer(self._service, self._readiness, self._settings.host, port).start()
        self._pool = await self._persist(lambda: open_pool(self._settings.database, self._service), "database")
        await self._persist(lambda: require_schema(self._pool, self._service), "tables up to date")
        self._relay = Relay(self._settings, self._service, self._readiness, self._owned)
        self._lanes = Lanes(self._pool, self._service, on_outbox=self._relay.wake, relayed=self._owned)
        context = Context(self._settings, self._pool, self._lanes, self._wake)
        self._worker = worker = self._build(context)
        _refuse_unfit(worker)
        needed = {topic.name: topic for topic in (*worker.consumes, *(ref.topic for ref in worker.references))}
        needed |= {topic.name: topic for topic in TOPICS if topic.owner == self._service}
        await self._persist(lambda: _check_topics(self._settings.kafka, list(needed.values())), "broker")
        if worker.on_start is not None:
            await self._persist(lambda: _awaited(worker.on_start, context), "service started")
        self._positions = Positions(self._lanes, self._service, worker.consumes[0].name)
        self._batches = Batches(
            self._service, worker.consumes, worker.handle, lanes=self._lanes, positions=self._positions,
            readiness=self._readiness, most=self._settings.batch_size,
            reread=lambda topic, partition: rereading.opened(self._settings.kafka, topic, partition),
        )  # fmt: skip
        loader = ReferenceLoader(
            self._settings, self._service, worker.references, self._lanes, self._readiness, on_change=self._wake
        )
        self._spawn(loader.run())
        # A decision without its reference data would be wrong, not late: the stream waits.
        self._readiness.lack("references caught up")
        await loader.caught_up()
        self._readiness.have("references caught up")
        _look_for_cycles_rarely()
        self._spawn(self._relay.run())
        self._inbox = Inbox(self._settings.batch_size)
        self._spawn(self._process())
        self._pump = self._make_pump()
        for chore in worker.chores:
            self._spawn(self._run_chore(chore))
        self._spawn(self._tell_lag())
        self._spawn(self._watch())  # not after its start: a pump that hangs in it is to be seen, too
        await self._pump.start()
        logs.event(_log, "The worker runs", port=port)

    def _make_pump(self) -> pump.Pump:
        made = pump.make_pump(self._settings, self._service, self._worker.consumes, self)

        async def carry(stream: Any) -> None:
            await self._guarded(self._carry(stream))

        pump.attach_agent(made, carry)
        made.loop = asyncio.get_running_loop()
        made.finalize()
        return made

    async def _carry(self, stream: Any) -> None:
        async for messages in pump.batches(stream, self._settings.batch_size, self._settings.batch_within_s):
            self._turns.arrived()
            await self._inbox.put(messages)
        raise RuntimeError("Faust ended the stream")

    async def _process(self) -> None:
        while True:
            await self._batches.process(await self._inbox.take())

    async def take(self, generation: int, assigned: Collection[Position]) -> Mapping[Position, int]:
        """Pump's question at an assignment: where to go on (see `pump.Owner`)."""
        try:
            return await self._take(generation, assigned)
        except Abandoned:
            return {}  # another rebalance came first, and asks again
        except BaseException as error:
            self._die(error)
            raise

    async def _take(self, generation: int, assigned: Collection[Position]) -> Mapping[Position, int]:
        known = self._positions.current

        def is_current() -> bool:
            return self._pump.consumer_generation_id == generation

        offsets = await persist(
            lambda: self._positions.claim(generation, sorted(assigned), is_current), what="positions claimed",
            service=self._service, readiness=self._readiness, abandoned=lambda: not is_current(),
        )  # fmt: skip
        claim = self._positions.current
        if claim is not None and claim is not known:
            await self._refuse_lost_log(offsets)
            self._readiness.have("lanes assigned")
            logs.event(_log, "Lanes were assigned", generation=generation, lanes=sorted(self._owned()))
            self._wake()
        return offsets

    def assigned(self) -> None:
        """Pump's word that an assignment has come (see `pump.Owner`)."""
        self._positions.assigned()

    async def give_up(self) -> None:
        """Pump's word that the partitions go (see `pump.Owner`)."""
        self._readiness.lack("lanes assigned")
        self._positions.release()
        await self._batches.idle()

    async def _refuse_lost_log(self, offsets: Mapping[Position, int]) -> None:
        """Raises `Refusal` when a position lies beyond its log: the topic was made anew, or the broker lost records."""
        if not offsets:
            return
        for _ in range(10):
            ends = await self._persist(lambda: pump.end_offsets(self._pump, list(offsets)), "broker")
            beyond = [at for at, offset in offsets.items() if offset > ends[at]]
            if not beyond:
                return
            await asyncio.sleep(1)  # a new leader may not know the end of its log at once
        topic, lane = beyond[0]
        raise Refusal(
            f"{self._service} has processed {topic} partition {lane} up to offset {offsets[topic, lane]}, but the log"
            f" ends at {ends[topic, lane]}: the topic was deleted and made anew, or the broker lost acknowledged records."
            " Find out which before you set the position back; nothing was processed."
        )

    async def _run_chore(self, chore: Chore) -> None:
        woken = asyncio.Event()
        self._wakers.append(woken)

        async def piece() -> int:
            lanes = self._owned()
            return await chore(lanes) if lanes else 0

        while True:
            woken.clear()
            if not await self._persist(lambda: self._turns.take(piece), "chores done"):
                await _until(woken, self._worker.pause)

    def _wake(self) -> None:
        for woken in self._wakers:
            woken.set()

    async def _tell_lag(self) -> None:
        told: dict[Position, int] = {}
        while True:
            await asyncio.sleep(_TELL_LAG_EVERY_S)
            moved = {at: to for at, to in self._positions.next_offsets.items() if told.get(at) != to}
            if moved and self._positions.current is not None:
                try:
                    await pump.tell_lag(self._pump, moved)
                    told |= moved
                except (KafkaError, TimeoutError, RuntimeError) as error:
                    logs.event(_log, "Kafka was not told how far we are", level=logging.DEBUG, error=error)

    async def _watch(self) -> None:
        """Measures lag and outbox, and reads past the pump what it does not bring."""
        moved_at: dict[Position, tuple[int, float]] = {}
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            claim = self._positions.current
            pump.require_alive(self._pump)
            if claim is None or not claim.epochs:
                continue
            ends = await self._persist(lambda: pump.end_offsets(self._pump, list(claim.epochs)), "broker")  # noqa: B023
            await self._persist(self._measure_outbox, "database")
            if self._positions.current is not claim:
                continue  # the lanes went meanwhile, and with them what is known of their positions
            nexts = dict(self._positions.next_offsets)
            metrics.LAG_EVENTS.labels(self._service).set(
                sum(max(0, end - nexts.get(at, 0)) for at, end in ends.items())
            )
            now = asyncio.get_running_loop().time()
            for at, end in ends.items():
                if end <= nexts[at] or moved_at.get(at, (-1, now))[0] != nexts[at]:
                    moved_at[at] = (nexts[at], now)
                elif end > nexts[at] and now - moved_at[at][1] > _STALLED_AFTER_S and not self._batches.is_busy:
                    logs.event(_log, "The pump brings nothing; reading past it", level=logging.WARNING, topic=at[0],
                               partition=at[1], first=nexts[at], last=end - 1)  # fmt: skip
                    await self._batches.catch_up(at, end)

    async def _measure_outbox(self) -> None:
        async with self._pool.acquire() as connection:
            depth = await outbox_depth(connection, self._owned())
        metrics.OUTBOX_DEPTH.labels(self._service).set(depth)

    async def _persist(self, work: Callable[[], Awaitable[Any]], what: str) -> Any:
        return await persist(work, what=what, service=self._service, readiness=self._readiness)

    def _owned(self) -> frozenset[int]:
        return self._positions.owned() if hasattr(self, "_positions") else frozenset()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)  # the loop itself keeps no strong reference

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Ends the process with whatever escapes; a cancellation by Faust is such an end, too."""
        try:
            await work
        except BaseException as error:  # noqa: BLE001 - the one place where everything ends
            self._die(error)

    def _die(self, error: BaseException) -> None:
        if self._ending:
            return  # leaving makes Faust stumble; what matters is committed
        if isinstance(error, Refusal):
            sys.stderr.write(f"{error}\n")
            logs.event(_log, "The worker must not go on", level=logging.CRITICAL, exc_info=error)
            _exit(_MISCONFIGURED)
        logs.event(_log, "The worker ends", level=logging.CRITICAL, exc_info=error)
        _exit(_INTERNAL_ERROR)

    async def _end_cleanly(self) -> None:
        """Lets the transaction in flight commit, says goodbye to the group, and leaves."""
        self._ending = True
        self._readiness.lack("staying")
        logs.event(_log, "Stopping")
        if hasattr(self, "_lanes"):
            await self._lanes.close()
        goodbyes = []
        if hasattr(self, "_relay"):
            goodbyes.append(self._relay.stop())
        if hasattr(self, "_pump"):
            goodbyes.append(pump.leave_group(self._pump))
        if goodbyes:
            # Neither is owed: whoever takes over repeats what is not marked, and Kafka notices a silent member.
            await asyncio.wait([asyncio.ensure_future(goodbye) for goodbye in goodbyes], timeout=5)
        _exit(0)


def _look_for_cycles_rarely() -> None:
    """A batch is some hundred thousand values that die without cycles, between which Python would look for some all the time.

    What was loaded to start with is never looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _refuse_unfit(worker: Worker) -> None:
    for topic in worker.consumes:
        if topic.compacted or topic.partitions != LANES:
            raise Refusal(
                f"{worker.service} cannot stream {topic.name}: streams need {LANES} partitions without compaction;"
                " compacted topics are references."
            )


async def _check_topics(bootstrap: str, topics: list[Topic[Any]]) -> None:
    try:
        await check_topics(bootstrap, topics)
    except BrokerAway as error:
        raise ConnectionError("no broker") from error  # at start, too, an outage is waited for


async def _awaited(function: Callable[[Context], Awaitable[None]] | None, context: Context) -> None:
    if function is not None:
        await function(context)


async def _until(woken: asyncio.Event, at_most: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(at_most):  # `wait_for` of Python 3.11 swallows being cancelled at the moment of being woken
            await woken.wait()


def _exit(code: int) -> None:
    """Ends the process at once, without giving Faust a chance to acknowledge anything."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)
