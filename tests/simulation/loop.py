"""An event loop in which time is a number: nothing waits for real, and the same seed gives the same run."""

import asyncio
import heapq
from typing import Any


class Deadlock(AssertionError):
    """Nobody can go on and no time is waited for."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready in order; when nothing is, the time becomes that of the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self._at = 0.0

    def time(self) -> float:
        """Seconds since the loop was made, as far as anything in it can tell."""
        return self._at

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]  # asyncio's own, for subclasses
        if not ready:
            while scheduled and scheduled[0]._cancelled:
                heapq.heappop(scheduled)._scheduled = False
            if not scheduled:
                raise Deadlock("every task waits for another")
            self._at = max(self._at, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._at:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _process_events(self, event_list: Any) -> None:
        """No sockets, no events."""

    def _write_to_self(self) -> None:
        """Nobody to wake: there is one thread."""

    def _timer_handle_cancelled(self, handle: Any) -> None:
        """A cancelled timer is passed over when its time comes."""
