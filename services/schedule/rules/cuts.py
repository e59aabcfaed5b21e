"""Whether a cut of the TPP may be decided beside those that were decided before: one punishment at a time, the heavier for the lighter."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from shared.cuts import weight


@dataclass(frozen=True, slots=True)
class Imposed:
    """A cut that somebody decided, or is about to (`shared.cuts.DecidedCut`)."""

    step: str
    date: dt.date
    percent: Fraction
    first_month: str
    last_month: str


def rival_of(cut: Imposed, imposed: Iterable[Imposed]) -> Imposed | None:
    """The decided cut that must be annulled, or be over, before this one can be decided; None if nothing stands against it.

    Of the same dossier (the calendar year of the absence day) only a heavier cut may follow, which then takes the lighter one's
    place; cuts of two dossiers are served one after the other.
    """
    for other in sorted(imposed, key=lambda one: (one.date, one.step)):
        if other.date.year == cut.date.year:
            if weight(other) >= weight(cut):
                return other
        elif cut.first_month <= other.last_month and other.first_month <= cut.last_month:
            return other
    return None
