"""The Parquet sink on a real broker: killed at random moments it writes every record exactly once, as DuckDB reads it."""

import asyncio
import os
import random
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import duckdb
import httpx
import pytest

from services.local.process import Child, free_port, spawn
from shared.envelope import Envelope, encode
from shared.events import DeductionEntered
from shared.kafka import new_producer
from shared.reading import consuming, partitions_of, to_the_ends
from shared.topics import DEDUCTION, VIOLATION, lane_of

KILLS: Final = 6
PATIENCE_S: Final = 120


def deduction(person: UUID, number: int) -> DeductionEntered:
    return DeductionEntered(
        entry_id=uuid4(), employee_id=person, month="2026-02", code="TL1", action="posted", percent="0.50", amount=number,
        month_version=number, number=number,
    )  # fmt: skip


async def publish(bootstrap: str, count: int, chance: random.Random) -> None:
    producer = new_producer(bootstrap, client_id="test")
    await producer.start()
    try:
        sent = []
        for number in range(count):
            person = UUID(int=chance.getrandbits(128), version=4)
            value = b"no event" if chance.random() < 0.01 else encode(deduction(person, number + 1))
            headers = [("ce_id", str(uuid4()).encode())]
            sent.append(await producer.send(DEDUCTION.name, value, key=str(person).encode(), partition=lane_of(person), headers=headers))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def identity(record: Any) -> str:
    """The record's own id; other tests leave records without one on the shared broker, which then follows from the place."""
    at = {"partition": record.partition, "offset": record.offset, "timestamp_ms": record.timestamp}
    return str(Envelope.of_headers(record.headers, topic=DEDUCTION, **at).id)


async def everything(bootstrap: str) -> set[tuple[int, int, bytes, str]]:
    """Every record of the topic: partition, offset, value, id."""
    async with consuming(bootstrap, "test") as consumer:
        records = to_the_ends(consumer, await consumer.beginning_offsets(partitions_of(DEDUCTION)))
        return {(one.partition, one.offset, one.value, identity(one)) async for one in records}


def start(kafka: str, folder: Path, *more: str, port: int | None = None) -> Child:
    return spawn(
        "sink", [sys.executable, "-m", "services.sink", "worker", "--folder", folder / "lake", "--port", str(port or free_port()), *more],
        folder / "log", environment={"HADIR_KAFKA": kafka, "HADIR_HOME": str(folder)},
    )  # fmt: skip


def next_offsets(folder: Path) -> dict[int, int]:
    """Where the files end, from their names alone."""
    files = (folder / "lake" / DEDUCTION.name).rglob("*.parquet")
    ends = sorted(re.findall(r"\.p(\d+)\.\d+-(\d+)\.parquet$", path.name)[0] for path in files)
    return {int(partition): int(last) + 1 for partition, last in ends}


def read(folder: Path, query: str, topic: str = DEDUCTION.name) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        files = f"{folder}/lake/{topic}/*/*.parquet"
        return connection.execute(f"with facts as (from read_parquet('{files}', union_by_name = true)) {query}").fetchall()


@pytest.mark.timeout(600)
def test_a_sink_that_is_killed_at_random_moments_writes_every_record_exactly_once(kafka: str, tmp_path: Path) -> None:
    chance = random.Random(20260203)
    killed_between_files = 0
    for _ in range(KILLS):
        before = sum(next_offsets(tmp_path).values())
        sink = start(kafka, tmp_path, "--every", "0.05", "--records", "100")
        deadline = time.monotonic() + PATIENCE_S
        while sum(next_offsets(tmp_path).values()) == before:
            assert sink.alive(), sink.last_words()
            assert time.monotonic() < deadline, sink.last_words()
            asyncio.run(publish(kafka, 150, chance))
            time.sleep(0.3)  # polls with the deadline above
        time.sleep(chance.random() * 0.1)  # the random moment
        os.killpg(sink.popen.pid, signal.SIGKILL)
        sink.popen.wait()
        killed_between_files += any((tmp_path / "lake").rglob("*.unfinished")) or sum(next_offsets(tmp_path).values()) > before

    truth = asyncio.run(everything(kafka))
    ends = {partition: offset + 1 for partition, offset, *_ in sorted(truth)}
    port = free_port()
    sink = start(kafka, tmp_path, "--every", "0.2", port=port)
    deadline = time.monotonic() + PATIENCE_S
    while next_offsets(tmp_path) != ends or not ready(port):  # the files may have been complete before it ran
        assert time.monotonic() < deadline, sink.last_words()
        assert sink.alive(), sink.last_words()
        time.sleep(0.1)  # polls with the deadline above
    assert sink.stop(PATIENCE_S)
    assert sink.popen.returncode == 0, sink.last_words()

    rows = read(tmp_path, "select _partition, _offset, _value, _id from facts")
    assert len(rows) == len(truth) > 1000
    assert {(partition, offset, bytes(value), told) for partition, offset, value, told in rows} == truth
    assert list((tmp_path / "lake").rglob("*.unfinished")) == []
    assert killed_between_files == KILLS


@pytest.mark.timeout(600)
def test_what_is_gathered_is_written_when_the_sink_is_told_to_stop_and_the_columns_are_typed(kafka: str, tmp_path: Path) -> None:
    asyncio.run(publish(kafka, 300, random.Random(7)))
    port = free_port()
    sink = start(kafka, tmp_path, "--every", "3600", "--topic", DEDUCTION.name, "--topic", VIOLATION.name, port=port)
    deadline = time.monotonic() + PATIENCE_S
    while not ready(port):
        assert time.monotonic() < deadline, sink.last_words()
        time.sleep(0.1)  # polls with the deadline above
    second = start(kafka, tmp_path)
    assert second.popen.wait(PATIENCE_S) == 78
    assert "Another sink writes into" in second.last_words()
    assert next_offsets(tmp_path) == {}
    # It fetches half a second at a time; what it has not fetched when it is told to stop is for the next one.
    truth = asyncio.run(everything(kafka))
    assert sink.stop(PATIENCE_S), sink.last_words()
    assert sink.popen.returncode == 0
    last = start(kafka, tmp_path, "--every", "0.1")
    deadline = time.monotonic() + PATIENCE_S
    while sum(next_offsets(tmp_path).values()) < len(truth):
        assert time.monotonic() < deadline, last.last_words()
        time.sleep(0.1)  # polls with the deadline above
    assert last.stop(PATIENCE_S)

    [(count, rupiah, faults, first)] = read(
        tmp_path,
        "select count(*), sum(amount) filter (_fault is null), count(_fault), min(_time) from facts where recorded_on is not null",
    )
    amounts = [content["amount"] for content in map(_read, (value for *_, value, _ in truth)) if content]
    assert (count, rupiah, faults) == (len(truth), sum(amounts), len(truth) - len(amounts))
    assert first.tzinfo is not None


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _read(value: bytes) -> dict[str, Any] | None:
    try:
        return DeductionEntered.model_validate_json(value).model_dump()
    except ValueError:
        return None
