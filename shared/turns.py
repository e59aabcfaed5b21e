"""Turns of background work: what arrives goes first, and neither can starve the other.

A process's chores run one at a time, and whoever has worked rests before the next one has its turn. While it rests, arrivals
have the lanes and the processor to themselves. What chores produce stands before the arrivals in the topics that follow, so
the share also bounds how fast they may produce for whoever reads them: payroll spends less than twice of what schedule
spends on a closed day (docs/performance.md), so that a third of schedule's time leaves payroll time for arrivals.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

SHARE: Final = 1 / 3
"""Part of a worker's time that its chores take while records arrive. Our default."""

SHARE_WHEN_QUIET: Final = 1 / 2
"""The same while none do: more would only let what is produced pile up before those who arrive next. Our default."""

QUIET_AFTER_S: Final = 1.0
"""After so long without a record nothing is arriving."""


def rest_s(worked_s: float, silent_s: float) -> float:
    """Seconds to rest after so many seconds of work, when the last record arrived so long ago."""
    share = SHARE if silent_s < QUIET_AFTER_S else SHARE_WHEN_QUIET
    return worked_s * (1 - share) / share


class Turns:
    """Lets the chores of one process have their turns, in the order in which they ask."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, now: Callable[[], float] = monotonic) -> None:
        self._sleep = sleep
        self._now = now
        self._turn = asyncio.Lock()
        self._arrived = float("-inf")

    def arrived(self) -> None:
        """Records have arrived just now."""
        self._arrived = self._now()

    async def take(self, chore: Callable[[], Awaitable[int]]) -> int:
        """Does one piece of work when it is its turn, rests if there was any, and returns how many items were done."""
        async with self._turn:
            began = self._now()
            done = await chore()
            if done:
                ended = self._now()
                await self._sleep(rest_s(ended - began, ended - self._arrived))
            return done
