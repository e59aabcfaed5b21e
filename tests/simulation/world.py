"""What the protocol stands on, without any of it: processes that crash and freeze, a Postgres, a broker and its groups.

Postgres knows the runtime's own statements and nothing else: rows are locked by lane, what a transaction writes is seen
once it commits, and a session ends with its process, by its own silence, or because the network took it. Whether a
COMMIT under way was carried out when the connection broke is for chance to say, as it is in life.
"""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from aiokafka.errors import KafkaConnectionError

from shared import lanes as lanes_module
from shared import relay as relay_module

IDLE_S = 20.0
"""As shared.database.IDLE_IN_TRANSACTION_S: a transaction silent for so long is ended by the server."""

RELAY_SILENCE_S = 15.0
STALL_S = 8.0
"""An answer from outside takes some milliseconds, and now and then up to so long."""

BROKER_STALL_S = 12.0
"""A broker that is hard to reach answers a relay only after so long, at most."""

GOODBYE_S = 2.0
"""As shared.kafka has it: so long a producer's connections may take to end, and what is on them may arrive until then."""

LOCK_TIMEOUT_S = 30.0

PROCESS: ContextVar["Process"] = ContextVar("process")


Tasks = dict[asyncio.Task[Any], None]
"""In the order in which they began: a set would cancel them as they lie in memory, and a seed would not give the same run twice."""


def keep(task: asyncio.Task[Any], *among: Tasks) -> None:
    """Count a task among these until it is done."""
    for tasks in among:
        tasks[task] = None
        task.add_done_callback(tasks.pop)


class Crash(BaseException):
    """The process is gone at this very instruction."""


