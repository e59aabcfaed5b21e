"""Kafka or the database away, slow or frozen: 503 with Retry-After, never a false 2xx, and all is well afterwards."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import httpx
import pytest
from aiokafka import ConsumerRecord

from services.local.kafka import Kafka, start_kafka
from services.schedule import outages, requests
from services.schedule.approvals import OutageProposals, shipped
from services.schedule.store import requests as request_rows
from shared.database import Connection, connect, open_pool
from shared.envelope import Envelope, decode
from shared.kafka import apply_topics
from shared.lanes import Lanes, Record
from shared.topics import CHECK_IN_RECORDED, INGEST_AVAILABILITY

CheckIn = Callable[..., dict[str, Any]]
Records = Callable[..., Awaitable[list[ConsumerRecord[bytes, bytes]]]]
Eventually = Callable[..., Awaitable[None]]
Start = Callable[..., Any]

ANSWER_WITHIN_S = 6


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker that may be frozen without harm to other tests."""
    broker = start_kafka(tmp_path_factory.mktemp("own-kafka"))
    try:
        broker.wait_ready()
        asyncio.run(apply_topics(broker.bootstrap))
        yield broker
    finally:
        broker.child.popen.send_signal(signal.SIGCONT)
        broker.stop(2)


@pytest.fixture
async def own_receipts(fresh_database: str, employees: list[UUID]) -> AsyncIterator[Connection]:
    """The tables of ingest in a database that goes with `own_kafka`, where the employees are known already."""
    connection = await connect(fresh_database, "ingest")
    await connection.execute("insert into employee select unnest($1::uuid[]), 1, true, true, '[]'", employees)
    yield connection
    await connection.close()


class Door:
    """A TCP proxy before Postgres that can be closed (connections break) or frozen (nothing moves)."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._moving = asyncio.Event()
        self._moving.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = True
        self._passing: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._greet, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        self._open = False
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        self._moving.clear()

    def open(self) -> None:
        self._open = True
        self._moving.set()

    async def stop(self) -> None:
        self._server.close()
        self.close()
        self._moving.set()
        await asyncio.gather(*self._passing)

    def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._open:
            task = asyncio.create_task(self._pass(reader, writer))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)
        else:
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection(*self._behind)
        self._writers.add(behind_writer)
        await asyncio.gather(self._carry(reader, behind_writer), self._carry(behind_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self._moving.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@pytest.fixture
async def door(database: str) -> AsyncIterator[tuple[Door, str]]:
    """A door and the database's URL through it."""
    address = urlsplit(database)
    door = Door(address.hostname or "", address.port or 5432)
    port = await door.start()
    login = address.netloc.rpartition("@")[0]
    yield door, urlunsplit(address._replace(netloc=f"{login}@127.0.0.1:{port}"))
    await door.stop()


def assert_try_again(answer: Any, *codes: str) -> None:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["code"] in codes


