"""A house that can be brought back, any number of times, to a day on which nobody came: where each mutant begins.

A province is imported, its clock moved past the closing of its only day, and all of it comes to rest: everybody owed a day is
absent. That database is kept. Each life begins with a copy of it whose positions stand where the topics end by now, so that
nothing that another life left behind is seen, neither by the services nor by the invariants. Then the check-ins of the day come,
all of them late: each turns days that were assessed, violations that were raised and rupiah that were posted.
"""

import contextlib
import signal
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from aiokafka import TopicPartition

from services.simulator.agenda import Arrival, arrivals, work_reports
from services.simulator.phones import Phones
from services.simulator.province import Province
from services.simulator.settled import NotSettled, Observer
from shared.reading import consuming, partitions_of
from shared.topics import TOPICS
from tests.faults.feed import Feed
from tests.faults.house import SERVICES, House, running
from tests.faults.invariants import Poison, Positions, Scene, look_at_positions, violations
from tests.faults.journal import Journal
from tests.faults.load import Load
from tests.waiting import until

SETTLE_S = 90.0
_IN_BATCH = 40
_KEPT = "rested"


@dataclass
class Rested:
    """Made by `rested`."""

    house: House
    province: Province
    feed: Feed
    """What the topics said when all was at rest."""

    lives: int = 0

    @contextlib.asynccontextmanager
    async def life(self, mutant: str = "", of: str = "") -> AsyncIterator["Life"]:
        """All services up on the kept database; the one called `of` with a guarantee switched off."""
        self.lives += 1
        await stop(self.house)
        since = await self._bring_back()
        async with contextlib.AsyncExitStack() as held:
            journal = Journal(self.house.home / f"journal-{self.lives}")
            held.callback(journal.close)
            life = Life(self.house, self.province, since, self.feed.from_here(since), journal, mutant, of)
            for name in SERVICES:
                await self.house.start(name, mutant=life.mutant_of(name))
            await self.house.ready()
            life.phones = await held.enter_async_context(
                Phones(self.house.ingest, connections=8, patience_s=SETTLE_S, journal=journal.note)
            )
            life.observer = await held.enter_async_context(Observer(self.house.database.url, self.house.brokers.bootstrap))
            async with self.house.connection() as connection:
                life.positions.take(await look_at_positions(connection))
            yield life

    async def _bring_back(self) -> Mapping[TopicPartition, int]:
        """The kept database, with all positions where the topics end now; returns these ends."""
        ends = await _ends(self.house.brokers.bootstrap)
        await self._server(f"drop database if exists hadir with (force); create database hadir template {_KEPT}")
        async with self.house.connection() as connection:
            await connection.execute("set session_replication_role = replica")  # this is no move that the witness must see
            tables = await connection.fetch(
                "select table_schema, table_name, column_name from information_schema.columns"
                " where table_name in ('position', 'reference_position') and column_name in ('lane', 'partition')"
            )
            for schema, table, column in tables:
                await connection.executemany(
                    f"update {schema}.{table} set next_offset = $3 where topic = $1 and {column} = $2",
                    [(place.topic, place.partition, end) for place, end in ends.items()],
                )
        return ends

    async def keep(self) -> None:
        """Keep the database as it is now under another name; no service may run."""
        await self._server(f"alter database hadir rename to {_KEPT}")

    async def _server(self, statements: str) -> None:
        """Statements outside of any transaction; a session that has not quite ended yet is waited for."""
        connection = await asyncpg.connect(self.house.database.primary.url("postgres"))

        async def done(statement: str) -> bool:
            try:
                await connection.execute(statement)
            except asyncpg.ObjectInUseError:
                return False
            return True

        try:
            for statement in statements.split("; "):
                await until(lambda: done(statement), 60, lambda: f"the database is in use: {statement}")  # noqa: B023 (awaited in the turn)
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def rested(province: Province, keep: Path | None = None) -> AsyncIterator[Rested]:
    """A house in which everybody of this province of one day is absent, at rest and stopped."""
    async with running(keep=keep) as house:
        load = Load(house, province, 1.0)
        await load.prepare()
        await load.finish()
        async with Observer(house.database.url, house.brokers.bootstrap) as observer:
            await observer.until_settled(province.label, province.last_day, lambda _done, _whole: None, patience_s=SETTLE_S)
            await observer.until_no_lag(patience_s=SETTLE_S)
        feed = Feed(house.brokers.bootstrap)
        await feed.catch_up()
        await stop(house)
        found = Rested(house, province, feed)
        await found.keep()
        yield found


async def stop(house: House) -> None:
    """Stop all services: politely, so that nobody waits for a member of a group that is gone; who does not go is killed."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        for name, service in house.services.items():
            service.held = True
            house.signal(name, signum)
            house.signal(name, signal.SIGCONT)
        with contextlib.suppress(AssertionError):
            await house.until(lambda: all(service.pid is None for service in house.services.values()), "all services end", 20)
            break
    else:
        raise AssertionError("services cannot be stopped")
    house.services.clear()


async def _ends(bootstrap: str) -> Mapping[TopicPartition, int]:
    async with consuming(bootstrap, "ends") as consumer:
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(partitions_of(*TOPICS))
    return ends


@dataclass
class Part:
    """Some people's check-ins: `first` is one of each who has another; after them comes `rest`, which is all else, reports too."""

    first: list[Arrival] = field(default_factory=list)
    rest: list[Arrival] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)


