"""The metrics: everything a process may count begins at 0, and nobody tells what only another can know."""

import functools
import subprocess
import sys

from prometheus_client import CollectorRegistry, Gauge

from shared import metrics
from shared.events import DayStatus
from shared.failures import REASONS


@functools.cache
def told_by(service: str) -> str:
    """What a fresh process of that name exposes before anything happened."""
    program = f"from shared import metrics; metrics.begin({service!r}); print(metrics.exposition().decode())"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_a_fresh_worker_tells_zeros_for_every_word_of_its_closed_labels() -> None:
    told = told_by("schedule")

    for status in DayStatus:
        assert f'hadir_schedule_assessed_total{{status="{status}"}} 0.0' in told
    for reason in REASONS:
        assert f'hadir_dead_letters_total{{reason="{reason}",service="schedule"}} 0.0' in told
    assert 'hadir_retries_total{service="schedule"} 0.0' in told
    assert "hadir_geofence_located_total{" not in told


def test_only_the_monitor_tells_what_is_seen_from_outside() -> None:
    assert "hadir_balance_differences" not in told_by("schedule")
    assert "hadir_balance_differences" in told_by("monitor")


def test_replacing_ends_the_series_that_are_gone() -> None:
    gauge = Gauge("x", "y", ["opd"], registry=CollectorRegistry())

    metrics.replace(gauge, {("A",): 1.0, ("B",): 2.0})
    metrics.replace(gauge, {("B",): 3.0})

    [family] = gauge.collect()
    assert [(sample.labels, sample.value) for sample in family.samples] == [({"opd": "B"}, 3.0)]


def test_the_promise_of_a_minute_has_a_bucket() -> None:
    [family] = metrics.ACCEPTED_TO_ASSESSED.collect()

    assert "60.0" in {sample.labels.get("le") for sample in family.samples}