class Process:
    """One operating system process: it may freeze, and it may be gone."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name = world, name
        self.alive = True
        self.frozen_since = self.frozen_until = 0.0
        self.tasks: Tasks = {}
        self.sessions: list[Session] = []
        self.fenced: set[tuple[str, int]] = set()

    def spawn(self, work: Any) -> None:
        """A task of this process; whatever escapes from it ends the process, as in shared.streaming."""
        token = PROCESS.set(self)
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        PROCESS.reset(token)
        keep(task, self.tasks)

    async def _guarded(self, work: Any) -> None:
        try:
            await work
        except asyncio.CancelledError:
            if self.alive:
                raise
        except Crash:
            pass
        except BaseException as error:  # noqa: BLE001 - as in shared.streaming: whatever escapes ends the process
            if self.alive:
                if not isinstance(error, self.world.may_end):
                    self.world.surprises.append(error)
                self.crash()

    def crash(self) -> None:
        """Ends the process as SIGKILL does."""
        if self.alive:
            self.alive = False
            for session in self.sessions:
                session.break_off()
            for task in list(self.tasks):
                task.cancel()

    async def pause(self) -> None:
        """Takes as long as an answer from outside takes, and longer while the process is frozen."""
        chance = self.world.chance
        await asyncio.sleep(chance.uniform(0, STALL_S) if self.world.strikes(0.1) else chance.expovariate(200))
        while self.frozen_until > asyncio.get_running_loop().time():
            await asyncio.sleep(self.frozen_until - asyncio.get_running_loop().time())
        if not self.alive:
            raise Crash


class World:
    """Everything outside of the processes, and the chance that rules it."""

    def __init__(self, seed: int, lanes: int, trouble: float) -> None:
        self.chance = random.Random(seed)
        self.trouble = trouble
        self.surprises: list[BaseException] = []
        self.may_end: tuple[type[BaseException], ...] = ()
        self.out_seq = dict.fromkeys(range(lanes), 0)
        self.position: dict[tuple[str, int], tuple[int, int]] = {}
        self.owner: dict[tuple[str, int], Process] = {}
        self.trespasses: list[str] = []
        self.outbox: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.sent_seq = dict.fromkeys(range(lanes), 0)
        self.dead: list[tuple[str, int, int]] = []
        self.sink: list[tuple[int, int, int]] = []
        self.inputs: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.days: dict[tuple[int, int], tuple[int, list[int]]] = {}
        self.due: set[tuple[int, int]] = set()
        self.locks: dict[int, Session | None] = dict.fromkeys(range(lanes))
        self.waiting: dict[int, deque[asyncio.Future[None]]] = defaultdict(deque)
        self.advisory: dict[int, Session] = {}
        self.log: dict[int, list[Any]] = defaultdict(list)
        self.unheard: set[tuple[int, int]] = set()
        self.publishing: dict[tuple[str, int], list[Producer]] = defaultdict(list)
        self.published: dict[tuple[str, int], list[tuple[str, bytes]]] = defaultdict(list)

    def strikes(self, share: float = 1.0) -> bool:
        """Whether something goes wrong now."""
        return self.chance.random() < self.trouble * share


class Session:
    """A connection to Postgres; it knows the statements of shared.lanes, shared.positions and shared.relay."""

    def __init__(self, world: World, silence_s: float | None = None) -> None:
        self.world, self.process = world, PROCESS.get()
        self.process.sessions.append(self)
        self.alive = True
        self.writes: list[Callable[[], None]] | None = None
        self.committing = False
        self.held: list[int] = []
        self.silence_s = silence_s
        self.given_back = False
        self._last = asyncio.get_running_loop().time()

    def break_off(self) -> None:
        """The server ends the session; a COMMIT that was on its way may or may not have been carried out."""
        if self.alive:
            self.alive = False
            if self.committing and self.world.chance.random() < 0.5:
                self._carry_out()
            self._end_transaction()
            for lane in [lane for lane, holder in self.world.advisory.items() if holder is self]:
                del self.world.advisory[lane]

    def _carry_out(self) -> None:
        for write in self.writes or ():
            write()
        self.committing = False

    def _end_transaction(self) -> None:
        self.writes, self.committing = None, False
        for lane in self.held:
            self.world.locks[lane] = None
            while self.world.waiting[lane]:
                waiter = self.world.waiting[lane].popleft()
                if not waiter.done():
                    waiter.set_result(None)
                    break
        self.held = []

    async def _travel(self) -> None:
        await self.process.pause()
        if self.is_too_silent():
            self.break_off()
        if self.alive and self.world.strikes(0.2):
            self.break_off()
        if not self.alive:
            raise ConnectionError("the session is gone")
        self._last = asyncio.get_running_loop().time()

    def is_too_silent(self) -> bool:
        """Whether Postgres has ended the session by now, for it let nothing be heard of itself."""
        silence = IDLE_S if self.writes is not None else self.silence_s
        return silence is not None and asyncio.get_running_loop().time() - self._last > silence

    def terminate(self) -> None:
        self.given_back = True
        self.break_off()

    def transaction(self) -> "Session":
        return self

    async def start(self) -> None:
        await self._travel()
        self.writes = []

    async def rollback(self) -> None:
        if not self.alive:
            raise ConnectionError("the session is gone")
        self._end_transaction()

    async def commit(self) -> None:
        self.committing = True
        await self._travel()
        self._carry_out()
        self._end_transaction()
        await self._travel()

    def later(self, write: Callable[[], None]) -> None:
        """Written when the transaction commits; at once outside of one."""
        if not self.alive:
            raise ConnectionError("the session is gone")
        if self.writes is None:
            write()
        else:
            self.writes.append(write)

    async def _lock(self, lane: int) -> None:
        deadline = asyncio.get_running_loop().time() + LOCK_TIMEOUT_S
        while self.world.locks[lane] not in (None, self):
            waiter = asyncio.get_running_loop().create_future()
            self.world.waiting[lane].append(waiter)
            holder = self.world.locks[lane]
            if holder is not None and holder.process.frozen_until > asyncio.get_running_loop().time():
                asyncio.get_running_loop().call_later(IDLE_S, holder.break_off_if_silent)
            try:
                await asyncio.wait_for(waiter, deadline - asyncio.get_running_loop().time())
            except TimeoutError:
                raise ConnectionError("lock timeout") from None
            if not self.alive:
                raise ConnectionError("the session is gone")
        self.world.locks[lane] = self
        if lane not in self.held:
            self.held.append(lane)

    def break_off_if_silent(self) -> None:
        if self.writes is not None and asyncio.get_running_loop().time() - self._last >= IDLE_S - 0.001:
            self.break_off()

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        await self._travel()
        world = self.world
        if query in (lanes_module._LOCK, lanes_module._LOCK_WITH_POSITIONS):
            for lane in values[0]:
                await self._lock(lane)
            if query == lanes_module._LOCK:
                return [{"lane": lane, "out_seq": world.out_seq[lane]} for lane in values[0]]
            self._look_at_fences((topic, lane) for topic in values[1] for lane in values[0])
            return [
                {"lane": lane, "out_seq": world.out_seq[lane], "topic": topic, "epoch": epoch, "next_offset": offset}
                for (topic, lane), (epoch, offset) in world.position.items() if lane in values[0] and topic in values[1]
            ]
        if query.startswith("insert into position"):
            rows = []
            for topic, lane in zip(values[0], values[1], strict=True):
                epoch, offset = world.position.get((topic, lane), (0, 0))
                self.later(partial(self._claim, (topic, lane), epoch + 1, offset))
                rows.append({"topic": topic, "lane": lane, "epoch": epoch + 1, "next_offset": offset})
            return rows
        if "pg_try_advisory_lock" in query:
            return [{"lane": lane, "held": self._try_advisory(lane)} for lane in values[1]]
        if query == relay_module._READ:
            return [row for lane in values[0] for row in world.outbox[lane] if row["seq"] > world.sent_seq[lane]][: values[1]]
        raise AssertionError(f"an unknown query: {query}")

    def _try_advisory(self, lane: int) -> bool:
        holder = self.world.advisory.get(lane)
        if holder is not None and holder.is_too_silent():
            holder.break_off()
        return self.world.advisory.setdefault(lane, self) is self

    async def fetchval(self, query: str, *_: Any) -> Any:
        await self._travel()
        assert "from dead_letter where reason" in query
        return 0

    async def execute(self, query: str, *values: Any) -> None:
        await self._travel()
        world = self.world
        if query == lanes_module._WRITE:
            self.later(lambda: self._write(values))
        elif query.startswith("insert into dead_letter"):
            self.later(lambda: world.dead.extend(zip(values[0], values[1], values[2], strict=True)))
        elif query.startswith("insert into sink"):
            self.later(lambda: world.sink.extend(values[0]))
        elif query == relay_module._MARK:
            for lane, seq in zip(values[0], values[1], strict=True):
                world.sent_seq[lane] = seq
        elif "pg_advisory_unlock" in query:
            if world.advisory.get(values[1]) is self:
                del world.advisory[values[1]]
        else:
            assert query == "select 1", query

    def _look_at_fences(self, places: Iterable[tuple[str, int]]) -> None:
        """A process that finds its position claimed by another ends, or waits for lanes of its own: it does not come by again."""
        taken = {place for place in places if self.world.owner.get(place, self.process) is not self.process}
        if taken & self.process.fenced:
            self.world.trespasses.append(f"{self.process.name} went on with lanes of which it had been fenced")
        self.process.fenced |= taken

    def _claim(self, place: tuple[str, int], epoch: int, offset: int) -> None:
        self.world.position[place] = (epoch, offset)
        self.world.owner[place] = self.process
        self.process.fenced.clear()

    def _write(self, values: Sequence[Any]) -> None:
        touched, seqs, row_lanes, row_seqs, topics, partitions, keys, headers, bodies, moved, lanes, offsets, _ = values
        self.world.out_seq.update(zip(touched, seqs, strict=True))
        for row in zip(row_lanes, row_seqs, topics, partitions, keys, headers, bodies, strict=True):
            names = ("lane", "seq", "topic", "partition", "key", "headers", "value")
            self.world.outbox[row[0]].append(dict(zip(names, row, strict=True)))
        for topic, lane, offset in zip(moved, lanes, offsets, strict=True):
            if self.world.owner[topic, lane] is not self.process:
                self.world.trespasses.append(f"{self.process.name} moved a position that another has claimed since")
            self.world.position[topic, lane] = (self.world.position[topic, lane][0], offset)


class Pool:
    """Hands out sessions; a broken one is replaced by a new one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._idle: list[Session] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Session]:
        session = next((session for session in self._idle if session.alive), None)
        self._idle = [other for other in self._idle if other.alive and other is not session]
        session = session or Session(self._world)
        session._last = asyncio.get_running_loop().time()
        try:
            yield session
        finally:
            if session.alive:
                self._idle.append(session)


