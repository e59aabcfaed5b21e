"""Compares a plan with the schemes that hold on its dates: every breach, by date and employee, and each day's share."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.schedule.rules.schemes.bounds import Bounds, quota_bounds, week_bounds
from services.schedule.rules.schemes.breaches import Breach, BreachCode
from services.schedule.rules.schemes.model import Scheme
from services.schedule.rules.schemes.plan import COUNTED, DAY, Colleague, Place, Plan, monday, spans, week_of


@dataclass(frozen=True, slots=True)
class DayShare:
    """How many of a unit's people work from where on a date; `allowed` is how many the scheme's day quotas let be WFA.

    `owed` are those in the scheme who owe work that day and are not away; `left_out` those whom the scheme leaves out.
    `allowed` is None where no day quota holds (no scheme, a fixed weekday, a unit left out).
    """

    date: dt.date
    owed: int
    wfa: int
    away: int
    left_out: int
    allowed: Bounds | None

    @property
    def wfo(self) -> int:
        """Those in the office."""
        return self.owed - self.wfa


def breaches_of(plan: Plan) -> list[Breach]:
    """Everything in the plan's period that is against its schemes, in order of date; warnings among it."""
    found: list[Breach] = []
    for date in plan.dates():
        if date not in plan.schemes:
            found += [Breach(date, BreachCode.NO_SCHEME, employee_id=person.employee_id)
                      for person in plan.people if person.days.get(date) is Place.WFA]
    for scheme, dates in plan.stretches():
        people = plan.taking_part(scheme)
        found += _left_out(plan, scheme, dates)
        found += _quotas(scheme, dates, people)
        for person in people:
            found += _fixed_days(scheme, dates, person)
            found += _weeks(plan, scheme, dates, person)
    return sorted(found, key=lambda breach: (breach.date, breach.code, str(breach.employee_id or "")))


def shares_of(plan: Plan) -> list[DayShare]:
    """The share of each date of the period."""
    shares = []
    for date in plan.dates():
        scheme = plan.schemes.get(date)
        people = plan.people if scheme is None else plan.taking_part(scheme)
        places = Counter(person.days.get(date) for person in people)
        owed = places[Place.WFO] + places[Place.WFA]
        allowed = None
        for span in spans(scheme, [date]) if scheme is not None and people else ():
            if span.quota.per == "day":
                bounds = quota_bounds(span.quota, owed)
                allowed = bounds if allowed is None else allowed.within(bounds)
        out = sum(1 for person in plan.people if person.days.get(date) in COUNTED) - owed
        shares.append(DayShare(date, owed, places[Place.WFA], places[Place.AWAY], out, allowed))
    return shares


def _left_out(plan: Plan, scheme: Scheme, dates: Sequence[dt.date]) -> Iterator[Breach]:
    """Those whom the scheme leaves out work in the office."""
    whole = scheme.excludes_unit(plan.unit, public_service=plan.public_service)
    for person in plan.people:
        for date in dates:
            if person.days.get(date) is Place.WFA and not plan.takes_part(scheme, person, date):
                code = BreachCode.EXCLUDED_UNIT if whole else BreachCode.EXCLUDED_GROUP
                yield Breach(date, code, employee_id=person.employee_id, word="" if whole else person.group_on(date))


def _quotas(scheme: Scheme, dates: Sequence[dt.date], people: Sequence[Colleague]) -> Iterator[Breach]:
    if not people:
        return
    for span in spans(scheme, dates):
        places = Counter(person.days.get(date) for person in people for date in span.dates)
        wfa, owed = places[Place.WFA], places[Place.WFO] + places[Place.WFA]
        allowed = quota_bounds(span.quota, owed)
        if wfa > allowed.high:
            yield Breach(span.dates[0], BreachCode.QUOTA_OVER, span.quota.per, counted=wfa, allowed=allowed, owed=owed)
        elif wfa < allowed.low:
            yield Breach(span.dates[0], BreachCode.QUOTA_UNDER, span.quota.per, counted=wfa, allowed=allowed, owed=owed)


def _fixed_days(scheme: Scheme, dates: Sequence[dt.date], person: Colleague) -> Iterator[Breach]:
    for date in dates:
        mode = scheme.fixed.get(date.weekday())
        place = person.days.get(date)
        if mode is not None and place in COUNTED and place.value != mode.value:
            yield Breach(date, BreachCode.FIXED_DAY, employee_id=person.employee_id, word=mode.value)


def _weeks(plan: Plan, scheme: Scheme, dates: Sequence[dt.date], person: Colleague) -> Iterator[Breach]:
    """A person's weeks with work in the period; each is counted whole, also where it lies partly outside."""
    begins: dict[dt.date, dt.date] = {}
    for date in dates:
        if person.days.get(date) in COUNTED:
            begins.setdefault(monday(date), date)
    for first, date in begins.items():
        if scheme.person_week is not None:
            week = week_of(plan, scheme, person, first)
            allowed = week_bounds(scheme.person_week, week.owed)
            if week.wfa > allowed.high:
                yield Breach(date, BreachCode.PERSON_WEEK_OVER, "week", person.employee_id, week.wfa, allowed, week.owed)
            elif week.wfa + week.still_open < allowed.low:
                yield Breach(date, BreachCode.PERSON_WEEK_UNDER, "week", person.employee_id, week.wfa, allowed, week.owed)
        if scheme.weekly_wfa_limit is not None:
            places = Counter(person.days.get(first + n * DAY) for n in range(7))
            if places[Place.WFA] > scheme.weekly_wfa_limit:
                limit = Bounds(0, scheme.weekly_wfa_limit)
                owed = places[Place.WFA] + places[Place.WFO] + places[Place.OPEN]
                yield Breach(date, BreachCode.WEEKLY_LIMIT, "week", person.employee_id, places[Place.WFA], limit, owed)