async def test_a_frozen_broker_means_503_and_a_retry_afterwards_one_event(
    start_anywhere: Start, own_kafka: Kafka, fresh_database: str, own_receipts: Connection, a_check_in: CheckIn,
    records: Records, eventually: Eventually,
) -> None:  # fmt: skip
    ingest = start_anywhere(own_kafka.bootstrap, fresh_database, ingest_answer_within_s=ANSWER_WITHIN_S)
    await ingest.until_ready()
    body = a_check_in()
    batch = {"check_ins": [a_check_in(), a_check_in(latitude=91)]}

    async with ingest.client() as client:
        assert (await client.post("/v1/check-ins", json=a_check_in())).status_code == 202
        own_kafka.child.popen.send_signal(signal.SIGSTOP)
        try:
            began = asyncio.get_running_loop().time()
            answer, of_batch = await asyncio.gather(
                client.post("/v1/check-ins", json=body), client.post("/v1/check-ins:batch", json=batch)
            )
            took = asyncio.get_running_loop().time() - began

            async def unready() -> bool:
                return bool((await client.get("/readyz")).status_code == 503)

            await eventually(unready)
            assert (await client.get("/healthz")).status_code == 200
            # Long enough for the producer to be given up: then the refusal comes at once.
            for _ in range(4):
                assert_try_again(await client.post("/v1/check-ins", json=body), "kafka-unavailable", "not-confirmed")
        finally:
            own_kafka.child.popen.send_signal(signal.SIGCONT)

        assert_try_again(answer, "kafka-unavailable", "not-confirmed")
        assert_try_again(of_batch, "kafka-unavailable", "not-confirmed")
        assert [result["status"] for result in of_batch.json()["results"]] == [503, 422]
        assert took < ANSWER_WITHIN_S + 15

        async def accepted() -> bool:
            return bool((await client.post("/v1/check-ins", json=body)).status_code == 202)

        await eventually(accepted)
        receipt = (await client.post("/v1/check-ins", json=body)).json()

    found = await records(body, bootstrap=own_kafka.bootstrap)
    assert len({record.value for record in found}) == 1, "repeats are the same bytes"
    event = decode(CHECK_IN_RECORDED, found[0].value)
    assert event.received_at.isoformat().replace("+00:00", "Z") == receipt["received_at"]
    first = await own_receipts.fetchval("select received_at from receipt where id = $1", UUID(body["check_in_id"]))
    assert event.received_at == first


async def test_a_process_killed_between_receipt_and_event_leaves_a_retry_with_the_first_time(
    start_anywhere: Start, own_kafka: Kafka, fresh_database: str, own_receipts: Connection, a_check_in: CheckIn,
    records: Records, eventually: Eventually,
) -> None:  # fmt: skip
    ingest = start_anywhere(own_kafka.bootstrap, fresh_database)
    await ingest.until_ready()
    body = a_check_in()

    async def claimed() -> bool:
        return bool(await own_receipts.fetchval("select true from receipt where id = $1", UUID(body["check_in_id"])))

    async with ingest.client() as client:
        own_kafka.child.popen.send_signal(signal.SIGSTOP)
        try:
            asking = asyncio.create_task(client.post("/v1/check-ins", json=body))
            await eventually(claimed)
            ingest.send(signal.SIGKILL)
            ingest.wait()
            with pytest.raises(httpx.TransportError):
                await asking
        finally:
            own_kafka.child.popen.send_signal(signal.SIGCONT)
    first = await own_receipts.fetchrow("select received_at, published from receipt where id = $1", UUID(body["check_in_id"]))
    assert first is not None
    assert not first["published"]

    again = await start_anywhere(own_kafka.bootstrap, fresh_database).until_ready()
    async with again.client() as client:

        async def accepted() -> bool:
            return bool((await client.post("/v1/check-ins", json=body)).status_code == 202)

        await eventually(accepted)  # a broker that was frozen may still find its feet
        answer = await client.post("/v1/check-ins", json=body)

    assert answer.status_code == 202
    found = await records(body, bootstrap=own_kafka.bootstrap)
    assert len({record.value for record in found}) == 1
    assert {decode(CHECK_IN_RECORDED, record.value).received_at for record in found} == {first["received_at"]}
    assert answer.json()["received_at"] == first["received_at"].isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("outage", ["close", "freeze"])
async def test_a_database_that_is_away_or_frozen_means_503_until_it_is_back(
    start_anywhere: Start, kafka: str, door: tuple[Door, str], shared_ingest: Any, a_check_in: CheckIn,
    eventually: Eventually, outage: str,
) -> None:  # fmt: skip
    gate, url = door
    ingest = await start_anywhere(kafka, url, ingest_answer_within_s=ANSWER_WITHIN_S).until_ready()
    body = a_check_in()
    async with ingest.client() as client:
        assert (await client.post("/v1/check-ins", json=body)).status_code == 202

        getattr(gate, outage)()
        answers = await asyncio.gather(*(client.post("/v1/check-ins", json=a_check_in()) for _ in range(5)))
        replay = await client.post("/v1/check-ins", json=body)

        async def unready() -> bool:
            return bool((await client.get("/readyz")).status_code == 503)

        await eventually(unready)
        gate.open()
        for answer in (*answers, replay):
            assert_try_again(answer, "database-unavailable", "not-confirmed")

        async def accepted() -> bool:
            return bool((await client.post("/v1/check-ins", json=body)).status_code == 202)

        await eventually(accepted)
        await ingest.until_ready()


