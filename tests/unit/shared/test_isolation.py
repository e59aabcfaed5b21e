"""However many messages bring out a bug: order is kept, all others are done once, and a bad build buries nothing."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.failures import BadDeploy, Fenced, Poison, Unready
from shared.isolation import LONE_FAILURES, MOST_CONDEMNED, Condemned, Streak, settle


class Ledger:
    """Stands for the database: takes a part wholly or not at all."""

    def __init__(self, bad: set[int], error: type[Exception] = ZeroDivisionError) -> None:
        self.bad = bad
        self.error = error
        self.done: list[int] = []
        self.buried: dict[int, Condemned] = {}
        self.attempts = 0

    async def attempt(self, part: Sequence[int], condemned: Mapping[int, Condemned]) -> None:
        self.attempts += 1
        for item in part:
            if item in self.bad and item not in condemned:
                raise Poison("schema", "told so") if self.error is Poison else self.error(item)
        self.done += [item for item in part if item not in condemned]
        self.buried |= {item: condemned[item] for item in part if item in condemned}


@settings(deadline=None)  # a shared machine may be slow
@given(st.integers(1, 200), st.data())
def test_the_good_are_done_once_in_order_and_the_bad_are_buried(count: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1), max_size=MOST_CONDEMNED))
    ledger = Ledger(bad)

    asyncio.run(settle(range(count), ledger.attempt, Streak()))

    assert ledger.done == [item for item in range(count) if item not in bad]
    assert set(ledger.buried) == bad
    assert {verdict.reason for verdict in ledger.buried.values()} <= {"internal"}


async def test_a_batch_without_trouble_is_one_attempt() -> None:
    ledger = Ledger(set())

    await settle(range(500), ledger.attempt, Streak())

    assert ledger.attempts == 1


async def test_one_bad_message_among_five_hundred_costs_few_attempts() -> None:
    ledger = Ledger({321})

    await settle(range(500), ledger.attempt, Streak())

    assert ledger.attempts < 30


async def test_a_message_is_buried_only_after_it_failed_alone_several_times() -> None:
    ledger = Ledger({0})

    await settle([0], ledger.attempt, Streak())

    assert ledger.attempts == LONE_FAILURES + 1
    assert ledger.buried[0].detail == "ZeroDivisionError in 3 attempts"


async def test_a_build_that_fails_at_every_message_stops_with_nothing_buried() -> None:
    ledger = Ledger(set(range(500)))

    with pytest.raises(BadDeploy):
        await settle(range(500), ledger.attempt, Streak())

    assert not ledger.done
    assert not ledger.buried


async def test_a_build_that_fails_at_every_message_stops_when_they_trickle_in_too() -> None:
    ledger, streak = Ledger(set(range(500))), Streak()
    for number in range(MOST_CONDEMNED):
        await settle([number], ledger.attempt, streak)

    with pytest.raises(BadDeploy):
        await settle([MOST_CONDEMNED], ledger.attempt, streak)

    assert len(ledger.buried) == MOST_CONDEMNED


async def test_a_success_in_between_shows_that_it_is_the_messages_and_not_the_build() -> None:
    ledger, streak = Ledger(set(range(0, 100, 2))), Streak()

    for number in range(100):
        await settle([number], ledger.attempt, streak)

    assert ledger.done == list(range(1, 100, 2))


async def test_poison_that_a_rule_finds_is_buried_with_its_own_reason_and_is_no_bad_build() -> None:
    ledger = Ledger(set(range(50)), Poison)

    await settle(range(60), ledger.attempt, Streak())

    assert ledger.done == list(range(50, 60))
    assert {verdict.reason for verdict in ledger.buried.values()} == {"schema"}


@pytest.mark.parametrize("error", [Fenced, Unready, ConnectionError, MemoryError])
async def test_what_is_no_bug_is_passed_on_at_once(error: type[Exception]) -> None:
    ledger = Ledger({3}, error)

    with pytest.raises(error):
        await settle(range(10), ledger.attempt, Streak())

    assert ledger.attempts == 1
