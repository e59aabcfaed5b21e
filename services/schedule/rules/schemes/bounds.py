"""How many may work from anywhere: shares made whole numbers, and a person's week when it is short or cut by a month's end."""

from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from services.schedule.rules.schemes.model import PersonWeek, Quota


class Bounds(NamedTuple):
    """The fewest and the most that are allowed, both inclusive; `low > high`: nothing is."""

    low: int
    high: int

    def within(self, other: "Bounds") -> "Bounds":
        """What both allow."""
        return Bounds(max(self.low, other.low), min(self.high, other.high))


def rounded(share: Fraction, rounding: str) -> int:
    """A share of people as a whole number: `down`, `up`, or `half_up`."""
    if rounding == "down":
        return floor(share)
    return ceil(share) if rounding == "up" else floor(share + Fraction(1, 2))


def quota_bounds(quota: Quota, owed: int) -> Bounds:
    """How many of `owed` person-days may be worked from anywhere.

    An exact share is rounded as the quota says (default down: 75 % of 5 are 3.75, so 3 WFA and 2 WFO); a limit is never
    exceeded by rounding (at most 20 % of 9 are 1.8, so 1). `tolerance` widens both sides.
    """
    if quota.exact is not None:
        target = rounded(quota.exact * owed / 100, quota.rounding)
        low = high = target
    else:
        low = ceil((quota.wfa_at_least or Fraction(0)) * owed / 100)
        high = floor((Fraction(100) if quota.wfa_at_most is None else quota.wfa_at_most) * owed / 100)
    return Bounds(max(0, low - quota.tolerance), min(owed, high + quota.tolerance))


def week_bounds(week: PersonWeek, owed: int) -> Bounds:
    """How many of a person's `owed` days of one week are worked from anywhere.

    A full week has exactly `wfa` of them. In a shorter one (holiday, leave) neither kind of day may be more than in a full
    one, so that 3 + 2 with four days owed is 2 + 2 or 3 + 1. Days beyond a full week are office days.
    """
    if owed >= week.wfo + week.wfa:
        return Bounds(week.wfa, week.wfa)
    return Bounds(max(0, owed - week.wfo), min(week.wfa, owed))
