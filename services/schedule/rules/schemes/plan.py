"""Who of an org unit works from where on which date, as planned or as it was: what schemes are compared with."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.schedule.rules.schemes.model import WEEKDAYS, Quota, Scheme
from shared.events import Mode

DAY: Final = dt.timedelta(days=1)


class Place(StrEnum):
    """Where somebody works on a date that is owed. A date that is off, or belongs to another unit, has no place at all.

    AWAY: on leave or duty travel, so counted nowhere. OPEN: owed, but not planned yet (another month's date).
    """

    WFO = Mode.WFO.value
    WFA = Mode.WFA.value
    AWAY = "AWAY"
    OPEN = "OPEN"


COUNTED: Final = frozenset({Place.WFO, Place.WFA})
"""Places that make up a unit's share."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """One person of the unit: the group (structural, functional …), and where each owed date is worked.

    `regrouped` are the later changes of the group, in order: the first date and the group from then on.
    """

    employee_id: UUID
    group: str
    days: Mapping[dt.date, Place]
    regrouped: tuple[tuple[dt.date, str], ...] = ()

    def group_on(self, date: dt.date) -> str:
        """The group of a date."""
        held = [group for since, group in self.regrouped if since <= date]
        return held[-1] if held else self.group


@dataclass(frozen=True, slots=True)
class Plan:
    """An org unit's people over a period, `first` to `last`; the rest of the weeks at both ends may be known too.

    `schemes` gives the scheme that holds for the unit on each date, those of the weeks at both ends included; a date that is
    missing has none.
    """

    unit: str
    public_service: bool
    first: dt.date
    last: dt.date
    people: tuple[Colleague, ...]
    schemes: Mapping[dt.date, Scheme] = field(default_factory=dict)

    def dates(self) -> Iterator[dt.date]:
        """The dates of the period."""
        return (self.first + n * DAY for n in range((self.last - self.first).days + 1))

    def stretches(self) -> list[tuple[Scheme, list[dt.date]]]:
        """Each scheme of the period with its dates, in order of its first one."""
        found: dict[UUID, tuple[Scheme, list[dt.date]]] = {}
        for date in self.dates():
            if (scheme := self.schemes.get(date)) is not None:
                found.setdefault(scheme.identity, (scheme, []))[1].append(date)
        return list(found.values())

    def takes_part(self, scheme: Scheme, person: Colleague, date: dt.date) -> bool:
        """Whether the scheme is about a person on a date: neither the unit nor the group of that date is left out."""
        left_out = scheme.excludes_unit(self.unit, public_service=self.public_service)
        return not left_out and person.group_on(date) not in scheme.excluded.groups

    def taking_part(self, scheme: Scheme) -> tuple[Colleague, ...]:
        """The people whom the scheme is about, with the dates on which it is; nobody, if the unit is left out."""
        if scheme.excludes_unit(self.unit, public_service=self.public_service):
            return ()
        everybody = (person if not person.regrouped else replace(
            person, days={date: place for date, place in person.days.items() if self.takes_part(scheme, person, date)})
            for person in self.people)
        return tuple(person for person in everybody if person.regrouped or person.group not in scheme.excluded.groups)


@dataclass(frozen=True, slots=True)
class Week:
    """One person's week under a scheme: days owed, those that are WFA, and those that may yet become either."""

    owed: int
    wfa: int
    still_open: int


@dataclass(frozen=True, slots=True)
class Span:
    """The dates over which one quota is counted: a day, the part of a week or month under one scheme."""

    quota: Quota
    dates: tuple[dt.date, ...]


def week_of(plan: Plan, scheme: Scheme, person: Colleague, first: dt.date, undecided: Collection[dt.date] = ()) -> Week:
    """The whole week that begins on `first`, also where it lies outside the period.

    Days that are not planned yet, that another scheme rules, or that are `undecided`, may be either.
    """
    owed = wfa = still_open = 0
    for date in (first + n * DAY for n in range(7)):
        place = person.days.get(date)
        if place is None or place is Place.AWAY:
            continue
        owed += 1
        ruled = plan.schemes.get(date)
        if place is Place.OPEN or date in undecided or ruled is None or ruled.identity != scheme.identity:
            still_open += 1
        else:
            wfa += place is Place.WFA
    return Week(owed, wfa, still_open)


def monday(date: dt.date) -> dt.date:
    """The Monday of the week of a date."""
    return date - date.weekday() * DAY


def spans(scheme: Scheme, dates: Collection[dt.date]) -> list[Span]:
    """The spans of a scheme's quotas within dates on which it holds. Fixed weekdays count in no day quota."""
    found: list[Span] = []
    for quota in scheme.quotas:
        groups: dict[dt.date, list[dt.date]] = {}
        for date in sorted(dates):
            if quota.weekdays and WEEKDAYS[date.weekday()] not in quota.weekdays:
                continue
            if quota.per == "day":
                if date.weekday() not in scheme.fixed:
                    groups[date] = [date]
            else:
                groups.setdefault(monday(date) if quota.per == "week" else date.replace(day=1), []).append(date)
        found += [Span(quota, tuple(group)) for group in groups.values()]
    return found
