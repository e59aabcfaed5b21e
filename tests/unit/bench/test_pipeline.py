"""Ours and the textbook build are timed by one clock, and the textbook build has nothing on its topic that is not counted."""

import asyncio
import datetime as dt
import itertools
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.bench.machine import Machine
from services.bench.record import Record
from services.simulator.province import Province
from shared.topics import TOPICS
from tests.benchmarks import filling, pipeline
from tests.benchmarks.filling import fill, first_copies
from tests.benchmarks.pipeline import Clock, all_came
from tests.benchmarks.reference import textbook
from tests.benchmarks.stack import Stack


class Spent:
    """A stack whose database has used a processor second more at each look, and one worker that is started late."""

    def __init__(self) -> None:
        self._looks = itertools.count(1)

    def cpu_s(self) -> dict[str, float]:
        looks = next(self._looks)
        return {"PostgreSQL": float(looks)} | ({"late": 0.5} if looks > 3 else {})


def test_the_clock_runs_from_the_last_look_at_which_a_tenth_had_left_the_first_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "time", SimpleNamespace(monotonic=itertools.count(100).__next__))
    clock = Clock(cast(Stack, Spent()), 1_000)  # at 100
    for left in (0, 100, 101, 900):  # at 101 and 102, then no more
        clock.look(left)

    assert clock.stopped() == (1, 900, {"PostgreSQL": 1.0, "late": 0.5})


def test_the_clock_counts_all_when_all_left_the_first_hop_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "time", SimpleNamespace(monotonic=itertools.count(100).__next__))
    clock = Clock(cast(Stack, Spent()), 300)
    clock.look(300)

    assert clock.stopped()[:2] == (1, 300)


BEFORE = {"located": 10, "marks": 10, "versions": 4, "buried": 1}


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"located": 14, "marks": 15, "versions": 9, "buried": 1}, "of 5 check-ins not all were located"),
        ({"located": 15, "marks": 14, "versions": 9, "buried": 1}, "or became marks"),
        ({"located": 15, "marks": 15, "versions": 4, "buried": 1}, "no month heard of them"),
        ({"located": 15, "marks": 15, "versions": 9, "buried": 2}, "1 messages were buried"),
    ],
)
def test_what_waits_nowhere_must_have_come_to_its_end(after: dict[str, int], why: str) -> None:
    all_came(5, BEFORE, {"located": 15, "marks": 15, "versions": 9, "buried": 1})
    with pytest.raises(AssertionError, match=why):
        all_came(5, BEFORE, after)


def test_a_rate_that_was_sustained_for_less_than_three_minutes_is_a_short_form_in_whatever_size_it_was_asked_for() -> None:
    machine = Machine(2, "Contoh CPU", 23.9, "Linux 6.1", "3.11.7", 3.0, 0.1, "without a profile")

    def judged(took: float, command: str) -> str:
        said = pipeline.pipeline(4_000.0, took, 500.0, "so")
        record = Record.of_program(said, command=command, date=dt.date(2026, 11, 30), commit="abc1234", machine=machine)
        assert Record.of_json(record.as_json()) == record
        return record.judgement

    assert [judged(took, "hadir bench pipeline --long") for took in (180.0, 179.9)] == ["reached", "reached, short form"]
    assert judged(180.0, "hadir bench pipeline") == "reached, short form"


class Producer:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, topic: str, value: bytes, **_more: Any) -> asyncio.Future[None]:
        self.sent.append((topic, value))
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_the_textbook_build_has_a_topic_of_its_own_that_holds_just_the_first_check_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    producer, province = Producer(), Province(1, 50, dt.date(2026, 2, 2))
    monkeypatch.setattr(filling, "new_producer", lambda *_of, **_more: producer)

    assert await fill("nowhere", first_copies(province), 7, textbook.RECORDED) == 7

    first = [str(arrival.stamp.check_in_id) for arrival in itertools.islice(first_copies(province), 7)]
    assert [topic for topic, _ in producer.sent] == [textbook.RECORDED] * 7
    assert [own in value.decode() for own, (_, value) in zip(first, producer.sent, strict=True)] == [True] * 7
    assert textbook.RECORDED not in {topic.name for topic in TOPICS}