class Batch:
    """Records of one partition on their way, as aiokafka's builder collects them."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def append(self, **record: Any) -> object | None:
        if len(self.records) == 3:
            return None
        self.records.append(record)
        return record

    def close(self) -> None:
        """Complete."""


class Producer:
    """The relay's producer: what it was given it goes on delivering until it is dropped, whether anybody waits for it or not."""

    def __init__(self, session: Session) -> None:
        self._world, self._process, self._session = session.world, session.process, session
        self._on_their_way: Tasks = {}
        # As `shared.kafka.drop` finds it in aiokafka's.
        self.client, self._conns, self._sender, self._closed = self, dict[Any, Any](), None, False

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, partition: int) -> Any:
        """Yields what to await for the acknowledgement, which may be lost after the records were written."""
        await self._process.pause()
        delivery = asyncio.get_running_loop().create_task(self._deliver(batch, (topic, partition)))
        keep(delivery, self._on_their_way, self._process.tasks)
        return asyncio.shield(delivery)

    async def _deliver(self, batch: Batch, place: tuple[str, int]) -> None:
        publishing = self._world.publishing[place]
        self._look_for_another(publishing, place)
        publishing.append(self)
        try:
            await self._process.pause()
            if self._world.strikes():
                if self._world.chance.random() < 0.5:  # a network that keeps the broker away may take the database too
                    self._session.break_off()
                await asyncio.sleep(self._world.chance.uniform(0, BROKER_STALL_S))
            if self._world.strikes(0.2):
                raise KafkaConnectionError("no answer, and nothing written")
            if self._session.given_back:
                self._world.trespasses.append(f"{self._process.name} told {place} something after it had given its lanes back")
            for record in batch.records:
                self._world.published[place].append((dict(record["headers"])["ce_subject"].decode(), record["value"]))
            await self._process.pause()
            if self._world.strikes(0.2):
                raise KafkaConnectionError("written, but no answer")
        finally:
            publishing.remove(self)

    def _look_for_another(self, publishing: Sequence["Producer"], place: tuple[str, int]) -> None:
        """Two at once are two whose sessions both live: whoever has lost its own had its lanes taken over."""
        names = {one._process.name for one in (self, *publishing) if one._session.alive and not one._session.is_too_silent()}
        if len(names) > 1:
            self._world.trespasses.append(f"{' and '.join(sorted(names))} published {place} at once")

    async def close(self) -> None:
        """Takes its time, in which what is on its way may still arrive; nothing does afterwards."""
        try:
            await asyncio.sleep(self._world.chance.uniform(0, GOODBYE_S))
        finally:
            for delivery in list(self._on_their_way):
                delivery.cancel()
