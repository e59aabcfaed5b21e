"""Where a business date stands within its leave, counted in duty days, calendar days and months; and what a leave may be for."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

LeaveCount: TypeAlias = Literal["duty_days", "calendar_days", "months"]


CAUSES: Final[Mapping[str, str]] = {
    "wife_delivery": "istri melahirkan",
    "family_death": "keluarga meninggal",
    "miscarriage": "gugur kandungan",
    "work_accident": "kecelakaan kerja",
    "hajj": "haji pertama",
    "third_child": "anak ketiga",
    "fourth_child": "anak keempat",
}
"""What a leave may be for where tables price it apart (domain.md §3.4): the word that packs and facts use, and its Indonesian."""


def cause_of(said: str) -> str:
    """The word of packs and facts for a cause that was said in either language; what is none of them stays as it was said."""
    plain = " ".join(said.replace("_", " ").split()).casefold()
    return next((code for code, words in CAUSES.items() if plain in (code.replace("_", " "), words)), said)


@dataclass(frozen=True, slots=True)
class LeaveDay:
    """A date of a leave from `since` to `until`, both inclusive: the `nth_day`-th of its `days` duty days, from 1.

    `alone` is where it stands among the days in a row of its own sort, in hospital or out of it, where these are fewer.
    """

    date: dt.date
    since: dt.date
    until: dt.date
    nth_day: int
    days: int
    alone: "LeaveDay | None" = None

    def number(self, count: LeaveCount) -> int:
        """Running number of the date within its leave, from 1."""
        return self.nth_day if count == "duty_days" else self._to(self.date, count)

    def length(self, count: LeaveCount) -> int:
        """Length of the whole leave; a month that has begun counts."""
        return self.days if count == "duty_days" else self._to(self.until, count)

    def _to(self, date: dt.date, count: LeaveCount) -> int:
        if count == "calendar_days":
            return (date - self.since).days + 1
        whole = (date.year - self.since.year) * 12 + date.month - self.since.month
        return whole + (date.day >= self.since.day)
