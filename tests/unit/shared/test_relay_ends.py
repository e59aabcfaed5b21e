"""A relay that gives its session back, and with it the locks of its lanes, has nothing more on its way to Kafka."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared import relay as relay_module
from shared.health import Readiness
from shared.relay import Relay
from shared.settings import Settings

Told = list[str]


class Database:
    """The relay's session: its locks go with it."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def terminate(self) -> None:
        self._told.append("session given back")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    seen: Told = []

    async def drop(producer: Any) -> None:
        await asyncio.sleep(0)  # to end a connection takes a moment, in which others must not publish yet
        seen.append(f"{producer} dropped")

    monkeypatch.setattr(relay_module, "drop", drop)
    return seen


@pytest.fixture
def relay(told: Told) -> Relay:
    made = Relay(Settings(), "schedule", Readiness("schedule"), frozenset)
    made._connection, made._producer = Database(told), "producer"  # type: ignore[assignment]
    made._held = {3}
    return made


async def fail(*_: Any) -> int:
    raise ValueError("a round that fails")


async def failing_round(relay: Relay) -> None:
    relay._hold_owned = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(ValueError, match="a round that fails"):
        await relay._round_or_reset()


async def end(relay: Relay) -> None:
    relay._stopping = True
    await relay.run()


@pytest.mark.parametrize("ending", [failing_round, end])
async def test_the_producer_is_dropped_before_the_session_and_its_locks_are_given_back(
    relay: Relay, told: Told, ending: Callable[[Relay], Awaitable[None]]
) -> None:
    await ending(relay)

    assert told == ["producer dropped", "session given back"]
    assert (relay._connection, relay._producer, relay._held) == (None, None, set())


async def test_a_producer_that_cannot_be_dropped_keeps_no_lock(relay: Relay, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "drop", fail)

    with pytest.raises(ValueError, match="a round that fails"):
        await relay._reset()

    assert told == ["session given back"]
