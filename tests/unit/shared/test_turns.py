"""Background work and arrivals share a worker: neither starves the other, whatever a piece of work takes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.turns import QUIET_AFTER_S, SHARE, SHARE_WHEN_QUIET, Turns, rest_s


class Clock:
    """Time that passes only when somebody works or rests."""

    def __init__(self) -> None:
        self.now = 100.0
        self.rested = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.rested += seconds
        await asyncio.sleep(0)

    def turns(self) -> Turns:
        return Turns(self.sleep, lambda: self.now)


def work(clock: Clock, seconds: float, pieces: int, seen: list[str], name: str) -> Callable[[], Awaitable[int]]:
    async def piece() -> int:
        seen.append(name)
        clock.now += seconds
        await asyncio.sleep(0)
        return int(seen.count(name) < pieces)

    return piece


async def until_done(turns: Turns, chore: Callable[[], Awaitable[int]]) -> None:
    while await turns.take(chore):
        pass


@given(st.floats(1e-4, 1e3), st.floats(0, 1e3))
def test_work_never_takes_more_than_its_share_and_never_waits_for_ever(worked: float, silent: float) -> None:
    rest = rest_s(worked, silent)

    assert worked / (worked + rest) == pytest.approx(SHARE if silent < QUIET_AFTER_S else SHARE_WHEN_QUIET)
    assert rest <= 2 * worked * 1.001


async def test_a_large_heap_of_work_leaves_two_thirds_of_the_time_to_those_who_keep_arriving() -> None:
    clock, seen = Clock(), list[str]()
    turns = clock.turns()
    chore = work(clock, 0.1, 200, seen, "close")
    began = clock.now
    turns.arrived()
    while await turns.take(chore):
        turns.arrived()

    assert len(seen) == 200, "and all of it is done"
    assert clock.rested / (clock.now - began) == pytest.approx(2 / 3, abs=0.01)


async def test_without_arrivals_work_takes_half_of_the_time() -> None:
    clock, seen = Clock(), list[str]()
    began = clock.now
    await until_done(clock.turns(), work(clock, 0.1, 100, seen, "close"))

    assert clock.rested / (clock.now - began) == pytest.approx(1 / 2, abs=0.01)


async def test_a_chore_without_end_does_not_keep_another_from_its_turn() -> None:
    clock, seen = Clock(), list[str]()
    turns = clock.turns()
    endless = asyncio.create_task(until_done(turns, work(clock, 0.1, 10_000, seen, "endless")))
    await until_done(turns, work(clock, 0.1, 20, seen, "short"))
    endless.cancel()
    await asyncio.gather(endless, return_exceptions=True)

    assert seen.count("endless") <= 22, "they took turns"


async def test_chores_do_not_work_at_the_same_time() -> None:
    turns = Turns()
    working = 0

    async def piece() -> int:
        nonlocal working
        working += 1
        await asyncio.sleep(0.001)
        assert working == 1
        working -= 1
        return 0

    assert await asyncio.gather(*(turns.take(piece) for _ in range(10))) == [0] * 10


async def test_a_chore_that_fails_gives_its_turn_back() -> None:
    turns = Turns()

    async def failing() -> int:
        raise ConnectionError

    async def fine() -> int:
        return 0

    with pytest.raises(ConnectionError):
        await turns.take(failing)
    assert await asyncio.wait_for(turns.take(fine), 10) == 0


async def test_whoever_had_nothing_to_do_does_not_rest() -> None:
    clock, seen = Clock(), list[str]()
    turns = clock.turns()
    turns.arrived()

    assert await turns.take(work(clock, 0.1, 1, seen, "idle")) == 0
    assert clock.rested == 0
