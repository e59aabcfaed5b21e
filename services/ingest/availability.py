"""Tells how each minute of this process went: answered, refused, and what it could not take in, so that our failures speak for themselves.

A minute that no process tells of is one in which ingest was down. What cannot be written now (the database is away) is kept
and written later; what stands in the outbox is published when Kafka is back.
"""

import asyncio
import datetime as dt
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from prometheus_client import Counter

from services.ingest.problems import KINDS
from shared import logs, metrics
from shared.events import AvailabilityCounted
from shared.failures import is_infrastructure
from shared.lanes import Lanes
from shared.topics import INGEST_AVAILABILITY, lane_of

_logger = logging.getLogger(__name__)

_MINUTE: Final = dt.timedelta(minutes=1)
_KEPT: Final = 2 * 24 * 60
"""Minutes kept while the database is away; older ones are dropped and then count as down, which they were."""

_WRITE_WITHIN_S: Final = 20.0
_OURS: Final = frozenset(code for code, kind in KINDS.items() if kind.status >= 500)
"""Refusals that are our fault: the client did nothing wrong and has to come again."""


class Counts(NamedTuple):
    """Requests and items of a batch since the process began."""

    accepted: int
    refused: int
    unavailable: int

    def since(self, earlier: "Counts") -> "Counts":
        """What was counted after an earlier moment."""
        return Counts(*(now - then for now, then in zip(self, earlier, strict=True)))


def counted() -> Counts:
    """What the metrics of this process have counted by now; repeats count as accepted, since they were answered."""
    refused = {sample.labels["code"]: int(sample.value) for sample in _totals(metrics.INGEST_REFUSED)}
    ours = sum(count for code, count in refused.items() if code in _OURS)
    accepted = sum(int(sample.value) for name in (metrics.INGEST_ACCEPTED, metrics.INGEST_DUPLICATES) for sample in _totals(name))
    return Counts(accepted, sum(refused.values()) - ours, ours)


def _totals(counter: Counter) -> list[Any]:
    return [sample for family in counter.collect() for sample in family.samples if sample.name.endswith("_total")]


class Minutes:
    """The minutes of one process, from its start to its end."""

    def __init__(self, lanes: Lanes, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._lanes = lanes
        self._now = now
        self._instance: Final[UUID] = uuid4()
        self._minute = _floor(now())
        self._begun = counted()
        self._waiting: deque[AvailabilityCounted] = deque(maxlen=_KEPT)

    async def tell(self) -> None:
        """Writes each minute when it is over, for ever."""
        while True:
            await asyncio.sleep((self._minute + _MINUTE - self._now()).total_seconds())
            self._end_minute()
            await self._write()

    async def tell_rest(self) -> None:
        """Writes the minute in progress, as far as the database takes it in time; to be called after `tell` was cancelled."""
        self._end_minute()
        await self._write()

    def _end_minute(self) -> None:
        total = counted()
        gone = total.since(self._begun)
        self._waiting.append(AvailabilityCounted(
            instance=self._instance, minute=self._minute, accepted=gone.accepted, refused=gone.refused, unavailable=gone.unavailable,
        ))  # fmt: skip
        # After a standstill of this process the minutes in between stay untold: nobody was served in them.
        self._minute, self._begun = max(self._minute + _MINUTE, _floor(self._now())), total

    async def _write(self) -> None:
        ready = list(self._waiting)
        try:
            async with asyncio.timeout(_WRITE_WITHIN_S):
                lane = lane_of(self._instance)
                async with self._lanes.hold({lane}) as work:
                    for told in ready:
                        work.emit(INGEST_AVAILABILITY, f"{told.instance}|{told.minute:%Y-%m-%dT%H:%MZ}", 1, told,
                                  key=str(told.instance), lane=lane, cause=None)  # fmt: skip
        except Exception as error:
            if not is_infrastructure(error):
                raise
            logs.event(_logger, "minutes wait for the database", level=logging.WARNING, count=len(ready), error=error)
            return
        for _ in ready:
            self._waiting.popleft()


def _floor(moment: dt.datetime) -> dt.datetime:
    return moment.replace(second=0, microsecond=0)
