"""Who gets which lane, and without what the pump must not start."""

from collections import Counter
from types import SimpleNamespace
from typing import Any, ClassVar

import faust.streams
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.pump import LaneAssignor, require_compiled_iterator
from shared.refusal import Refusal


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


def test_the_pump_refuses_to_start_without_the_compiled_stream_iterator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faust.streams, "_CStreamIterator", None)

    with pytest.raises(Refusal, match="NO_CYTHON"):
        require_compiled_iterator()


def test_the_installed_faust_has_it() -> None:
    require_compiled_iterator()
