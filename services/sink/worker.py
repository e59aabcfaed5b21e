"""The sink's work: reads each partition from where its files end, gathers, and writes what has gathered as files.

The position is nowhere but in the files' names, and a record counts once its file is there. A crash at any moment loses what
was gathered in memory only, and that is read again.
"""

import asyncio
import logging
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.sink.columns import Fetched, table_of
from services.sink.files import Folder, Span
from shared import logs, metrics
from shared.envelope import record_time
from shared.events import Event
from shared.health import HealthServer, Readiness
from shared.kafka import check_topics, security
from shared.reading import partitions_of
from shared.refusal import Refusal
from shared.settings import Settings
from shared.topics import TOPICS, Topic

_log = logging.getLogger(__name__)

SERVICE: Final = "sink"
_CONNECTED: Final = "kafka"
_FETCH_MS: Final = 500
_MOST_FETCHED: Final = 5_000


@dataclass(frozen=True)
class Orders:
    """What a sink is told: where to, which topics, and after how long (s) or how many records in memory a file is written."""

    folder: Path
    topics: tuple[Topic[Event], ...]
    every_s: float
    most_records: int
    port: int


def choose(names: Sequence[str]) -> tuple[Topic[Event], ...]:
    """Topics by name; none: every fact that is pseudonymous. Raises `Refusal` for what is no topic of facts.

    Restricted topics are only written when they are named: files are kept longer than the topic, and read by others.
    """
    facts = {topic.name: topic for topic in TOPICS if not topic.compacted}
    for name in names:
        if name not in facts:
            raise Refusal(f"{name} is no topic of facts; there are {', '.join(facts)}. (Compacted topics hold latest states only.)")
    chosen = [facts[name] for name in dict.fromkeys(names)]
    return tuple(chosen or (topic for topic in facts.values() if topic.data == "pseudonymous"))


async def run(settings: Settings, orders: Orders) -> None:
    """Sink until SIGTERM or SIGINT, then write what is gathered; raises what the process must end for."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    readiness = Readiness(SERVICE, _CONNECTED)
    folder = Folder(orders.folder)
    server = HealthServer(SERVICE, readiness, settings.host, orders.port)
    await server.start()
    await check_topics(settings.kafka, orders.topics)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, client_id="hadir-sink", enable_auto_commit=False, auto_offset_reset="none",
        **security(),
    )  # fmt: skip
    await consumer.start()
    try:
        sink = Sink(consumer, folder, orders)
        await sink.begin()
        readiness.have(_CONNECTED)
        logs.event(_log, "The sink runs", port=orders.port, count=len(orders.topics))
        while not stop.is_set():
            await sink.step()
        await sink.write_all()
        logs.event(_log, "Stopping")
    finally:
        await consumer.stop()
        folder.close()


class Sink:
    """Reads from a started consumer, writes into a folder."""

    def __init__(self, consumer: AIOKafkaConsumer, folder: Folder, orders: Orders) -> None:
        self._consumer = consumer
        self._folder = folder
        self._orders = orders
        self._topics: Final = {topic.name: topic for topic in orders.topics}
        self._gathered: dict[TopicPartition, list[Fetched]] = defaultdict(list)
        self._count = 0
        self._oldest = 0.0

    async def begin(self) -> None:
        """Go to where the files end.

        What the broker has deleted meanwhile is told as a gap. Raises `Refusal` when the files are ahead of the broker:
        then these are another cluster's.
        """
        places = partitions_of(*self._orders.topics)
        self._consumer.assign(places)
        first, end = await self._consumer.beginning_offsets(places), await self._consumer.end_offsets(places)
        stored = {
            TopicPartition(name, number): offset
            for name in self._topics for number, offset in (await asyncio.to_thread(self._folder.positions, name)).items()
        }  # fmt: skip
        for place in places:
            wanted = stored.get(place, first[place])
            if wanted > end[place]:
                raise Refusal(
                    f"The files of {place.topic} partition {place.partition} reach offset {wanted - 1}, the broker only {end[place] - 1}:"
                    " they are another cluster's, or the topic was made anew. Name another --folder."
                )
            if wanted < first[place]:
                self._tell_gap(place, wanted, first[place])
            self._consumer.seek(place, max(wanted, first[place]))

    async def step(self) -> None:
        """Read for half a second at most, and write what is due."""
        fetched = await self._consumer.getmany(timeout_ms=_FETCH_MS, max_records=_MOST_FETCHED)
        for place, records in fetched.items():
            self._gathered[place] += [
                Fetched(record.partition, record.offset, record.key, record.value, record.headers, record.timestamp)
                for record in records
            ]
            if not self._count:
                self._oldest = time.monotonic()
            self._count += len(records)
        if self._count and (self._count >= self._orders.most_records or time.monotonic() - self._oldest >= self._orders.every_s):
            await self.write_all()

    async def write_all(self) -> None:
        """Write everything gathered; when it returns, all of it is on disk."""
        for place, records in sorted(self._gathered.items()):
            await asyncio.to_thread(self._write, place, records)
        self._gathered.clear()
        self._count = 0

    def _write(self, place: TopicPartition, records: list[Fetched]) -> None:
        topic = self._topics[place.topic]
        expected = records[0].offset
        for run in _runs(records):
            if run[0].offset > expected:
                self._tell_gap(place, expected, run[0].offset)
            expected = run[-1].offset + 1
            span = Span(place.partition, run[0].offset, run[-1].offset)
            self._folder.write(place.topic, span, record_time(run[0].timestamp_ms).date(), table_of(topic, run))
            metrics.TIME_LAG_SECONDS.labels(SERVICE).observe(max(0.0, time.time() - run[0].timestamp_ms / 1000))
        logs.event(_log, "Records were written", topic=place.topic, partition=place.partition, count=len(records))

    def _tell_gap(self, place: TopicPartition, first: int, after: int) -> None:
        metrics.GAPS.labels(SERVICE).inc(after - first)
        logs.event(
            _log, "The broker no longer has these records", level=logging.ERROR, topic=place.topic, partition=place.partition,
            first=first, last=after - 1,
        )  # fmt: skip


def _runs(records: list[Fetched]) -> Iterator[list[Fetched]]:
    """Parts without a hole that were recorded on one date (UTC): a file each."""
    start = 0
    for at in range(1, len(records) + 1):
        if at == len(records) or _breaks(records[at - 1], records[at]):
            yield records[start:at]
            start = at


def _breaks(before: Fetched, after: Fetched) -> bool:
    return after.offset != before.offset + 1 or record_time(after.timestamp_ms).date() != record_time(before.timestamp_ms).date()
