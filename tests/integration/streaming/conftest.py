"""A trial: topics and a database of its own, workers as real processes, and the means to see what became of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from services.local.process import free_port
from shared.database import connect
from shared.events import Event
from shared.kafka import apply_topics, new_producer
from shared.reading import consuming, to_the_ends
from shared.topics import LANES, Topic
from tests.pages import ROOT
from tests.waiting import PATIENCE_S, until

_WORKER = "tests.integration.streaming.numbered_worker"
_RUNS = count(1)
SESSION_S = 6.0


@dataclass
class Running:
    """One worker process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    async def ended(self, within: float = PATIENCE_S) -> int:
        """The exit code, once there is one."""
        await until(lambda: self.process.poll() is not None, within, lambda: f"{self.log} goes on")
        return self.process.returncode

    async def readiness(self) -> dict[str, Any]:
        """What /readyz says; {} when nobody answers."""
        try:
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}/readyz")
        except httpx.TransportError:
            return {}
        said: dict[str, Any] = answer.json()
        assert answer.status_code == (200 if said["ready"] else 503)
        return said

    async def is_ready(self) -> bool:
        """Whether it says that it is ready."""
        return bool((await self.readiness()).get("ready"))

    async def metric(self, name: str) -> float:
        """Sum of a metric over its labels; NaN when nobody answers."""
        try:
            async with httpx.AsyncClient() as client:
                text = (await client.get(f"http://127.0.0.1:{self.port}/metrics")).text
        except httpx.TransportError:
            return float("nan")
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name}{{"))

    def peak_mib(self) -> float:
        """The most memory that it has held so far, MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) / 1024

    def logged(self) -> list[dict[str, Any]]:
        """The log so far; lines that are not JSON are told as such."""
        return [
            json.loads(line) if line.startswith("{") else {"text": line} for line in self.log.read_text().splitlines()
        ]


def tells(worker: Running, name: str, value: float) -> Callable[[], Awaitable[bool]]:
    """A condition: a metric of the worker has come to this value. It follows the tables, a moment later."""

    async def told() -> bool:
        return await worker.metric(name) == value

    return told


@dataclass
class Trial:
    """Everything of one test."""

    kafka: str
    database: str
    folder: Path
    name: str = field(default_factory=lambda: f"hadir.trial-{os.getpid()}-{next(_RUNS)}.v1")
    workers: list[Running] = field(default_factory=list)
    sent: dict[int, str] = field(default_factory=dict)
    _producer: AIOKafkaProducer | None = None

    @property
    def topics(self) -> tuple[Topic[Event], Topic[Event], Topic[Event]]:
        """What the worker reads, what it publishes, and its reference data."""
        return (
            Topic(self.name, Event, "number", "ingest", "in"),
            Topic(f"{self.name}.out", Event, "number", "geofence", "out"),
            Topic(f"{self.name}.settings", Event, "key", "schedule", "settings", partitions=3, compacted=True),
        )

    def start(self, **environment: str) -> Running:
        """Starts a worker; what it logs is kept in a file of its own."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        port = free_port()
        known = {
            "HADIR_KAFKA": self.kafka, "HADIR_DATABASE": self.database, "HADIR_GROUP": self.name,
            "HADIR_GEOFENCE_PORT": str(port), "HADIR_SESSION_TIMEOUT_S": str(SESSION_S),
            "HADIR_BATCH_SIZE": "50", "HADIR_TEST_TOPIC": self.name,
        }  # fmt: skip
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", _WORKER], cwd=ROOT, env={**os.environ, **known, **environment}, stdout=out,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.workers.append(Running(process, port, log))
        return self.workers[-1]

    async def started(self, **environment: str) -> Running:
        """Starts a worker and waits until it is ready."""
        worker = self.start(**environment)

        async def ready() -> bool:
            assert worker.process.poll() is None, worker.log.read_text()
            return await worker.is_ready()

        await until(ready, otherwise=worker.log.read_text)
        return worker

    async def send(self, numbers: Iterable[int], trouble: str = "", lane: Callable[[int], int] | None = None) -> None:
        """Publishes numbers; number n goes to lane n % 24 unless told otherwise, with its text as key."""
        values = []
        for number in numbers:
            self.sent[number] = trouble
            where = lane(number) if lane else number % LANES
            values.append((where, str(number), json.dumps({"number": number, "trouble": trouble}).encode()))
        await self.send_raw(values)

    async def send_raw(self, values: Iterable[tuple[int, str | None, bytes | None]], topic: str = "") -> None:
        """Publishes bytes as they are: (partition, key, value)."""
        if self._producer is None:
            self._producer = new_producer(self.kafka, client_id="trial")
            await self._producer.start()
        waiting = [
            await self._producer.send(topic or self.name, value, key=key and key.encode(), partition=partition)
            for partition, key, value in values
        ]
        await asyncio.gather(*waiting)

    async def eventually(self, condition: Callable[[], bool | Awaitable[bool]]) -> None:
        """Returns once the condition holds; fails after a while, with what the workers said."""
        await until(
            condition, otherwise=lambda: "\n".join(worker.log.read_text()[-3000:] for worker in self.workers)
        )

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of the service's schema; [] while the worker has not made its tables."""
        connection = await connect(self.database, "geofence", name="trial")
        try:
            return list(await connection.fetch(query, *arguments))
        except asyncpg.UndefinedTableError:
            return []
        finally:
            await connection.close()

    async def value(self, query: str, *arguments: Any) -> Any:
        """The first column of the first row, None if there is none."""
        rows = await self.fetch(query, *arguments)
        return rows[0][0] if rows else None

    async def all_in_sink(self, count_: int | None = None) -> None:
        """Waits until so many rows (default: all numbers that make no trouble) are written."""
        wanted = count_ if count_ is not None else sum(1 for trouble in self.sent.values() if not trouble)

        async def there() -> bool:
            return int(await self.value("select count(*) from sink") or 0) >= wanted

        await self.eventually(there)

    async def all_published(self) -> None:
        """Waits until the outbox is empty."""
        query = "select sum(l.out_seq - c.sent_seq) from lane l join relay_cursor c using (lane)"

        async def sent() -> bool:
            return int(await self.value(query) or 0) == 0

        await self.eventually(sent)

    async def numbers(self) -> Counter[int]:
        """How often each number is in the sink."""
        return Counter(row["number"] for row in await self.fetch("select number from sink"))

    async def assert_once_and_in_order(self) -> None:
        """Every number that makes no trouble is in the sink once, and each lane's in the order of its offsets."""
        assert await self.numbers() == Counter(number for number, trouble in self.sent.items() if not trouble)
        lanes: dict[int, list[int]] = defaultdict(list)
        for row in await self.fetch("select partition, off from sink order by id"):
            lanes[row["partition"]].append(row["off"])
        assert all(offsets == sorted(offsets) for offsets in lanes.values())

    async def published(self, topic: str = "", partitions: int = LANES) -> list[Any]:
        """All records of the output topic (or another), in the order of their partitions."""
        since = {TopicPartition(topic or f"{self.name}.out", partition): 0 for partition in range(partitions)}
        async with consuming(self.kafka, "test") as consumer:
            found = [record async for record in to_the_ends(consumer, since)]
        return sorted(found, key=lambda record: (record.partition, record.offset))

    async def close(self) -> None:
        """Ends all workers, whatever state they are in."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
            worker.process.wait()
        if self._producer is not None:
            await self._producer.stop()


@pytest.fixture
async def trial(kafka: str, fresh_database: str, tmp_path: Path) -> AsyncIterator[Trial]:
    """A fresh trial whose topics are there and whose processes end with it."""
    made = Trial(kafka, fresh_database, tmp_path)
    await apply_topics(kafka, 1, made.topics)
    try:
        yield made
    finally:
        await made.close()
