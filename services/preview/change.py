"""A change that somebody thinks of making: what is different about the reference data, for whom, and on which dates."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias
from uuid import UUID

from services.geofence.store.sites import SiteRow
from services.schedule.in_force import PoliciesInForce, WeekScope, WeeksInForce
from services.schedule.memory import Reference
from services.schedule.reference import CalendarState, EmployeeState, OrgUnitState, RosterState
from services.schedule.rules.schemes import Scheme, SchemesInForce, SchemeState, with_scope
from services.schedule.rules.taking_force import Kind
from services.schedule.store.due import REAL
from shared.events import SchemeInForce
from shared.policy import Policy

Scope: TypeAlias = tuple[UUID | None, dt.date, UUID]
"""A unit (None: the province), the first business date, the rule pack in force there from then on."""

@dataclass(frozen=True, slots=True)
class SchemeScope:
    """A WFO/WFA scheme that is to hold for a unit (None: the province) on these dates, both inclusive (until None: open end)."""

    name: str
    scheme: Scheme
    since: dt.date
    until: dt.date | None = None
    org_unit_id: UUID | None = None


_DAY: Final = dt.timedelta(days=1)
_WEEK: Final = 7 * _DAY


@dataclass(frozen=True, slots=True)
class Window:
    """The business dates that are looked at again, both inclusive."""

    first: dt.date
    last: dt.date

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """All of them in order."""
        return tuple(self.first + number * _DAY for number in range((self.last - self.first).days + 1))

    @property
    def months(self) -> tuple[str, ...]:
        """The months they are in, in order, as "2026-02"."""
        return tuple(dict.fromkeys(date.isoformat()[:7] for date in self.dates))


@dataclass(frozen=True, slots=True)
class Change:
    """What would be different. Empty parts stay as they are.

    `scopes` and `weeks` are put in force beside those that hold; one whose date lies after the window is played as if it had held
    from the window's first day on, because a change of tomorrow can only be tried on yesterday. `digest` tells whether a
    recorded preview was of this very change. `touched` are the dates whose calendar or roster differs (or from which on people
    do), `reached` the units that can be concerned (None: any). `units`, if given, narrows what is looked at;
    `clock` is that of the people who are looked at: real ones, or those who were invented to live by a clock of their own.
    """

    kind: Kind
    title: str
    digest: str
    policies: Mapping[UUID, Policy] = field(default_factory=dict)
    scopes: tuple[Scope, ...] = ()
    calendars: tuple[CalendarState, ...] = ()
    org_units: tuple[OrgUnitState, ...] = ()
    rosters: tuple[RosterState, ...] = ()
    sites: tuple[SiteRow, ...] = ()
    employees: tuple[EmployeeState, ...] = ()
    schemes: tuple[SchemeScope, ...] = ()
    weeks: tuple[WeekScope, ...] = ()
    touched: frozenset[dt.date] = frozenset()
    reached: frozenset[UUID] | None = None
    units: frozenset[UUID] | None = None
    clock: str = REAL

    @property
    def moves_duties(self) -> bool:
        """Whether hours or days of duty may differ, and not only how they are judged."""
        return bool(self.calendars or self.org_units or self.rosters or self.employees or self.weeks)

    def concerns(self, before: Reference) -> frozenset[UUID] | None:
        """The only units that the change can reach; None: it may reach anybody."""
        if self.kind == "policy" and all(unit is not None for unit, _, _ in self.scopes):
            return frozenset(one for unit, _, _ in self.scopes if unit is not None for one in before.below(unit))
        return self.reached

    @property
    def people(self) -> frozenset[UUID] | None:
        """The only people that the change can reach; None: it may reach anybody."""
        if self.kind == "employees":
            return frozenset(person.employee_id for person in self.employees)
        return frozenset(roster.employee_id for roster in self.rosters) if self.kind == "roster" else None

    def dates(self, window: Window) -> Window | None:
        """The dates of the window whose days the change can touch; None: none of them.

        A month's duty days count in every day of it, a week's number of them in every day of the week, and a duty cuts
        the reach of its neighbours.
        """
        if self.kind == "policy":
            first = min((played(since, window) for _, since, _ in self.scopes), default=window.last + _DAY)
            return _cut(window, first, window.last)
        if self.kind == "sites":
            return window
        if self.kind == "weeks":
            first = min((played(one.since, window) for one in self.weeks), default=window.last + _DAY)
            return _cut(window, first.replace(day=1) - _WEEK, window.last)
        if not self.touched:
            return None
        first, last = min(self.touched), max(self.touched)
        if self.kind == "employees":
            return _cut(window, (first - _DAY).replace(day=1), window.last)
        return _cut(window, first.replace(day=1) - _WEEK, (last.replace(day=1) + 31 * _DAY).replace(day=1) + _WEEK)

    def after(self, before: Reference, window: Window) -> Reference:
        """The reference data as they would be."""
        holidays = dict(before.holidays)
        for calendar in self.calendars:
            others = frozenset(date for date in holidays.get(calendar.calendar, ()) if date.year != calendar.year)
            holidays[calendar.calendar] = others | {day.date for day in calendar.days}
        return before.changed(
            units=self.org_units, holidays=holidays, policies=self.policies,
            in_force=PoliciesInForce(self._scopes(before.in_force.rows(), window)) if self.scopes else None,
            weeks_in_force=self._weeks(before.weeks_in_force, window),
        )  # fmt: skip

    def schemes_after(self, known: Mapping[UUID, SchemeState], window: Window) -> SchemesInForce:
        """Which scheme would hold where and when; one from a later date as if it had held on all the days of the window."""
        states = dict(known)
        for one in self.schemes:
            states.setdefault(one.scheme.identity, SchemeState(one.name, one.scheme))
            start = played(one.since, window)
            if start != one.since:
                # as with rule packs: what else came into force there in the window would hide it
                states = {scheme_id: state.leaving_out(one.org_unit_id, start, window.last) for scheme_id, state in states.items()}
            states = with_scope(states, one.scheme, SchemeInForce(
                since=start, until=one.until if start == one.since else None, org_unit_id=one.org_unit_id,
                legal_source=one.scheme.legal_source))
        return SchemesInForce(states.values())

    def _scopes(self, known: Sequence[Scope], window: Window) -> list[Scope]:
        """All scopes with the new ones: each holds until the next that is known of the same unit, as in real life."""
        held = {(unit, since): policy_id for unit, since, policy_id in known}
        for unit, since, policy_id in self.scopes:
            start = played(since, window)
            if start != since:
                # as if in force already: whatever else came into force in the window would hide it
                held = {key: value for key, value in held.items() if key[0] != unit or not start <= key[1] <= window.last}
            held[unit, start] = policy_id
        return [(unit, since, policy_id) for (unit, since), policy_id in held.items()]

    def _weeks(self, known: WeeksInForce, window: Window) -> WeeksInForce:
        """Where weeks would hold; one from a later date as if it had held on all the days of the window."""
        for one in self.weeks:
            start = played(one.since, window)
            if start == one.since:
                known = known.saying([one])
            elif one.week is not None:  # what is taken away before it began was on none of these days
                known = known.leaving_out(one.org_unit_id, start, window.last).saying([replace(one, since=start, until=None)])
        return known


def played(since: dt.date, window: Window) -> dt.date:
    """From which date on a change that holds from `since` is played over the window."""
    return since if since <= window.last else window.first


def _cut(window: Window, first: dt.date, last: dt.date) -> Window | None:
    cut = Window(max(window.first, first), min(window.last, last))
    return cut if cut.first <= cut.last else None
