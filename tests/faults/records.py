"""Records that were read put on their topics once more."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer


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
