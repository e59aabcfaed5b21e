"""Decides what a fence will do to honest people, before it is loaded: the expected share of each verdict.

A phone reports the radius within which it is with 68 % confidence; with normal errors that is 1.51 σ. The shares
are integrals over people spread evenly within a round fence and over such errors, on a fixed grid: no chance involved.
"""

from functools import lru_cache
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

_PEOPLE, _ERRORS, _ANGLES, _MOST_SIGMAS = 24, 96, 24, 6.0


class Rates(NamedTuple):
    """Shares of honest marks, between 0 and 1; they sum to 1."""

    inside: float
    unsure: float
    outside: float


@lru_cache(maxsize=1_000)
def expected_rates(
    radius_m: float, rule: AccuracyRule, accuracies_m: tuple[float, ...] = TYPICAL_ACCURACY_M
) -> Rates:
    """What people who truly are within a round fence of this radius will be told."""
    person = radius_m * np.sqrt((np.arange(_PEOPLE) + 0.5) / _PEOPLE)[:, None, None]
    error = (_MOST_SIGMAS * (np.arange(_ERRORS) + 0.5) / _ERRORS)[None, :, None]
    angle = (2 * np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES)[None, None, :]
    weight = np.broadcast_to(error * np.exp(-(error**2) / 2), (_PEOPLE, _ERRORS, _ANGLES)).ravel()  # Rayleigh
    shares = np.zeros(3)
    for accuracy in accuracies_m:
        off = error * (accuracy / SIGMAS_IN_ACCURACY)
        excess = (np.hypot(person + off * np.cos(angle), off * np.sin(angle)) - radius_m).ravel()
        code = judge_excess(
            excess,
            np.full(excess.shape, accuracy),
            np.full(excess.shape, rule.cap_m),
            np.full(excess.shape, rule.max_m),
            np.full(excess.shape, rule.outside_factor),
        )
        shares += np.bincount(code, weights=weight, minlength=3) / weight.sum()
    inside, unsure, outside = (float(share) for share in shares / len(accuracies_m))
    return Rates(inside, unsure, outside)
