"""Measures p50 and p99 from the 202 to the published aggregate at a quiet and at a busy rate.

    python -m tests.benchmarks.latency

The reference of each is one acknowledged produce and fetch of the same broker, measured under the same load beside it
(a probe topic, 20 times a second): what even an empty pipeline of one hop would have taken.
"""

import argparse
import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.simulator.latency import percentile
from shared.events import Event
from shared.kafka import apply_topics, new_producer
from shared.topics import Topic
from tests.benchmarks.simulating import beyond, condition, simulated
from tests.benchmarks.stack import Stack, running
from tests.benchmarks.telling import figure, tell

PROBE = Topic("hadir.bench.probe.v1", Event, "number", "ingest", "benchmark", partitions=1)


async def probe(kafka: str, found: list[float]) -> None:
    """Sends a record and reads it again, for ever; appends how many seconds that took."""
    producer = new_producer(kafka, client_id="bench-probe", linger_ms=0)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await producer.start()
    await consumer.start()
    try:
        consumer.assign([TopicPartition(PROBE.name, 0)])
        await consumer.seek_to_end()
        while True:
            began = time.monotonic()
            await producer.send_and_wait(PROBE.name, b"probe", partition=0)
            await consumer.getone()
            found.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
    finally:
        await producer.stop()
        await consumer.stop()


async def measured(stack: Stack, rate: float, given: argparse.Namespace, seed: int) -> tuple[dict[str, Any], list[float]]:
    found: list[float] = []
    probing = asyncio.create_task(probe(stack.kafka.bootstrap, found))
    try:
        report = await simulated(stack, rate, given.seconds, seed)
    finally:
        probing.cancel()
        await asyncio.wait([probing])
    assert found, "the probe never came back"
    assert report["measured"], "no check-in changed an aggregate: nothing was timed"
    return report, found


async def measure(stack: Stack, given: argparse.Namespace) -> None:
    await apply_topics(stack.kafka.bootstrap, topics=[PROBE])
    told = []
    for seed, (name, rate) in enumerate((("100", given.slow), ("700", given.fast)), start=1):
        report, probes = await measured(stack, rate, given, seed)
        told += latencies(name, report, probes)
    tell(*told)


def latencies(name: str, report: dict[str, Any], probes: list[float]) -> list[dict[str, Any]]:
    """The figures of one rate: what the play took beside what a record sent and read took meanwhile (seconds)."""
    missed = beyond(report)
    return [
        figure(f"latency-{name}-p{share}", report[f"p{share}_s"], reference=f"a record sent and read meanwhile, p{share}",
               reference_value=percentile(probes, share), note=condition(report) if share == 99 else "", missed=missed)
        for share in (50, 99)
    ]  # fmt: skip


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--slow", type=float, default=100.0)
    ask.add_argument("--fast", type=float, default=700.0)
    ask.add_argument("--seconds", type=float, default=20.0)
    given = ask.parse_args()
    with running() as stack:
        asyncio.run(measure(stack, given))


if __name__ == "__main__":
    main()
