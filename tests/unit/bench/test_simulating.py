"""What was measured under a load that was not carried is told as missed, with its value; a wrong answer is no figure at all."""

import json
from typing import Any

import pytest

from tests.benchmarks.latency import latencies
from tests.benchmarks.load import load
from tests.benchmarks.simulating import beyond, right
from tests.benchmarks.window_close import felt

REPORT: dict[str, Any] = {
    "equal": True, "differences": [], "rate": 300.0, "sent_per_s": 299.8, "rate_held": True, "lag_flat": True, "lag_growth_per_s": 0.1,
    "highest_lag": 60, "measured": 5_000, "p50_s": 0.1, "p99_s": 0.3, "own_us": 480,
}  # fmt: skip
SLOW = {**REPORT, "sent_per_s": 250.0, "rate_held": False}
GROWING = {**REPORT, "lag_flat": False, "lag_growth_per_s": 40.0}
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
        figures = felt(calm, report, days=1_000, absent=500, seconds=2.0, rate=300.0, share=0.5)
        return [(one["value"], one["reference_value"], one["missed"]) for one in figures]

    calm = {**REPORT, "p99_s": 0.2}
    assert told(calm, REPORT) == [(0.3, 0.2, ""), (500, 300, "")]
    assert told(calm, SLOW)[0] == (0.3, 0.2, NOT_HELD)
    assert told(SLOW, REPORT)[0] == (0.3, 0.3, f"before any day closed {NOT_HELD}")


def test_days_that_closed_without_absences_are_no_figure() -> None:
    with pytest.raises(AssertionError, match="only 499 absences out of 1,000 days"):
        felt(REPORT, REPORT, days=1_000, absent=499, seconds=2.0, rate=300.0, share=0.5)


def test_a_load_is_what_was_sent_of_the_last_rate_that_was_tried_and_missed_when_that_was_not_carried_either() -> None:
    def told(*tried: dict[str, Any]) -> tuple[float, float, str]:
        said = load(list(tried), 400.0, 20.0)
        return said["value"], said["reference_value"], said["missed"]

    assert told(REPORT) == told({**SLOW, "rate": 400.0}, REPORT) == (299.8, 400.0, "")
    assert told(REPORT, SLOW) == (250.0, 400.0, NOT_HELD)
