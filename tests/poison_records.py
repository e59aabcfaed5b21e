"""The corpus of poison as records of a topic: bad bodies, every value in every field, odd keys and headers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from shared.topics import DAY_ASSESSED, Topic, lane_of
from tests.poison import BODIES, VALUES, dumped, places, with_poison

SAMPLES = Path(__file__).parent / "contract" / "samples"
HEADERS: list[tuple[str, bytes | None]] = [
    ("ce_id", b"\xff\xfe"), ("ce_time", b"0001-01-01T00:00:00+14:00"), ("ce_subject", b"a\x00b"), ("ce_correlationid", None),
    ("ce_type", "\U0001f4a9".encode() * 100), ("ce_causationid", b"' or 1=1 --"), ("ce_id", b""), ("", b""),
]  # fmt: skip
KEYS = (None, b"", b"\xff\xfe", b"a\x00b", b"nobody", str(UUID(int=0)).encode(), "٢٠٢٦".encode())


class Sent(NamedTuple):
    """A record as it was sent."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def good(topic: Topic[Any]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SAMPLES / f"{topic.name}.json").read_bytes())
    return content


def placed(topic: Topic[Any], content: dict[str, Any]) -> tuple[int, bytes]:
    """The partition and the key of a content."""
    key = "|".join(str(content[name]) for name in topic.key.split("|") if name in content) or "key"
    lane = lane_of(content["employee_id"]) if topic.key.startswith("employee_id") else lane_of(key)
    return lane % topic.partitions, key.encode()


def corpus(topic: Topic[Any]) -> Iterator[Sent]:
    """All poison for a topic, between good records."""
    content = good(topic)
    partition, key = placed(topic, content)
    for raw in (None, *BODIES.values()):
        yield Sent(partition, key, raw, [])
    for at in places(content):
        for name, value in VALUES.items():
            # A day under a pack that never comes is waited for, by design: payroll names the pack that it misses.
            if not (topic is DAY_ASSESSED and at == ("policy_id",) and name == "nobody"):
                yield Sent(partition, key, dumped(with_poison(content, at, value)), [])
    for odd in KEYS if not topic.compacted else KEYS[1:]:  # the broker itself refuses a record without a key there
        yield Sent(partition, odd, dumped(content), [])
        if topic.compacted:
            yield Sent(partition, odd, None, [])
    yield Sent(partition, key, dumped(content), HEADERS)
