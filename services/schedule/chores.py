"""What no event asks for: opening days, closing those that time has made due, carrying mass changes through the lanes.

All of it is rows in Postgres, so nothing is missed while nobody runs, and a restart goes on where it stopped.
"""

import datetime as dt
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from services.schedule.assessing import assess_days
from services.schedule.memory import Memory
from services.schedule.store import due, opening, retention
from services.schedule.store.due import DueDay, remembered_cause
from services.schedule.store.opening import Horizon
from shared import metrics
from shared.isolation import Condemned, Streak, settle
from shared.lanes import Lanes
from shared.settings import Settings

DAYS_AT_ONCE: Final = 150
"""Days assessed in one transaction: some 0.1 s, which a live check-in of the same lane may have to wait. Our default."""

PEOPLE_AT_ONCE: Final = 500
"""People whose days are opened in one transaction."""

POSTPONED_BY: Final = dt.timedelta(minutes=10)
"""A day whose assessment brings out a bug is tried again after this, and stops nobody else."""

_COUNT_EVERY_S: Final = 10.0
ORDERS_KEPT: Final = dt.timedelta(days=7)
"""An order of a preview that nobody has played for so long is given up: the change it was of would need a fresh one anyway."""

_FORGET_EVERY_S: Final = 600.0
_FORGET_AT_MOST: Final = 10_000
_FORGETTING_LANE: Final = 0


class Forgetting:
    """Deletes what is kept for a while only, now and then, in the worker that owns the lane for it; facts are never deleted."""

    def __init__(self, lanes: Lanes, settings: Settings) -> None:
        self._lanes = lanes
        self._minutes: Final = dt.timedelta(days=settings.minute_days)
        self._previews: Final = dt.timedelta(days=settings.preview_days)
        self._next_look = 0.0

    async def forget(self, owned: Collection[int]) -> int:
        """The chore: deletes some; returns how many rows went."""
        if _FORGETTING_LANE not in owned or time.monotonic() < self._next_look:
            return 0
        async with self._lanes.pool.acquire() as connection:
            gone = await retention.forget_minutes(connection, self._minutes, _FORGET_AT_MOST)
            gone += await retention.give_up_orders(connection, ORDERS_KEPT, _FORGET_AT_MOST)
            gone += await retention.forget_previews(connection, self._previews, _FORGET_AT_MOST)
        if not gone:
            self._next_look = time.monotonic() + _FORGET_EVERY_S
        return gone


class Chores:
    """The background work of one worker over the lanes that it owns."""

    def __init__(self, lanes: Lanes, memory: Memory) -> None:
        self._lanes = lanes
        self._memory = memory
        self._counted_at = 0.0
        self._streak = Streak()

    async def open_days(self, owned: Collection[int]) -> int:
        """Opens the days of everybody up to tomorrow by their own clock; returns how many people moved on."""
        now = _now()
        async with self._lanes.pool.acquire() as connection:
            used = await opening.clocks_in_use(connection)
            horizons = [
                Horizon(clock, zone, _tomorrow(now if clock == due.REAL else at, zone))
                for clock, zone, at in used if clock == due.REAL or at is not None
            ]
            behind = await opening.behind(connection, owned, horizons, PEOPLE_AT_ONCE)
        if not behind:
            return 0
        async with self._lanes.hold(set(behind.values())) as work:
            return await opening.open_days(work.connection, behind, horizons)

    async def close_due_days(self, owned: Collection[int]) -> int:
        """Assesses days that are due, most urgent first; returns how many were looked at."""
        now = _now()
        async with self._lanes.pool.acquire() as connection:
            picked = await due.pick_due(connection, owned, now, DAYS_AT_ONCE)
            if time.monotonic() >= self._counted_at + _COUNT_EVERY_S:
                self._counted_at = time.monotonic()
                metrics.DUE_DAYS.labels("schedule").set(await due.backlog(connection, owned, now))
        if picked:
            await settle(picked, self._assess, self._streak)
        return len(picked)

    async def carry_changes(self, owned: Collection[int]) -> int:
        """Marks the next days due that a mass change concerns, a piece per lane; returns how many."""
        async with self._lanes.pool.acquire() as connection:
            pieces = await opening.spreads(connection, owned)
        marked = 0
        for piece in pieces:
            async with self._lanes.hold({piece.lane}) as work:
                marked += await opening.carry_on(work.connection, piece, _now().date())
        return marked

    async def _assess(self, picked: Sequence[DueDay], condemned: Mapping[DueDay, Condemned]) -> None:
        now = _now()
        async with self._lanes.hold({day.lane for day in picked}) as work:
            still = await due.still_due(work.connection, [day for day in picked if day not in condemned], now)
            if condemned:
                await due.postpone(work.connection, list(condemned), now + POSTPONED_BY)
            causes = {(day.employee_id, day.date): remembered_cause(day.cause_id, day.correlation_id, now) for day in still}
            await assess_days(work, self._memory, causes, now)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _tomorrow(at: dt.datetime | None, zone: str) -> dt.date:
    assert at is not None  # clocks without a time open nothing
    return at.astimezone(ZoneInfo(zone)).date() + dt.timedelta(days=1)
