"""One seeded trial: real lanes, positions, batches, relay and chores, in processes that crash, freeze and lose their lanes."""

import argparse
import asyncio
import datetime as dt
import logging
import random
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from services.schedule import chores as chores_module
from services.schedule.chores import Chores
from shared import failpoints
from shared.batches import Batches
from shared.failures import BadDeploy, Fenced
from shared.health import Readiness
from shared.lanes import Lanes
from shared.positions import Positions
from shared.relay import Relay
from shared.retry import Abandoned, persist
from shared.settings import Settings
from tests.simulation.loop import VirtualLoop
from tests.simulation.service import DAYS, IN, LANES, assess_days, due_module, mark_due, write_down
from tests.simulation.world import PROCESS, RELAY_SILENCE_S, Crash, Pool, Process, Producer, Session, World

MESSAGES = 15
COMMANDS = 3
TROUBLED_S = 40.0
SESSION_TIMEOUT_S = 10.0
UNHEARD = 0.1
"""How likely a message is never brought by the pump; when it is the last of its lane, no later one brings that to light."""

HEARD_OF = 0.2
"""How likely a worker hears of a rebalance before its next step; until then it goes on as before."""

PATIENCE_S = 200.0


@dataclass(frozen=True)
class Message:
    """What Faust hands on."""

    topic: str
    partition: int
    offset: int
    value: bytes
    generation_id: int
    key: bytes | None = None
    headers: Any = ()
    timestamp: float = 0.0


class Worker(Process):
    """A worker of the service: what shared.streaming makes of the parts, with a broker of chance in Kafka's place."""

    def __init__(self, world: World, group: "Group", name: str) -> None:
        super().__init__(world, name)
        self.group = group
        self.generation = -1
        self.fetched: dict[int, int] = {}
        self.left_over: list[Message] = []

    def start(self) -> None:
        token = PROCESS.set(self)
        pool: Any = Pool(self.world)
        readiness = Readiness("geofence")
        self.relay = Relay(Settings(), "geofence", readiness, self._owned)
        self.lanes = Lanes(pool, "geofence", on_outbox=self.relay.wake, relayed=self._owned)
        self.lanes._room_seen_to = dt.date.max  # this world has no outbox by days, and must not want one at midnight
        self.positions = Positions(self.lanes, "geofence", IN.name)
        self.readiness = readiness
        self.batches = Batches(
            "geofence", (IN,), write_down, lanes=self.lanes, positions=self.positions, readiness=readiness,
            reread=self._reread, most=4,
        )
        self.relay._tidied = float("inf")
        self.relay._connected = self._connected  # type: ignore[method-assign]
        self.chores = Chores(self.lanes, SimpleNamespace())  # type: ignore[arg-type]  # its memory is for assess_days alone
        PROCESS.reset(token)
        self.spawn(self.relay.run())
        self.spawn(self._pump())
        self.spawn(self._close_days())

    def _owned(self) -> frozenset[int]:
        return self.positions.owned()

    async def _connected(self) -> Any:
        if self.relay._connection is None:
            await self.pause()
            session: Any = Session(self.world, RELAY_SILENCE_S)
            self.relay._connection, self.relay._producer = session, Producer(session)
        return self.relay._connection, self.relay._producer

    @asynccontextmanager
    async def _reread(self, _: str, lane: int) -> AsyncIterator[Any]:
        await self.pause()
        log = self.world.log[lane]

        async def read(first: int, end: int, most: int) -> AsyncIterator[list[Any]]:
            for start in range(first, end, most):
                await self.pause()
                yield [Message(IN.name, lane, at, log[at], -1) for at in range(start, min(start + most, end))]

        yield SimpleNamespace(first_available=0, read=read)

    async def _pump(self) -> None:
        """Asks for its partitions, brings their messages as unreliably as Faust does, and hears of a rebalance late."""
        chance = self.world.chance
        while True:
            await self.pause()
            generation, lanes = self.group.place_of(self)
            if generation != self.generation and (self.generation < 0 or chance.random() < HEARD_OF):
                self.positions.release()
                await self.batches.idle()
                self.generation = generation
                asked = [(IN.name, lane) for lane in lanes]
                try:
                    offsets = await persist(
                        lambda: self.positions.claim(generation, asked, lambda: self.group.generation == generation),  # noqa: B023
                        what="positions claimed", service="geofence", readiness=self.readiness,
                        abandoned=lambda: self.group.generation != generation,  # noqa: B023
                    )  # fmt: skip
                except Abandoned:
                    self.generation = -1
                    continue
                self.fetched = {lane: offset for (_, lane), offset in offsets.items()}
            messages, self.left_over = self.left_over, []
            for lane, at in self.fetched.items():
                for offset in range(at, min(at + chance.randint(1, 4), len(self.world.log[lane]))):
                    self.fetched[lane] = offset + 1
                    if (lane, offset) not in self.world.unheard and not self.world.strikes(0.5):
                        messages.append(Message(IN.name, lane, offset, self.world.log[lane][offset], self.generation))
            if self.world.strikes():
                self.left_over = messages[: chance.randint(0, len(messages))]  # delivered again, in whatever generation
            if messages:
                await self.batches.process(messages)
            else:
                await asyncio.sleep(0.5)
                for lane, at in self.fetched.items():
                    if at == len(self.world.log[lane]):
                        await self.batches.catch_up((IN.name, lane), at)

    async def _close_days(self) -> None:
        while True:
            await self.pause()
            owned = self.positions.owned()
            if not owned or not await persist(
                lambda: self.chores.close_due_days(owned), what="chores", service="geofence", readiness=self.readiness  # noqa: B023
            ):
                await asyncio.sleep(0.5)


