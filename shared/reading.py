"""Topics read outside any group: each record from an offset to where its partition ends just now."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.kafka import let_go, security
from shared.topics import Topic

_POLL_MS: Final = 500
_AT_ONCE: Final = 10_000


def partitions_of(*topics: Topic[Any]) -> list[TopicPartition]:
    """All partitions of these topics, in their order."""
    return [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]


@asynccontextmanager
async def consuming(bootstrap: str, client_id: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group, which commits nothing and is given no partition yet.

    Where the broker no longer has an offset, it goes on at the first record that is left. Raises `Refusal` when the login
    cannot be used, `KafkaError` when the broker is away.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, client_id=client_id, enable_auto_commit=False, auto_offset_reset="earliest", **security()
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await let_go(consumer)


async def to_the_ends(consumer: AIOKafkaConsumer, since: Mapping[TopicPartition, int]) -> AsyncIterator[Any]:
    """Every record from these offsets to the present ends, in order of each partition; what comes while it reads is left out.

    Ask once of a consumer, and for nothing else: one that is given other partitions waits seconds before it fetches them.
    It has no deadline: while a partition has no leader, it waits.
    """
    consumer.assign(list(since))
    for place, offset in since.items():
        consumer.seek(place, offset)
    ends = await consumer.end_offsets(list(since))
    while any([await consumer.position(place) < end for place, end in ends.items()]):
        for place, records in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)).items():
            for record in records:
                if record.offset < ends[place]:
                    yield record
