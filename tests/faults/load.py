"""The load: a province of the simulator, sent as its phones send it, for as long as it lasts and whatever happens meanwhile."""

import asyncio
import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from services.schedule.commands import move_clock
from services.simulator import files
from services.simulator.agenda import Arrival, planned, work_reports
from services.simulator.importing import import_province
from services.simulator.phones import Phones
from services.simulator.province import Province
from services.simulator.settled import Observer
from tests.faults.house import House

FIRST_DAY = dt.date(2026, 6, 8)  # a Monday
_CLOCK_STEP = dt.timedelta(hours=4)
_AT_ONCE = 48
_IN_BATCH = 8
_REPORTS_A_CHECK_IN = 0.11
"""A little more than the work reports that the simulator's people send (0.103), so that check-ins end last."""


class Load:
    """One province of so many people and days, sent at `rate` check-ins a second; from `hurried` on as fast as they are taken.

    `kept_back` of it, a share, is not sent before that.
    """

    def __init__(self, house: House, province: Province, rate: float, ingest: str = "ingest", kept_back: float = 0.0) -> None:
        self.house, self.province, self.rate = house, province, rate
        self._kept_back = kept_back
        self.started = self.delivered = 0
        """Check-ins of which the sending has begun, and those that were answered."""
        self.sent_for_s = 0.0
        """From the first check-in to the last, once all are sent."""
        self.begun, self.hurried = asyncio.Event(), asyncio.Event()
        """`begun`: the played day has; `hurried`: no pauses any more."""
        self.phones = Phones(house.address(ingest), connections=64, patience_s=900, journal=house.journal.note)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def nearly_sent(self) -> bool:
        """Whether what is left is kept back, at two check-ins a person and day."""
        return self.started >= (1 - self._kept_back) * 2 * self.province.employees * self.province.days

    async def prepare(self) -> None:
        """Import the province, as officers do."""
        with tempfile.TemporaryDirectory(prefix="hadir-province-") as folder:
            written = await asyncio.to_thread(files.write, self.province, Path(folder))
            await import_province(self.house.database.url, self.province, written, lambda _what, _done, _whole: None)
        await self.until_known()

    async def until_known(self) -> None:
        """Wait until those who answer the phones have heard of the people that were imported."""
        async with Observer(self.house.database.url, self.house.brokers.bootstrap) as observer:
            await observer.until_known([person.employee_id for person in self.province.people()], patience_s=180)

    async def run(self) -> None:
        """Send everything; raises SendingFailed when ingest refuses what it must take."""
        async with self.phones, asyncio.TaskGroup() as group:
            began, batch = asyncio.get_running_loop().time(), list[Arrival]()
            group.create_task(self._reports(group, began))
            next_move: dt.datetime | None = None
            async for arrival in planned(self.province):
                self.started += 1
                if next_move is None or arrival.at >= next_move:
                    await self.move_clock(arrival.at)
                    next_move = arrival.at + _CLOCK_STEP
                    self.begun.set()
                await self._pace(began + self.started / self.rate)
                if self._kept_back and self.nearly_sent:
                    await self.hurried.wait()
                if self.started % 2:
                    await self._start(group, [arrival])
                else:
                    batch.append(arrival)
                if len(batch) >= _IN_BATCH:
                    await self._start(group, batch)
                    batch = []
            await self._start(group, batch)
            self.sent_for_s = asyncio.get_running_loop().time() - began

    async def move_clock(self, at: dt.datetime) -> None:
        """Set the played clock, however often that takes."""
        await self.house.commanded("schedule", lambda lanes: move_clock(lanes, self.province.label, at))

    async def finish(self) -> None:
        """Move the clock past every closing of the province."""
        day_after = self.province.last_day + dt.timedelta(days=1)
        await self.move_clock(dt.datetime.combine(day_after, dt.time(7), dt.UTC))

    async def _pace(self, due: float) -> None:
        ahead = due - asyncio.get_running_loop().time()
        if ahead > 0 and not self.hurried.is_set():
            try:
                await asyncio.wait_for(self.hurried.wait(), ahead)
            except TimeoutError:
                return

    async def _start(self, group: asyncio.TaskGroup, some: list[Arrival]) -> None:
        if some:
            await self._slots.acquire()
            group.create_task(self._send([arrival.body() for arrival in some]))

    async def _send(self, bodies: list[dict[str, Any]]) -> None:
        try:
            self.house.journal.sent.update(body["check_in_id"] for body in bodies)
            if len(bodies) == 1:
                await self.phones.check_in(bodies[0])
            else:
                await self.phones.check_ins(bodies)
            self.delivered += len(bodies)
        finally:
            self._slots.release()

    async def _reports(self, group: asyncio.TaskGroup, began: float) -> None:
        """Beside the check-ins and as fast in proportion: one after the other they took hours longer than a soak of two."""
        for taken, body in enumerate(work_reports(self.province), 1):
            await self._pace(began + taken / (self.rate * _REPORTS_A_CHECK_IN))
            self.house.journal.sent.add(body["report_id"])
            await self._slots.acquire()
            group.create_task(self._report(body))

    async def _report(self, body: dict[str, Any]) -> None:
        try:
            await self.phones.report(body)
        finally:
            self._slots.release()
