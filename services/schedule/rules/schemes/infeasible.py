"""Says why no rotation can keep a scheme: which of its rules ask for numbers that cannot be together, and where."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.schedule.rules.schemes.bounds import Bounds
from services.schedule.rules.schemes.breaches import day_words
from services.schedule.rules.schemes.plan import monday
from services.schedule.rules.schemes.rotation import Task

_MOST: int = 10


class ReasonCode(StrEnum):
    """Why there is no rotation; stable."""

    DAY_QUOTAS_DISAGREE = "DAY_QUOTAS_DISAGREE"
    QUOTAS_DISAGREE = "QUOTAS_DISAGREE"
    PERSON_WEEK_IMPOSSIBLE = "PERSON_WEEK_IMPOSSIBLE"
    WEEK_DISAGREES = "WEEK_DISAGREES"
    NO_ROTATION = "NO_ROTATION"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: stable code, the date where it shows, the Indonesian sentence."""

    code: ReasonCode
    date: dt.date
    sentence: str


def reasons_against(task: Task, works: Callable[[Sequence[Bounds]], bool]) -> list[Reason]:
    """Why a task has no solution, the plainest reasons first; `works` tells whether it has one with other day bounds."""
    found = [*_days(task), *_totals(task), *_person_weeks(task)]
    if not found:
        found = list(_weeks(task))
    if not found:
        found = list(_tight_weeks(task, works))
    return found[:_MOST]


def _days(task: Task) -> Iterator[Reason]:
    for place, (low, high) in enumerate(task.days):
        if low > high:
            when = day_words(task.dates[place])
            yield Reason(ReasonCode.DAY_QUOTAS_DISAGREE, task.dates[place],
                         f"{when}: kuota-kuota hari ini bertentangan: paling sedikit {low}, paling banyak {high} orang WFA")


def _totals(task: Task) -> Iterator[Reason]:
    for places, (low, high) in task.totals:
        fewest, most = sum(task.days[place].low for place in places), sum(task.days[place].high for place in places)
        if low > high or most < low or fewest > high:
            first, last = task.dates[places[0]], task.dates[places[-1]]
            yield Reason(ReasonCode.QUOTAS_DISAGREE, first,
                         f"{day_words(first)} sampai {day_words(last)}: kuota meminta {low} sampai {high} orang-hari WFA, "
                         f"kuota harian mengizinkan {fewest} sampai {most}")


def _person_weeks(task: Task) -> Iterator[Reason]:
    for first in dict.fromkeys(first for _, first in task.weeks):
        wrong = sum(1 for (_, week), (low, high) in task.weeks.items() if week == first and low > high)
        if wrong:
            yield Reason(ReasonCode.PERSON_WEEK_IMPOSSIBLE, first,
                         f"minggu {day_words(first)}: {wrong} orang tidak dapat lagi memenuhi hari WFO dan WFA seminggu, karena hari "
                         "yang sudah tetap (hari lampau atau hari WFA bersama) melampauinya")


def _weeks(task: Task) -> Iterator[Reason]:
    for first in dict.fromkeys(monday(date) for date in task.dates):
        places = [place for place, date in enumerate(task.dates) if monday(date) == first]
        fewest, most = sum(task.days[place].low for place in places), sum(task.days[place].high for place in places)
        rules = [bounds for (_, week), bounds in task.weeks.items() if week == first]
        low, high = sum(bounds.low for bounds in rules), sum(bounds.high for bounds in rules)
        if fewest > high or most < low:
            yield Reason(ReasonCode.WEEK_DISAGREES, first,
                         f"minggu {day_words(first)}: kuota harian meminta {_span(fewest, most)} orang-hari WFA, jatah WFO dan WFA "
                         f"seminggu tiap orang meminta {_span(low, high)}; ubah salah satunya")


def _tight_weeks(task: Task, works: Callable[[Sequence[Bounds]], bool]) -> Iterator[Reason]:
    """Weeks whose day quotas stand in the way: without them there would be a rotation."""
    named = False
    for first in dict.fromkeys(monday(date) for date in task.dates):
        loose = [Bounds(0, len(task.owing[place])) if monday(date) == first else task.days[place] for place, date in enumerate(task.dates)]
        if works(loose):
            named = True
            yield Reason(ReasonCode.NO_ROTATION, first,
                         f"minggu {day_words(first)}: cuti dan jatah tiap orang tidak menyisakan pembagian yang memenuhi kuota harian")
    if not named:
        yield Reason(ReasonCode.NO_ROTATION, task.dates[0],
                     "kuota dan jatah tiap orang tidak dapat dipenuhi bersama pada tanggal yang masih terbuka; longgarkan salah satunya")


def _span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} sampai {high}"
