"""Each topic that a service reads gets the corpus of poison: what is bad is buried with its bytes, the rest goes on.

The topics are those of `shared.topics.CONSUMES`, streams and reference data alike. What is bad is told by the contract
(`decode`); what the contract lets through must find rules and tables that can bear it: nothing is ever buried as `internal`.
"""

import asyncio
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from services.local.kafka import start_kafka
from services.local.process import free_port
from shared.envelope import decode
from shared.failures import INTERNAL, NULL_VALUE, SCHEMA, Poison
from shared.kafka import apply_topics, new_producer
from shared.reading import consuming, partitions_of
from shared.topics import CONSUMES, DEAD_LETTER, POLICY, Topic
from tests.poison import dumped
from tests.poison_records import Sent, corpus, good, placed

PATIENCE_S = 180


def failures(log: Path) -> str:
    """The end of a log without what was buried as it should be."""
    return "\n".join(line[:1500] for line in log.read_text().splitlines() if "was buried" not in line)[-5000:]


def is_id(key: bytes | None) -> bool:
    try:
        UUID((key or b"").decode())
    except ValueError:
        return False
    return True


def verdict(topic: Topic[Any], sent: Sent) -> str | None:
    """Why the contract calls a record bad; None for one that it lets through."""
    if sent.value is None:
        return None if topic.compacted and is_id(sent.key) else SCHEMA if topic.compacted else NULL_VALUE
    try:
        decode(topic, sent.value)
    except Poison as error:
        return error.reason
    return None


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker for this file: nobody else wants these records."""
    server = start_kafka(tmp_path_factory.mktemp("kafka"))
    try:
        server.wait_ready()
        asyncio.run(apply_topics(server.bootstrap))
        yield server.bootstrap
    finally:
        server.stop(5)


async def send(producer: AIOKafkaProducer, topic: Topic[Any], records: list[Sent]) -> list[tuple[int, int]]:
    """Publishes; returns partition and offset of each record. What the broker itself refuses is left out beforehand."""
    waiting = [
        await producer.send(topic.name, one.value, key=one.key, partition=one.partition, headers=one.headers) for one in records
    ]
    return [(told.partition, told.offset) for told in await asyncio.gather(*waiting)]


async def ends_of(kafka: str, topics: tuple[Topic[Any], ...]) -> dict[tuple[str, int], int]:
    async with consuming(kafka, "test") as consumer:
        ends = await consumer.end_offsets(partitions_of(*topics))
    return {(place.topic, place.partition): end for place, end in ends.items() if end}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("service", CONSUMES)
async def test_poison_on_a_topic_is_buried_with_its_bytes_and_the_rest_goes_on(
    service: Any, broker: str, fresh_database: str, tmp_path: Path
) -> None:
    topics = CONSUMES[service]
    port = free_port()
    environment = os.environ | {
        "HADIR_KAFKA": broker, "HADIR_DATABASE": fresh_database, f"HADIR_{service.upper()}_PORT": str(port),
    }  # fmt: skip
    log = tmp_path / "log"
    command = [sys.executable, "-m", f"services.{service}", *(() if service == "ingest" else ("worker",))]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    producer = new_producer(broker, client_id="test")
    database = await asyncpg.connect(fresh_database, server_settings={"search_path": service})
    await producer.start()
    try:
        expected: dict[tuple[str, int, int], tuple[str, bytes | None]] = {}
        lawful: set[tuple[str, int, int]] = set()
        for topic in sorted(topics, key=lambda topic: topic is not POLICY):
            records = list(corpus(topic))
            for sent, (partition, offset) in zip(records, await send(producer, topic, records), strict=True):
                why = verdict(topic, sent)
                if why:
                    expected[topic.name, partition, offset] = (why, sent.value)
                else:
                    lawful.add((topic.name, partition, offset))
            # The last word is good again, by somebody who is new.
            last = good(topic) | ({"employee_id": str(uuid4())} if topic.key.startswith("employee_id") else {})
            partition, key = placed(topic, last)
            await send(producer, topic, [Sent(partition, key, dumped(last), [])])
        ends = await ends_of(broker, topics)

        async def reached() -> bool:
            assert process.poll() is None, failures(log)
            rows = await database.fetch("select topic, partition, next_offset from reference_position")
            if service != "ingest":
                rows += await database.fetch("select topic, lane as partition, next_offset from position")
            at = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
            return all(at.get(place, 0) >= end for place, end in ends.items())

        async with asyncio.timeout(PATIENCE_S):
            while not await reached():
                await asyncio.sleep(0.2)

        letters = {
            (row["topic"], row["partition"], row["offset"]): (row["reason"], row["value"])
            for row in await database.fetch('select topic, partition, "offset", reason, value from dead_letter')
        }
        wrong = {place: letters.get(place) for place, wanted in expected.items() if letters.get(place) != wanted}
        assert not wrong, {place: (expected[place][0], found and found[0]) for place, found in wrong.items()}
        beyond = {place: letters[place][0] for place in letters.keys() & lawful}
        assert INTERNAL not in beyond.values(), failures(log)
        assert {SCHEMA, "not-json"} <= {reason for reason, _ in letters.values()}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client, asyncio.timeout(PATIENCE_S):
            # The tables are seen to be full a moment before the service itself has seen it.
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.2)
        await every_letter_is_told(broker, service, len(letters))
    finally:
        process.kill()
        process.wait()
        await database.close()
        await producer.stop()


async def every_letter_is_told(kafka: str, service: Any, count: int) -> None:
    """Waits until the dead-letter topic has as many places as the table."""
    topic = DEAD_LETTER[service]
    async with consuming(kafka, "test") as consumer:
        consumer.assign(partitions_of(topic))
        told: dict[str, set[bytes]] = defaultdict(set)
        async with asyncio.timeout(PATIENCE_S):
            while len(told) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        told[dict(record.headers)["ce_subject"].decode()].add(record.value)
        assert len(told) == count
