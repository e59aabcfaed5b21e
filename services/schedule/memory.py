"""What a worker remembers of rarely changing reference data, and the duties that follow from it.

Each unit of work compares the change counter first and reads everything again when it moved. A change that commits
during a unit of work is not missed: whatever it concerns is marked due under the lanes, which this work holds.
"""

import datetime as dt
import logging
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.schedule.in_force import PoliciesInForce, WeeksInForce
from services.schedule.reference import DEFAULT_WEEK, NATIONAL_CALENDAR, EmployeeState, OrgUnitState
from services.schedule.rules import (
    Duty,
    DutyError,
    Placed,
    Span,
    Week,
    beats_calendar,
    date_of_stamp,
    duty_on,
    parse_week,
    place,
    reaches_of,
    week_days,
)
from services.schedule.store import reference_rows as rows
from shared import logs
from shared.database import Connection
from shared.events import Mark, Mode, RosterDay
from shared.policy import Policy

_log = logging.getLogger(__name__)
_DAY: Final = dt.timedelta(days=1)
_REMEMBERED: Final = 200_000
_NO_WEEKS: Final = WeeksInForce()


@dataclass(frozen=True, slots=True)
class Setting:
    """A duty with the nearest working ones around it, and its month and week."""

    duty: Duty
    before: Duty | None
    after: Duty | None
    days_in_month: int
    week_days: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What somebody of this unit owed on a date, and the rule pack that judges it."""

    unit: UUID
    policy_id: UUID
    policy: Policy
    setting: Setting

    def reach(self) -> Span | None:
        """The span outside of which no mark belongs to the day, so that `judge` would not look at it; None: none is looked at at all."""
        duty = self.setting.duty
        return reaches_of(Placed(duty, self.setting.before, self.setting.after), self.policy.on(duty.date)).whole()


class Reference:
    """One state of units, weeks, calendars and rule packs."""

    def __init__(
        self,
        units: Mapping[UUID, OrgUnitState],
        weeks: Mapping[str, Week],
        holidays: Mapping[str, frozenset[dt.date]],
        policies: Mapping[UUID, Policy],
        in_force: PoliciesInForce,
        weeks_in_force: WeeksInForce = _NO_WEEKS,
    ) -> None:
        self.units = units
        self.weeks = weeks
        self.holidays = holidays
        self.policies = policies
        self.in_force = in_force
        self.weeks_in_force = weeks_in_force
        self._lines: dict[UUID, tuple[UUID, ...]] = {}
        self._turns: dict[UUID, frozenset[dt.date]] = {}
        self._plain: dict[tuple[str, str, dt.date, str], Duty] = {}
        self._rostered: dict[tuple[str, str, str, dt.date, str, str | None, str | None], Duty] = {}
        self._settings: dict[tuple[str, str, dt.date, str], Setting] = {}
        self._working_days: dict[tuple[str, str, dt.date], int] = {}

    def calendar_of(self, org_unit_id: UUID | None) -> str:
        """Name of the calendar by which a unit lives."""
        unit = self.units.get(org_unit_id) if org_unit_id else None
        return unit.calendar if unit else NATIONAL_CALENDAR

    def line_of(self, org_unit_id: UUID) -> tuple[UUID, ...]:
        """A unit, the unit above it, and so on."""
        line = self._lines.get(org_unit_id)
        if line is None:
            above: dict[UUID, None] = {}
            at: UUID | None = org_unit_id
            while at is not None and at not in above:
                above[at] = None
                unit = self.units.get(at)
                at = unit.parent_id if unit else None
            line = self._lines[org_unit_id] = tuple(above)
        return line

    def below(self, org_unit_id: UUID) -> list[UUID]:
        """A unit and all units below it."""
        return [unit for unit in self.units if org_unit_id in self.line_of(unit)]

    def pack_on(self, org_unit_id: UUID | None, date: dt.date) -> UUID | None:
        """Id of the rule pack by which whoever is of a unit on a business date is judged; None: by none, nothing is owed."""
        return self.in_force.on(self.line_of(org_unit_id), date) if org_unit_id is not None else None

    def unit_week(self, org_unit_id: UUID, date: dt.date) -> str:
        """Code of the week of whoever of a unit was given none of his own."""
        return self.weeks_in_force.on(self.line_of(org_unit_id), date) or DEFAULT_WEEK

    def turns_of(self, org_unit_id: UUID) -> frozenset[dt.date]:
        """The dates on which another week may begin for a unit."""
        turns = self._turns.get(org_unit_id)
        if turns is None:
            turns = self._turns[org_unit_id] = frozenset(self.weeks_in_force.turns(self.line_of(org_unit_id)))
        return turns

    def other_demands(self, after: "Reference", org_unit_id: UUID) -> list[dt.date]:
        """The dates from which on (up to the next turn) a unit owes other hours after a change, or by another pack, or none any more.

        Where no pack held nothing was owed. Whoever has a week of his own may owe what he owed.
        """
        lines = [(side, side.line_of(org_unit_id)) for side in (self, after)]
        turns = {date for side, line in lines for date in side.weeks_in_force.turns(line) | side.in_force.turns(line)}
        return [
            date for date in sorted(turns) if self.pack_on(org_unit_id, date) is not None
            and self._demand(org_unit_id, date) != after._demand(org_unit_id, date)  # noqa: SLF001 - of its own kind
        ]

    def _demand(self, org_unit_id: UUID, date: dt.date) -> tuple[Week, UUID | None]:
        return self.week(self.unit_week(org_unit_id, date)), self.pack_on(org_unit_id, date)

    def changed(
        self, *, units: Iterable[OrgUnitState] = (), holidays: Mapping[str, frozenset[dt.date]] | None = None,
        policies: Mapping[UUID, Policy] | None = None, in_force: PoliciesInForce | None = None, weeks_in_force: WeeksInForce | None = None,
    ) -> "Reference":  # fmt: skip
        """The same with these units and rule packs as they would be, and with these calendars, and packs and weeks in force."""
        return Reference(
            {**self.units, **{unit.org_unit_id: unit for unit in units}}, self.weeks,
            self.holidays if holidays is None else holidays, {**self.policies, **(policies or {})},
            self.in_force if in_force is None else in_force, self.weeks_in_force if weeks_in_force is None else weeks_in_force)

    def week_of(self, person: EmployeeState, date: dt.date) -> str:
        """Code of the week that somebody works on a business date: his own, else the unit's, else everybody's, else the usual one."""
        unit = person.unit_on(date) or person.memberships[0].org_unit_id
        return person.own_week_on(date) or self.unit_week(unit, date)

    def week(self, code: str) -> Week:
        """Hours by weekday; a pattern that is not known is the usual one."""
        return self.weeks[code] if code in self.weeks else self.weeks.get(DEFAULT_WEEK, {})

    def plain_duty(self, week: str, calendar: str, date: dt.date, timezone: str) -> Duty:
        """The duty of whoever is not rostered: by week pattern and calendar."""
        key = (week, calendar, date, timezone)
        duty = self._plain.get(key)
        if duty is None:
            if len(self._plain) > _REMEMBERED:
                self._plain.clear()
            duty = self._plain[key] = duty_on(date, self.week(week), self.holidays.get(calendar, frozenset()), None, timezone)
        return duty

    def rostered_duty(self, week: str, calendar: str, date: dt.date, timezone: str, row: RosterDay) -> Duty:
        """The duty of whoever is rostered; raises DutyError where the row gives no hours and the week has none."""
        key = (week, calendar, timezone, date, row.mode.value, row.start, row.end)
        duty = self._rostered.get(key)
        if duty is None:
            if len(self._rostered) > _REMEMBERED:
                self._rostered.clear()
            duty = self._rostered[key] = duty_on(date, self.week(week), self.holidays.get(calendar, frozenset()), row, timezone)
        return duty

    def plain_setting(self, week: str, calendar: str, date: dt.date, timezone: str) -> Setting:
        """The same with its neighbours and its month."""
        key = (week, calendar, date, timezone)
        setting = self._settings.get(key)
        if setting is None:
            if len(self._settings) > _REMEMBERED:
                self._settings.clear()
            setting = self._settings[key] = Setting(
                *place(date, lambda day: self.plain_duty(week, calendar, day, timezone)),
                self.working_days(week, calendar, date.replace(day=1)), week_days(date, self.week(week), {}),
            )
        return setting

    def working_days(self, week: str, calendar: str, first: dt.date) -> int:
        """How many dates of the month that begins on `first` are worked by week pattern and calendar alone."""
        key = (week, calendar, first)
        count = self._working_days.get(key)
        if count is None:
            days = [first + n * _DAY for n in range((_next_month(first) - first).days)]
            count = self._working_days[key] = sum(self.plain_duty(week, calendar, day, "UTC").working for day in days)
        return count


class Duties:
    """The duties of one person, from roster, week and calendar as of each date."""

    def __init__(self, reference: Reference, person: EmployeeState, roster: Mapping[dt.date, RosterDay]) -> None:
        self._reference = reference
        self._person = person
        self._roster = roster
        turns = {turn for m in person.memberships for turn in reference.turns_of(m.org_unit_id)}
        changes = (person.memberships[1:], person.weeks, person.zones[1:])
        self._moves = sorted({*(one.since for held in changes for one in held), *turns})
        self._patterns: dict[int, tuple[str, str]] = {}
        self._others: dict[tuple[str, str], bool] = {}
        self._on: dict[dt.date, Duty] = {}
        self._settings: dict[dt.date, Setting] = {}

    def on(self, date: dt.date) -> Duty:
        """The duty of a business date."""
        duty = self._on.get(date)
        if duty is None:
            duty = self._on[date] = self._duty(date)
        return duty

    def setting(self, date: dt.date) -> Setting:
        """The duty of a business date with its neighbours and its month."""
        setting = self._settings.get(date)
        if setting is None:
            setting = self._settings[date] = self._setting(date)
        return setting

    def _setting(self, date: dt.date) -> Setting:
        week, calendar = self._pattern(date)
        if self._turns_around(date) or (self._roster and self._owes_other_dates(week, calendar)):
            days = week_days(date, self._reference.week(week), self._roster)
            return Setting(*place(date, self.on), self._days_in_month(date), days)
        plain = self._reference.plain_setting(week, calendar, date, self._person.zone_on(date))
        return Setting(*place(date, self.on), plain.days_in_month, plain.week_days) if self._roster else plain

    def _owes_other_dates(self, week: str, calendar: str) -> bool:
        """Whether the roster asks for work on a date that this week or calendar leaves free, or for none where the week has some.

        Most rosters do not: they say where one works (WFA) or when. Then months and weeks have as many duties as without them.
        Every row is looked at, also where another week holds by then: to say yes too often costs time only.
        """
        known = self._others.get((week, calendar))
        if known is None:
            hours, holidays = self._reference.week(week), self._reference.holidays.get(calendar, frozenset())
            known = self._others[week, calendar] = any(
                (date in holidays and beats_calendar(row)) or (row.mode is not Mode.OFF) != (date.weekday() in hours)
                for date, row in self._roster.items())
        return known

    def _turns_around(self, date: dt.date) -> bool:
        """Whether unit, week or zone change within the month of a date or near it."""
        first = date.replace(day=1)
        return bool(self._moves) and (
            bisect_right(self._moves, first - 7 * _DAY) < bisect_right(self._moves, _next_month(first) + 7 * _DAY))

    def date_of(self, stamp: dt.datetime, mark: Mark) -> dt.date:
        """The business date to which a stamp belongs."""

        def placed(date: dt.date) -> Placed:
            owed = self.setting(date)
            return Placed(owed.duty, owed.before, owed.after)

        return date_of_stamp(stamp, mark, placed, self._policy_on, self._person.zone_at(stamp))

    def _policy_on(self, date: dt.date) -> Policy | None:
        policy_id = self._reference.pack_on(self._person.unit_on(date), date)
        return self._reference.policies[policy_id] if policy_id else None

    def _duty(self, date: dt.date) -> Duty:
        week, calendar = self._pattern(date)
        rostered = self._roster.get(date)
        if rostered is not None:
            try:
                return self._reference.rostered_duty(week, calendar, date, self._person.zone_on(date), rostered)
            except DutyError as problem:
                # The import refuses such rows; a later change of the person's week can still bring one about.
                logs.event(_log, "A roster row gives no hours and the week has none", level=logging.WARNING, error=problem)
        return self._reference.plain_duty(week, calendar, date, self._person.zone_on(date))

    def _days_in_month(self, date: dt.date) -> int:
        """How many duties the month of `date` has, leave included."""
        first = date.replace(day=1)
        if any(first < since < _next_month(first) for since in self._moves):
            return sum(self.on(first + n * _DAY).working for n in range((_next_month(first) - first).days))
        week, calendar = self._pattern(first)
        count = self._reference.working_days(week, calendar, first)
        for day in self._roster:
            if day.year == first.year and day.month == first.month:
                count += self.on(day).working - self._reference.plain_duty(week, calendar, day, "UTC").working
        return count

    def _pattern(self, date: dt.date) -> tuple[str, str]:
        """Week pattern and calendar of a date; between two changes they are the same."""
        segment = bisect_right(self._moves, date)
        pattern = self._patterns.get(segment)
        if pattern is None:
            person = self._person
            unit = person.unit_on(date) or person.memberships[0].org_unit_id
            pattern = self._patterns[segment] = (self._reference.week_of(person, date), self._reference.calendar_of(unit))
        return pattern


class Memory:
    """The newest state of the reference data that this process has seen."""

    def __init__(self) -> None:
        self._changes = -1
        self._reference: Reference | None = None

    async def current(self, connection: Connection) -> Reference:
        """The state as of this transaction; read again only if the counter moved."""
        changes = await rows.changes(connection)
        if self._reference is None or changes != self._changes:
            packs, patterns = await rows.policies(connection), await rows.weeks(connection)
            holidays: dict[str, set[dt.date]] = {}
            for (calendar, _), kept in (await rows.calendars(connection)).items():
                holidays.setdefault(calendar, set()).update(day.date for day in kept.state.days)
            self._reference = Reference(
                {org_unit_id: kept.state for org_unit_id, kept in (await rows.units(connection)).items()},
                {code: parse_week(kept.state.hours) for code, kept in patterns.items()},
                {calendar: frozenset(days) for calendar, days in holidays.items()},
                {policy_id: Policy.from_content(kept.state.content) for policy_id, kept in packs.items()},
                PoliciesInForce((unit, since, policy_id) for policy_id, unit, since in await rows.policies_in_force(connection)),
                WeeksInForce((code, scope) for code, kept in patterns.items() for scope in kept.state.in_force),
            )
            self._changes = changes
        return self._reference


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=31)).replace(day=1)
