"""Plays a change over everybody it concerns: lane by lane in chunks, on several processes, all in one snapshot, with progress."""

import asyncio
import datetime as dt
import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from services.geofence.rules.sites import Catalogue
from services.geofence.store.sites import every_site
from services.preview import people
from services.preview.change import Change, Window
from services.preview.judging import Sides, played
from services.preview.result import Found
from services.schedule.memory import Memory, Reference
from services.schedule.store.belonging import of_units
from shared.database import Connection, connect_auditor
from shared.topics import LANES

PROCESSES: Final = 2
CHUNK: Final = 1_000
"""People in one piece: some 3 s of work, so that progress moves and memory stays small."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """What every process needs to know; all connections look at the same exported snapshot. `units` None: people of any."""

    url: str
    snapshot: str
    window: Window
    change: Change
    units: frozenset[UUID] | None
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class Played:
    """A finished preview, and the org units' codes to tell it with."""

    found: Found
    codes: Mapping[UUID, str]
    seconds: float


def play(
    url: str, change: Change, window: Window, now: dt.datetime, *,
    processes: int = PROCESSES, progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Played:  # fmt: skip
    """Play a change over the days of the window; `progress` is told how many employees of how many are done.

    Nothing is written. With one process everything runs in this one. Raises what the database raises.
    """
    return asyncio.run(_play(url, change, window, now, processes, progress))


async def _play(
    url: str, change: Change, window: Window, now: dt.datetime, processes: int, progress: Callable[[int, int], None]
) -> Played:
    started = time.monotonic()
    connection = await connect_auditor(url, "hadir preview")
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("set local idle_in_transaction_session_timeout = 0")  # it only keeps the snapshot open
            snapshot = await connection.fetchval("select pg_export_snapshot()")
            await people.look_at(connection, "schedule")
            reference = await Memory().current(connection)
            units = _units(change, reference)
            everybody = await _count(connection, change, units)
            codes = {unit: state.code for unit, state in reference.units.items()}
            waiting = await people.waiting_days(connection, window, change.clock)
            job = Job(url, snapshot, window, change, units, now)
            found = await asyncio.to_thread(_in_processes, job, processes, everybody, progress)
    finally:
        await connection.close()
    return Played(found.with_waiting(waiting), codes, time.monotonic() - started)


def _in_processes(job: Job, processes: int, everybody: int, progress: Callable[[int, int], None]) -> Found:
    if processes == 1:
        alone = _Process(job)
        try:
            return _gather((alone.run(alone.lane(lane)) for lane in range(LANES)), everybody, progress)
        finally:
            alone.close()
    context = multiprocessing.get_context("spawn")  # this process has threads and connections that must not be copied
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(job,)) as pool:
        return _gather(_as_done({pool.submit(_lane, lane) for lane in range(LANES)}), everybody, progress)


def _as_done(waiting: set[Future[Found]]) -> Iterator[Found]:
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def _gather(parts: Iterator[Found], everybody: int, progress: Callable[[int, int], None]) -> Found:
    found = Found()
    for part in parts:
        found += part
        progress(found.people, everybody)
    return found


async def _count(connection: Connection, change: Change, units: frozenset[UUID] | None) -> int:
    return int(await connection.fetchval(
        f"""select count(*) from employee
           where {of_units("$1")} and ($2::uuid[] is null or employee_id = any($2::uuid[])) and played_clock = $3""",  # noqa: S608 - our own words
        None if units is None else list(units), None if change.people is None else list(change.people), change.clock,
    ))


def _units(change: Change, reference: Reference) -> frozenset[UUID] | None:
    """The units whose people are looked at: those that the change can reach and that were asked for."""
    concerned = change.concerns(reference)
    if concerned is None or change.units is None:
        return concerned if change.units is None else change.units
    return concerned & change.units


class _Process:
    """What one process keeps between lanes: its connection, and the reference data of both sides with their warm memories."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.runner = asyncio.Runner()
        self.connection: Connection | None = None
        self.sides: Sides | None = None
        self.clean_days = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on this process's own loop."""
        return self.runner.run(work)

    def close(self) -> None:
        """End the connection and the loop."""
        if self.connection is not None:
            self.run(self.connection.close())
        self.runner.close()

    async def lane(self, lane: int) -> Found:
        """Everybody of a lane."""
        started = time.process_time()
        found, after, units = Found(), UUID(int=0), self.job.units
        while True:
            if self.connection is None:
                self.connection = await connect_auditor(self.job.url, "hadir preview")
            async with self.connection.transaction(isolation="repeatable_read", readonly=True):
                await self.connection.execute(f"set transaction snapshot '{self.job.snapshot}'")
                if self.sides is None:
                    self.sides = await _sides(self.connection, self.job)
                    self.clean_days = self.sides.spares_clean_days(self.job.change)
                ids = await people.ids_after(self.connection, lane, after, units, self.job.change, CHUNK)
                known = await people.load(
                    self.connection, ids, self.job.window, self.job.change, clean_days=self.clean_days) if ids else None
            if known is not None:
                found += played(known, self.job.window, self.job.change, self.sides, self.job.now)
                after = ids[-1]
            if len(ids) < CHUNK:
                return found + Found(cpu_s=time.process_time() - started)


_process: _Process | None = None


def _begin(job: Job) -> None:
    global _process  # noqa: PLW0603 - one per process, as the pool gives no other place
    _process = _Process(job)
    os.nice(5)  # a preview may wait, a check-in may not
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)  # a chunk is many small values without cycles: looking for some costs more than judging


def _lane(lane: int) -> Found:
    assert _process is not None
    return _process.run(_process.lane(lane))


async def _sides(connection: Connection, job: Job) -> Sides:
    await people.look_at(connection, "schedule")
    before: Reference = await Memory().current(connection)
    fences = None
    if job.change.sites:
        await people.look_at(connection, "geofence")
        sites = {row.site_id: (row, version) for row, version in await every_site(connection)}
        for site in job.change.sites:
            sites[site.site_id] = (site, sites[site.site_id][1] + 1 if site.site_id in sites else 1)
        fences = Catalogue([row.compiled(version) for row, version in sites.values()])
    return Sides(before, job.change.after(before, job.window), fences)
