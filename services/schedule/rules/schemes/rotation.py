"""What a rotation has to keep, as numbers: one scheme's dates that are still to be decided, with all bounds on them.

Rules of the scheme are hard bounds. Beside them stands each person-day's share: the fraction of people that works from
anywhere on that date. Sharing every date among those who owe it would be perfectly even, if people could be cut in pieces;
the rotation takes whole days as near to it as there are.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from uuid import UUID

from services.schedule.rules.schemes.bounds import Bounds, quota_bounds, week_bounds
from services.schedule.rules.schemes.model import Quota, Scheme
from services.schedule.rules.schemes.plan import COUNTED, Colleague, Place, Plan, Span, Week, monday, spans, week_of

Seat = tuple[int, int]
"""A person (by place in the order) on a date (by place in the dates)."""


@dataclass(frozen=True, slots=True)
class Task:
    """Who is to be WFA on which of the dates. People and dates go by their place in `people` and `dates`."""

    scheme: Scheme
    dates: tuple[dt.date, ...]
    people: tuple[Colleague, ...]
    owing: tuple[tuple[int, ...], ...]
    """For each date, who owes work on it."""
    days: tuple[Bounds, ...]
    """For each date, how many may be WFA."""
    totals: tuple[tuple[tuple[int, ...], Bounds], ...]
    """Dates over which a weekly or monthly quota is counted, and how many of their person-days may be WFA."""
    weeks: Mapping[tuple[int, dt.date], Bounds]
    """For a person's week, how many of its dates may be WFA."""
    shares: Mapping[Seat, Fraction]
    """The even share of each seat."""

    def even_days(self) -> tuple[Bounds, ...]:
        """Each date's bounds, no further from its even share than whole people are."""
        sums: defaultdict[int, Fraction] = defaultdict(Fraction)
        for (_, date), share in self.shares.items():
            sums[date] += share
        return tuple(_near(sums[date], hard) for date, hard in enumerate(self.days))

    def even_weeks(self) -> dict[tuple[int, dt.date], Bounds]:
        """The same for each person's week."""
        sums: defaultdict[tuple[int, dt.date], Fraction] = defaultdict(Fraction)
        for (person, date), share in self.shares.items():
            sums[person, monday(self.dates[date])] += share
        return {key: _near(sums[key], hard) for key, hard in self.weeks.items()}

    def fair(self, slack: int) -> tuple[Bounds, ...]:
        """Each person's days over all dates: the even share cut down to whole days, or one more; `slack` widens it."""
        return tuple(Bounds(max(0, floor(share) - slack), ceil(share) + slack) for share in self.fair_shares())

    def fair_shares(self) -> list[Fraction]:
        """Each person's even share over all dates."""
        sums = [Fraction(0)] * len(self.people)
        for (person, _), share in self.shares.items():
            sums[person] += share
        return sums

    def alike(self) -> list[list[int]]:
        """People whom the rotation cannot tell apart, group by group: they owe work on the same dates, in weeks alike."""
        weeks: defaultdict[int, list[Bounds]] = defaultdict(list)
        for (whose, _), bounds in self.weeks.items():
            weeks[whose].append(bounds)
        dates: defaultdict[int, list[int]] = defaultdict(list)
        for whose, place in self.shares:
            dates[whose].append(place)
        groups: defaultdict[object, list[int]] = defaultdict(list)
        for whose in range(len(self.people)):
            groups[tuple(dates[whose]), tuple(weeks[whose])].append(whose)
        return list(groups.values())


