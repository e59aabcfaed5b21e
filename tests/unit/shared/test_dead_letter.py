"""What is told of a dead letter always fits into an event, however large the message was."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.dead_letter import LARGEST_KEY_TOLD, LARGEST_TOLD, buried
from shared.envelope import MAX_EVENT_BYTES, encode
from shared.lanes import Work

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("size", [LARGEST_KEY_TOLD, LARGEST_KEY_TOLD + 1, 300_000, 900_000])
def test_a_message_with_a_huge_key_beside_a_large_value_can_be_buried(size: int) -> None:
    nowhere: Any = None
    work = Work(nowhere, "payroll", {3: 0}, {})

    work.bury_raw("hadir.employee.v1", 3, 7, b"k" * size, b"v" * LARGEST_TOLD, None, "schema", "\x01" * 500)

    assert work.buried == [("hadir.employee.v1", 3, 7, "schema")]


@pytest.mark.parametrize(("size", "told"), [(LARGEST_KEY_TOLD, True), (LARGEST_KEY_TOLD + 1, False)])
def test_a_key_travels_unless_it_is_too_large(size: int, told: bool) -> None:
    event = buried(
        "payroll", "hadir.employee.v1", 3, 7, reason="schema", detail="no id", key=b"k" * size, value=b"v", at=NOON
    )

    assert (event.key_base64 is not None) is told
    assert event.value_base64 == "dg=="
    assert len(encode(event)) < MAX_EVENT_BYTES