class Group:
    """The consumer group: members that were silent too long lose their lanes, whether they know it or not."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.generation = 0
        self.members: list[Worker] = []
        self._places: dict[Worker, tuple[int, ...]] = {}
        self._number = 0

    def place_of(self, worker: Worker) -> tuple[int, tuple[int, ...]]:
        return (self.generation, self._places[worker]) if worker in self._places else (-1, ())

    async def run(self, until: Callable[[], bool]) -> None:
        """Keeps two workers alive and deals the lanes anew when a member comes or goes."""
        loop = asyncio.get_running_loop()
        while not until():
            self.members = [worker for worker in self.members if worker.alive]
            while len(self.members) < 2:
                self._number += 1
                worker = Worker(self.world, self, f"worker-{self._number}")
                self.members.append(worker)
                worker.start()
            present = [w for w in self.members if w.frozen_until <= loop.time() or loop.time() - w.frozen_since < SESSION_TIMEOUT_S]
            if set(present) != set(self._places) or self.world.strikes(0.05):
                self.generation += 1
                shuffled = self.world.chance.sample(present, len(present))
                self._places = {w: tuple(range(LANES))[n :: len(shuffled)] for n, w in enumerate(shuffled)}
            await asyncio.sleep(1.0)


async def _command(world: World, lane: int, day: int, number: int) -> None:
    """An officer's command in a process of its own, repeated until it is known to have gone through."""
    pool: Any = Pool(world)
    lanes = Lanes(pool, "geofence")
    lanes._room_seen_to = dt.date.max  # this world has no outbox by days, and must not want one at midnight
    while number not in world.inputs[lane, day]:
        try:
            async with lanes.hold({lane}) as work:
                if number not in world.inputs[lane, day]:
                    mark_due(work, world, (lane, day), number)
        except ConnectionError:
            continue


def _settled(world: World) -> bool:
    return (
        all(world.position.get((IN.name, lane), (0, 0))[1] == len(world.log[lane]) for lane in range(LANES))
        and not world.due
        and all(world.sent_seq[lane] == world.out_seq[lane] for lane in range(LANES))
    )


