"""The summary that an operator reads, and the figures of a steady rate."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from services.simulator import latency
from services.simulator.comparing import Compared
from services.simulator.latency import LagCurve, Latencies, Watch
from services.simulator.play import measured
from services.simulator.report import Report
from shared.topics import TPP_MONTH


def test_the_summary_says_equal_only_without_any_difference() -> None:
    report = Report("sim", 2000, 1, "2026-11-20", "2026-11-20")
    report.take(Compared(days=2000, located=3900, rupiah=5_250_000, true_rupiah=5_250_000, violations=Counter(TK=3)))
    assert "equal to the truth yes, to the rupiah" in "\n".join(report.lines())
    assert report.as_json()["equal"] is True

    found = Compared(days=2000)
    for number in range(30):
        found.differ(f"Contoh {number:06d} Sintetis", 1, 2)
    report.take(found)

    told = report.lines()
    assert "equal to the truth NO: 30 differences" in told
    assert len([line for line in told if line.startswith("  Contoh")]) == 20


def test_a_percentile_is_the_smallest_value_that_so_many_percent_do_not_exceed() -> None:
    latencies = Latencies([number / 100 for number in range(100, 0, -1)])

    assert [latencies.percentile(percent) for percent in (0, 50, 98.5, 99, 100)] == [0.01, 0.5, 0.99, 0.99, 1.0]
    assert Latencies([0.3]).percentile(99) == 0.3
    assert Latencies().percentile(99) is None


async def test_a_check_in_is_timed_to_the_aggregate_that_it_changed_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: asyncio.Queue[list[Any]] = asyncio.Queue()
    read: list[Any] = []

    class Consumer:
        def __init__(self, **_: Any) -> None:
            self.assign = read.extend
            self.start = self.seek_to_end = self.stop = self.nothing

        async def nothing(self, *_: Any) -> None:
            pass

        async def getmany(self, timeout_ms: int) -> dict[str, list[Any]]:
            return {"a partition": await told.get()}

    def month_of(check_in: str) -> Any:
        return SimpleNamespace(headers=[("ce_correlationid", check_in.encode())])

    monkeypatch.setattr(latency, "AIOKafkaConsumer", Consumer)
    observer: Any = None
    loop = asyncio.get_running_loop()
    now, later = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: now() + later)
    async with Watch("nowhere", observer) as watch:
        watch.answered("one")
        watch.answered("never told")
        later = 7.0
        told.put_nowait([month_of("one"), month_of("one"), month_of("early")])
        async with asyncio.timeout(5):
            while not watch.latencies.seconds:
                await asyncio.sleep(0)
        watch.answered("early")

    assert {place.topic for place in read} == {TPP_MONTH.name}
    assert len(read) == TPP_MONTH.partitions
    assert len(watch.latencies.seconds) == 2
    assert watch.latencies.seconds[0] >= 7.0
    assert watch.latencies.seconds[1] == 0.0


@pytest.mark.parametrize(("sent", "held"), [(300.0, True), (285.0, True), (284.9, False), (None, False)])
def test_a_rate_is_held_when_no_more_than_a_twentieth_of_it_is_missing(sent: float | None, held: bool) -> None:
    observer: Any = None
    watch, report = Watch("nowhere", observer), Report("sim", 2000, 1, "2026-11-20", "2026-11-20", rate=300.0, sent_per_s=sent)
    watch.latencies.seconds = [0.7, 0.1, 0.2]
    watch.lag.samples = [(float(at), 50 * at) for at in range(9)]
    measured(watch, report)

    assert report.rate_held is held
    assert (report.measured, report.p50_s, report.p99_s, report.highest_lag) == (3, 0.2, 0.7, 400)
    assert (report.lag_flat, report.lag_growth_per_s) == (False, 50.0)


@pytest.mark.parametrize(
    ("lags", "flat"),
    [
        pytest.param([0, 400, 390, 410, 400, 395, 405, 400, 398], True, id="a steady lag is flat however high"),
        pytest.param([0, 0, 50, 100, 150, 200, 250, 300, 350], False, id="fifty more each second is not"),
        pytest.param([900, 700, 500, 300, 100, 0, 0, 0, 0], True, id="a shrinking lag is flat"),
        pytest.param([1, 2], None, id="two samples say nothing"),
    ],
)
def test_lag_is_flat_when_it_does_not_grow(lags: list[int], flat: bool | None) -> None:
    assert LagCurve([(float(at), lag) for at, lag in enumerate(lags)]).flat(300.0) is flat
