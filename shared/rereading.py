"""Reading a range of a partition again, past the pump: what heals a hole in the pump's delivery."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.reading import consuming


class Range:
    """One partition, opened for reading from any offset."""

    def __init__(self, consumer: AIOKafkaConsumer, place: TopicPartition, first: int) -> None:
        self._consumer = consumer
        self._place = place
        self.first_available = first
        """The oldest offset that the broker still has."""

    async def read(self, first: int, end: int, most: int) -> AsyncIterator[list[Any]]:
        """The broker's records in [first, end), in lists of at most `most`.

        When it ends, the broker has no further record in that range: offsets that were not seen are transaction
        markers, or were compacted away.
        """
        self._consumer.seek(self._place, first)
        while await self._consumer.position(self._place) < end:
            fetched = await self._consumer.getmany(self._place, timeout_ms=1000, max_records=most)
            records = [record for record in fetched.get(self._place, ()) if record.offset < end]
            if records:
                yield records


@asynccontextmanager
async def opened(bootstrap: str, topic: str, partition: int) -> AsyncIterator[Range]:
    """A range reader of its own, outside any group. Raises `KafkaError` when the broker is away."""
    async with consuming(bootstrap, "hadir-rereading") as consumer:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        first = (await consumer.beginning_offsets([place]))[place]
        yield Range(consumer, place, first)