class Trial:
    """One run: what is to come, when, and what became of it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(seed, LANES, trouble=self.chance.choice([0.02, 0.05, 0.15]))
        self.world.may_end = (Fenced, BadDeploy)
        self.group = Group(self.world)
        self.office = Process(self.world, "office")
        self.wanted: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.poison: set[tuple[int, int]] = set()

    async def play(self) -> None:
        """Messages and commands come while processes crash and freeze; then there is peace until all is done."""
        loop = asyncio.get_running_loop()
        coming = [asyncio.ensure_future(self._disturb()), asyncio.ensure_future(self._send())]

        def done() -> bool:
            at_rest = all(task.done() for task in coming) and not self.office.tasks and _settled(self.world)
            return at_rest or loop.time() > PATIENCE_S

        await self.group.run(done)
        for process in (*self.group.members, self.office):
            process.crash()
        for _ in range(5):
            await asyncio.sleep(0)

    async def _send(self) -> None:
        for number in range(MESSAGES + COMMANDS):
            await asyncio.sleep(self.chance.expovariate((MESSAGES + COMMANDS) / TROUBLED_S))
            lane, day = self.chance.randrange(LANES), self.chance.randrange(3)
            log = self.world.log[lane]
            if number % 6 == 5:
                self.wanted[lane, day].append(number)
                self.office.spawn(_command(self.world, lane, day, number))
                continue
            if self.chance.random() < UNHEARD:
                self.world.unheard.add((lane, len(log)))
            if self.chance.random() < 0.1:
                self.poison.add((lane, len(log)))
                log.append(b"no json")
            else:
                self.wanted[lane, day].append(number)
                log.append(orjson.dumps({"number": number, "day": day}))

    async def _disturb(self) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < TROUBLED_S:
            await asyncio.sleep(self.chance.uniform(1, 8))
            worker = self.chance.choice(self.group.members)
            if self.chance.random() < 0.3:
                worker.crash()
            elif self.chance.random() < 0.6 and worker.frozen_until <= loop.time():
                worker.frozen_since = loop.time()
                worker.frozen_until = loop.time() + self.chance.uniform(1, 30)
        self.world.trouble = 0.0

    def reach(self, _: str) -> None:
        """The failpoints of the runtime: a worker may be gone at each of them."""
        process = PROCESS.get()
        if self.world.strikes(0.1) and isinstance(process, Worker):
            process.crash()
            raise Crash

    def wrong(self) -> list[str]:
        """Every promise that was broken."""
        return list(_wrong(self.world, self.wanted, self.poison))


def run(seed: int) -> list[str]:
    """Plays one trial; returns what is wrong in the end, which should be nothing."""
    trial, loop = Trial(seed), VirtualLoop()
    random.seed(seed)  # shared.retry spreads its pauses by it
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (failpoints, "reach", trial.reach), (failpoints, "ARMED", True),
        (chores_module, "due", due_module()), (chores_module, "assess_days", assess_days),
    )  # fmt: skip
    kept = [getattr(module, name) for module, name, _ in replaced]
    for module, name, other in replaced:
        setattr(module, name, other)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(trial.play())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        for (module, name, _), original in zip(replaced, kept, strict=True):
            setattr(module, name, original)
    return trial.wrong()


def _wrong(world: World, wanted: Mapping[tuple[int, int], list[int]], poison: set[tuple[int, int]]) -> Iterator[str]:
    for error in world.surprises:
        yield f"a worker ended by surprise: {error!r}"
    yield from world.trespasses
    if not _settled(world):
        yield "it never came to rest"
    good = Counter((lane, offset) for lane in range(LANES) for offset in range(len(world.log[lane])) if (lane, offset) not in poison)
    seen = Counter((lane, offset) for lane, offset, _ in world.sink)
    if good - seen:
        yield f"lost {sorted(good - seen)}"
    if seen - good:
        yield f"doubled {sorted(seen - good)}"
    buried = Counter((lane, offset) for _, lane, offset in world.dead)
    if buried != Counter(poison):
        yield f"dead letters {sorted(buried.elements())} for poison {sorted(poison)}"
    for key, numbers in wanted.items():
        if world.days.get(key, (0, []))[1] != sorted(numbers):
            yield f"day {key} came to {world.days.get(key)} and not to {sorted(numbers)}"
    for lane in range(LANES):
        told: dict[tuple[str, int], list[tuple[str, bytes]]] = defaultdict(list)
        for row in world.outbox[lane]:
            told[row["topic"], row["partition"]].append((orjson.loads(row["headers"])["ce_subject"], row["value"]))
        for place, rows in told.items():
            published, written = list(dict.fromkeys(world.published[place])), list(dict.fromkeys(rows))
            if len(written) != len(rows):
                yield f"{place} has {len(rows) - len(written)} rows twice in the outbox"
            if set(published) != set(written):
                yield f"{place} was told only {len(published)} of {len(written)}"
            elif published != written:
                yield f"{place} was told out of order"
        versions: dict[str, list[int]] = defaultdict(list)
        for subject, value in told[DAYS.name, lane]:
            versions[subject].append(orjson.loads(value)["version"])
        for subject, series in versions.items():
            if series != list(range(1, len(series) + 1)):
                yield f"{subject} was told in the versions {series}"


def replay(seed: int) -> str:
    """The command that plays this trial again, as typed in the repository."""
    python, root = Path(sys.executable), Path(__file__).parents[2]
    return f"{python.relative_to(root) if python.is_relative_to(root) else python} -m tests.simulation.trial {seed}"


def main() -> int:
    """Plays one trial and tells what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.trial",
        description="Plays one seeded trial of the runtime in the simulated world: the same seed, the same run."
        " Tells every promise that was broken; exit code 1 if there is any.",
    )
    parser.add_argument("seed", type=int, help="any whole number; a failing `make simulation` prints it")
    parser.add_argument("--logs", action="store_true", help="also show what the workers logged")
    arguments = parser.parse_args()
    if arguments.logs:
        logging.basicConfig(level=logging.INFO, format="%(levelname)-7s %(name)s: %(message)s")
    else:
        logging.disable(logging.CRITICAL)
    told = run(arguments.seed)
    print("\n".join(told) or f"seed {arguments.seed}: nothing is wrong")
    return bool(told)


if __name__ == "__main__":
    sys.exit(main())