def task_of(
    plan: Plan, scheme: Scheme, dates: Sequence[dt.date], free: Collection[dt.date], opened: Collection[dt.date],
    carried: Mapping[UUID, int],
) -> Task:  # fmt: skip
    """The task of one scheme's `dates`, of which the `free` ones are to be decided and the others stand.

    `opened` are the dates that may still change, fixed weekdays among them; what stands on dates before them may be against
    the scheme beyond repair, and is then made good as far as the open dates allow.

    People are ordered by when they owe work, then by `carried` (WFA days before the period, fewest first), then by id, so
    that ids matter only among people who are alike.
    """
    decided = tuple(date for date in dates if date in free)
    people = sorted(plan.taking_part(scheme), key=lambda person: (
        [person.days.get(date) not in COUNTED for date in decided], carried.get(person.employee_id, 0), person.employee_id))
    owing = tuple(tuple(place for place, person in enumerate(people) if person.days.get(date) in COUNTED) for date in decided)
    days, rates = [], []
    counted = spans(scheme, dates)
    for place, date in enumerate(decided):
        bounds, rate = Bounds(0, len(owing[place])), None
        for span in counted:
            if span.quota.per == "day" and span.dates[0] == date:
                bounds = bounds.within(quota_bounds(span.quota, len(owing[place])))
                rate = Fraction(wanted(span.quota, len(owing[place])), max(1, len(owing[place]))) if rate is None else rate
        days.append(bounds)
        rates.append(rate)
    totals = []
    for span in counted:
        if span.quota.per == "day":
            continue
        within = tuple(place for place, date in enumerate(decided) if date in span.dates)
        if not within:
            continue
        owed, standing = _standing(people, span, free)
        allowed = quota_bounds(span.quota, owed)
        open_days = sum(len(owing[place]) for place in within)
        bounds = Bounds(max(0, allowed.low - standing), allowed.high - standing)
        totals.append((within, _reachable(bounds, open_days) if set(span.dates) - set(opened) else bounds))
        for place in within:
            if rates[place] is None:
                rates[place] = _part(wanted(span.quota, owed) - standing, open_days)
    weeks, shares = {}, {}
    for whose, person in enumerate(people):
        for first in dict.fromkeys(monday(date) for date in decided):
            mine = [place for place, date in enumerate(decided) if monday(date) == first and whose in owing[place]]
            week = week_of(plan, scheme, person, first, free)
            if mine:
                bounds = _week(scheme, week, len(mine))
                past = any(date not in opened and date in person.days for date in dates if monday(date) == first)
                weeks[whose, first] = _reachable(bounds, len(mine)) if past else bounds
            for place in mine:
                rate = rates[place]
                shares[whose, place] = _own_rate(scheme, week) if rate is None else rate
    return Task(scheme, decided, tuple(people), owing, tuple(days), tuple(totals), weeks, shares)


def wanted(quota: Quota, owed: int) -> int:
    """How many WFA person-days a quota asks for: its share; as many as a limit allows; as few as it demands."""
    exact = quota_bounds(quota.model_copy(update={"tolerance": 0}), owed)
    return exact.low if quota.exact is None and quota.wfa_at_most is None else exact.high


def _standing(people: Sequence[Colleague], span: Span, free: Collection[dt.date]) -> tuple[int, int]:
    """Person-days owed over a span, and those that are WFA already on its dates that are not free."""
    owed = standing = 0
    for person in people:
        for date in span.dates:
            place = person.days.get(date)
            owed += place in COUNTED
            standing += place is Place.WFA and date not in free
    return owed, standing


def _week(scheme: Scheme, week: Week, mine: int) -> Bounds:
    """How many of a person's free dates of a week may be WFA, with the other dates of the week as they are."""
    if scheme.person_week is None:
        return Bounds(0, mine)
    whole = week_bounds(scheme.person_week, week.owed)
    elsewhere = week.still_open - mine
    return Bounds(max(0, whole.low - week.wfa - elsewhere), min(mine, whole.high - week.wfa))


def _own_rate(scheme: Scheme, week: Week) -> Fraction:
    """The share of each open day of a person's week, where no quota tells it."""
    if scheme.person_week is None:
        return Fraction(0)
    rule = scheme.person_week
    whole = Fraction(rule.wfa * min(week.owed, rule.wfo + rule.wfa), rule.wfo + rule.wfa)
    return _part(whole - week.wfa, week.still_open)


def _reachable(bounds: Bounds, most: int) -> Bounds:
    """The bounds, or what is nearest to them among 0 to `most`."""
    return Bounds(min(bounds.low, most), max(bounds.high, 0))


def _part(amount: Fraction | int, of: int) -> Fraction:
    """An amount as a share of so many days, between none and all."""
    return min(Fraction(1), max(Fraction(0), Fraction(amount) / max(1, of)))


def _near(share: Fraction, hard: Bounds) -> Bounds:
    near = hard.within(Bounds(floor(share), ceil(share)))
    return near if near.low <= near.high else hard
