"""Retrying in place, for ever: how every part of the runtime lives through an outage of database or broker."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from shared import logs, metrics
from shared.failures import is_infrastructure
from shared.health import Readiness

T = TypeVar("T")

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 5.0

_log = logging.getLogger(__name__)


class Abandoned(Exception):
    """The work is no longer this process's to do: its lanes were given to another while it was retried."""


async def persist(
    work: Callable[[], Awaitable[T]], *, what: str, service: str, readiness: Readiness,
    abandoned: Callable[[], bool] = lambda: False,
) -> T:  # fmt: skip
    """Does `work` until infrastructure lets it succeed; other errors are raised as they are.

    While it fails the process is not ready, `what` (a literal) says why. Pauses grow to 5 s, with jitter so that
    workers do not come back in step. Raises `Abandoned` once `abandoned()` says so after a failure.
    """
    attempt = 0
    while True:
        try:
            done = await work()
        except Exception as error:
            if not is_infrastructure(error):
                raise
            attempt += 1
            if abandoned():
                raise Abandoned(what) from error
            metrics.RETRIES.labels(service).inc()
            readiness.lack(what)
            level = logging.WARNING if attempt in (1, 10) or attempt % 100 == 0 else logging.DEBUG
            logs.event(_log, "Retrying: infrastructure failed", level=level, attempt=attempt, exc_info=error)
            pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(attempt, 10))
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, guards nothing
            if abandoned():
                raise Abandoned(what) from error
        else:
            if attempt:
                readiness.have(what)
                logs.event(_log, "Infrastructure is back", attempt=attempt)
            return done