async def test_beyond_the_queue_the_answer_is_503_at_once(
    start_anywhere: Start, own_kafka: Kafka, fresh_database: str, own_receipts: Connection, a_check_in: CheckIn
) -> None:
    ingest = await start_anywhere(own_kafka.bootstrap, fresh_database, ingest_queue=10, ingest_answer_within_s=20).until_ready()
    async with ingest.client() as client:
        own_kafka.child.popen.send_signal(signal.SIGSTOP)
        try:
            waiting = [asyncio.create_task(client.post("/v1/check-ins", json=a_check_in())) for _ in range(40)]
            answered = 0
            while answered < 30:  # polls; those in the queue are answered at the end of their patience, and not as overloaded
                await asyncio.wait(waiting, timeout=0.1)
                answered = sum(task.done() for task in waiting)
            done = [task for task in waiting if task.done()]
            late = [task for task in waiting if not task.done()]
        finally:
            own_kafka.child.popen.send_signal(signal.SIGCONT)
        for task in done:
            assert_try_again(task.result(), "overloaded")
        assert late
        for task in late:
            answer = await task
            assert answer.status_code == 202 or answer.json()["code"] in ("kafka-unavailable", "not-confirmed")


async def test_what_we_could_not_take_in_proposes_an_outage_by_itself(
    start_anywhere: Start, own_kafka: Kafka, fresh_database: str, own_receipts: Connection, a_check_in: CheckIn
) -> None:
    ingest = await start_anywhere(own_kafka.bootstrap, fresh_database, ingest_answer_within_s=2).until_ready()
    try:
        async with ingest.client() as client:
            own_kafka.child.popen.send_signal(signal.SIGSTOP)
            answers = await asyncio.gather(*[client.post("/v1/check-ins", json=a_check_in()) for _ in range(3)])
        assert [answer.status_code for answer in answers] == [503] * 3
        ingest.send(signal.SIGTERM)  # the minute in progress is told at the end of the process
        ingest.wait()
    finally:
        own_kafka.child.popen.send_signal(signal.SIGCONT)

    rows = await own_receipts.fetch("select value, partition from outbox where topic = $1 order by lane, seq", INGEST_AVAILABILITY.name)
    minutes = [decode(INGEST_AVAILABILITY, row["value"]) for row in rows]
    assert sum(minute.unavailable for minute in minutes) == 3
    assert len({minute.instance for minute in minutes}) == 1

    pool = await open_pool(fresh_database, "schedule", max_size=3)
    try:
        lanes = Lanes(pool, "schedule")
        strict = shipped().model_copy(update={"outage_proposals": OutageProposals(least_minutes=1)})
        await requests.set_rules(lanes, strict, actor="bkd-contoh", reason="uji")
        records = [
            Record(INGEST_AVAILABILITY, row["partition"], 0, b"", minute, Envelope(
                uuid4(), INGEST_AVAILABILITY.ce_type, "/hadir/ingest", minute.minute, "", None, uuid4()), row["value"])
            for row, minute in zip(rows, minutes, strict=True)
        ]  # fmt: skip
        async with lanes.hold({record.partition for record in records}) as work:
            await outages.keep_minutes(work, records)
        assert await outages.look(lanes, minutes[-1].minute + timedelta(minutes=2)) == 1
        async with pool.acquire() as connection:
            [proposed] = await request_rows.requests(connection, state="requested", of_kinds=["outage-proposed"])
            held = await connection.fetchrow("select kind, state, actor from fact where correction_id = $1", proposed.request_id)
    finally:
        await pool.close()
    assert proposed.request.level is not None
    assert (proposed.request.requester, proposed.request.level.name) == ("system", "server")
    assert held is not None
    assert tuple(held) == ("outage", "requested", "system")
