"""Reference data as schedule owns it: people, units, weeks, rosters, calendars, rule packs; values and how they change.

Everything here is a plain value; a change makes a new one. The store keeps them, the commands publish them.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.events import (
    CalendarDay,
    CalendarPublished,
    EmployeeKind,
    EmployeePublished,
    OrgUnitPublished,
    PolicyInForce,
    PolicyPublished,
    RankAssignment,
    RosterDay,
    RosterPublished,
    UnitMembership,
    WeekInForce,
    WeekPatternPublished,
    ZoneAssignment,
)
from shared.events import WeekAssignment as WeekAssignmentPublished

UnitKind: TypeAlias = Literal["OPD", "UPT"]

NATIONAL_CALENDAR: Final = "nasional"
DEFAULT_WEEK: Final = "lima-hari"
"""Five days, 37 h 30 min (Perpres 21/2023 Art. 3, 4); holds for whoever has no other week assigned."""


UNITS_WEEK: Final = "-"
"""In place of a person's week: from this date on that of the unit, or of everybody, again."""


@dataclass(frozen=True, slots=True)
class OrgUnitState:
    """An org unit (OPD, UPT): its code, its zone, the calendar whose holidays hold there.

    `parent_id` is the unit that it belongs to; `round_the_clock` marks a unit with duties of 24 hours.
    """

    org_unit_id: UUID
    code: str
    name: str
    timezone: str
    calendar: str = NATIONAL_CALENDAR
    public_service: bool = False
    kind: UnitKind | None = None
    parent_id: UUID | None = None
    round_the_clock: bool = False

    def published(self, version: int) -> OrgUnitPublished:
        """The event that tells this state."""
        return OrgUnitPublished(
            org_unit_id=self.org_unit_id, version=version, code=self.code, name=self.name, timezone=self.timezone,
            public_service=self.public_service, calendar=self.calendar, kind=self.kind, parent_id=self.parent_id,
            round_the_clock=self.round_the_clock,
        )


@dataclass(frozen=True, slots=True)
class WeekPatternState:
    """A week: local start and end per weekday ("mon": ("07:30", "16:00")); a weekday not listed is OFF. With its source."""

    code: str
    name: str
    hours: Mapping[str, tuple[str, str]]
    source: str
    in_force: tuple[WeekInForce, ...] = ()

    def published(self, version: int) -> WeekPatternPublished:
        """The event that tells this state."""
        return WeekPatternPublished(
            week=self.code, version=version, name=self.name, hours=dict(self.hours), source=self.source, in_force=self.in_force)


@dataclass(frozen=True, slots=True)
class Membership:
    """From this business date on the person belongs to this unit."""

    since: dt.date
    org_unit_id: UUID


@dataclass(frozen=True, slots=True)
class WeekAssignment:
    """From this business date on the person works this week pattern."""

    since: dt.date
    week: str


@dataclass(frozen=True, slots=True)
class Rank:
    """What somebody is: the kind of ASN, the group that rule packs name, and the kelas jabatan."""

    kind: EmployeeKind
    group: str
    job_class: int | None = None


@dataclass(frozen=True, slots=True)
class RankHeld:
    """From this business date on the person is of this rank."""

    since: dt.date
    rank: Rank


@dataclass(frozen=True, slots=True)
class ZoneHeld:
    """From this business date on the person lives in this time zone."""

    since: dt.date
    timezone: str


