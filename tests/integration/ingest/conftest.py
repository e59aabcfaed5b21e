"""Real ingest processes, employees they know, and a look at what stands in Kafka afterwards."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
import pytest
from aiokafka import ConsumerRecord, TopicPartition

from services.local.process import Child, free_port, spawn
from shared.database import Connection
from shared.envelope import encode
from shared.events import EmployeeKind, EmployeePublished, UnitMembership
from shared.kafka import new_producer
from shared.reading import consuming, to_the_ends
from shared.topics import AUDIT, CHECK_IN_RECORDED, EMPLOYEE, Topic, lane_of
from tests.waiting import until

UNIT = UUID(int=4711)


@dataclass
class Running:
    """An ingest process and where it answers."""

    child: Child
    url: str

    def send(self, number: signal.Signals) -> None:
        self.child.popen.send_signal(number)

    def wait(self, within: float = 120) -> int:
        return self.child.popen.wait(within)

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
        async with httpx.AsyncClient(base_url=self.url, timeout=30, limits=limits, **options) as client:
            yield client

    async def until_ready(self, within: float = 120) -> "Running":
        async with self.client() as client:
            await until(lambda: self._is_ready(client), within)
        return self

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        assert self.child.alive(), self.child.last_words(30)
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False


Start = Callable[..., Running]
CheckIn = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Awaitable[None]]:
    return until


@contextmanager
def starting(folders: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts ingest on a free port against the given broker and database; all are killed at the end."""
    started: list[Running] = []

    def start(kafka: str, database: str, **settings: object) -> Running:
        port = free_port()
        environment = {"HADIR_KAFKA": kafka, "HADIR_DATABASE": database, "HADIR_INGEST_PORT": str(port)}
        environment |= {f"HADIR_{name.upper()}": str(value) for name, value in settings.items()}
        log: Path = folders.mktemp("ingest") / "log"
        child = spawn("ingest", [sys.executable, "-m", "services.ingest"], log, environment=environment)
        started.append(Running(child, f"http://127.0.0.1:{port}"))
        return started[-1]

    try:
        yield start
    finally:
        for running in started:
            running.send(signal.SIGCONT)
            running.child.stop(0.5)


@pytest.fixture
def start_anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts ingest against the given broker and database; it ends with the test, and costs those after it nothing."""
    with starting(tmp_path_factory) as start:
        yield start


@pytest.fixture
def start(start_anywhere: Start, kafka: str, database: str) -> Start:
    """Starts ingest on the session's broker and database."""
    return lambda **settings: start_anywhere(kafka, database, **settings)


@pytest.fixture(scope="session")
def employees(kafka: str) -> list[UUID]:
    """Invented, known and active members of UNIT; their clocks are played, so any time is accepted of them."""
    published = [_employee(uuid4(), played_clock="test") for _ in range(40)]
    asyncio.run(_publish(kafka, published))
    return [event.employee_id for event in published]


@pytest.fixture(scope="session")
def publish_employee(kafka: str) -> Callable[..., Awaitable[UUID]]:
    """Publishes one employee (keyword arguments replace fields) and returns the id."""

    async def publish(**fields: Any) -> UUID:
        event = _employee(fields.pop("employee_id", uuid4()), **fields)
        await _publish(kafka, [event])
        return event.employee_id

    return publish


@pytest.fixture(scope="session")
def shared_ingest(tmp_path_factory: pytest.TempPathFactory, kafka: str, database: str, employees: list[UUID]) -> Iterator[Running]:
    """One ingest that tests may share as long as they do it no harm."""
    assert employees
    with starting(tmp_path_factory) as start:
        running = start(kafka, database)
        asyncio.run(running.until_ready())
        yield running


@pytest.fixture(scope="session")
def a_check_in(employees: list[UUID]) -> CheckIn:
    """A new, valid check-in; keyword arguments replace fields."""

    def make(**fields: Any) -> dict[str, Any]:
        check_in_id = uuid4()
        return {
            "check_in_id": str(check_in_id),
            "employee_id": str(employees[check_in_id.int % len(employees)]),
            "mark": "in",
            "captured_at": "2026-01-05T07:24:10+07:00",
            "latitude": -3.79565,
            "longitude": 102.2595,
            "accuracy_m": 12.5,
            "device_id": "perangkat-rahasia",
            "source_app": "presensi",
            **fields,
        }

    return make


@pytest.fixture(scope="session")
def records(kafka: str) -> Callable[..., Awaitable[list[ConsumerRecord[bytes, bytes]]]]:
    """All records about an employee's statement: `await records(body)`, or of another topic."""

    async def read(
        body: dict[str, Any], topic: Topic[Any] = CHECK_IN_RECORDED, bootstrap: str = kafka
    ) -> list[ConsumerRecord[bytes, bytes]]:
        place = TopicPartition(topic.name, lane_of(body["employee_id"]) % topic.partitions)
        wanted = str(body.get("check_in_id") or body["report_id"]).encode()
        async with consuming(bootstrap, "test") as consumer:
            return [record async for record in to_the_ends(consumer, {place: 0}) if dict(record.headers).get("ce_id") == wanted]

    return read


@pytest.fixture
def audits(receipts: Connection) -> Callable[[dict[str, Any]], Awaitable[list[dict[str, Any]]]]:
    """The audit records about a statement's id, as they wait for the topic or have gone there."""

    async def read(body: dict[str, Any]) -> list[dict[str, Any]]:
        rows = await receipts.fetch("select value from outbox where topic = $1 order by lane, seq", AUDIT["ingest"].name)
        told: list[dict[str, Any]] = [orjson.loads(row["value"]) for row in rows]
        return [record for record in told if record["subject"] == body["check_in_id"]]

    return read


@pytest.fixture
async def receipts(database: str) -> AsyncIterator[Connection]:
    """A connection that acts as ingest."""
    connection = await asyncpg.connect(database, server_settings={"role": "hadir_ingest", "search_path": "ingest"})
    yield connection
    await connection.close()


def _employee(employee_id: UUID, **fields: Any) -> EmployeePublished:
    return EmployeePublished.model_validate({
        "employee_id": employee_id, "version": 1, "nip": "199001012015011001", "name": "Nama Rahasia",
        "kind": EmployeeKind.PNS, "group": "III", "timezone": "Asia/Jakarta",
        "memberships": [UnitMembership(since=date(2020, 1, 1), org_unit_id=UNIT)], **fields,
    })  # fmt: skip


async def _publish(kafka: str, events: list[EmployeePublished]) -> None:
    producer = new_producer(kafka, client_id="test")
    await producer.start()
    try:
        for event in events:
            key = str(event.employee_id).encode()
            await (await producer.send(EMPLOYEE.name, encode(event), key=key, partition=lane_of(event.employee_id)))
    finally:
        await producer.stop()


@pytest.fixture(scope="session")
def now() -> Callable[..., str]:
    """The present as a body says it, some minutes ahead."""
    return lambda minutes=0: (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
