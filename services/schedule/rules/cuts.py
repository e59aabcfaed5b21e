"""Whether a cut of the TPP may be decided beside those that were decided before: one punishment at a time, the heavier for the lighter."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from services.schedule.rules.ladder import left_behind
from shared.cuts import weight


@dataclass(frozen=True, slots=True)
class Imposed:
    """A cut that somebody decided, or is about to (`shared.cuts.DecidedCut`)."""

    step: str
    date: dt.date
    percent: Fraction
    first_month: str
    last_month: str


def one_dossier(cut: Imposed, other: Imposed, *, rolling: bool) -> bool:
    """Whether two cuts rest on the same days of absence: of one calendar year or, where the window rolls, within twelve months."""
    earlier, later = sorted((cut.date, other.date))
    return earlier.year == later.year or (rolling and not left_behind(earlier, later, rolling=True))


def rival_of(cut: Imposed, imposed: Iterable[Imposed], *, rolling: bool = False) -> Imposed | None:
    """The decided cut that must be annulled, or be over, before this one can be decided; None if nothing stands against it.

    Of the same calendar year (of the absence day) only a heavier cut may follow, which then takes the lighter one's place. Of
    two years none may follow in the same dossier (`rolling`: where the ladder looks back twelve months), because a cut takes
    another's place within one year only; cuts of two dossiers are served one after the other.
    """
    for other in sorted(imposed, key=lambda one: (one.date, one.step)):
        if other.date.year == cut.date.year:
            if weight(other) >= weight(cut):
                return other
        elif one_dossier(cut, other, rolling=rolling) or (
            cut.first_month <= other.last_month and other.first_month <= cut.last_month
        ):
            return other
    return None
