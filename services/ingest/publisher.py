"""Gets records acknowledged by Kafka, or tells within a time limit which of them may not have been.

One producer lives here at a time. aiokafka's idempotent producer is dead after a fatal error and may wait for
ever for a lost broker, so a producer that failed is replaced; what was already handed to the old one may or
may not appear, and readers recognise repeats by `ce_id`.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared import failpoints, logs
from shared.kafka import drop, start

_logger = logging.getLogger(__name__)


class Outgoing(NamedTuple):
    """One record for one partition."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Publisher:
    """A producer that is made anew whenever it is broken; connecting happens in the background."""

    def __init__(
        self, make_producer: Callable[[], AIOKafkaProducer], *, within_s: float, patience_s: float = 10, pause_s: float = 1
    ) -> None:
        self._make_producer = make_producer
        self._within_s = within_s
        self._patience_s = patience_s
        self._pause_s = pause_s
        self._producer: AIOKafkaProducer | None = None
        self._worn = asyncio.Event()
        self._silent_since: float | None = None

    async def close(self) -> None:
        """Sends what was handed over, as far as the broker takes it within the time limit, and disconnects.

        To be called after `keep_connected` has been cancelled.
        """
        await self._retire()

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        """For each record whether the broker has acknowledged it (acks=all) within the time limit.

        False does not mean that the record will never appear. Never raises for trouble with the broker.
        """
        producer = self._producer
        if producer is None:
            return [False] * len(records)
        by_partition: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for index, record in enumerate(records):
            by_partition[record.topic, record.partition].append(index)
        sending = {
            asyncio.create_task(self._send(producer, topic, partition, [records[index] for index in indexes])): indexes
            for (topic, partition), indexes in by_partition.items()
        }
        done, late = await asyncio.wait(sending, timeout=self._within_s)
        for task in late:
            task.cancel()
        acknowledged = [False] * len(records)
        for task in done:
            if task.result():
                for index in sending[task]:
                    acknowledged[index] = True
        self._note(producer, silent=bool(late), heard=bool(done))
        return acknowledged

    async def reachable(self) -> bool:
        """Whether a broker answers now: the question of the readiness probe."""
        producer = self._producer
        if producer is None:
            return False
        try:
            async with asyncio.timeout(self._within_s):
                await producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError, OSError):
            return False
        return True

    async def _send(self, producer: AIOKafkaProducer, topic: str, partition: int, records: list[Outgoing]) -> bool:
        try:
            position = 0
            while position < len(records):
                batch = producer.create_batch()
                while position < len(records):
                    record = records[position]
                    if batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers) is None:
                        break  # full: the rest goes into the next batch
                    position += 1
                batch.close()  # complete, so do not linger for more
                failpoints.reach("ingest-producing")
                await (await producer.send_batch(batch, topic, partition=partition))
                failpoints.reach("ingest-acknowledged")
        except (KafkaError, OSError) as error:
            # Retries are over once aiokafka tells of an error, and some errors kill the producer: take a new one.
            logs.event(_logger, "publishing failed", level=logging.WARNING, error=error, topic=topic, partition=partition)
            if producer is self._producer:
                self._worn.set()
            return False
        return True

    def _note(self, producer: AIOKafkaProducer, *, silent: bool, heard: bool) -> None:
        if producer is not self._producer:
            return
        if heard and not silent:
            self._silent_since = None
        elif silent and self._silent_since is None:
            self._silent_since = time.monotonic()
            logs.event(_logger, "Kafka does not acknowledge in time", level=logging.WARNING)
        if self._silent_since is not None and time.monotonic() - self._silent_since > self._patience_s:
            self._worn.set()

    async def keep_connected(self) -> None:
        """Connects, and again whenever the producer is worn, for ever.

        Until the first success nothing is published, and `publish` says so at once.
        """
        while True:
            producer = self._make_producer()
            try:
                await start(producer)
            except (KafkaError, OSError) as error:
                logs.event(_logger, "cannot connect to Kafka, trying again", level=logging.WARNING, error=error)
                await _stop(producer, self._within_s)
            except BaseException:
                await _stop(producer, self._within_s)
                raise
            else:
                self._worn.clear()
                self._silent_since = None
                self._producer = producer
                logs.event(_logger, "producer connected")
                await self._worn.wait()
                await self._retire()
            await asyncio.sleep(self._pause_s)

    async def _retire(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer, self._within_s)


async def _stop(producer: AIOKafkaProducer, within_s: float) -> None:
    """Stops a producer that may be unable to flush."""
    try:
        async with asyncio.timeout(within_s):
            await producer.stop()
    except (KafkaError, OSError, TimeoutError) as error:
        logs.event(_logger, "producer stopped with records unsent", level=logging.WARNING, error=error)
        await drop(producer)
