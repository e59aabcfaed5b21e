"""When a play has come to rest, and when nothing moves any more."""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from services.simulator import settled
from services.simulator.settled import NotSettled, Observer


class Looking(Observer):
    """An observer that sees these totals, one a minute, and the last of them for ever."""

    def __init__(self, *totals: int) -> None:
        self.totals: Iterator[int] = iter(totals)
        self.last = 0
        self.minutes = 0

    async def look(self, *_: Any) -> Any:
        self.last = next(self.totals, self.last)
        return SimpleNamespace(total=self.last)

    async def sleep(self, _: float) -> None:
        self.minutes += 1

    def time(self) -> float:
        return self.minutes * 60.0


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[list[tuple[int, int]]]]:
    async def wait(*totals: int) -> list[tuple[int, int]]:
        looking, told = Looking(*totals), list[tuple[int, int]]()
        monkeypatch.setattr(settled, "asyncio", SimpleNamespace(sleep=looking.sleep, get_running_loop=lambda: looking))
        await looking.until_settled("", dt.date(2026, 2, 2), lambda done, whole: told.append((done, whole)), patience_s=120.0)
        return told

    return wait


async def test_work_that_brings_work_is_movement_as_its_end_is(settle: Any) -> None:
    assert await settle(5, 900, 800, 700, 600, 0) == [(0, 5), (0, 900), (100, 900), (200, 900), (300, 900), (900, 900)]


async def test_where_nothing_moves_the_wait_ends(settle: Any) -> None:
    with pytest.raises(NotSettled, match="nothing moved"):
        await settle(5, 900, 900)
