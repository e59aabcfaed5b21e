"""The payroll worker as a process, on a broker of its own: what goes in on topics, and what comes out on them."""

import asyncio
import datetime as dt
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from services.local.kafka import start_kafka
from services.local.process import free_port
from services.payroll.importer import import_ceilings
from shared.envelope import Envelope, derived_id, encode
from shared.events import (
    DayAssessed,
    EmployeeKind,
    EmployeePublished,
    Event,
    Finding,
    FindingKind,
    PolicyPublished,
    UnitMembership,
)
from shared.kafka import apply_topics, new_producer
from shared.policy import Policy
from shared.reading import consuming, to_the_ends
from shared.topics import DAY_ASSESSED, DEAD_LETTER, DEDUCTION, EMPLOYEE, POLICY, TPP_MONTH, Topic, lane_of

Made: TypeAlias = Callable[..., DayAssessed]
Eventually: TypeAlias = Callable[..., Awaitable[Any]]
A = Policy.from_content({"tk_day": "3.00", "tl": [{"code": "TL1", "min": 1, "max": None, "pct": "0.50"}]})
LATER = Policy.from_content({"tk_day": "4.00"})
FEB_2 = dt.date(2026, 2, 2)
NIP = "199001012015011001"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that no other test writes to: a day under a policy that never comes would hold its lane for ever."""
    server = start_kafka(tmp_path_factory.mktemp("kafka"))
    try:
        server.wait_ready()
        asyncio.run(apply_topics(server.bootstrap))
        yield server.bootstrap
    finally:
        server.stop(5)


@dataclass
class Running:
    """The worker, the producer that feeds it, and the address of its metrics."""

    producer: AIOKafkaProducer
    home: str
    kafka: str
    database: str

    async def say(self, topic: Topic[Any], entity: str, event: Event, *, version: int = 1, key: str, lane: int) -> Envelope:
        """Publish an event as its owner would."""
        told = Envelope(
            derived_id(topic, entity, version), topic.ce_type, f"/hadir/{topic.owner}", dt.datetime.now(dt.UTC), entity, None,
            uuid4(),
        )
        await self.producer.send_and_wait(
            topic.name, encode(event), key=key.encode(), partition=lane % topic.partitions, headers=told.headers()
        )
        return told

    async def tell_day(self, day: DayAssessed) -> Envelope:
        """Publish an assessed day."""
        me = str(day.employee_id)
        return await self.say(DAY_ASSESSED, f"{me}|{day.date}", day, version=day.version, key=me, lane=lane_of(me))

    async def tell_policy(self, policy: Policy) -> None:
        """Publish a rule pack."""
        event = PolicyPublished(policy_id=policy.identity, version=1, name="P", content=policy.content(), in_force=())
        await self.say(POLICY, str(policy.identity), event, key=str(policy.identity), lane=0)

    async def tell_employee(self, me: UUID, nip: str) -> None:
        """Publish an employee."""
        event = EmployeePublished(
            employee_id=me, version=1, nip=nip, name="Invented", kind=EmployeeKind.PNS, group="pelaksana",
            memberships=(UnitMembership(since=dt.date(2020, 1, 1), org_unit_id=uuid4()),), timezone="Asia/Jakarta",
        )
        await self.say(EMPLOYEE, str(me), event, key=str(me), lane=lane_of(me))

    async def ledger(self, me: UUID) -> list[tuple[str, str, int]]:
        """Action, code and rupiah of an employee's entries."""
        connection = await asyncpg.connect(self.database)
        try:
            rows = await connection.fetch(
                "select action, code, amount from payroll.ledger where employee_id = $1 order by month, number", me
            )
        finally:
            await connection.close()
        return [tuple(row) for row in rows]

    async def heard(self, topic: Topic[Any], me: UUID) -> list[tuple[dict[str, Any], dict[str, bytes]]]:
        """Events of an employee on a topic so far, with their headers."""
        found = []
        async with consuming(self.kafka, "test") as consumer:
            async for record in to_the_ends(consumer, {TopicPartition(topic.name, lane_of(me) % topic.partitions): 0}):
                event = orjson.loads(record.value)
                if event.get("employee_id") == str(me):
                    found.append((event, dict(record.headers)))
        return found