@dataclass(frozen=True, slots=True)
class EmployeeState:
    """One person: pseudonymous id, NIP, kind and group, zone, units and weeks by date (ascending, no repeats).

    `ranks` are kind, group and job class by date, ascending, where they ever changed: the first holds before its date too, the last
    is the person's own `kind`, `group` and `job_class`. Empty: these hold on every date. `zones` tell the zone in the same way, and
    `timezone` is the last of them.

    `played_clock` names the hand-moved clock of an invented person; None: the real one. `until` is the last day of
    service, `former_nips` the NIPs that the person had before, `job_class` the kelas jabatan.
    """

    employee_id: UUID
    nip: str
    name: str
    kind: EmployeeKind
    group: str
    timezone: str
    memberships: tuple[Membership, ...]
    weeks: tuple[WeekAssignment, ...] = ()
    active: bool = True
    played_clock: str | None = None
    job_class: int | None = None
    until: dt.date | None = None
    former_nips: tuple[str, ...] = ()
    ranks: tuple[RankHeld, ...] = ()
    zones: tuple[ZoneHeld, ...] = ()

    def published(self, version: int) -> EmployeePublished:
        """The event that tells this state."""
        return EmployeePublished(
            employee_id=self.employee_id, version=version, nip=self.nip, name=self.name, kind=self.kind, group=self.group,
            memberships=tuple(UnitMembership(since=m.since, org_unit_id=m.org_unit_id) for m in self.memberships),
            timezone=self.timezone, active=self.active, played_clock=self.played_clock,
            weeks=tuple(WeekAssignmentPublished(since=w.since, week=w.week) for w in self.weeks),
            job_class=self.job_class, until=self.until, former_nips=self.former_nips,
            ranks=tuple(
                RankAssignment(since=one.since, kind=one.rank.kind, group=one.rank.group, job_class=one.rank.job_class)
                for one in self.ranks
            ),
            zones=tuple(ZoneAssignment(since=one.since, timezone=one.timezone) for one in self.zones),
        )

    def unit_on(self, date: dt.date) -> UUID | None:
        """The unit of that business date; None before the first membership and after the last day of service."""
        if self.until is not None and date > self.until:
            return None
        place = bisect_right([m.since for m in self.memberships], date)
        return self.memberships[place - 1].org_unit_id if place else None

    def own_week_on(self, date: dt.date) -> str | None:
        """The week pattern that the person was given for that business date, by code; None: that of the unit or of everybody."""
        place = bisect_right([w.since for w in self.weeks], date)
        week = self.weeks[place - 1].week if place else UNITS_WEEK
        return None if week == UNITS_WEEK else week

    def rank_on(self, date: dt.date) -> Rank:
        """Kind, group and job class of that business date."""
        if not self.ranks:
            return Rank(self.kind, self.group, self.job_class)
        place = bisect_right([one.since for one in self.ranks], date)
        return self.ranks[max(place - 1, 0)].rank

    def zone_on(self, date: dt.date) -> str:
        """The time zone of that business date."""
        if not self.zones:
            return self.timezone
        place = bisect_right([one.since for one in self.zones], date)
        return self.zones[max(place - 1, 0)].timezone

    def zone_at(self, moment: dt.datetime) -> str:
        """The time zone of an aware instant; in the night between two zones that of the new one's date."""
        return self.zone_on(moment.astimezone(ZoneInfo(self.timezone)).date()) if self.zones else self.timezone

    def date_at(self, moment: dt.datetime) -> dt.date:
        """The local date of an aware instant."""
        return moment.astimezone(ZoneInfo(self.zone_at(moment))).date()

    def zoned(self, since: dt.date, timezone: str) -> "EmployeeState":
        """The person, living in that zone from `since` until the next known move or change of zone; earlier days stay as they were."""
        return self._in_zones(self._zones_known() | {since: timezone})

    def _zones_known(self) -> dict[dt.date, str]:
        """The zone by date: also that of each move, so that what changes before it does not reach it."""
        return {m.since: self.zone_on(m.since) for m in self.memberships} | {one.since: one.timezone for one in self.zones}

    def _in_zones(self, zones: Mapping[dt.date, str]) -> "EmployeeState":
        held = [ZoneHeld(day, name) for day, name in _without_repeats(zones)]
        return replace(self, timezone=held[-1].timezone, zones=tuple(held) if len(held) > 1 else ())

    def ranked(self, since: dt.date, rank: Rank) -> "EmployeeState":
        """The person, of that rank from `since` until the next known change; a promotion leaves the days before it alone."""
        known = {one.since: one.rank for one in self.ranks}
        known = known or {min(since, self.memberships[0].since): self.rank_on(since)}
        held = [RankHeld(day, one) for day, one in _without_repeats(known | {since: rank})]
        last = held[-1].rank
        return replace(
            self, kind=last.kind, group=last.group, job_class=last.job_class, ranks=tuple(held) if len(held) > 1 else ())

    def joined(self, since: dt.date, org_unit_id: UUID, timezone: str | None = None) -> "EmployeeState":
        """The person, belonging to that unit from `since` until the next known move, and living in its zone, if that is given."""
        units = {m.since: m.org_unit_id for m in self.memberships} | {since: org_unit_id}
        moved = replace(self, memberships=tuple(Membership(day, unit) for day, unit in _without_repeats(units)))
        held = self.memberships[max(bisect_right([m.since for m in self.memberships], since) - 1, 0)]
        if timezone is None or held.org_unit_id == org_unit_id:
            return moved
        return moved._in_zones(self._zones_known() | {since: timezone})  # noqa: SLF001 - of its own kind

    def stayed(self, since: dt.date, org_unit_id: UUID) -> "EmployeeState":
        """The person as if that move to that unit had never been; unchanged if there is no such move, or none before it to go back to."""
        earlier = tuple(m for m in self.memberships if (m.since, m.org_unit_id) != (since, org_unit_id))
        units = {m.since: m.org_unit_id for m in earlier}
        if not units or len(earlier) == len(self.memberships):
            return self
        zones = {day: name for day, name in self._zones_known().items() if day != since}
        return replace(self._in_zones(zones), memberships=tuple(Membership(day, unit) for day, unit in _without_repeats(units)))

    def working(self, since: dt.date, week: str) -> "EmployeeState":
        """The person, working that week pattern from `since` until the next known change."""
        weeks = {w.since: w.week for w in self.weeks} | {since: week}
        return replace(self, weeks=tuple(WeekAssignment(day, code) for day, code in _without_repeats(weeks)))


