"""Carries the background tasks of the app: if one of them fails, which only a bug can cause, the process must end."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from shared import logs

_logger = logging.getLogger(__name__)

End = Callable[[BaseException], None]


class Duties:
    """Tasks that live as long as the app. `end` is told of the first one that fails."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed = False

    def take_on(self, duty: Coroutine[Any, Any, None], name: str) -> None:
        """Begins a task; it may return, but not raise."""
        task = asyncio.create_task(duty, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._look)

    async def lay_down(self) -> None:
        """Cancels all tasks and waits for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        self._tasks.discard(task)
        error = task.exception()
        if error is not None and not self._failed:
            self._failed = True
            logs.event(_logger, "A background task failed; the process ends", level=logging.CRITICAL, exc_info=error)
            self._end(error)
