"""Tells of the Kafka cluster what our own clients can see: brokers, copies in sync, how far the topics go."""

from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from shared import metrics
from shared.kafka import security
from shared.reading import partitions_of
from shared.topics import TOPICS


class Broker:
    """Clients for one look; use as an asynchronous context. Raises what connecting raises."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="hadir-monitor", **security())
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, client_id="hadir-monitor", **security())

    async def __aenter__(self) -> Self:
        try:
            await self._admin.start()
            await self._consumer.start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def tell(self) -> None:
        """Look once."""
        metrics.KAFKA_BROKERS.set(len((await self._admin.describe_cluster())["brokers"]))
        described = await self._admin.describe_topics([topic.name for topic in TOPICS])
        partitions = [partition for topic in described for partition in topic["partitions"]]
        metrics.KAFKA_UNDER_REPLICATED.set(sum(len(one["isr"]) < len(one["replicas"]) for one in partitions))
        ends: dict[tuple[str, ...], float] = {}
        for place, end in (await self._consumer.end_offsets(partitions_of(*TOPICS))).items():
            ends[place.topic,] = ends.get((place.topic,), 0) + end
        metrics.replace(metrics.KAFKA_RECORDS, ends)
