"""For how long nothing has moved: one lane that stands is not hidden by those that move, and rest is not standing still."""

import pytest

from services.monitor import flows
from services.monitor.flows import Flows

STREAM = "hadir.check-in.recorded.v1"
ONE, OTHER = (STREAM, 1), (STREAM, 2)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(flows, "monotonic", clock)
    return clock


def test_a_lane_that_stands_is_told_though_another_moves(clock: Clock) -> None:
    seen = Flows()
    for look in range(4):
        told = seen._still("geofence", {ONE: 7, OTHER: 100 + look}, {ONE: 3, OTHER: 5})
        assert told == 5.0 * look
        clock.now += 5.0


def test_the_lane_that_stands_longest_counts_and_moving_ends_it(clock: Clock) -> None:
    seen = Flows()
    assert seen._still("geofence", {ONE: 7}, {ONE: 3}) == 0.0
    clock.now += 60.0
    # Nothing was ever processed on the other lane: it has no position yet.
    assert seen._still("geofence", {ONE: 7}, {ONE: 3, OTHER: 1}) == 60.0
    clock.now += 30.0
    assert seen._still("geofence", {ONE: 7}, {ONE: 3, OTHER: 1}) == 90.0
    assert seen._still("geofence", {ONE: 8}, {ONE: 2, OTHER: 1}) == 30.0
    assert seen._still("geofence", {ONE: 8, OTHER: 1}, {ONE: 2, OTHER: 0}) == 0.0


def test_where_nothing_waits_nothing_stands_still_and_waiting_counts_from_then_on(clock: Clock) -> None:
    seen = Flows()
    for waiting, told in ((0, 0.0), (0, 0.0), (1, 60.0), (0, 0.0)):
        assert seen._still("payroll", {ONE: 7}, {ONE: waiting}) == told
        clock.now += 60.0


def test_services_are_told_apart(clock: Clock) -> None:
    seen = Flows()
    seen._still("geofence", {ONE: 7}, {ONE: 1})
    clock.now += 60.0

    assert seen._still("schedule", {ONE: 7}, {ONE: 1}) == 0.0
