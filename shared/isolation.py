"""Finding the message that brings out a bug: halve the work, in order, until one message stands alone.

A message that fails alone several times is condemned and buried together with the next work that succeeds; so a
build that fails at every message is noticed before it has buried any of them.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from shared import logs
from shared.failures import INTERNAL, BadDeploy, Fenced, Hole, Poison, is_infrastructure
from shared.retry import Abandoned

T = TypeVar("T")

LONE_FAILURES: Final = 3
"""How often a message must fail alone before it is given up."""

MOST_CONDEMNED: Final = 5
"""More messages than this in a row that fail alone, and it is the build that is wrong and not the messages."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Condemned:
    """Why a message is given up; `detail` names the kind of failure and quotes nothing."""

    reason: str
    detail: str


@dataclass(slots=True)
class Streak:
    """How many messages in a row were condemned for bugs, over all batches of this process."""

    internal: int = 0


Attempt = Callable[[Sequence[T], Mapping[T, Condemned]], Awaitable[None]]
"""Does some work in one transaction and buries those of it that are condemned."""


async def settle(items: Sequence[T], attempt: Attempt[T], streak: Streak) -> None:
    """Has all items done by `attempt`, in order, giving up only those that fail alone.

    Usually that is one attempt with everything. `Poison` raised for a lone item condemns it with its own reason.
    Raises `BadDeploy` when too many in a row fail, with those of this batch not buried; passes on what is not a bug, such as a
    `Hole`.
    """
    start, size = 0, len(items)
    waiting: dict[T, Condemned] = {}
    lone_failures = 0
    while start < len(items) or waiting:
        part = [*waiting, *items[start : start + size]]
        try:
            await attempt(part, waiting)
        except (Abandoned, BadDeploy, Fenced, Hole, MemoryError):
            raise
        except Exception as error:  # a bug, or poison that a rule found: exactly what this module is for
            if is_infrastructure(error) or start >= len(items):
                raise
            if size > 1:
                logs.event(_log, "A batch failed; halving it", level=logging.ERROR, count=size, exc_info=error)
                size //= 2
                continue
            if isinstance(error, Poison):
                waiting[items[start]] = Condemned(error.reason, error.detail)
            else:
                lone_failures += 1
                logs.event(_log, "A message failed alone", level=logging.ERROR, attempt=lone_failures, exc_info=error)
                if lone_failures < LONE_FAILURES:
                    continue
                streak.internal += 1
                if streak.internal > MOST_CONDEMNED:
                    raise BadDeploy(f"{streak.internal} messages in a row failed") from error
                waiting[items[start]] = Condemned(INTERNAL, f"{type(error).__qualname__} in {LONE_FAILURES} attempts")
            lone_failures = 0
            start += 1
        else:
            if len(part) > len(waiting):
                streak.internal = 0
            start += size
            waiting = {}
            lone_failures = 0
            size = min(size * 2, len(items))
