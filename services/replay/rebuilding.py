"""The services' own code on a new database: what one tells the next is taken from its outbox, and nothing is published."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import orjson

from services.geofence.app import build as build_geofence
from services.payroll.app import build as build_payroll
from services.replay.restoring import restore_geofence, restore_payroll, restore_schedule
from services.replay.source import Source, record_of
from services.schedule.app import build as build_schedule
from shared.database import open_pool
from shared.lanes import Lanes, Record
from shared.schemas import apply_schemas
from shared.settings import Settings
from shared.streaming import Context, Worker
from shared.topics import LANES, Service, Topic

BATCH: Final = 500
"""Records in one transaction, as in the services."""

_ALL_LANES: Final = frozenset(range(LANES))
_POOL: Final = 4

Progress = Callable[[str, int], None]
"""Is told what is being done and how many of it are done so far."""


class NotEmpty(Exception):
    """The database to rebuild into holds something already."""


class Rebuilt:
    """One service at work on the new database."""

    def __init__(self, service: Service, lanes: Lanes, worker: Worker) -> None:
        self.service: Final = service
        self.lanes: Final = lanes
        self.worker: Final = worker
        self._after: dict[int, int] = dict.fromkeys(range(LANES), 0)

    async def load_references(self, source: Source) -> None:
        """What others publish and this service keeps a copy of."""
        for reference in self.worker.references:
            async for rows in source.batches(reference.topic):
                async with self.lanes.hold(()) as work:
                    await reference.apply(work.connection, rows)

    async def take(self, records: Sequence[Record[Any]]) -> None:
        """A batch from the topics that it consumes."""
        async with self.lanes.hold({record.partition for record in records}) as work:
            await self.worker.handle(work, records)

    async def do_chores(self) -> int:
        """Each chore until it finds nothing to do; returns how much was done."""
        done = 0
        for chore in self.worker.chores:
            while now := await chore(_ALL_LANES):
                done += now
        return done

    async def told(self, topics: Mapping[str, Topic[Any]]) -> list[Record[Any]]:
        """The next of what it tells on these topics, in the order of each lane; empty at the end."""
        async with self.lanes.pool.acquire() as connection:
            rows = await connection.fetch(
                "select o.lane, o.seq, o.topic, o.partition, o.key, o.headers::text as headers, o.value"
                " from unnest($1::int[], $2::bigint[]) a(lane, seq) cross join lateral ("
                "   select * from outbox where lane = a.lane and seq > a.seq and topic = any($3::text[]) order by seq limit $4) o"
                " order by o.lane, o.seq",
                list(self._after), list(self._after.values()), list(topics), max(BATCH // LANES, 1),
            )
        records = []
        for row in rows:
            headers = [(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()]
            records.append(
                record_of(topics[row["topic"]], row["partition"], row["seq"], row["key"], headers, row["value"], 0)
            )
            self._after[row["lane"]] = row["seq"]
        return records

    async def keep_silent(self) -> None:
        """Marks all it has to tell as told, so that no relay ever publishes what the topics hold already."""
        async with self.lanes.pool.acquire() as connection, connection.transaction():
            await connection.execute("update relay_cursor r set sent_seq = l.out_seq from lane l where l.lane = r.lane")


async def rebuild(settings: Settings, database: str, progress: Progress) -> Source:
    """Rebuilds what the topics of `settings.kafka` tell in the empty database `database` (a URL); returns what was read.

    Raises NotEmpty if a service has a lane in that database that was ever used, and what Kafka and Postgres raise.
    """
    await apply_schemas(database)
    there = settings.model_copy(update={"database": database})
    async with AsyncExitStack() as stack:
        made: list[Rebuilt] = []
        for service, build in _SERVICES:
            pool = await open_pool(database, service, max_size=_POOL)
            stack.push_async_callback(pool.close)
            if await pool.fetchval("select exists (select from lane where out_seq > 0)"):
                raise NotEmpty(service)
            lanes = Lanes(pool, service)
            made.append(Rebuilt(service, lanes, build(Context(there, pool, lanes, lambda: None))))
        geofence, schedule, payroll = made
        source = Source(settings.kafka, BATCH)
        progress("reference data", 0)
        await restore_schedule(schedule.lanes, source)
        for service_made in made:
            await service_made.load_references(source)
        await restore_geofence(geofence.lanes, source)
        await restore_payroll(payroll.lanes, source)

        await _from_topics(source, geofence, progress)
        await _hand_on(geofence, schedule, progress)
        await _from_topics(source, schedule, progress)
        while True:
            done = await geofence.do_chores()
            done += await _hand_on(geofence, schedule, progress)
            done += await schedule.do_chores()
            done += await _hand_on(schedule, payroll, progress)
            done += await payroll.do_chores()
            if not done:
                break
        for service_made in made:
            await service_made.keep_silent()
        return source


async def _from_topics(source: Source, service: Rebuilt, progress: Progress) -> None:
    """Feeds a service the consumed topics of which nobody rebuilds the records."""
    done = 0
    rebuilt = {name for name, _ in _SERVICES}
    for topic in service.worker.consumes:
        if topic.owner in rebuilt:
            continue
        async for rows in source.batches(topic):
            records = [row for row in rows if isinstance(row, Record)]
            if records:
                await service.take(records)
                done += len(records)
                progress(f"{service.service}: records of {topic.name}", done)


async def _hand_on(teller: Rebuilt, hearer: Rebuilt, progress: Progress) -> int:
    topics = {topic.name: topic for topic in hearer.worker.consumes if topic.owner == teller.service}
    done = 0
    while records := await teller.told(topics):
        await hearer.take(records)
        done += len(records)
        progress(f"{hearer.service}: events of {teller.service}", done)
    return done


_SERVICES: Final[tuple[tuple[Service, Callable[[Context], Worker]], ...]] = (
    ("geofence", build_geofence),
    ("schedule", build_schedule),
    ("payroll", build_payroll),
)
