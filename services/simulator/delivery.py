"""Delivers a province's check-ins in order of arrival: in batches and alone, at a pace, with the played clock beside."""

import asyncio
import datetime as dt
from collections.abc import Coroutine
from dataclasses import dataclass
from time import process_time
from typing import Any, Final

from services.schedule.commands import move_clock
from services.simulator.agenda import Arrival, planned
from services.simulator.duty import is_free
from services.simulator.latency import Watch
from services.simulator.phones import MOST_IN_BATCH, Phones
from services.simulator.progress import Told
from services.simulator.province import Province
from services.simulator.settled import Observer
from shared.lanes import Lanes

MARKS_A_DAY: Final = 1.99
"""Check-ins of an average person on a working day, resent ones counted."""

_CLOCK_STEP: Final = dt.timedelta(hours=4)
_BATCHES_AT_ONCE: Final = 6
PHONES_AT_ONCE: Final = 200
"""So many check-ins are under way alone at most, each over a connection of its own, as phones are."""

_ALONE_OF: Final = 40
"""In batches, one check-in in so many goes alone, as a phone with a good connection sends it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to deliver: `rate` check-ins a second, or a played second a second, or (neither) as fast as possible.

    `steady` is the number of check-ins to which the rate applies (None: all); the rest goes as fast as possible. Copies of resent
    ones count, except where the steady ones are watched: there none is sent.
    """

    rate: float | None = None
    real_time: bool = False
    steady: int | None = None


class Delivery:
    """One delivery of a whole province.

    With a `watch` the steady check-ins go alone and are measured, on days that were opened before, as they are
    at midnight. Each is sent once: a copy is answered from its receipt and goes no further, so that a rate with copies would say
    more than the services carried. `held` is the rate that was reached while it was asked for, and `own_s` what sending and
    watching each steady check-in took of this process, in processor seconds.
    """

    def __init__(
        self, province: Province, lanes: Lanes, phones: Phones, observer: Observer, *, pace: Pace, watch: Watch | None, told: Told
    ) -> None:
        self._province, self._lanes, self._phones, self._observer = province, lanes, phones, observer
        self._pace, self._watch, self._told = pace, watch, told
        self._under_way: set[asyncio.Task[None]] = set()
        self._delivered = 0
        self.held: float | None = None
        self.own_s: float | None = None
        duty_days = sum(date.weekday() < 5 and not is_free(date) for date in province.dates)
        self._about = max(1, round(province.employees * max(duty_days, 0.1) * MARKS_A_DAY))

    async def all(self) -> None:
        """Deliver everything; raises what sending raises, after the requests under way have ended."""
        batch: list[Arrival] = []
        next_move: dt.datetime | None = None
        taken = 0
        try:
            async for arrival in planned(self._province):
                if self._watch is not None and arrival.copy:
                    continue
                if next_move is None:
                    await self._begin(arrival.at)
                    next_move = arrival.at + _CLOCK_STEP
                if arrival.at >= next_move:
                    await self._send(batch)
                    batch = []
                    await self._move_clock(arrival.at)
                    next_move = arrival.at + _CLOCK_STEP
                await self._keep_pace(arrival, taken)
                taken += 1
                if self._alone or taken % _ALONE_OF == 0:
                    await self._start(self._send_alone(arrival), PHONES_AT_ONCE if self._alone else _BATCHES_AT_ONCE)
                else:
                    batch.append(arrival)
                if len(batch) >= self._batch_size:
                    await self._send(batch)
                    batch = []
                if taken == self._pace.steady:
                    await self._end_steadiness(taken)
            await self._send(batch)
        finally:
            await self._rest()
        if self.held is None:
            self.held = self._rate_so_far(taken)
        self._told("sending check-ins", self._delivered, self._delivered)

    @property
    def _alone(self) -> bool:
        return self._watch is not None or self._pace.real_time

    @property
    def _batch_size(self) -> int:
        rate = self._pace.rate
        return MOST_IN_BATCH if rate is None else max(1, min(MOST_IN_BATCH, round(rate / 4)))

    async def _begin(self, first: dt.datetime) -> None:
        self._first = first
        await move_clock(self._lanes, self._province.label, first)
        if self._watch is not None:
            await self._observer.until_settled(
                self._province.label, self._province.first_day, lambda done, whole: self._told("opening days", done, whole)
            )
            self._watch.start_sampling()
        self._began, self._used = asyncio.get_running_loop().time(), process_time()

    async def _end_steadiness(self, taken: int) -> None:
        """The measured part is over: everything sent in it is waited for, and the rest of the day goes in batches."""
        await self._rest()
        self.held, self.own_s = self._rate_so_far(taken), (process_time() - self._used) / taken
        self._pace = Pace()
        if self._watch is not None:
            await self._watch.stop_sampling()
            await self._observer.until_no_lag()
            await self._watch.stop_reading()
            self._watch = None

    def _rate_so_far(self, taken: int) -> float:
        return taken / max(asyncio.get_running_loop().time() - self._began, 0.001)

    async def _move_clock(self, at: dt.datetime) -> None:
        """The played clock follows what is sent.

        As fast as possible, hours of the day pass in a second of the pipeline: without waiting for it, days would be
        closed before their check-ins were located, and nearly every absence be raised only to be retracted.
        """
        if self._pace.rate is None and not self._pace.real_time:
            await self._rest()
            await self._observer.until_no_lag(("geofence", "schedule"))
        await move_clock(self._lanes, self._province.label, at)

    async def _keep_pace(self, arrival: Arrival, taken: int) -> None:
        if self._pace.real_time:
            await self._wait_until((arrival.at - self._first).total_seconds())
        elif self._pace.rate is not None:
            await self._wait_until(taken / self._pace.rate)

    async def _wait_until(self, seconds: float) -> None:
        ahead = self._began + seconds - asyncio.get_running_loop().time()
        if ahead > 0.001:
            await asyncio.sleep(ahead)

    async def _send(self, batch: list[Arrival]) -> None:
        if batch:
            await self._start(self._send_batch(batch), _BATCHES_AT_ONCE)

    async def _send_batch(self, batch: list[Arrival]) -> None:
        await self._phones.check_ins([arrival.body() for arrival in batch])
        self._tell(len(batch))

    async def _send_alone(self, arrival: Arrival) -> None:
        body: dict[str, Any] = arrival.body()
        await self._phones.check_in(body)
        if self._watch is not None:
            self._watch.answered(body["check_in_id"])
        self._tell(1)

    def _tell(self, delivered: int) -> None:
        self._delivered += delivered
        self._told("sending check-ins", self._delivered, max(self._about, self._delivered))

    async def _start(self, sending: Coroutine[Any, Any, None], at_most: int) -> None:
        while len(self._under_way) >= at_most:
            await self._some_end(asyncio.FIRST_COMPLETED)
        self._under_way.add(asyncio.create_task(sending))

    async def _rest(self) -> None:
        while self._under_way:
            await self._some_end(asyncio.ALL_COMPLETED)

    async def _some_end(self, when: str) -> None:
        done, self._under_way = await asyncio.wait(self._under_way, return_when=when)
        for task in done:
            task.result()
