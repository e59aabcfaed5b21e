"""What the invented people owe: a five-day week, holidays, days from anywhere, and nurses in three shifts.

The week is Keppres 68/1995 Art. 1(2) (domain §1.2); the hospital shifts are the typical ones of domain §4.5.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

from services.simulator.chance import Chance
from services.simulator.province import Person
from shared.events import Mode

_WEEK: Final = {0: ("07:30", "16:00"), 1: ("07:30", "16:00"), 2: ("07:30", "16:00"), 3: ("07:30", "16:00"), 4: ("07:30", "16:30")}
_SHIFTS: Final = (("07:00", "14:00"), ("14:00", "21:00"), ("21:00", "07:00"), None)
_FROM_ANYWHERE_PERCENT: Final = 25


@dataclass(frozen=True, slots=True)
class Owed:
    """What a person owes on a business date; `rostered` says that it stands in the roster, not in the week.

    `holiday` marks a weekday that is free for its date alone. Start and end are aware, end after start.
    """

    mode: Mode
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    rostered: bool = False
    holiday: bool = False

    @property
    def hours(self) -> tuple[str, str] | None:
        """Start and end as local "HH:MM", None for a free day."""
        if self.start is None or self.end is None:
            return None
        return f"{self.start:%H:%M}", f"{self.end:%H:%M}"


@cache
def free_dates(year: int) -> frozenset[dt.date]:
    """National holidays and joint leave (cuti bersama) of a year."""
    return frozenset(holidays.country_holidays("ID", years=year, categories=("public", "government")))


def is_free(date: dt.date) -> bool:
    """Whether the date is a national holiday or joint leave."""
    return date in free_dates(date.year)


def owed(seed: int, person: Person, date: dt.date) -> Owed:
    """What the person owes on this date."""
    if person.nurse:
        shift = _SHIFTS[(person.number + date.toordinal()) % len(_SHIFTS)]
        return Owed(Mode.OFF, rostered=True) if shift is None else _between(person, date, Mode.WFO, shift, rostered=True)
    hours = _WEEK.get(date.weekday())
    if hours is None or is_free(date):
        return Owed(Mode.OFF, holiday=is_free(date))
    away = not person.unit.public_service and Chance(seed, "roster", person.number, date).below(100) < _FROM_ANYWHERE_PERCENT
    return _between(person, date, Mode.WFA if away else Mode.WFO, hours, rostered=away)


def _between(person: Person, date: dt.date, mode: Mode, hours: tuple[str, str], *, rostered: bool) -> Owed:
    zone = person.unit.region.zone
    start, end = (dt.datetime.combine(date, dt.time.fromisoformat(clock), zone) for clock in hours)
    return Owed(mode, start, end if end > start else end + dt.timedelta(days=1), rostered)


def last_complete_working_day(now: dt.datetime) -> dt.date:
    """The last working day all of whose days, night shifts of the westernmost zone included, are closed by `now`.

    The night shift of a date ends at 07:00 the next morning and closes four hours later (12:00 is safe).
    """
    date = now.astimezone(ZoneInfo("Asia/Jakarta")).date()
    while True:
        date -= dt.timedelta(days=1)
        closed = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(12), ZoneInfo("Asia/Jakarta"))
        if date.weekday() in _WEEK and not is_free(date) and closed <= now:
            return date
