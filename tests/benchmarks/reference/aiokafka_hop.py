"""A plain aiokafka loop: get many, produce, wait for the acknowledgements, commit; nothing is kept.

It reads the topic of BENCH_EVENTS records again whenever it has read all of it: a second of work is too little to be timed.
"""

import asyncio
import os

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def main() -> None:
    """Runs until it is killed."""
    kafka, whole, read = os.environ["HADIR_KAFKA"], int(os.environ["BENCH_EVENTS"]), 0
    consumer = AIOKafkaConsumer(
        os.environ["BENCH_IN"], bootstrap_servers=kafka, group_id="bench-aiokafka", enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=131_072)
    await consumer.start()
    await producer.start()
    while True:
        found = await consumer.getmany(timeout_ms=200, max_records=2_000)
        sent = [
            await producer.send(os.environ["BENCH_OUT"], record.value, key=record.key, partition=place.partition)
            for place, records in found.items()
            for record in records
        ]
        if sent:
            await asyncio.gather(*sent)
            await consumer.commit()
        read += len(sent)
        if read >= whole:
            await consumer.seek_to_beginning()
            read = 0


if __name__ == "__main__":
    asyncio.run(main())
