"""How long it takes from the 202 of a check-in to the aggregate that it changed, and whether the lag stays flat meanwhile.

Not every check-in changes one: going home in time may say nothing new, and of two of a person in one batch the later one
is named. Those that do are found again by the correlation id, which every event carries on from the check-in that it all began with.
"""

import asyncio
import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer

from services.simulator.settled import Observer
from shared.reading import partitions_of
from shared.topics import TPP_MONTH

_CORRELATION: Final = "ce_correlationid"
_FLAT_SHARE: Final = 0.02
"""The lag counts as flat when it grows by less than this share of what is sent."""


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest of the values that `percent` of all do not exceed (nearest rank); None without any."""
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1] if values else None


@dataclass(slots=True)
class Latencies:
    """Seconds from 202 to the record, one per check-in, in no order."""

    seconds: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float | None:
        """The latency that so many percent of all do not exceed; None without any."""
        return percentile(self.seconds, percent)


@dataclass(slots=True)
class LagCurve:
    """Lag by time: (seconds since the start, events waiting in front of any service)."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    @property
    def growth(self) -> float | None:
        """Events per second by which the lag grew over the last two thirds (least squares); None if too short."""
        tail = self.samples[len(self.samples) // 3:]
        if len(tail) < 3:
            return None
        mean_at = sum(at for at, _ in tail) / len(tail)
        mean_lag = sum(lag for _, lag in tail) / len(tail)
        spread = sum((at - mean_at) ** 2 for at, _ in tail)
        return sum((at - mean_at) * (lag - mean_lag) for at, lag in tail) / spread if spread else None

    @property
    def highest(self) -> int:
        """The highest lag seen."""
        return max((lag for _, lag in self.samples), default=0)

    def flat(self, rate: float) -> bool | None:
        """Whether the lag did not grow while `rate` check-ins a second were sent; None if too short to tell."""
        growth = self.growth
        return None if growth is None else growth < _FLAT_SHARE * rate


class Watch:
    """Notes answers, reads the records of months, samples the lag; use as an asynchronous context."""

    def __init__(self, kafka: str, observer: Observer) -> None:
        self._kafka, self._observer = kafka, observer
        self._answered: dict[str, float] = {}
        self._seen: set[str] = set()
        self.latencies = Latencies()
        self.lag = LagCurve()

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka, client_id="hadir-simulator-watch", fetch_max_wait_ms=20, auto_offset_reset="latest",
        )
        await self._consumer.start()
        self._places = partitions_of(TPP_MONTH)
        self._consumer.assign(self._places)
        await self._consumer.seek_to_end(*self._places)
        self._reading = asyncio.create_task(self._read(), name="months")
        self._sampling: asyncio.Task[None] | None = None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _cancel(self._sampling)
        await _cancel(self._reading)
        await self._consumer.stop()

    def answered(self, check_in_id: str) -> None:
        """The check-in was answered 202 just now. Its record may have been seen already."""
        if check_in_id in self._seen:
            self.latencies.seconds.append(0.0)
        else:
            self._answered[check_in_id] = asyncio.get_running_loop().time()

    def start_sampling(self) -> None:
        """The steady sending begins: look at the lag once a second from now on."""
        self._began = asyncio.get_running_loop().time()
        self._sampling = asyncio.create_task(self._sample(), name="lag")

    async def stop_sampling(self) -> None:
        """The steady sending has ended: what drains afterwards is no lag curve."""
        await _cancel(self._sampling)

    async def stop_reading(self) -> None:
        """All is processed and published: read what is there, and take nothing later for an answer to a check-in."""
        ends = await self._consumer.end_offsets(self._places)
        while any([await self._consumer.position(place) < end for place, end in ends.items()]):  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.05)
        await _cancel(self._reading)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batches = await self._consumer.getmany(timeout_ms=200)
            now = loop.time()
            for records in batches.values():
                for record in records:
                    cause = next((value.decode() for name, value in record.headers if name == _CORRELATION), None)
                    if cause is None:
                        continue
                    at = self._answered.pop(cause, None)
                    if at is not None:
                        self.latencies.seconds.append(now - at)
                    self._seen.add(cause)

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.lag.samples.append((loop.time() - self._began, await self._observer.lag()))
            await asyncio.sleep(1.0)


async def _cancel(task: asyncio.Task[None] | None) -> None:
    """End a task that runs for ever; raises what it died of, if it did not run any more."""
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
