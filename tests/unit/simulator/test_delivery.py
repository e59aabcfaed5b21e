"""A rate that is watched is one of check-ins that the services have to carry: copies, which they know already, are no part of it."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import pytest

from services.simulator import delivery
from services.simulator.agenda import arrivals
from services.simulator.delivery import Delivery, Pace
from services.simulator.latency import Watch
from services.simulator.phones import Phones
from services.simulator.progress import nobody
from services.simulator.province import Province
from services.simulator.settled import Observer
from shared.lanes import Lanes

PROVINCE = Province(3, 200, dt.date(2026, 11, 19))


class Heard:
    """Stands for the phones: notes what was sent, alone and at all."""

    def __init__(self) -> None:
        self.alone: list[str] = []
        self.all: Counter[str] = Counter()

    async def check_in(self, body: dict[str, Any]) -> None:
        self.alone.append(body["check_in_id"])
        self.all[body["check_in_id"]] += 1

    async def check_ins(self, bodies: Sequence[dict[str, Any]]) -> None:
        self.all.update(body["check_in_id"] for body in bodies)


class Rested:
    """Stands for an observer of services at rest, and for a watch that sees nothing."""

    def __getattr__(self, _name: str) -> Any:
        async def nothing(*_: Any) -> None: ...

        return nothing


class Watching(Rested):
    def start_sampling(self) -> None: ...

    def answered(self, check_in_id: str) -> None: ...


async def delivered(monkeypatch: pytest.MonkeyPatch, pace: Pace, *, watched: bool) -> Heard:
    async def move_clock(*_: Any) -> None: ...

    monkeypatch.setattr(delivery, "move_clock", move_clock)
    heard, watch = Heard(), cast(Watch, Watching()) if watched else None
    await Delivery(
        PROVINCE, cast(Lanes, None), cast(Phones, heard), cast(Observer, Rested()), pace=pace, watch=watch, told=nobody
    ).all()
    return heard


async def test_a_watched_rate_counts_and_sends_each_check_in_once_and_the_rest_of_the_day_has_its_copies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies = Counter(str(arrival.stamp.check_in_id) for arrival in arrivals(PROVINCE))
    first_half = Counter(str(arrival.stamp.check_in_id) for arrival in list(arrivals(PROVINCE))[:150])
    assert max(first_half.values()) == 2, "the part that is watched has no copies"

    heard = await delivered(monkeypatch, Pace(1e9, steady=150), watched=True)

    assert (len(heard.alone[:150]), len(set(heard.alone[:150]))) == (150, 150)
    assert heard.all.keys() == copies.keys()
    again = {own for own, count in heard.all.items() if count == 2}
    assert 0 < len(again) < sum(count == 2 for count in copies.values())


async def test_a_province_that_nobody_watches_is_sent_with_all_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = await delivered(monkeypatch, Pace(), watched=False)

    assert heard.all == Counter(str(arrival.stamp.check_in_id) for arrival in arrivals(PROVINCE))
