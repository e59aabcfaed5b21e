"""Hears on Kafka what becomes of the canaries, as any other system would: newest versions win, duplicates change nothing."""

import asyncio
import datetime as dt
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from aiokafka import TopicPartition

from shared.envelope import decode
from shared.events import CheckInLocated, DayAssessed, Event, TppMonthChanged, Verdict
from shared.reading import consuming, partitions_of
from shared.topics import CHECK_IN_LOCATED, DAY_ASSESSED, TPP_MONTH, Topic, lane_of

_HEARD: Final[Mapping[str, Topic[Any]]] = {topic.name: topic for topic in (CHECK_IN_LOCATED, DAY_ASSESSED, TPP_MONTH)}
_KEPT_DAYS: Final = dt.timedelta(days=10)


class Ears:
    """What was heard since the beginning; `changed` is set whenever something about a canary was."""

    def __init__(self, canaries: Collection[UUID]) -> None:
        self._canaries: Final = frozenset(canaries)
        self.changed = asyncio.Event()
        self._days: dict[tuple[UUID, dt.date], DayAssessed] = {}
        self._months: dict[tuple[UUID, str], TppMonthChanged] = {}
        self._sites: dict[str, Verdict] = {}

    async def listen(self, bootstrap: str, listening: asyncio.Event) -> None:
        """Listen for ever, from the present ends on; `listening` is set once nothing can be missed any more."""
        async with consuming(bootstrap, "hadir-canaries") as consumer:
            lanes = {lane_of(employee_id) for employee_id in self._canaries}
            places = [TopicPartition(topic.name, lane) for topic in (CHECK_IN_LOCATED, DAY_ASSESSED) for lane in lanes]
            places += partitions_of(TPP_MONTH)  # keyed by employee and month: its canaries may be on any partition
            consumer.assign(places)
            for place, end in (await consumer.end_offsets(places)).items():
                consumer.seek(place, end)
            listening.set()
            async for message in consumer:
                if message.value is not None:
                    self.hear(decode(_HEARD[message.topic], message.value))

    def hear(self, event: Event) -> None:
        """Take in one event; those about others pass by."""
        if getattr(event, "employee_id", None) not in self._canaries:
            return
        if isinstance(event, DayAssessed):
            known = self._days.get((event.employee_id, event.date))
            if known is None or known.version < event.version:
                self._days[event.employee_id, event.date] = event
        elif isinstance(event, CheckInLocated):
            self._sites[str(event.check_in_id)] = event.site
        elif isinstance(event, TppMonthChanged):
            told = self._months.get((event.employee_id, event.month))
            if told is None or told.version < event.version:
                self._months[event.employee_id, event.month] = event
        self.changed.set()

    def day(self, canary: UUID, date: dt.date) -> DayAssessed | None:
        """The newest version of a day."""
        return self._days.get((canary, date))

    def site(self, check_in_id: str) -> Verdict | None:
        """Where a check-in was, by geofence's newest word; None: it has not said."""
        return self._sites.get(check_in_id)

    def month(self, canary: UUID, date: dt.date) -> tuple[int, Fraction] | None:
        """Version and percent so far of the month of a date; None: nothing was heard of it."""
        told = self._months.get((canary, f"{date:%Y-%m}"))
        return None if told is None else (told.version, Fraction(told.raw_percent))

    def forget_before(self, date: dt.date) -> None:
        """Let go of what is long over."""
        oldest = date - _KEPT_DAYS
        self._sites.clear()  # a day's check-ins are asked about on that day only
        for day in [day for day in self._days if day[1] < oldest]:
            del self._days[day]
        for month in [month for month in self._months if month[1] < f"{oldest:%Y-%m}"]:
            del self._months[month]
