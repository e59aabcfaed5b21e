"""What an officer is told to expect of a fence before it is loaded."""

from itertools import pairwise

import pytest

from services.geofence.rules.calibration import expected_rates
from services.geofence.rules.sites import DEFAULT_ACCURACY, AccuracyRule

STRICT = AccuracyRule(cap_m=0, max_m=100)


def test_the_shares_of_all_verdicts_sum_to_one() -> None:
    assert sum(expected_rates(50, STRICT)) == pytest.approx(1)


def test_a_wider_fence_leaves_fewer_honest_people_unsure() -> None:
    shares = [expected_rates(radius, STRICT).unsure for radius in (15, 30, 50, 100, 200)]

    assert all(wider < narrower for narrower, wider in pairwise(shares))


def test_fifteen_metres_without_tolerance_leave_nearly_half_of_the_honest_marks_to_a_person() -> None:
    """Kota Bengkulu's rule taken literally (domain.md §4.1): why the import warns."""
    strict, tolerant = expected_rates(15, STRICT), expected_rates(15, DEFAULT_ACCURACY["office"])

    assert strict.unsure == pytest.approx(0.46, abs=0.01)
    assert tolerant.unsure == pytest.approx(0.07, abs=0.01)
    assert strict.outside == tolerant.outside < 1 / 10_000
