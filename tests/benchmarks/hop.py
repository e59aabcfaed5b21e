"""Measures a durable hop that also publishes beside a textbook Faust hop, a plain aiokafka and a confluent-kafka loop.

    python -m tests.benchmarks.hop

Each drains the same filled topic of 24 partitions, one process, and publishes every record again. Ours writes a row per
record, its position and its outbox in one transaction per batch, and the relay publishes (reference/durable_hop.py);
the others keep nothing. Measured from outside: from the moment when a twentieth has appeared on the output topic to the
moment when all has, so starting and joining a group does not count. The plain loops go over the topic many times.
"""

import argparse
import asyncio
import json
import time
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.events import Event
from shared.kafka import apply_topics, new_producer
from shared.topics import LANES, Topic, lane_of
from tests.benchmarks.stack import Stack, running
from tests.benchmarks.telling import figure, progress, tell

IN = "hadir.bench.in.v1"
PROGRAMS = {
    "durable": "tests.benchmarks.reference.durable_hop",
    "faust": "tests.benchmarks.reference.faust_hop",
    "aiokafka": "tests.benchmarks.reference.aiokafka_hop",
    "confluent": "tests.benchmarks.reference.confluent_hop",
}

TIMES = {"durable": 1, "faust": 1, "aiokafka": 8, "confluent": 24}
"""How often the topic is read, so that each has seconds of work."""


def topic(name: str) -> Topic[Event]:
    """A topic of the benchmark; geofence stands for whoever owns it."""
    return Topic(name, Event, "number", "geofence", "benchmark")


async def fill(kafka: str, events: int) -> None:
    """Records as large as a located check-in."""
    producer = new_producer(kafka, client_id="bench-fill")
    await producer.start()
    try:
        waiting = []
        for number in range(events):
            me = str(UUID(int=number % 50_000 << 64 | 7))
            value = json.dumps({"number": number, "employee_id": me, "text": "x" * 300}).encode()
            headers = [("ce_id", str(UUID(int=number)).encode())]
            waiting.append(await producer.send(IN, value, key=me.encode(), partition=lane_of(me), headers=headers))
            if len(waiting) >= 5_000:
                await asyncio.gather(*waiting)
                waiting = []
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


async def drained(stack: Stack, name: str, events: int) -> tuple[float, float]:
    """Records per second, and processor microseconds per record of all that took part, over a topic of so many."""
    out = f"hadir.bench.{name}.v1"
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka.bootstrap)
    await consumer.start()
    places = [TopicPartition(out, partition) for partition in range(LANES)]
    before = stack.cpu_s()
    stack.spawn(name, PROGRAMS[name], BENCH_IN=IN, BENCH_OUT=out, BENCH_EVENTS=str(events))
    events *= TIMES[name]
    began: tuple[float, int] | None = None
    looked = time.monotonic(), 0
    used_before = 0.0
    deadline = time.monotonic() + 60 + events / 100
    try:
        while True:
            done = sum((await consumer.end_offsets(places)).values())
            now = time.monotonic()
            if began is None and done >= events / 20:
                began = (now, done) if done < events else looked  # few records may come all between two looks
                used_before = sum(stack.cpu_s().values())
            if done >= events:
                break
            stack.check()
            looked = now, done
            assert now < deadline, f"{name}: {done:,} of {events:,}; {stack.children[name].last_words()}"
            await asyncio.sleep(0.005)
    finally:
        await consumer.stop()
    assert began is not None
    counted = done - began[1]
    used = sum(stack.cpu_s().values()) - used_before
    assert before.keys() <= stack.cpu_s().keys()
    stack.stop(name)
    rate = counted / max(now - began[0], 1e-6)
    progress(f"{name}: {rate:,.0f}/s")
    return rate, used / max(counted, 1) * 1e6


async def measure(stack: Stack, events: int) -> None:
    outs = [topic(f"hadir.bench.{name}.v1") for name in PROGRAMS]
    for one in (topic(IN), *outs):  # one by one: a busy machine needs its time for 24 partitions each
        await apply_topics(stack.kafka.bootstrap, topics=[one])
    await stack.execute(
        "create table geofence.bench_sink (partition int, off bigint, number bigint)",
        "alter table geofence.bench_sink owner to hadir_geofence",
    )
    await fill(stack.kafka.bootstrap, events)
    progress(f"{events:,} records on {IN}")
    rates = {name: await drained(stack, name, events) for name in PROGRAMS}
    assert await _rows(stack) == events
    cost = "; ".join(f"{name} {cpu:.1f}" for name, (_, cpu) in rates.items())
    textbook = rates["faust"][0]
    tell(
        figure("hop", rates["durable"][0], reference="textbook Faust hop", reference_value=textbook,
               note=f"{events:,} records of 370 bytes; processor microseconds per record, broker and database included: {cost}"),
        figure("hop-aiokafka", rates["aiokafka"][0], reference="textbook Faust hop", reference_value=textbook),
        figure("hop-confluent", rates["confluent"][0], reference="textbook Faust hop", reference_value=textbook),
    )  # fmt: skip


async def _rows(stack: Stack) -> int:
    import asyncpg  # noqa: PLC0415 - for this one question

    connection = await asyncpg.connect(stack.database)
    try:
        return int(await connection.fetchval("select count(distinct number) from geofence.bench_sink"))
    finally:
        await connection.close()


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--events", type=int, default=60_000)
    given = ask.parse_args()
    with running(services=False) as stack:
        asyncio.run(measure(stack, given.events))


if __name__ == "__main__":
    main()
