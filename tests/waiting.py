"""Waiting for what happens in another process: by looking again until a deadline, never by a sleep that should be long enough."""

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

PATIENCE_S = 120.0
_PAUSE_S = 0.05


async def until(
    question: Callable[[], Any], within: float = PATIENCE_S, otherwise: Callable[[], str] = lambda: "it did not happen in time"
) -> Any:
    """The first answer, awaited if it can be, that is true; fails with `otherwise` after so many seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = question()
        if isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < deadline, otherwise()
        await asyncio.sleep(_PAUSE_S)
