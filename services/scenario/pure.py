"""Runs a story through the pure rules: no broker, no database, the same functions that the services call."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from uuid import UUID
from zoneinfo import ZoneInfo

from services.payroll import rules as pay
from services.scenario.arrivals import CloseMonth
from services.scenario.compare import DayGot, Got, MonthGot, StepGot
from services.scenario.known import Known, id_of
from services.scenario.model import Scenario
from services.schedule import rules
from services.schedule.rules import Assessment, DayInputs, Duty
from shared.events import DayAssessed, RosterDay
from shared.policy import Policy

_DAY = dt.timedelta(days=1)


def run(scenario: Scenario, policies: Mapping[str, Policy]) -> Got:
    """Play the arrivals in order and tell what came of them."""
    known = Known(scenario)
    files = [_Person(scenario, policies, known, person.id) for person in scenario.employees]
    for arrival in scenario.arrivals:
        known.learn(arrival)
        if isinstance(arrival, CloseMonth):
            for person in files:
                person.restate()
                person.close(arrival.close_month)
    got = Got()
    for person in files:
        person.restate()
        got.days.update(person.days_got())
        got.months.update(person.months_got())
        got.ladder[person.name] = person.ladder()
    return got


class _Person:
    """One employee of the story with the months that payroll would keep."""

    def __init__(self, scenario: Scenario, policies: Mapping[str, Policy], known: Known, name: str) -> None:
        self.scenario, self.known, self.name = scenario, known, name
        self.row = known.person(name)
        self.tz = known.zone_of(name)
        self.employee_id = id_of(scenario.id, "employee", name)
        self.rules_in_force = sorted((row.since, policies[row.policy]) for row in scenario.policies)
        self.by_id: dict[UUID, Policy] = {policy.identity: policy for _, policy in self.rules_in_force}
        self.assessed: dict[dt.date, tuple[Assessment, DayAssessed]] = {}
        self.months: dict[str, pay.EmployeeMonth] = {}
        self.duty_days: dict[dt.date, int] = {}
        self._duties: dict[dt.date, Duty] = {}

    @cached_property
    def week(self) -> dict[int, rules.Hours]:
        return rules.parse_week({str(day): hours for day, hours in self.scenario.week.items()})

    @cached_property
    def holidays(self) -> frozenset[dt.date]:
        return frozenset((*self.scenario.calendar.holidays, *self.scenario.calendar.joint_leave))

    @cached_property
    def roster(self) -> dict[dt.date, RosterDay]:
        return {day.date: day for employee, day in self.scenario.rostered() if employee == self.name}

    def restate(self) -> None:
        """Assess every day anew from what is known now, and let the months follow by difference."""
        for date in self._dates():
            policy = self.policy_on(date)
            inputs = self._inputs(date)
            assessment = rules.assess(inputs, policy, self._now())
            before = self.assessed.get(date)
            if before is None or before[0] != assessment:
                version = before[1].version + 1 if before else 1
                event = rules.day_event(assessment, inputs, version=version, policy_id=policy.identity)
                self.assessed[date] = assessment, event
        by_month: dict[str, list[pay.PricedDay]] = {}
        for _, event in self.assessed.values():
            priced = pay.priced_day(event, self.by_id[event.policy_id])
            by_month.setdefault(pay.month_of(event.date), []).append(priced)
        streak = 0
        for month in sorted({*by_month, *self.months}):
            kept = self.months.get(month) or pay.EmployeeMonth(self.employee_id, month, ceiling=self._ceiling())
            kept = replace(kept.with_days(by_month.get(month, ())), streak_before=streak)
            self._take(pay.restate(kept, self.by_id))
            streak = self.months[month].streak_after

    def close(self, month: str) -> None:
        kept = self.months.get(month) or pay.opened_closed(self.employee_id, month)
        self._take(pay.close(kept, self.by_id))

    def _take(self, outcome: pay.Outcome) -> None:
        self.months[outcome.month.month] = outcome.month

    def days_got(self) -> Iterator[tuple[tuple[str, dt.date], DayGot]]:
        totals = {month: pay.reckoned(kept, self.by_id)[0] for month, kept in self.months.items()}
        for date, (assessment, _) in self.assessed.items():
            percent = totals[pay.month_of(date)].percent_by_date[date]
            yield (self.name, date), DayGot(
                str(assessment.status), assessment.late, assessment.early, assessment.codes, percent
            )

    def months_got(self) -> Iterator[tuple[tuple[str, str], MonthGot]]:
        for month, kept in self.months.items():
            told = kept.reported
            yield (self.name, month), MonthGot(told.raw_percent, told.percent, told.amount)

    def ladder(self) -> tuple[StepGot, ...]:
        days = [
            (rules.LadderDay.of(date, assessment), self.by_id[event.policy_id], event.employee_kind)
            for date, (assessment, event) in self.assessed.items()
        ]
        return tuple(StepGot(step.date, step.step) for step in rules.standing(days))

    def policy_on(self, date: dt.date) -> Policy:
        """The policy of the business date; the earliest one for dates before any."""
        in_force = [policy for since, policy in self.rules_in_force if since <= date]
        return in_force[-1] if in_force else self.rules_in_force[0][1]

    def _now(self) -> dt.datetime:
        first = self.rules_in_force[0][0]
        return self.known.clock or dt.datetime.combine(first, dt.time(), ZoneInfo(self.tz))

    def _dates(self) -> list[dt.date]:
        """From the first policy to the clock, and the dates the file asks about even if they are still to come."""
        first, last = self.rules_in_force[0][0], self._now().astimezone(ZoneInfo(self.tz)).date()
        asked = {row.date for row in self.scenario.expect.days if row.employee == self.name}
        return sorted({first + _DAY * n for n in range((last - first).days + 1)} | asked)

    def _duty(self, date: dt.date) -> Duty:
        if date not in self._duties:
            self._duties[date] = rules.duty_on(
                date, self.week, self.holidays, self.roster.get(date), self.tz, self.scenario.marks
            )
        return self._duties[date]

    def _inputs(self, date: dt.date) -> DayInputs:
        unit = id_of(self.scenario.id, "unit", self.known.unit_of(self.name, date))
        return DayInputs(
            rules.Person(self.employee_id, self.row.kind, self.row.group, unit), *rules.place(date, self._duty),
            self.known.marks_of(self.name),
            rules.numbered(self.known.facts_of(self.name), date, self.policy_on(date), lambda day: self._duty(day).working),
            self._duty_days(date.replace(day=1)), rules.week_days(date, self.week, self.roster),
        )

    def _duty_days(self, month: dt.date) -> int:
        """Working duties of the month that begins on this date."""
        if month not in self.duty_days:
            days = (month + _DAY * n for n in range(31))
            self.duty_days[month] = sum(self._duty(day).working for day in days if day.month == month.month)
        return self.duty_days[month]

    def _ceiling(self) -> pay.Ceiling | None:
        return None if self.row.tpp is None else pay.Ceiling(self.row.tpp, self.row.static_tkd, self.row.wage)
