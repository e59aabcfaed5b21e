"""Who tells the relay of something to publish is heard, whenever they tell it."""

import asyncio

import pytest

from shared import relay as relay_module
from shared.health import Readiness
from shared.relay import Relay
from shared.settings import Settings


async def test_a_word_that_comes_while_the_relay_looks_has_it_look_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "_POLL_S", 3600.0)
    relay = Relay(Settings(), "schedule", Readiness("schedule"), frozenset)
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        relay.wake()  # what it tells of was committed after the look, and before its answer was read
        relay._stopping = looks == 2
        return 0

    monkeypatch.setattr(relay, "_round_or_reset", look)
    async with asyncio.timeout(30):
        await relay.run()
    assert looks == 2
