"""How far events have come: positions, outboxes and end offsets of all services, seen from outside; writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from aiokafka import AIOKafkaConsumer

from shared.database import connect_auditor
from shared.kafka import let_go, security
from shared.reading import partitions_of
from shared.topics import (
    CHECK_IN_LOCATED,
    CHECK_IN_RECORDED,
    DAY_ASSESSED,
    DISCIPLINE,
    INGEST_AVAILABILITY,
    WORK_REPORT_SUBMITTED,
    Service,
    Topic,
)

CONSUMED: Final[tuple[tuple[Service, tuple[Topic[Any], ...]], ...]] = (
    ("geofence", (CHECK_IN_RECORDED,)),
    ("schedule", (CHECK_IN_LOCATED, WORK_REPORT_SUBMITTED, INGEST_AVAILABILITY)),
    ("payroll", (DAY_ASSESSED, DISCIPLINE)),
)
"""Which service consumes which stream, in the order in which events flow."""

Ends: TypeAlias = Mapping[tuple[str, int], int]
"""End offsets by topic and partition, as they were at one moment."""


class Flow:
    """The stack as seen through the audit role and Kafka's end offsets; use as an asynchronous context."""

    def __init__(self, database: str, kafka: str) -> None:
        self._database, self._kafka = database, kafka

    async def __aenter__(self) -> Self:
        self.connection = await connect_auditor(self._database)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, client_id="hadir-report", **security())
        try:
            await self._consumer.start()
        except BaseException:
            await let_go(self._consumer)
            await self.connection.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await let_go(self._consumer)
        await self.connection.close()

    async def ends(self, topics: Sequence[Topic[Any]]) -> Ends:
        """Where these topics end now."""
        ends = await self._consumer.end_offsets(partitions_of(*topics))
        return {(place.topic, place.partition): end for place, end in ends.items()}

    async def short_of(self, service: Service, ends: Ends) -> int:
        """Events before these ends that the service has not finished with."""
        done = await self.positions(service, {topic for topic, _ in ends})
        return sum(max(0, end - done.get(place, 0)) for place, end in ends.items())

    async def positions(self, service: Service, topics: Collection[str]) -> Ends:
        """The next offset that the service will process, by topic and partition."""
        rows = await self.connection.fetch(
            f"select topic, lane, next_offset from {service}.position where topic = any($1::text[])",  # noqa: S608 (one of four names)
            sorted(topics),
        )
        return {(row["topic"], row["lane"]): row["next_offset"] for row in rows}

    async def behind(self, service: Service, topics: Sequence[Topic[Any]]) -> int:
        """Events on these topics that the service has not finished with; the end offsets are taken first."""
        return await self.short_of(service, await self.ends(topics))

    async def issued(self, service: Service) -> Mapping[int, int]:
        """The last outbox number of each of the service's lanes."""
        rows = await self.connection.fetch(f"select lane, out_seq from {service}.lane")  # noqa: S608 (one of four names)
        return {row["lane"]: row["out_seq"] for row in rows}

    async def unsent(self, service: Service, issued: Mapping[int, int]) -> int:
        """Outbox rows up to these numbers that the service's relay has not published."""
        rows = await self.connection.fetch(f"select lane, sent_seq from {service}.relay_cursor")  # noqa: S608 (one of four names)
        return sum(max(0, issued.get(row["lane"], 0) - row["sent_seq"]) for row in rows)

    async def unpublished(self, service: Service) -> int:
        """Rows of the service's outbox that its relay has not published."""
        return await self.unsent(service, await self.issued(service))
