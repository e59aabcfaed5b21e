"""Plays a province: writes and imports it, delivers its check-ins, moves its clock past all closings, compares.

The play has a clock of its own, which only its invented people live by, and a calendar and rule packs that hold
for its units alone: nothing that holds for anybody else on the stack is touched.
"""

import asyncio
import datetime as dt
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Final

import uvloop

from services.schedule.commands import move_clock
from services.simulator import files
from services.simulator.agenda import work_reports
from services.simulator.comparing import compare
from services.simulator.delivery import PHONES_AT_ONCE, Delivery, Pace
from services.simulator.duty import last_complete_working_day
from services.simulator.importing import import_province
from services.simulator.latency import Watch
from services.simulator.phones import Phones
from services.simulator.progress import Told, nobody
from services.simulator.province import Province
from services.simulator.report import Report
from services.simulator.settled import Observer
from shared.database import open_pool
from shared.lanes import Lanes
from shared.settings import Settings

_ALL_CLOSED: Final = dt.time(7)
"""UTC on the day after the last: the westernmost night shift (07:00 WIB) has closed by its four hours, nobody
is offline any more, and nothing of that day itself is over yet, not even in the easternmost zone."""

HELD: Final = 0.95
"""A rate counts as held when at least this share of it was sent: nothing is sent before its time, so that a little is always missing."""

_REPORTS_AT_ONCE: Final = 16
_ROUNDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to play. `rate` is check-ins a second (None: as fast as they are taken).

    `steady_s` keeps the rate for so many seconds only, check-ins one by one, and measures latency and lag meanwhile.
    `real_time` lets a played second last a second. `folder` keeps the province's files (None: a temporary one).
    `first_day` defaults to what makes the last working day that is over in all zones the last day played.
    """

    employees: int = 2_000
    days: int = 1
    seed: int = 1
    rate: float | None = None
    first_day: dt.date | None = None
    steady_s: float | None = None
    real_time: bool = False
    folder: Path | None = None


def play(
    settings: Settings,
    employees: int = 2_000,
    days: int = 1,
    seed: int = 1,
    rate: float | None = None,
    progress: Told = nobody,
) -> Report:
    """Play the sample province on a running stack and compare; blocks until done. See `perform` for what it raises."""
    return uvloop.run(perform(settings, Wanted(employees, days, seed, rate), progress))


def employees_for(rate: float, seconds: float) -> int:
    """How many people make the mornings of the three zones last so long at that rate."""
    return max(50, round(rate * seconds))


async def perform(settings: Settings, wanted: Wanted, told: Told = nobody) -> Report:
    """Play what is wanted.

    Raises SendingFailed when ingest refuses or stays away, Refused when an importer does, NotSettled when
    the services stop making progress, and what connecting to Kafka or Postgres raises.
    """
    return await _Play(settings, wanted, told).perform()


@dataclass
class _Play:
    """One play, with the seconds that its phases took."""

    settings: Settings
    wanted: Wanted
    told: Told
    seconds: dict[str, float] = field(default_factory=dict)

    async def perform(self) -> Report:
        async with Observer(self.settings.database, self.settings.kafka) as observer, self._lanes() as lanes:
            province = await self._province(observer)
            report = Report(
                province.label, province.employees, province.days, str(province.first_day), str(province.last_day),
                rate=self.wanted.rate,
            )
            with self._phase("import"):
                await self._import(province, observer)
            async with Watch(self.settings.kafka, observer) if self.wanted.steady_s else nullcontext() as watch:
                await self._send(province, lanes, observer, watch, report)
                with self._phase("settle"):
                    await self._settle(province, lanes, observer)
            if watch is not None:
                measured(watch, report)
            report.lag = await observer.lag()
            with self._phase("compare"):
                found = await compare(province, observer, lambda done, whole: self.told("comparing", done, whole))
        report.take(found)
        report.seconds = self.seconds
        return report

    async def _province(self, observer: Observer) -> Province:
        """The province, in the first round that this stack has not seen."""
        wanted = self.wanted
        first = wanted.first_day
        if first is None:
            first = last_complete_working_day(dt.datetime.now(dt.UTC)) - dt.timedelta(days=wanted.days - 1)
        province = Province(wanted.seed, wanted.employees, first, wanted.days)
        for number in range(1, _ROUNDS):
            province = replace(province, round=number)
            if not await observer.used(province.units[0].code):
                break
        return province

    async def _import(self, province: Province, observer: Observer) -> None:
        with tempfile.TemporaryDirectory(prefix="hadir-province-") as temporary:
            self.told("writing the province's files", 0, 1)
            written = await asyncio.to_thread(files.write, province, self.wanted.folder or Path(temporary))
            await import_province(self.settings.database, province, written, self.told)
        await observer.until_known([person.employee_id for person in province.people()])

    async def _send(
        self, province: Province, lanes: Lanes, observer: Observer, watch: Watch | None, report: Report
    ) -> None:
        wanted = self.wanted
        steady = round(wanted.rate * wanted.steady_s) if wanted.rate and wanted.steady_s else None
        pace = Pace(wanted.rate, wanted.real_time, steady)
        address = f"http://{self.settings.host}:{self.settings.ingest_port}"
        async with Phones(address, connections=PHONES_AT_ONCE if watch else 8) as phones:
            with self._phase("send"):
                delivery = Delivery(province, lanes, phones, observer, pace=pace, watch=watch, told=self.told)
                # A steady rate is measured without the reports; else they go along.
                reports = None if watch else asyncio.create_task(self._send_reports(province, phones))
                await delivery.all()
                await (reports or self._send_reports(province, phones))
        report.sent_per_s = None if delivery.held is None else round(delivery.held, 1)
        report.own_us = None if delivery.own_s is None else round(delivery.own_s * 1e6)
        tally = phones.tally
        report.sent, report.accepted, report.replayed = tally.sent, tally.accepted, tally.replayed
        report.reports, report.retries, report.unanswered = tally.reports, tally.retries, tally.unanswered

    async def _send_reports(self, province: Province, phones: Phones) -> None:
        """Send everybody's work reports, a few at a time."""
        bodies = work_reports(province)

        async def some() -> None:
            for body in bodies:  # all senders draw from the one generator
                await phones.report(body)

        await asyncio.gather(*(some() for _ in range(_REPORTS_AT_ONCE)))

    async def _settle(self, province: Province, lanes: Lanes, observer: Observer) -> None:
        day_after = province.last_day + dt.timedelta(days=1)
        await move_clock(lanes, province.label, dt.datetime.combine(day_after, _ALL_CLOSED, dt.UTC))
        await observer.until_settled(
            province.label, province.last_day, lambda done, whole: self.told("assessing and pricing", done, whole)
        )

    @asynccontextmanager
    async def _lanes(self) -> AsyncIterator[Lanes]:
        pool = await open_pool(self.settings.database, "schedule", max_size=2)
        try:
            yield Lanes(pool, "schedule")
        finally:
            await pool.close()

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = perf_counter()
        yield
        self.seconds[name] = round(perf_counter() - began, 2)


def measured(watch: Watch, report: Report) -> None:
    """Put into the report what was seen of a play at a steady rate."""
    report.measured = len(watch.latencies.seconds)
    report.p50_s, report.p99_s = watch.latencies.percentile(50), watch.latencies.percentile(99)
    report.highest_lag, report.lag_growth_per_s = watch.lag.highest, watch.lag.growth
    report.lag_flat = watch.lag.flat(report.sent_per_s or 0.0)
    report.rate_held = report.rate is not None and (report.sent_per_s or 0.0) >= HELD * report.rate
