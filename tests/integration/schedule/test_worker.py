"""The schedule worker as a process of its own, on a real broker and database: quick, restartable, exact in its versions."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from services.local.process import free_port
from services.schedule import commands
from shared.database import open_pool
from shared.envelope import encode
from shared.events import CheckInLocated, Mark
from shared.lanes import Lanes
from shared.reading import consuming
from shared.topics import CHECK_IN_LOCATED, DAY_ASSESSED, VIOLATION, lane_of
from tests.integration.schedule.office import DAY, MONDAY, Office, at
from tests.waiting import until

DEADLINE_S = 120.0
PEOPLE = 150


class Worker:
    """The process, which a test may kill and start again."""

    def __init__(self, kafka: str, database: str, log: Path) -> None:
        self._log = log
        self._settings = {
            "HADIR_KAFKA": kafka, "HADIR_DATABASE": database, "HADIR_SCHEDULE_PORT": str(free_port()),
            "HADIR_GROUP": f"test-{uuid4()}", "HADIR_SESSION_TIMEOUT_S": "6",
        }
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.schedule", "worker"], env=os.environ | self._settings, stdout=stream, stderr=stream)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(DEADLINE_S)

    async def is_ready(self) -> bool:
        async with httpx.AsyncClient() as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self._settings['HADIR_SCHEDULE_PORT']}/readyz")
            except httpx.TransportError:
                return False
        return answer.status_code == 200

    def stop(self) -> None:
        assert self._process.poll() is None, self._log.read_text()[-4000:]
        self._process.terminate()
        assert self._process.wait(DEADLINE_S) == 0, self._log.read_text()[-4000:]


@pytest.fixture(scope="module")
def worker(database: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(kafka, database, tmp_path_factory.mktemp("schedule") / "worker.log")
    yield worker
    worker.stop()


@pytest.fixture
async def office(worker: Worker, database: str) -> AsyncIterator[Office]:
    pool = await open_pool(database, "schedule")
    office = Office(Lanes(pool, "schedule"))
    await office.set_up()
    yield office
    await pool.close()


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
    await producer.start()
    yield producer
    await producer.stop()


async def send(producer: AIOKafkaProducer, event: CheckInLocated, times: int = 1) -> None:
    for _ in range(times):
        await producer.send_and_wait(
            CHECK_IN_LOCATED.name, encode(event), key=str(event.employee_id).encode(), partition=lane_of(event.employee_id))


async def read(kafka: str, topic: str, office: Office, count: int) -> list[dict[str, Any]]:
    """The events of a topic about the office's person, once there are `count`; nothing else follows for a moment."""
    async with consuming(kafka, "test") as consumer:
        place = TopicPartition(topic, lane_of(office.employee))
        consumer.assign([place])
        events: list[dict[str, Any]] = []
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while len(events) < count:
            assert asyncio.get_running_loop().time() < deadline, f"{len(events)} of {count} events came"
            for record in (await consumer.getmany(place, timeout_ms=200)).get(place, []):
                events += [orjson.loads(record.value)] if record.key == str(office.employee).encode() else []
        return events


async def test_a_located_mark_is_a_provisional_day_on_the_topic_soon_after(
    office: Office, producer: AIOKafkaProducer, kafka: str
) -> None:
    await commands.move_clock(office.lanes, office.clock, at(MONDAY, "06:00"))
    await send(producer, office.located(Mark.IN, at(MONDAY, "07:00")))
    await until(lambda: office.day(MONDAY))  # the worker runs

    async def took(clock: str, version: int) -> float:
        begun = asyncio.get_running_loop().time()
        await send(producer, office.located(Mark.IN, at(MONDAY, clock)))
        await until(lambda: _has_version(office, version))
        return asyncio.get_running_loop().time() - begun

    # Usually 0.05 s; machines under test are busy, and then one mark of several shows how soon it can be.
    assert min([await took(f"06:{50 - version}", version) for version in (2, 3, 4)]) < 5
    told = await read(kafka, DAY_ASSESSED.name, office, 4)
    assert [(event["version"], event["state"], event["late"]) for event in told] == [(n, "PROVISIONAL", 0) for n in (1, 2, 3, 4)]


async def test_the_clock_closes_a_day_that_nobody_touched_and_a_late_mark_restates_it(
    office: Office, producer: AIOKafkaProducer, kafka: str
) -> None:
    await commands.move_clock(office.lanes, office.clock, at(MONDAY, "21:00"))
    await until(lambda: office.day(MONDAY))
    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 1)

    await send(producer, office.located(Mark.IN, at(MONDAY, "07:25")), times=3)
    await send(producer, office.located(Mark.OUT, at(MONDAY, "16:05")))
    await until(lambda: _is_present(office))

    days = await read(kafka, DAY_ASSESSED.name, office, 2)
    versions = [event["version"] for event in days if event["date"] == str(MONDAY)]
    assert versions == list(range(1, len(versions) + 1))
    violations = await read(kafka, VIOLATION.name, office, 2)
    assert [(event["action"], event["version"]) for event in violations][:2] == [("raised", 1), ("retracted", 2)]
    assert violations[0]["violation_id"] == violations[1]["violation_id"]


async def test_killed_in_the_midst_of_a_month_it_ends_with_every_day_once(office: Office, worker: Worker, kafka: str) -> None:
    """Many people, four weeks opened and closed at once, the worker killed three times meanwhile."""
    people = [office.person(employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}") for _ in range(PEOPLE)]
    await commands.publish_employees(office.lanes, people)
    await commands.move_clock(office.lanes, office.clock, at(MONDAY + 27 * DAY, "21:00"))
    for share in (1, 2, 3):
        await until(lambda: _assessed(office, at_least=share * PEOPLE * 5))  # noqa: B023 - awaited here
        worker.kill()
        worker.start()
    await until(lambda: _nothing_is_due(office))
    await until(worker.is_ready)

    async with office.lanes.pool.acquire() as connection:
        rows = await connection.fetch(
            "select status, version from assessment where employee_id = any($1::uuid[])", [person.employee_id for person in people])
        told = await connection.fetch(
            "select convert_from(value, 'UTF8') as value from outbox where topic = $1 and key = any($2::bytea[])", DAY_ASSESSED.name,
            [str(person.employee_id).encode() for person in people])
    assert {row["version"] for row in rows} == {1}
    assert len(rows) == PEOPLE * 28  # four weeks; the Monday after is open and pending, which is not told
    ids = [(event["employee_id"], event["date"], event["version"]) for row in told for event in [orjson.loads(row["value"])]]
    assert len(ids) == len(set(ids)) == len(rows)


async def _has_version(office: Office, version: int) -> bool:
    day = await office.day(MONDAY)
    return day is not None and day["version"] >= version


async def _is_present(office: Office) -> bool:
    day = await office.day(MONDAY)
    return day is not None and day["status"] == "PRESENT" and not day["findings"]


async def _assessed(office: Office, at_least: int) -> bool:
    async with office.lanes.pool.acquire() as connection:
        return bool(await connection.fetchval(
            "select count(*) >= $2 from assessment a join employee e using (employee_id) where e.played_clock = $1",
            office.clock, at_least))


async def _nothing_is_due(office: Office) -> bool:
    async with office.lanes.pool.acquire() as connection:
        return bool(await connection.fetchval(
            """select not exists (select from due_day d join clock c on c.name = d.clock where d.clock = $1 and d.due_at <= c.at)
                  and not exists (select from opening where clock = $1 and opened_until < $2)""", office.clock, MONDAY + 28 * DAY))