def _without_repeats(by_date: Mapping[dt.date, Any]) -> list[tuple[dt.date, Any]]:
    kept: list[tuple[dt.date, Any]] = []
    for day in sorted(by_date):
        if not kept or kept[-1][1] != by_date[day]:
            kept.append((day, by_date[day]))
    return kept


def changed_since(old: EmployeeState | None, new: EmployeeState) -> dt.date | None:
    """First business date whose assessment may differ between two states of a person; None: no date does."""
    if old is None:
        return new.memberships[0].since
    lasting = ("active", "played_clock")
    first = min(old.memberships[0].since, new.memberships[0].since)
    if any(getattr(old, name) != getattr(new, name) for name in lasting):
        return first
    dates = [*_differing(((m.since, m.org_unit_id) for m in old.memberships), ((m.since, m.org_unit_id) for m in new.memberships)),
             *_differing(((w.since, w.week) for w in old.weeks), ((w.since, w.week) for w in new.weeks))]
    dates += _differing(_priced_by(old, first), _priced_by(new, first))
    dates += _differing(_zones_from(old, first), _zones_from(new, first))
    if old.until != new.until:
        dates.append(min(day for day in (old.until, new.until) if day is not None) + dt.timedelta(days=1))
    return min(dates, default=None)


def _priced_by(person: EmployeeState, first: dt.date) -> list[tuple[dt.date, Any]]:
    """Kind and group by the dates from which they hold; the job class alone changes no day."""
    start = person.rank_on(first)
    later = {one.since: (one.rank.kind, one.rank.group) for one in person.ranks if one.since > first}
    return _without_repeats({first: (start.kind, start.group)} | later)


def _zones_from(person: EmployeeState, first: dt.date) -> list[tuple[dt.date, Any]]:
    """Zones by the dates from which they hold, none of them before `first`."""
    later = {one.since: one.timezone for one in person.zones if one.since > first}
    return _without_repeats({first: person.zone_on(first)} | later)


def _differing(old: Iterable[tuple[dt.date, Any]], new: Iterable[tuple[dt.date, Any]]) -> list[dt.date]:
    return [since for since, _ in set(old) ^ set(new)]


@dataclass(frozen=True, slots=True)
class RosterState:
    """The rostered days of one person and month, in order of date; days not listed follow the week pattern."""

    employee_id: UUID
    month: dt.date
    days: tuple[RosterDay, ...]

    def published(self, version: int) -> RosterPublished:
        """The event that tells this state."""
        return RosterPublished(employee_id=self.employee_id, month=f"{self.month:%Y-%m}", version=version, days=self.days)


@dataclass(frozen=True, slots=True)
class CalendarState:
    """All holidays of one calendar and year, in order of date."""

    calendar: str
    year: int
    days: tuple[CalendarDay, ...]

    def published(self, version: int) -> CalendarPublished:
        """The event that tells this state."""
        return CalendarPublished(calendar=self.calendar, year=self.year, version=version, days=self.days)


@dataclass(frozen=True, slots=True)
class PolicyState:
    """A rule pack: the content under its id (never changes), its name, and where and since when it is in force."""

    policy_id: UUID
    name: str
    content: Mapping[str, Any]
    in_force: tuple[PolicyInForce, ...] = ()

    def published(self, version: int) -> PolicyPublished:
        """The event that tells this state."""
        return PolicyPublished(
            policy_id=self.policy_id, version=version, name=self.name, content=dict(self.content), in_force=self.in_force,
        )
