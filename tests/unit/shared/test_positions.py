"""When lanes are claimed: once for each assignment, and never because the pump merely asks again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from shared.positions import Positions

STREAM = "hadir.check-in.recorded.v1"
PLACE = (STREAM, 3)


class Table:
    """Stands for the lanes and their table of positions."""

    def __init__(self) -> None:
        self.epoch = 0

    @asynccontextmanager
    async def hold(self, _lanes: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(connection=self)

    async def fetch(self, _query: str, topics: list[str], lanes: list[int]) -> list[dict[str, Any]]:
        self.epoch += 1
        return [
            {"topic": topic, "lane": lane, "epoch": self.epoch, "next_offset": 7} for topic, lane in zip(topics, lanes, strict=True)
        ]


def positions(table: Any) -> Positions:
    return Positions(table, "geofence", STREAM)


async def ask(asked: Positions, generation: int) -> dict[Any, int]:
    return dict(await asked.claim(generation, [PLACE], lambda: True))


async def test_a_generation_is_claimed_once_however_often_the_pump_asks() -> None:
    mine = positions(table := Table())
    mine.assigned()

    assert [await ask(mine, 1), await ask(mine, 1)] == [{PLACE: 7}, {PLACE: 7}]

    assert table.epoch == 1
    assert mine.owned() == {3}


async def test_what_was_given_up_is_not_claimed_again_because_the_fetch_loop_asks() -> None:
    mine = positions(table := Table())
    mine.assigned()
    await ask(mine, 1)
    mine.release()

    await ask(mine, 1)

    assert table.epoch == 1
    assert mine.current is None


async def test_an_assignment_under_a_number_that_was_given_before_is_claimed() -> None:
    mine = positions(table := Table())
    mine.assigned()
    await ask(mine, 1)
    mine.release()
    mine.assigned()  # by a coordinator that lost its state, and counts from 1 again

    assert await ask(mine, 1) == {PLACE: 7}

    assert mine.current is not None
    assert mine.current.epochs == {PLACE: 2}
    assert table.epoch == 2


async def test_a_process_that_wakes_when_its_generation_is_over_claims_nothing_of_what_went_to_another() -> None:
    frozen = positions(table := Table())
    frozen.assigned()

    assert await frozen.claim(1, [PLACE], lambda: False) == {}

    assert table.epoch == 0
    assert frozen.current is None
