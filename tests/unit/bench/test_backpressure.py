"""A flood is as many times what is sustained as was asked for, counts every answer, and tells of shedding only where something was shed."""

import asyncio
import datetime as dt
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.bench.machine import Machine
from services.bench.record import Record
from services.simulator.settled import Observer
from tests.benchmarks import backpressure
from tests.benchmarks.backpressure import Batch, Flood, Peak, lost, memory_of, sustained, without_retry_after
from tests.benchmarks.stack import forget_peak, peak_mib, rss_mib
from tests.benchmarks.wire import request

GROWN_AND_SHRUNK = """
import sys
for line in sys.stdin:
    grown = bytearray(64 * 2**20)
    grown[::4096] = b"x" * len(grown[::4096])
    del grown
    print(flush=True)
"""


def a_flood(shed: int, without: int = 0) -> Flood:
    """One of which so many answers, of 500 check-ins each, shed all of theirs."""
    flood = Flood("http://127.0.0.1:1")
    flood.answers.update({"202": 500, **({"503": 500 * shed} if shed else {})})
    flood.shed, flood.without_retry_after = shed, without
    return flood


def the_record(said: dict[str, Any]) -> Record:
    day = dt.date(2026, 11, 30)
    return Record.of_program(said, command="hadir bench backpressure", date=day, commit="abc1234", machine=Machine.now())


def results(status: int, each: list[int], **headers: str) -> web.Response:
    told = [{"index": n, "status": code} for n, code in enumerate(each)]
    return web.json_response({"results": told}, status=status, headers=headers)


class Ingest:
    """Answers each batch by what it is told to, everything else with 202; notes how many it had at once."""

    def __init__(self) -> None:
        self.planned: list[Callable[[], web.Response]] = []
        self.most, self._now = 0, 0

    async def batch(self, asked: web.Request) -> web.Response:
        count = len((await asked.json())["check_ins"])
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0.01)
        self._now -= 1
        return self.planned.pop(0)() if self.planned else results(207, [202] * count)


@pytest.fixture
async def ingest() -> AsyncIterator[tuple[Ingest, str]]:
    told = Ingest()
    app = web.Application()
    app.router.add_post("/v1/check-ins:batch", told.batch)
    server = TestServer(app)
    await server.start_server()
    try:
        yield told, str(server.make_url("/")).rstrip("/")
    finally:
        await server.close()


def batches(url: str, count: int, each: int = 3) -> list[Batch]:
    ids = [[UUID(int=each * number + place) for place in range(each)] for number in range(count)]
    return [(some, request(url, "/v1/check-ins:batch", b'{"check_ins": [%s]}' % b",".join([b"1"] * each))) for some in ids]


async def test_a_flood_counts_each_check_in_by_its_answer_and_each_answer_that_shed(ingest: tuple[Ingest, str]) -> None:
    told, url = ingest
    told.planned = [
        lambda: results(207, [202, 503, 202], **{"Retry-After": "2"}),
        lambda: results(207, [503, 503, 202]),
        lambda: results(503, [503, 503, 503], **{"retry-after": "2"}),
        lambda: web.json_response({"code": "busy"}, status=503, headers={"Retry-After": "2"}),
        lambda: web.json_response({"code": "busy"}, status=503),
        lambda: web.json_response({"code": "wrong"}, status=422),
    ]
    flood, sent = Flood(url), batches(url, 7)
    for some in sent:  # one after the other, so that each has its own answer
        await flood.run([some], 1e9)

    assert flood.answers == {"202": 6, "503": 3 + 3 * 3, "422": 3}
    assert flood.accepted == {sent[0][0][0], sent[0][0][2], sent[1][0][2], *sent[6][0]}
    assert (flood.shed, flood.without_retry_after, flood.unsent) == (5, 2, 0)


async def test_a_flood_that_nobody_answers_counts_why() -> None:
    flood = Flood("http://127.0.0.1:1")
    await flood.run(batches(flood.url, 1), 1e9)

    assert (flood.answers, flood.accepted, flood.shed) == ({"ConnectionRefusedError": 3}, set(), 0)


async def test_what_is_sustained_is_what_was_accepted_by_the_seconds_until_nothing_waits(
    monkeypatch: pytest.MonkeyPatch, ingest: tuple[Ingest, str]
) -> None:
    told, url = ingest
    waited = False

    class Rested:
        async def until_no_lag(self) -> None:
            nonlocal waited
            waited = True

    times = iter([100.0, 104.0])
    monkeypatch.setattr(backpressure, "time", SimpleNamespace(monotonic=lambda: next(times)))
    told.planned = [lambda: results(207, [202, 503, 202])]
    calm, carried = await sustained(url, cast(Observer, Rested()), batches(url, 7))

    assert (len(calm.accepted), carried, waited) == (20, 5.0, True)
    assert told.most == 2


