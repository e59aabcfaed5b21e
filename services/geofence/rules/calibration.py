"""Decides what a fence will do to honest people, before it is loaded: the expected share of each verdict.

A phone reports the radius within which it is with 68 % confidence; with normal errors that is 1.51 σ. The shares
are integrals over people spread evenly within a round fence and over such errors, on a fixed grid: no chance involved.
"""

from collections.abc import Sequence
from math import log, sqrt
from typing import Final, NamedTuple

import numpy as np

from services.geofence.rules.locate import judge_excess
from services.geofence.rules.sites import AccuracyRule

SIGMAS_IN_ACCURACY: Final = sqrt(-2 * log(1 - 0.68))
"""Reported accuracy in standard deviations of one axis (1.51), if errors are as reported."""
TYPICAL_ACCURACY_M: Final = (5.0, 8.0, 12.0, 20.0, 35.0)
"""Phones outdoors to indoors (domain.md §4.1: 5–20 m under open sky, worse indoors); each taken as equally common."""
NARROW_M: Final = 30.0
"""Fences narrower than this are warned about: a phone's own error is as large."""

_PEOPLE, _ERRORS, _ANGLES = 24, 40, 24


class Rates(NamedTuple):
    """Shares of honest marks, between 0 and 1; they sum to 1."""

    inside: float
    unsure: float
    outside: float


def expected_rates(
    radius_m: float, rule: AccuracyRule, accuracies_m: Sequence[float] = TYPICAL_ACCURACY_M
) -> Rates:
    """What people who truly are within a round fence of this radius will be told."""
    middles = (np.arange(_PEOPLE) + 0.5) / _PEOPLE
    person = radius_m * np.sqrt(middles)[:, None, None]
    quantile = (np.arange(_ERRORS) + 0.5) / _ERRORS
    error = np.sqrt(-2 * np.log(1 - quantile))[None, :, None]  # Rayleigh, in σ
    angle = (2 * np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES)[None, None, :]
    shares = np.zeros(3)
    for accuracy in accuracies_m:
        off = error * (accuracy / SIGMAS_IN_ACCURACY)
        distance = np.hypot(person + off * np.cos(angle), off * np.sin(angle)).ravel()
        excess = distance - radius_m
        code = judge_excess(
            excess,
            np.full(excess.shape, accuracy),
            np.full(excess.shape, rule.cap_m),
            np.full(excess.shape, rule.max_m),
            np.full(excess.shape, rule.outside_factor),
        )
        shares += np.bincount(code, minlength=3) / code.size
    inside, unsure, outside = (float(share) for share in shares / len(accuracies_m))
    return Rates(inside, unsure, outside)