@pytest.fixture
async def running(broker: str, fresh_database: str, tmp_path: Path, eventually: Eventually) -> AsyncIterator[Running]:
    port = free_port()
    environment = os.environ | {"HADIR_KAFKA": broker, "HADIR_DATABASE": fresh_database, "HADIR_PAYROLL_PORT": str(port)}
    log = (tmp_path / "payroll.log").open("wb")
    command = [sys.executable, "-m", "services.payroll", "worker"]
    worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    producer = new_producer(broker, client_id="test")
    await producer.start()
    home = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:

            async def ready() -> int:
                assert worker.poll() is None, (tmp_path / "payroll.log").read_text()[-3000:]
                try:
                    return (await client.get(f"{home}/readyz")).status_code
                except httpx.TransportError:
                    return 0

            await eventually(ready, lambda status: status == 200)
        yield Running(producer, home, broker, fresh_database)
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, 120) == 0
    finally:
        worker.kill()
        worker.wait()
        log.close()
        await producer.stop()


async def test_days_become_ledger_lines_months_and_corrections(
    running: Running, day: Made, absence: Made, eventually: Eventually, tmp_path: Path
) -> None:
    me = uuid4()
    await running.tell_policy(A)
    await running.tell_employee(me, NIP)
    file = tmp_path / "pagu.csv"
    file.write_text(f"nip;month;amount\n{NIP};2026-02;5.250.000\n")
    assert (await import_ceilings(running.database, file, patience_s=120)).applied
    cause = await running.tell_day(absence(me, FEB_2, A))
    await eventually(lambda: running.ledger(me), lambda lines: lines == [("posted", "TK", 157_500)])
    late = Finding(kind=FindingKind.LATE, code="TL1", minutes=12)
    await running.tell_day(day(me, FEB_2, A, [late], version=2))
    corrected = [("posted", "TK", 157_500), ("reversed", "TK", -157_500), ("posted", "TL1", 26_250)]
    await eventually(lambda: running.ledger(me), lambda lines: lines == corrected)
    # The same again, an older one, and then another date to see that all of it has been read.
    for told in (day(me, FEB_2, A, [late], version=2), absence(me, FEB_2, A), absence(me, dt.date(2026, 2, 3), A)):
        await running.tell_day(told)
    await eventually(lambda: running.ledger(me), lambda lines: lines == [*corrected, ("posted", "TK", 157_500)])
    months = await eventually(lambda: running.heard(TPP_MONTH, me), lambda told: len(told) >= 3)
    assert [(event["version"], event["percent"], event["amount"]) for event, _ in months] == [
        (1, "3.00", 157_500), (2, "0.50", 26_250), (3, "3.50", 183_750),
    ]
    entries = await eventually(lambda: running.heard(DEDUCTION, me), lambda told: len(told) >= 4)
    assert [event["number"] for event, _ in entries] == [1, 2, 3, 4]
    assert entries[0][1]["ce_causationid"].decode() == str(cause.id)
    assert entries[0][1]["ce_correlationid"].decode() == str(cause.correlation_id)
    assert entries[0][1]["ce_id"].decode() == entries[0][0]["entry_id"]


async def test_a_day_waits_for_its_rule_pack_and_nobody_else_loses_anything(
    running: Running, absence: Made, eventually: Eventually
) -> None:
    me = uuid4()
    await running.tell_policy(A)
    await running.tell_employee(me, "199001012015011002")
    await running.tell_day(absence(me, FEB_2, LATER))

    async def waits() -> bool:
        async with httpx.AsyncClient(timeout=60) as client:
            text = (await client.get(f"{running.home}/metrics")).text
        return any(line.startswith("hadir_retries_total") and not line.endswith(" 0.0") for line in text.splitlines())

    await eventually(waits, bool)
    assert await running.heard(TPP_MONTH, me) == []
    await running.tell_policy(LATER)
    months = await eventually(lambda: running.heard(TPP_MONTH, me), bool)
    assert [event["percent"] for event, _ in months] == ["4.00"]


async def test_what_nobody_can_read_is_buried_and_the_rest_goes_on(
    running: Running, absence: Made, eventually: Eventually
) -> None:
    me = uuid4()
    await running.tell_policy(A)
    lane = lane_of(me)
    await running.producer.send_and_wait(DAY_ASSESSED.name, b"{", key=str(me).encode(), partition=lane)
    await running.tell_day(absence(me, FEB_2, A))
    months = await eventually(lambda: running.heard(TPP_MONTH, me), bool)
    assert [event["percent"] for event, _ in months] == ["3.00"]
    connection = await asyncpg.connect(running.database)
    try:
        rows = await connection.fetch("select topic, reason from payroll.dead_letter")
    finally:
        await connection.close()
    assert (DAY_ASSESSED.name, "not-json") in [tuple(row) for row in rows]
    assert DEAD_LETTER["payroll"].owner == "payroll"
