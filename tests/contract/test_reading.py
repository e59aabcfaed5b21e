"""Events are read from their text, which is quicker: whatever a field is spoilt with, that must say what reading its values says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from shared.envelope import decode
from shared.events import Event
from shared.failures import Poison
from shared.topics import TOPICS, Topic

SAMPLES = {path.stem: path for path in (Path(__file__).parent / "samples").glob("*.json")}
SAMPLED = [topic for topic in TOPICS if topic.name in SAMPLES]
ODD: list[Any] = [
    None, True, 0, -1, 1.0, 1.5, 2**40, 2**63 - 1, 1e30, 1770000000, 1770000000.5, 1770000000000, "", "x", "3", "true", " in", "é",
    "2026-02-02", "2026-02-30", "2026-02-02T00:00:00", "2026-02-02 00:00:00+07:00", "2026-02-02T25:00:00Z", "1770000000",
    "12345678123456781234567812345678", "{12345678-1234-5678-1234-567812345678}", [], ["x"], [1], {}, {"a": 1},
]  # fmt: skip
"""What a foreign producer may put where something else belongs."""


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in found:
        yield (*above, key)
        yield from places(below, (*above, key))


def spoilt(whole: bytes, place: tuple[Any, ...], odd: Any) -> bytes:
    copy = at = orjson.loads(whole)
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = odd
    return orjson.dumps(copy)


def by_values(topic: Topic[Any], raw: bytes) -> Event | None:
    try:
        return topic.event.model_validate(orjson.loads(raw))  # type: ignore[no-any-return]
    except ValidationError:
        return None


def by_text(topic: Topic[Any], raw: bytes) -> Event | None:
    try:
        return decode(topic, raw)  # type: ignore[no-any-return]
    except Poison:
        return None


@pytest.mark.parametrize("topic", SAMPLED, ids=lambda topic: topic.name)
def test_the_text_of_an_event_says_what_its_values_say(topic: Topic[Any]) -> None:
    whole = SAMPLES[topic.name].read_bytes()
    assert by_text(topic, whole) == by_values(topic, whole) is not None

    for place in [*places(orjson.loads(whole)), *((name,) for name in topic.event.model_fields)]:
        for odd in ODD:
            raw = spoilt(whole, place, odd)
            text, values = by_text(topic, raw), by_values(topic, raw)
            assert (text, repr(text)) == (values, repr(values)), (place, odd)


def test_most_topics_have_a_sample_to_spoil() -> None:
    assert len(SAMPLED) > 15
