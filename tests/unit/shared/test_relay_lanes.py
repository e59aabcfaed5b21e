"""Whose lanes a relay publishes: it gives back those that moved away, and keeps its locks however slow the broker is."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from shared import kafka
from shared import relay as relay_module
from shared.health import Readiness
from shared.relay import Relay
from shared.settings import Settings

LANE = 3
ROW = {"lane": LANE, "seq": 7, "topic": "days", "partition": LANE, "key": b"key", "headers": "{}", "value": b"value"}


def relay_of(*lanes: int) -> Relay:
    return Relay(Settings(), "schedule", Readiness("schedule"), lambda: frozenset(lanes))


class Locks:
    """A session that is given every lock it asks for."""

    def __init__(self) -> None:
        self.held: set[int] = set()

    async def fetch(self, _: str, _space: str, lanes: list[int]) -> list[dict[str, Any]]:
        self.held.update(lanes)
        return [{"lane": lane, "held": True} for lane in lanes]

    async def execute(self, query: str, _space: str, lane: int) -> None:
        assert "pg_advisory_unlock" in query
        self.held.remove(lane)


async def test_the_lock_of_a_lane_that_moved_away_is_given_back() -> None:
    relay, locks = relay_of(1, 2, 3), Locks()
    session: Any = locks
    await relay._hold_owned(session)
    assert locks.held == {1, 2, 3}
    relay._owned = lambda: frozenset({2, 4})

    await relay._hold_owned(session)

    assert locks.held == relay._held == {2, 4}


class SlowBroker:
    """A producer whose one batch is acknowledged once the relay's session has been heard so often; a session, too."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._acknowledged = asyncio.get_running_loop().create_future()
        self.said: list[str] = []

    def create_batch(self) -> Any:
        return SimpleNamespace(append=lambda **record: record, close=lambda: None)

    async def send_batch(self, *_: Any, **__: Any) -> Any:
        return self._acknowledged

    async def execute(self, query: str) -> None:
        self.said.append(query)
        if len(self.said) == self._after:
            self._acknowledged.set_result(None)


async def test_the_session_lets_itself_be_heard_while_the_broker_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "_POLL_S", 0.01)
    slow: Any = SlowBroker(after=3)

    async with asyncio.timeout(20):
        assert await relay_of(LANE)._publish(slow, slow, [ROW]) == ({LANE: 7}, None)

    assert slow.said == ["select 1"] * 3


async def gone(_: str) -> None:
    raise ConnectionError("the session is gone")


async def silent(_: str) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(("database", "ending"), [(gone, ConnectionError), (silent, TimeoutError)])
async def test_a_session_that_is_gone_or_a_database_that_has_fallen_silent_ends_the_wait_for_the_broker(
    database: Callable[[str], Awaitable[None]], ending: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_POLL_S", 0.01)
    monkeypatch.setattr(relay_module, "_ANSWER_S", 0.05)
    slow: Any = SlowBroker(after=99)
    slow.execute = database

    async with asyncio.timeout(20):
        with pytest.raises(ending):
            await relay_of(LANE)._publish(slow, slow, [ROW])


def test_whoever_hears_nothing_of_its_database_has_nothing_on_its_way_when_that_ends_its_session() -> None:
    assert relay_module._POLL_S + relay_module._ANSWER_S + kafka._GOODBYE_S < relay_module._SILENCE_S
