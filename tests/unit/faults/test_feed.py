"""I5: what may be repeated on a topic, and what may not."""

import asyncio
import copy
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

from shared import topics
from tests.faults.feed import FOLDED, Feed, Folded
from tests.faults.invariants import i5_feed


def folded(*versions: int, **otherwise: str) -> Folded:
    """One subject that was told of in these versions; `v1="x"`: version 1 said something else the last time."""
    made = Folded()
    for index, version in enumerate(versions):
        is_last = version not in versions[index + 1 :]
        made.take("one", version, {"version": version, "said": otherwise.get(f"v{version}", "") if is_last else ""})
    return made


@pytest.mark.parametrize("versions", [(1,), (1, 2, 3), (1, 1, 2), (1, 2, 1, 2), (1, 2, 3, 1, 2, 3, 4)])
def test_what_a_relay_repeats_up_to_the_newest_is_right(versions: tuple[int, ...]) -> None:
    assert folded(*versions).wrong == folded(*versions).old_at_the_end() == []


@pytest.mark.parametrize(("versions", "newest"), [((1, 2, 1), 2), ((1, 2, 3, 1), 3), ((1, 2, 1, 2, 1), 2)])
def test_an_old_version_at_the_end_is_told(versions: tuple[int, ...], newest: int) -> None:
    assert folded(*versions).old_at_the_end() == [f"one: version 1 lies behind {newest}"]
    assert folded(*versions).newest == folded(*range(1, newest + 1)).newest


@pytest.mark.parametrize("versions", [(1, 1), (1, 2, 1), (1, 2, 1, 2), (1, 2, 3, 1, 2, 3)])
def test_a_version_that_comes_again_with_another_content_is_wrong_however_old_it_is(versions: tuple[int, ...]) -> None:
    assert folded(*versions, v1="x").wrong == ["one: version 1 was told twice, differently"]


def test_the_order_of_its_fields_is_nothing_that_a_version_says() -> None:
    made = Folded()
    made.take("one", 1, {"a": 1, "b": 2})
    made.take("one", 1, {"b": 2, "a": 1})

    assert made.wrong == []


@pytest.mark.parametrize("versions", [(2,), (1, 3), (1, 3, 2)])
def test_a_version_that_is_missing_when_a_later_one_comes_is_wrong(versions: tuple[int, ...]) -> None:
    assert len(folded(*versions).wrong) == 1


def test_a_copy_of_a_feed_knows_what_each_version_said() -> None:
    made = copy.deepcopy(folded(1, 2))
    made.take("one", 1, {"version": 1, "said": "x"})

    assert made.wrong == ["one: version 1 was told twice, differently"]


@pytest.mark.parametrize("topic", FOLDED, ids=lambda topic: topic.name)
def test_an_old_state_that_lies_last_violates_i5_where_only_the_last_is_kept(topic: topics.Topic[Any]) -> None:
    async def nothing(_: str) -> list[Any]:
        return []

    feed = Feed("nowhere")
    feed.folded = defaultdict(Folded, {topic.name: folded(1, 2, 1)})
    feed.folded[topic.name].newest.clear()  # what tables have of it is held against them elsewhere
    scene: Any = SimpleNamespace(connection=SimpleNamespace(fetch=nothing), feed=feed)

    assert bool(asyncio.run(i5_feed(scene))) == topic.compacted


def test_every_compacted_topic_is_folded_once_and_all_that_is_folded_has_versions() -> None:
    compacted = [topic.name for topic in FOLDED if topic.compacted]

    assert sorted(compacted) == sorted(topic.name for topic in topics.TOPICS if topic.compacted)
    assert len(compacted) == 10
    assert all("version" in topic.event.model_fields for topic in FOLDED if topic != topics.DEDUCTION)
