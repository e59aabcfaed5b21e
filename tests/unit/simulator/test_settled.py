"""When a play has come to rest, and when nothing moves any more."""

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from services.reports.flow import CONSUMED, Ends
from services.simulator import settled
from services.simulator.settled import NotSettled, Observer, Waiting
from shared.topics import Service, Topic


class Looking(Observer):
    """An observer that sees this, once a minute, and the last of it for ever."""

    def __init__(self, *seen: Waiting) -> None:
        self.seen: Iterator[Waiting] = iter(seen)
        self.last = Waiting()
        self.minutes = 0

    async def look(self, *_: Any) -> Waiting:
        self.last = next(self.seen, self.last)
        return self.last

    async def sleep(self, _: float) -> None:
        self.minutes += 1

    def time(self) -> float:
        return self.minutes * 60.0


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[list[tuple[int, int]]]]:
    async def wait(*seen: Waiting) -> list[tuple[int, int]]:
        looking, told = Looking(*seen), list[tuple[int, int]]()
        monkeypatch.setattr(settled, "asyncio", SimpleNamespace(sleep=looking.sleep, get_running_loop=lambda: looking))
        await looking.until_settled("", dt.date(2026, 2, 2), lambda done, whole: told.append((done, whole)), patience_s=120.0)
        return told

    return wait


def due(*counts: int) -> list[Waiting]:
    return [Waiting({"events at schedule": 0, "due at schedule": count, "unsent by schedule": 0}) for count in counts]


async def test_work_that_brings_work_is_movement_as_its_end_is(settle: Any) -> None:
    assert await settle(*due(5, 900, 800, 700, 600, 0)) == [(0, 5), (0, 900), (100, 900), (200, 900), (300, 900), (900, 900)]


async def test_where_nothing_moves_the_wait_ends(settle: Any) -> None:
    with pytest.raises(NotSettled, match="nothing moved for 120 s; still under way: 900 due at schedule"):
        await settle(*due(5, 900, 900))


async def test_what_comes_and_goes_behind_a_service_that_stands_still_is_no_movement(settle: Any) -> None:
    behind = [Waiting({"events at geofence": 3, "events at schedule": count}) for count in (9, 1, 7, 2, 8, 3)]
    with pytest.raises(NotSettled, match="3 events at geofence"):
        await settle(*behind)


async def test_a_service_that_begins_after_a_long_one_has_its_own_patience(settle: Any) -> None:
    one, other = "events at geofence", "events at schedule"
    seen = [Waiting({one: 1, other: 900}), Waiting({one: 0, other: 950}), Waiting({one: 0, other: 950}), Waiting({one: 0, other: 1})]
    assert (await settle(*seen, Waiting()))[-1] == (950, 950)


class Passing(Observer):
    """Services through which others' events never cease to come; each look finds 100 more everywhere, of which all but 40 are done."""

    def __init__(self) -> None:
        self.looks = 0

    async def ends(self, topics: Sequence[Topic[Any]]) -> Ends:
        self.looks += 1
        return {(topics[0].name, 0): 100 * self.looks}

    async def positions(self, service: Service, topics: Collection[str]) -> Ends:
        self.looks += 1
        return {(topic, 0): 100 * self.looks - 40 for topic in topics}

    async def issued(self, service: Service) -> Mapping[int, int]:
        self.looks += 1
        return {0: 100 * self.looks}

    async def unsent(self, service: Service, issued: Mapping[int, int]) -> int:
        self.looks += 1
        return max(0, issued[0] - (100 * self.looks - 140))


class Hurrying(Observer):
    """Five events whose services are done between two looks, each with a record of its own for the next."""

    def __init__(self) -> None:
        self.sent = {"geofence": 5, "schedule": 0, "payroll": 0}
        self.done: dict[str, int] = dict.fromkeys(self.sent, 0)
        self.written: dict[str, int] = dict.fromkeys(self.sent, 0)
        self.published: dict[str, int] = dict.fromkeys(self.sent, 0)

    async def ends(self, topics: Sequence[Topic[Any]]) -> Ends:
        return {(topics[0].name, 0): self.sent[next(service for service, of in CONSUMED if of == topics)]}

    async def short_of(self, service: Service, ends: Ends) -> int:
        return sum(ends.values()) - self.done[service]

    async def issued(self, service: Service) -> Mapping[int, int]:
        return {0: self.written[service]}

    async def unsent(self, service: Service, issued: Mapping[int, int]) -> int:
        return issued[0] - self.published[service]

    async def sleep(self, _: float) -> None:
        """One service does all that waits before it, or publishes all that it has written."""
        for service, after in (("geofence", "schedule"), ("schedule", "payroll"), ("payroll", None)):
            if self.done[service] < self.sent[service]:
                self.done[service] = self.written[service] = self.sent[service]
                return
            if self.published[service] < self.written[service]:
                self.published[service] = self.written[service]
                if after is not None:
                    self.sent[after] = self.written[service]
                return

    def time(self) -> float:
        return 0.0


async def test_what_a_service_did_between_two_looks_is_waited_for_at_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    hurrying = Hurrying()
    monkeypatch.setattr(settled, "asyncio", SimpleNamespace(sleep=hurrying.sleep, get_running_loop=lambda: hurrying))

    await hurrying.until_no_lag()

    assert hurrying.published == dict.fromkeys(hurrying.sent, 5)


async def test_what_others_send_meanwhile_is_not_waited_for() -> None:
    await Passing().until_no_lag(patience_s=5.0)
