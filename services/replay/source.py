"""Topics as a rebuild reads them: from their beginning up to where they end when asked, in batches of records."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.envelope import Envelope, decode
from shared.failures import Poison
from shared.lanes import Record
from shared.reading import consuming, partitions_of, to_the_ends
from shared.reference import Row, Tombstone
from shared.topics import Topic


@dataclass
class Read:
    """What was read of a topic so far; `begins` is false once records at its start turned out to have expired."""

    records: int = 0
    poison: int = 0
    begins: bool = True


class Source:
    """The topics of one deployment, on these bootstrap servers, read `most` records at a time."""

    def __init__(self, bootstrap: str, most: int) -> None:
        self._bootstrap = bootstrap
        self._most = most
        self.read: dict[str, Read] = {}
        """By topic, for the report."""

    async def batches(self, topic: Topic[Any]) -> AsyncIterator[list[Row]]:
        """All records of a topic, in offset order within each partition; records nobody could read are counted only."""
        async with consuming(self._bootstrap, "hadir-replay") as consumer:
            told = self.read[topic.name] = Read()
            begins = await consumer.beginning_offsets(partitions_of(topic))
            # A compacted topic loses what was replaced; any other one must reach back to its first record.
            told.begins = topic.compacted or not any(begins.values())
            rows: list[Row] = []
            async for record in to_the_ends(consumer, begins):
                told.records += 1
                try:
                    rows.append(_row(topic, record))
                except Poison:  # it lies in the dead letters of the service that could not read it
                    told.poison += 1
                if len(rows) == self._most:
                    yield rows
                    rows = []
            if rows:
                yield rows

    async def newest(self, topic: Topic[Any]) -> list[Record[Any]]:
        """The newest record of each subject of a state topic, oldest first; those with a tombstone are left out."""
        found: dict[str, Record[Any]] = {}
        async for rows in self.batches(topic):
            for row in rows:
                if isinstance(row, Tombstone):
                    found.pop((row.key or b"").decode(errors="replace"), None)
                    continue
                subject = row.envelope.subject
                if subject not in found or found[subject].event.version < row.event.version:
                    found[subject] = row
        return sorted(found.values(), key=lambda record: (record.envelope.time, record.envelope.id))


def record_of(
    topic: Topic[Any], partition: int, offset: int, key: bytes | None, headers: Sequence[tuple[str, bytes]], value: bytes | None,
    timestamp_ms: float,
) -> Record[Any]:  # fmt: skip
    """A message as the services see it; raises Poison if it cannot be read."""
    envelope = Envelope.of_headers(headers, topic=topic, partition=partition, offset=offset, timestamp_ms=timestamp_ms)
    event = decode(topic, value)
    return Record(topic, partition, offset, key, event, envelope, value or b"")


def _row(topic: Topic[Any], record: Any) -> Row:
    if record.value is None and topic.compacted:
        return Tombstone(topic, record.partition, record.offset, record.key)
    return record_of(
        topic, record.partition, record.offset, record.key, record.headers, record.value, record.timestamp
    )
