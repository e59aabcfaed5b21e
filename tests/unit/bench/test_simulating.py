"""What was measured under a load that was not carried is told as missed, with its value; a wrong answer is no figure at all."""

import datetime as dt
import itertools
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.simulator.province import Province
from services.simulator.settled import Observer
from tests.benchmarks import window_close
from tests.benchmarks.latency import latencies
from tests.benchmarks.load import load
from tests.benchmarks.simulating import beyond, right
from tests.benchmarks.stack import Stack
from tests.benchmarks.window_close import Closing, close, felt

REPORT: dict[str, Any] = {
    "equal": True, "differences": [], "rate": 300.0, "sent_per_s": 299.8, "rate_held": True, "lag_flat": True, "lag_growth_per_s": 0.1,
    "highest_lag": 60, "measured": 5_000, "p50_s": 0.1, "p99_s": 0.3, "own_us": 480,
}  # fmt: skip
SLOW = {**REPORT, "sent_per_s": 250.0, "rate_held": False}
GROWING = {**REPORT, "lag_flat": False, "lag_growth_per_s": 40.0}
CLOSING = Closing(days=1_000, seconds=2.0, beside_s=4.0, judged=1_000, judged_s=2.0)
SHORT = {**REPORT, "lag_flat": None, "lag_growth_per_s": None}
NOT_HELD = "the rate was not held: 250.0/s of 300/s"


def test_a_play_is_beyond_what_was_asked_for_when_its_rate_was_not_held_or_its_lag_not_flat() -> None:
    assert [beyond(report) for report in (REPORT, SLOW, GROWING, SHORT)] == [
        "", NOT_HELD, "the lag was not flat: GROWING by 40 events/s", "the lag was not flat: too short to tell",
    ]  # fmt: skip


def test_a_play_that_is_not_equal_to_the_truth_or_says_nothing_is_no_figure() -> None:
    assert right(json.dumps(REPORT).encode(), 0) == REPORT
    with pytest.raises(AssertionError, match="2 rupiah"):
        right(json.dumps({**REPORT, "equal": False, "differences": ["2 rupiah"]}).encode(), 1)
    with pytest.raises(AssertionError, match="said nothing"):
        right(b"", -9)


@pytest.mark.parametrize(("report", "missed"), [(REPORT, ""), (SLOW, NOT_HELD)])
def test_a_latency_keeps_its_value_beside_that_of_a_record_and_is_missed_when_the_rate_was_not_held(
    report: dict[str, Any], missed: str
) -> None:
    probes = [0.001 * number for number in range(1, 101)]
    told = [(one["figure"], one["value"], one["reference_value"], one["missed"]) for one in latencies("700", report, probes)]

    assert told == [("latency-700-p50", 0.1, 0.05, missed), ("latency-700-p99", 0.3, 0.099, missed)]


def test_closing_days_are_felt_beside_a_play_before_and_missed_when_either_was_not_carried() -> None:
    def told(calm: dict[str, Any], report: dict[str, Any]) -> list[tuple[Any, ...]]:
        figures = felt(calm, report, CLOSING, absent=500, rate=300.0, play_s=4.0)
        return [(one["value"], one["reference_value"], one["missed"]) for one in figures]

    calm = {**REPORT, "p99_s": 0.2}
    assert told(calm, REPORT) == [(0.3, 0.2, ""), (500, 300, "")]
    assert told(calm, SLOW)[0] == (0.3, 0.2, NOT_HELD)
    assert told(SLOW, REPORT)[0] == (0.3, 0.3, f"before any day closed {NOT_HELD}")


def test_days_that_closed_without_absences_are_no_figure() -> None:
    with pytest.raises(AssertionError, match="only 499 absences out of 1,000 days"):
        felt(REPORT, REPORT, CLOSING, absent=499, rate=300.0, play_s=4.0)


@pytest.mark.parametrize(
    ("seconds", "beside_s", "missed"),
    [
        (42.0, 18.0, ""),  # nearly all of the play, though not half of the closing
        (10.0, 18.0, ""), (2.0, 18.0, ""),  # all of the closing, in whatever part of the play
        (2.0, 1.9, ""), (100.0, 10.0, ""),
        (100.0, 9.0, "days were closing during 45% of the play only, which saw 9% of their closing"),
        (2.0, 1.8, "days were closing during 9% of the play only, which saw 90% of their closing"),
    ],
)  # fmt: skip
def test_a_closing_is_felt_by_a_play_that_is_half_filled_with_it_or_that_sees_nearly_all_of_it(
    seconds: float, beside_s: float, missed: str
) -> None:
    p99, _ = felt(REPORT, REPORT, Closing(1_000, seconds, beside_s, 1_000, seconds), absent=1_000, rate=300.0, play_s=20.0)

    assert p99["missed"] == missed


async def test_days_are_judged_at_the_rate_of_those_that_were_judged_while_the_other_zone_checked_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = iter([1_000, 1_000, 600, 200, 0])

    async def undone(*_: object) -> int:
        return next(left)

    async def at_once(*_: object) -> None: ...

    monkeypatch.setattr(window_close, "undone", undone)
    monkeypatch.setattr(window_close, "set_clock", at_once)
    monkeypatch.setattr(window_close, "asyncio", SimpleNamespace(sleep=at_once))
    monkeypatch.setattr(window_close, "time", SimpleNamespace(monotonic=itertools.count(0.0).__next__))
    stack, observer = cast(Stack, SimpleNamespace(check=lambda: None)), cast(Observer, None)
    closing = await close(stack, observer, Province(1, 50, dt.date(2026, 11, 20)), beside_s=4.0)

    assert (closing.days, closing.judged, closing.judged_s, closing.seconds) == (1_000, 400, 3.0, 7.0)
    _, rate = felt(REPORT, REPORT, closing, absent=1_000, rate=300.0, play_s=8.0)
    assert rate["value"] == pytest.approx(400 / 3)
    assert rate["note"] == "400 of 1,000 days judged in the 3 s in which the other zone checked in; all of them in 7 s"


def test_a_load_is_what_was_sent_of_the_last_rate_that_was_tried_and_missed_when_that_was_not_carried_either() -> None:
    def told(*tried: dict[str, Any]) -> tuple[float, float, str]:
        said = load(list(tried), 400.0, 20.0)
        return said["value"], said["reference_value"], said["missed"]

    assert told(REPORT) == told({**SLOW, "rate": 400.0}, REPORT) == (299.8, 400.0, "")
    assert told(REPORT, SLOW) == (250.0, 400.0, NOT_HELD)
