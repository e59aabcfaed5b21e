"""Who gets which lane, and in which batches messages come."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.pump import LaneAssignor, _PositionConsumer, batches


def assigned(members: dict[str, list[str]], partitions: int = 24) -> dict[str, dict[str, list[int]]]:
    cluster = SimpleNamespace(partitions_for_topic=lambda topic: set(range(partitions)))
    known: dict[str, Any] = {name: SimpleNamespace(subscription=topics) for name, topics in members.items()}
    answer = LaneAssignor.assign(cluster, known)
    return {name: dict(given_.assignment) for name, given_ in answer.items()}


@settings(deadline=None)  # a shared machine may be slow
@given(st.integers(1, 30), st.integers(1, 3))
def test_every_partition_has_one_owner_and_a_lane_of_all_topics_the_same(workers: int, topics: int) -> None:
    names = [f"t{n}" for n in range(topics)]

    given_ = assigned({f"w{n}": names for n in range(workers)})

    owners = Counter((topic, lane) for lanes in given_.values() for topic, found in lanes.items() for lane in found)
    assert set(owners.values()) == {1}
    assert len(owners) == 24 * topics
    assert all(len({tuple(found) for found in lanes.values()}) <= 1 for lanes in given_.values())


def test_lanes_are_shared_evenly() -> None:
    given_ = assigned({f"w{n}": ["t"] for n in range(5)})

    assert sorted(len(lanes["t"]) for lanes in given_.values()) == [4, 5, 5, 5, 5]


def test_lanes_are_given_while_the_broker_names_no_partitions_yet() -> None:
    class Declared(LaneAssignor):
        declared: ClassVar[dict[str, int]] = {"t": 24}

    just_started = SimpleNamespace(partitions_for_topic=lambda topic: None)

    given_ = Declared.assign(just_started, {"w": SimpleNamespace(subscription=["t"])})

    assert dict(given_["w"].assignment) == {"t": list(range(24))}


def test_a_topic_goes_only_to_those_that_read_it() -> None:
    given_ = assigned({"old": ["a"], "new": ["a", "b"]})

    assert "b" not in given_["old"]
    assert given_["new"]["b"] == list(range(24))


@pytest.mark.parametrize(("given_", "heard"), [({"t"}, ["assigned", "Faust"]), (set(), ["assigned", "take", "Faust"])])
async def test_the_owner_hears_of_each_assignment_before_it_is_asked_where_to_go_on(
    given_: set[Any], heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    async def take(_generation: int, _assigned: list[Any]) -> None:
        told.append("take")

    async def faust(_consumer: Any, _assigned: set[Any], _generation: int) -> None:
        told.append("Faust")

    monkeypatch.setattr(_PositionConsumer.__mro__[1], "on_partitions_assigned", faust)
    consumer: Any = object.__new__(_PositionConsumer)
    consumer.app = SimpleNamespace(owner=SimpleNamespace(assigned=lambda: told.append("assigned"), take=take))

    await consumer.on_partitions_assigned(given_, 1)

    assert told == heard


class Channel(asyncio.Queue[Any]):
    """A stream, its channel and its queue in one, as far as batches look at them, with these messages waiting."""

    def __init__(self, messages: int) -> None:
        super().__init__()
        self.channel = self.queue = self
        for number in range(messages):
            self.put_nowait(SimpleNamespace(message=number))

    def __aiter__(self) -> "Channel":
        return self

    async def __anext__(self) -> Any:
        raise AssertionError("messages are taken from the queue")


async def test_waiting_messages_come_in_whole_batches_and_in_order_without_waiting_for_more() -> None:
    taken = batches(Channel(25), 10, within=3600.0)

    assert await anext(taken) == list(range(10))
    assert await anext(taken) == list(range(10, 20))


async def test_less_than_a_whole_batch_comes_with_the_next_tick_and_with_what_came_until_then() -> None:
    queue = Channel(1)
    taken = batches(queue, 10, within=0.2)

    waiting = asyncio.ensure_future(anext(taken))
    await asyncio.sleep(0)
    queue.put_nowait(SimpleNamespace(message=1))

    assert await waiting == [0, 1]


async def test_messages_that_a_rebalance_took_away_while_a_batch_filled_are_no_longer_waited_for() -> None:
    queue = Channel(3)
    taken = batches(queue, 10, within=0.2)

    waiting = asyncio.ensure_future(anext(taken))
    await asyncio.sleep(0)
    while not queue.empty():
        queue.get_nowait()

    assert await waiting == [0]
