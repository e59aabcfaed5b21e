"""Lives the canaries' days: sends their check-ins, lets their clock strike, waits for what comes of it, and judges it."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections import deque
from collections.abc import Callable, Mapping
from fractions import Fraction
from time import monotonic
from typing import Any, Final, Literal

import aiohttp
import orjson

from services.canaries.ears import Ears
from services.canaries.truth import (
    FLOCK,
    Canary,
    Outcome,
    check_in,
    clock_of,
    following,
    identity,
    judged,
    morning,
    opens_month,
)
from services.schedule.commands import move_clock
from shared import logs, metrics
from shared.events import DayState
from shared.failures import is_infrastructure
from shared.lanes import Lanes

_log = logging.getLogger(__name__)

DAY_S: Final = 60.0
"""A day of the canaries takes this long."""
NOON_S: Final = 30.0
"""So long after the morning they go home: nothing that stops stays unnoticed for much longer."""
MENDS_WITHIN_S: Final = 15.0
"""A price that differs from the truth is called wrong when it has not changed after this: hops come one by one."""
REMEMBERED_S: Final = 600.0
"""How long a wrong penalty is told."""

_AGAIN_S: Final = 1.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)


class Life:
    """One generation's life; `ears` must be listening."""

    def __init__(self, lanes: Lanes, ears: Ears, ingest: str, generation: int) -> None:
        self._lanes, self._ears, self._ingest, self._generation = lanes, ears, ingest, generation
        self._ids: Final = {canary.name: identity(generation, canary) for canary in FLOCK}
        self._waiting: dict[str, float] = {}
        self._penalised: deque[float] = deque()
        metrics.CANARY_WAITING_S.set_function(self._oldest)
        metrics.CANARY_PENALISED.set_function(self._recently_penalised)

    def _oldest(self) -> float:
        return monotonic() - min(self._waiting.values()) if self._waiting else 0.0

    def _recently_penalised(self) -> float:
        while self._penalised and self._penalised[0] < monotonic() - REMEMBERED_S:
            self._penalised.popleft()
        return float(len(self._penalised))

    async def live(self, date: dt.date, until: dt.date) -> None:
        """Live the working days from `date` on, one each minute; returns when `until` is over."""
        await self._strike(date)
        async with aiohttp.ClientSession(base_url=self._ingest, timeout=_TIMEOUT) as session:
            while date <= until:
                began = monotonic()
                await self._day(session, date, began)
                date = following(date)
                self._ears.forget_before(date)
                await asyncio.sleep(max(0.0, began + DAY_S - monotonic()))

    async def _day(self, session: aiohttp.ClientSession, date: dt.date, began: float) -> None:
        overdue = asyncio.create_task(self._tell_overdue(began))
        costs = {canary.name: self._month(canary, date)[1] for canary in FLOCK}
        try:
            await self._send_all(session, date, "in")
            await asyncio.sleep(max(0.0, began + NOON_S - monotonic()))
            await self._send_all(session, date, "out")
            # Only now may the day close: a window that closes before its marks are known makes absences.
            versions = {canary.name: self._month(canary, date)[0] for canary in FLOCK}
            struck = monotonic()
            await self._strike(following(date))
            await asyncio.gather(*(
                self._judge(canary, date, costs[canary.name], versions[canary.name], struck) for canary in FLOCK
            ))  # fmt: skip
        finally:
            overdue.cancel()

    async def _tell_overdue(self, began: float) -> None:
        """Counts an unfinished day for each minute that it takes too long."""
        await asyncio.sleep(max(0.0, began + 2 * DAY_S - monotonic()))
        while True:
            metrics.CANARY_DAYS.labels("unfinished").inc()
            logs.event(_log, "The canaries' day does not end", level=logging.WARNING, count=len(self._waiting))
            await asyncio.sleep(DAY_S)

    async def _send_all(self, session: aiohttp.ClientSession, date: dt.date, mark: Literal["in", "out"]) -> None:
        await asyncio.gather(*(self._send(session, canary, date, mark) for canary in FLOCK))

    async def _send(self, session: aiohttp.ClientSession, canary: Canary, date: dt.date, mark: Literal["in", "out"]) -> None:
        """Send one check-in until it is accepted, and wait until its day tells of it."""
        body = check_in(self._generation, canary, date, mark)
        own_id = body["check_in_id"]
        done = self._waiting[own_id] = monotonic()
        while (refused := await _posted(session, body)) is not None:
            why = {"status": refused} if isinstance(refused, int) else {"error": refused}
            logs.event(_log, "A canary's check-in is not accepted", level=logging.WARNING, canary=canary.name, **why)
            await asyncio.sleep(_AGAIN_S)
        # A day never tells of a mark that counts for nothing, say one judged outside: that judgement is the answer then.
        await self._until(lambda: self._tells_of(canary, date, own_id) or self._ears.site(own_id) not in (None, canary.stands))
        del self._waiting[own_id]
        metrics.CANARY_SECONDS.labels("assessed").observe(monotonic() - done)

    def _tells_of(self, canary: Canary, date: dt.date, own_id: str) -> bool:
        day = self._ears.day(self._ids[canary.name], date)
        return day is not None and own_id in {str(reason) for reason in day.evidence}

    def _month(self, canary: Canary, date: dt.date) -> tuple[int, Fraction | None]:
        """Version and percent so far of a canary's month; percent None: an earlier process lived its first days."""
        told = self._ears.month(self._ids[canary.name], date)
        return told or (0, Fraction(0) if opens_month(date) else None)

    async def _judge(self, canary: Canary, date: dt.date, before: Fraction | None, version: int, struck: float) -> None:
        """Wait for the end of a canary's day and compare what it cost with the truth.

        `before`: percent of the month when the day began; `version`: of the month when the clock struck, at `struck`.
        """
        me = self._ids[canary.name]

        def ended() -> bool:
            day = self._ears.day(me, date)
            if day is None or (day.state is not DayState.FINAL and day.status is not canary.ends):
                return False
            # A day that is held stays as it was; of any other that is final payroll tells, since one more day is.
            return day.state is not DayState.FINAL or self._month(canary, date)[0] > version

        await self._until(ended)
        if before is None:
            return
        heard = monotonic()
        while (outcome := self._outcome(canary, date, before)) != "as-known":
            left = heard + MENDS_WITHIN_S - monotonic()
            if left <= 0:
                break
            await self._hear(left)
        if outcome == "as-known":
            metrics.CANARY_SECONDS.labels("priced").observe(monotonic() - struck)
        else:
            logs.event(_log, "A canary's day was priced wrongly", level=logging.ERROR, canary=canary.name, outcome=outcome)
        if outcome == "penalised":
            self._penalised.append(monotonic())
        metrics.CANARY_DAYS.labels(outcome).inc()

    def _outcome(self, canary: Canary, date: dt.date, before: Fraction) -> Outcome:
        day, cost = self._ears.day(self._ids[canary.name], date), self._month(canary, date)[1]
        codes = {finding.code for finding in day.findings} if day is not None else set()
        return judged(canary, codes, (before if cost is None else cost) - before)

    async def _strike(self, date: dt.date) -> None:
        """Let the canaries' clock say that the morning of a date has come."""
        while True:
            try:
                await move_clock(self._lanes, clock_of(self._generation), morning(date))
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                logs.event(_log, "The canaries' clock cannot be moved", level=logging.WARNING, error=error)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            await self._hear(1.0)

    async def _hear(self, within: float) -> None:
        """Return when something was heard, or the time is over."""
        self._ears.changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._ears.changed.wait()


async def _posted(session: aiohttp.ClientSession, body: Mapping[str, Any]) -> int | Exception | None:
    """None when accepted, else the status of the refusal or why there was no answer."""
    headers = {"Content-Type": "application/json"}
    try:
        async with session.post("/v1/check-ins", data=orjson.dumps(body), headers=headers) as answer:
            return None if answer.status == 202 else answer.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return error