@pytest.mark.parametrize(
    ("offered", "missed"),
    [(9_500.0, ""), (10_000.0, ""), (40_000.0, ""), (9_400.0, "only 9.4 times what is sustained were offered")],
)
def test_the_memory_of_a_flood_is_missed_when_less_than_ten_times_what_is_sustained_was_offered(offered: float, missed: str) -> None:
    flood = a_flood(1)
    flood.offered_per_s = offered
    record = the_record(memory_of(100.0, 80.0, flood, 1_000.0, "for 12 s"))

    assert (record.ratio, record.missed) == (1.25, missed)
    times = f"{offered / 1_000:.1f} times the 1,000/s that were sustained just before"
    assert record.note == f"{offered:,.0f} check-ins/s offered, {times}, for 12 s"


def test_the_memory_of_a_flood_that_was_mostly_left_without_an_answer_is_missed_however_little_it_was() -> None:
    flood = a_flood(18)  # 9,500 of 10,000 check-ins taken or shed
    flood.offered_per_s = 10_000.0
    flood.answers["TimeoutError"] = 500
    assert the_record(memory_of(80.0, 80.0, flood, 1_000.0, "for 12 s")).missed == ""
    flood.answers["TimeoutError"] = 9_500
    assert the_record(memory_of(80.0, 80.0, flood, 1_000.0, "for 12 s")).missed == (
        "50% of what was sent were answered neither 202 nor 503"
    )
    assert Flood("http://127.0.0.1:1").unanswered == 1.0


async def test_what_cannot_be_sent_since_nobody_answers_is_no_part_of_the_pace(
    monkeypatch: pytest.MonkeyPatch, ingest: tuple[Ingest, str]
) -> None:
    _, url = ingest
    monkeypatch.setattr(backpressure, "CONNECTIONS", 3)
    monkeypatch.setattr(backpressure, "time", SimpleNamespace(monotonic=itertools.count(100).__next__))
    flood = Flood(url)
    await flood.run(batches(url, 8), 1e9)  # 500 count for each that was sent

    assert (flood.unsent, flood.offered_per_s) == (5 * 3, 3 * 500 / 10)


async def test_the_pace_of_a_flood_is_the_one_that_it_had(monkeypatch: pytest.MonkeyPatch, ingest: tuple[Ingest, str]) -> None:
    _, url = ingest
    monkeypatch.setattr(backpressure, "time", SimpleNamespace(monotonic=itertools.count(100).__next__))
    flood = Flood(url)
    await flood.run(batches(url, 4), 1e9)  # 500 count for each; one look at the clock before them, one for each, two after

    assert flood.offered_per_s == 2_000 / 6


def test_a_peak_is_seen_that_no_look_falls_upon() -> None:
    with subprocess.Popen([sys.executable, "-c", GROWN_AND_SHRUNK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        asks, answers = child.stdin, child.stdout
        assert asks is not None
        assert answers is not None

        def grow() -> None:
            asks.write("\n")
            asks.flush()
            answers.readline()

        grow()
        assert forget_peak(child.pid)
        before = rss_mib(child.pid)
        assert peak_mib(child.pid) == pytest.approx(before, abs=2)  # what was before is forgotten
        peak = Peak(child.pid)
        grow()
        assert rss_mib(child.pid) == pytest.approx(before, abs=2)
        assert peak.over() - before >= 60
        asks.close()


async def test_where_the_kernel_measures_no_peak_one_looks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [80.0, 95.0, 120.0, 90.0]
    monkeypatch.setattr(backpressure, "forget_peak", lambda _pid: False)
    monkeypatch.setattr(backpressure, "rss_mib", lambda _pid: looks.pop(0) if len(looks) > 1 else looks[0])
    peak = Peak(1)
    async with asyncio.timeout(10):
        while len(looks) > 1:
            await asyncio.sleep(0.01)

    assert peak.over() == 120.0
    assert not forget_peak(2**30)


def test_what_was_answered_202_and_not_found_is_lost() -> None:
    assert [lost(1_000, located)["value"] for located in (1_000, 997)] == [0, 3]


def test_where_nothing_was_accepted_nothing_could_be_lost_and_the_figure_is_not_measured() -> None:
    record = the_record(lost(0, 0))

    assert (record.value, record.verdict, record.failed) == (None, "not measured", "no check-in was answered 202")


def test_answers_without_retry_after_are_counted_over_both_floods() -> None:
    record = the_record(without_retry_after(a_flood(20, 1), a_flood(40, 2)))

    assert (record.value, record.verdict) == (3, "missed")
    assert record.note == "of 60 answers that shed, 40 of them while the broker stood still: 30,000 check-ins"
    assert the_record(without_retry_after(a_flood(0), a_flood(40))).verdict == "reached"


def test_where_nothing_was_shed_the_figure_is_not_measured_and_says_why() -> None:
    record = the_record(without_retry_after(a_flood(0), a_flood(0)))

    assert (record.value, record.verdict) == (None, "not measured")
    assert record.failed == (
        "nothing was shed: 202 500; 0 could not be sent at all; while the broker stood still: 202 500; 0 could not be sent at all"
    )
