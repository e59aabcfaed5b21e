"""Which of a person's decided cuts of the TPP take from a month: one punishment for one dossier, the heaviest.

PP 94/2021 gives one step to a count of days, not the sum of all steps on the way: 17 days of absence are 25 % for twelve
months, not for six, nine and twelve. Several breaches have the heaviest punishment only, and a heavier one takes the place of a
lighter one (PP 94/2021 Art. 21; background knowledge, its text was not read). Schedule holds decisions against this, payroll
prices by it, reports tell it.
"""

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction
from typing import Protocol, TypeVar


class DecidedCut(Protocol):
    """A cut of the TPP that a person decided."""

    @property
    def step(self) -> str:
        """The step of the ladder."""

    @property
    def date(self) -> dt.date:
        """The absence day that crossed it; cuts of one calendar year rest on one dossier of days."""

    @property
    def percent(self) -> Fraction:
        """Percent of the month's ceiling."""

    @property
    def first_month(self) -> str:
        """The first month of the cut ("2026-04")."""

    @property
    def last_month(self) -> str:
        """Its last month, included."""


Cut = TypeVar("Cut", bound=DecidedCut)


def taking(cuts: Iterable[Cut], month: str) -> tuple[Cut, ...]:
    """Those of one person's decided cuts that take from this month, in whatever order they became known.

    A lighter one that was replaced takes again if the heavier one is annulled, that is: no longer among `cuts`.
    """
    known = sorted(cuts, key=lambda cut: (cut.date, cut.step))
    return tuple(
        cut for cut in known
        if cut.first_month <= month <= cut.last_month
        and ((heavier := replaced_by(cut, known)) is None or month < heavier.first_month)
    )


def replaced_by(cut: Cut, cuts: Iterable[Cut]) -> Cut | None:
    """The heavier cut of the same dossier from whose first month on this one takes nothing: its remaining months fall away.

    None if it is served to its end.
    """
    heavier = (one for one in cuts if one.date.year == cut.date.year and _height(one) > _height(cut) and one.first_month <= cut.last_month)
    return min(heavier, key=lambda one: (one.first_month, one.date, one.step), default=None)


def weight(cut: DecidedCut) -> Fraction:
    """How heavy a cut is: its percent in all of its months."""
    return cut.percent * (_number(cut.last_month) - _number(cut.first_month) + 1)


def months_later(month: str, months: int) -> str:
    """The month so many months after: "2026-11", 3 → "2027-02"."""
    year, before = divmod(_number(month) + months, 12)
    return f"{year:04}-{before + 1:02}"


def _height(cut: DecidedCut) -> tuple[Fraction, dt.date, str]:
    """Of equally heavy ones the later counts, so that all who know them agree."""
    return weight(cut), cut.date, cut.step


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1
