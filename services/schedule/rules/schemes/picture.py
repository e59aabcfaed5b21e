"""The picture of a roster: people × dates with one letter each, and below it each date's number of WFA against the quota."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.schedule.rules.schemes.check import DayShare, shares_of
from services.schedule.rules.schemes.plan import Place, Plan

LETTERS: Final[Mapping[Place | None, str]] = {Place.WFO: "K", Place.WFA: "A", Place.AWAY: "C", Place.OPEN: "?", None: "·"}
LEGEND: Final = "K kantor (WFO) · A di mana saja (WFA) · C cuti atau dinas luar · · libur, bukan hari kerja atau bukan anggota"
_WEEKDAYS: Final = "SSRKJSM"


@dataclass(frozen=True, slots=True)
class Picture:
    """A roster to look at; `rows` are (employee, letters by date), `wfa` and `allowed` the two lines below them."""

    dates: tuple[dt.date, ...]
    rows: tuple[tuple[UUID, tuple[str, ...]], ...]
    wfa: tuple[str, ...]
    allowed: tuple[str, ...]
    over: tuple[bool, ...]
    """For each date whether its number is outside what the scheme allows."""

    @property
    def days(self) -> tuple[str, ...]:
        """Day of the month of each column."""
        return tuple(f"{date.day}" for date in self.dates)

    @property
    def weekdays(self) -> tuple[str, ...]:
        """First letter of each column's weekday."""
        return tuple(_WEEKDAYS[date.weekday()] for date in self.dates)


def picture_of(plan: Plan) -> Picture:
    """The picture of a plan's period."""
    dates = tuple(plan.dates())
    shares = shares_of(plan)
    return Picture(
        dates,
        tuple((person.employee_id, tuple(LETTERS[person.days.get(date)] for date in dates)) for person in plan.people),
        tuple(str(share.wfa) if share.owed else "" for share in shares),
        tuple(_allowed(share) for share in shares),
        tuple(share.allowed is not None and not share.allowed.low <= share.wfa <= share.allowed.high for share in shares),
    )


def _allowed(share: DayShare) -> str:
    if share.allowed is None or not share.owed:
        return ""
    low, high = share.allowed
    if low == high:
        return f"{low}"
    return f"≤{high}" if low == 0 else f"{low}-{high}"
