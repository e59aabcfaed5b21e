"""Was each new ledger entry published, and is each published entry in the ledger? Looked at as they come, minutes later.

The whole topic against the whole ledger is `hadir verify balance --events`; this costs what the newest entries cost, and keeps
what it found wrong until it is put right.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from aiokafka import TopicPartition

from services.reports.flow import Flow
from shared import metrics
from shared.reading import consuming, partitions_of, to_the_ends
from shared.topics import DEDUCTION

_GRACE: Final = dt.timedelta(minutes=1)
"""An entry younger than this may still be on its way to the topic."""
_LOOKED_BACK: Final = dt.timedelta(minutes=5)
"""How far before the first look entries are compared."""
_REMEMBERED: Final = dt.timedelta(minutes=10)

_ENTERED: Final = """
select entry_id, amount, entered_at from payroll.ledger where entered_at > $1 and entered_at <= $2
"""
_KNOWN: Final = """
select k.entry_id
from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::uuid[]) as k (employee_id, month, number, amount, entry_id)
join payroll.ledger l on l.employee_id = k.employee_id and l.month = k.month and l.number = k.number
    and l.amount = k.amount and l.entry_id = k.entry_id
"""


class Entries:
    """What was seen of topic and ledger by now, and what is wrong between them."""

    def __init__(self) -> None:
        self._next: dict[TopicPartition, int] = {}
        self._until: dt.datetime | None = None
        self._seen: dict[UUID, dt.datetime] = {}
        self.unpublished: set[UUID] = set()
        self.strange: set[UUID] = set()

    async def tell(self, flow: Flow, kafka: str, now: dt.datetime) -> None:
        """Look once; `now` (aware) is the database's time or near it."""
        events = await self._events(kafka, now)
        known = {row["entry_id"] for row in await flow.connection.fetch(_KNOWN, *_columns(events))}
        self.take(events, known, now)
        until = now - _GRACE
        since = self._until or until - _LOOKED_BACK
        if until > since:
            rows = await flow.connection.fetch(_ENTERED, since, until)
            self.enter([row["entry_id"] for row in rows])
            self._until = until
        metrics.BALANCE_EVENT_DIFFERENCES.set(len(self.unpublished) + len(self.strange))

    def take(self, events: Mapping[UUID, Mapping[str, Any]], known: set[UUID], now: dt.datetime) -> None:
        """Events that arrived, those of them that the ledger has just so `known`."""
        for entry_id in events:
            self._seen[entry_id] = now
            self.unpublished.discard(entry_id)
            (self.strange.discard if entry_id in known else self.strange.add)(entry_id)
        forgotten = now - _REMEMBERED
        self._seen = {entry_id: at for entry_id, at in self._seen.items() if at > forgotten}

    def enter(self, entries: list[UUID]) -> None:
        """Ledger entries that are old enough to have been published."""
        self.unpublished.update(entry_id for entry_id in entries if entry_id not in self._seen)

    async def _events(self, kafka: str, now: dt.datetime) -> dict[UUID, Mapping[str, Any]]:
        async with consuming(kafka, "hadir-monitor-entries") as consumer:
            ends = await consumer.end_offsets(partitions_of(DEDUCTION))
            if not self._next:
                began = round((now - _LOOKED_BACK - _GRACE - _GRACE).timestamp() * 1000)
                found = await consumer.offsets_for_times(dict.fromkeys(ends, began))
                self._next = {place: ends[place] if at is None else at.offset for place, at in found.items()}
            events: dict[UUID, Mapping[str, Any]] = {}
            async for record in to_the_ends(consumer, self._next):
                event = orjson.loads(record.value)
                events[UUID(event["entry_id"])] = event
            self._next = ends  # what was told since then is looked at twice
            return events


def _columns(events: Mapping[UUID, Mapping[str, Any]]) -> tuple[list[Any], ...]:
    told = list(events.values())
    return (
        [UUID(event["employee_id"]) for event in told], [event["month"] for event in told], [event["number"] for event in told],
        [event["amount"] for event in told], list(events),
    )  # fmt: skip