def parts(province: Province, many: int) -> list[Part]:
    """The day of the province in so many parts, by people: all that one person sends is in one of them."""
    found = [Part() for _ in range(many)]
    sent = sorted(arrivals(province), key=lambda arrival: arrival.plan.person.number)
    own: dict[str, list[Arrival]] = {}
    for arrival in sent:
        own.setdefault(str(arrival.plan.person.employee_id), []).append(arrival)
    for place, mine in enumerate(own.values()):
        again = next((n for n, arrival in enumerate(mine) if arrival.stamp != mine[0].stamp), 0)
        part = found[place % many]
        part.first += mine[:again]
        part.rest += mine[again:]
    people = list(own)
    for report in work_reports(province):
        found[people.index(report["employee_id"]) % many].reports.append(report)
    return found


@dataclass
class Life:
    """A life of the house, from the day on which nobody came; made by `Rested.life`."""

    house: House
    province: Province
    since: Mapping[TopicPartition, int]
    """Where the topics ended when it began."""

    feed: Feed
    journal: Journal
    mutant: str
    of: str
    poison: Poison = field(default_factory=Poison)
    positions: Positions = field(default_factory=Positions)
    phones: Phones = field(init=False)
    observer: Observer = field(init=False)

    def mutant_of(self, command: str) -> str:
        """What is switched off in a process of this service."""
        return self.mutant if command == self.of else ""

    async def send(self, some: Iterable[Arrival]) -> None:
        """Send check-ins until they are accepted."""
        bodies = [arrival.body() for arrival in some]
        self.journal.sent.update(body["check_in_id"] for body in bodies)
        for start in range(0, len(bodies), _IN_BATCH):
            await self.phones.check_ins(bodies[start : start + _IN_BATCH])

    async def report(self, some: Iterable[dict[str, Any]]) -> None:
        """Send work reports until they are accepted."""
        for body in some:
            self.journal.sent.add(body["report_id"])
            await self.phones.report(body)

    async def rest(self) -> None:
        """Wait until nothing is under way."""
        await self.observer.until_no_lag(patience_s=SETTLE_S)

    async def anew(self, name: str, failpoint: str) -> None:
        """Stop a service politely, and start it so that it dies or freezes at a point."""
        await self.house.leave(name)
        await self.house.start(name, mutant=self.mutant_of(name), failpoint=failpoint)
        await self.house.ready([name])

    async def kill(self, name: str) -> None:
        """kill -9; the house starts it again."""
        service = self.house.services[name]
        pid = service.pid
        assert pid is not None
        self.house.signal(name, signal.SIGKILL)
        await self.house.until(lambda: service.pid != pid, f"{name} ends", 20)

    async def frozen(self, name: str) -> None:
        """Wait until a service has frozen at its failpoint, and let it start without one from now on."""
        service = self.house.services[name]
        await self.house.until(lambda: self.is_frozen(name), f"{name} freezes at {service.failpoint}", 60)
        service.failpoint = ""

    def is_frozen(self, name: str) -> bool:
        """Whether a service stands still by now."""
        pid = self.house.services[name].pid
        return pid is not None and psutil.Process(pid).status() == psutil.STATUS_STOPPED

    @contextlib.asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Nobody writes to this table meanwhile; reading goes on."""
        async with self.house.connection() as connection, connection.transaction():
            await connection.execute(f"lock table {table} in exclusive mode")
            yield

    async def waits(self, statement: str) -> None:
        """Wait until a session waits for a lock with a statement like this one."""
        query = "select count(*) from pg_stat_activity where datname = 'hadir' and wait_event_type = 'Lock' and query like $1"
        async with self.house.connection() as connection:
            await until(lambda: connection.fetchval(query, statement), 60, lambda: f"nobody waits for {statement}")

    async def fetch(self, query: str, *arguments: Any) -> Sequence[Any]:
        """Rows of a query."""
        async with self.house.connection() as connection:
            rows: Sequence[Any] = await connection.fetch(query, *arguments)
            return rows

    async def verdict(self) -> dict[str, list[str]]:
        """What the invariants say when all is at rest, by name; {} if all hold."""
        wrong: dict[str, list[str]] = {}
        healed = time.monotonic()
        try:
            await self.rest()
            quiet = time.monotonic() - healed
            await self.observer.until_settled(self.province.label, self.province.last_day, lambda _d, _w: None, patience_s=SETTLE_S)
            await self.rest()
        except NotSettled as stuck:
            quiet = time.monotonic() - healed
            wrong["rest"] = [str(stuck)]
        await self.feed.catch_up()
        async with self.house.connection() as connection:
            scene = Scene(
                connection, self.observer, self.province, self.journal.accepted(), set(self.journal.sent), self.feed, self.poison,
                self.positions, quiet,
            )  # fmt: skip
            return wrong | await violations(scene)
