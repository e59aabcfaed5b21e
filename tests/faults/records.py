"""Records of topics, read to where these end just now, and put on them once more."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition


async def to_the_ends(consumer: AIOKafkaConsumer, since: Mapping[TopicPartition, int], within_s: float = 120.0) -> AsyncIterator[Any]:
    """Every record from these offsets to the present ends; the consumer runs, and reads nothing else from now on."""
    consumer.assign(list(since))
    for place, offset in since.items():
        consumer.seek(place, offset)
    ends = await consumer.end_offsets(list(since))
    deadline = time.monotonic() + within_s
    while any([await consumer.position(place) < end for place, end in ends.items()]):
        assert time.monotonic() < deadline, "the topics could not be read to their ends"
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                yield record


async def put_again(bootstrap: str, records: Sequence[Any]) -> None:
    """Put these on their partitions once more, in this order, as an edge gone wrong might."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        sent = [
            await producer.send(record.topic, record.value, record.key, record.partition, headers=list(record.headers))
            for record in records
        ]  # fmt: skip
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
