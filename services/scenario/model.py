"""The scenario file as frozen values: what a story may say, checked word by word before anything runs."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.scenario.arrivals import Apel, Arrival, CheckIn, Fraud, Letter, Outage, OutageDecision, Review
from services.scenario.lines import Hour, Latitude, Line, Longitude, Name, Percent, Radius, Weekday, Zone
from shared.events import BusinessDate, DayStatus, EmployeeKind, Mark, Mode, Month, RosterDay, Verdict


class PolicyRow(Line):
    """From this business date on the named policy holds."""

    since: BusinessDate = Field(alias="from")
    policy: Name


class Person(Line):
    """An invented employee; `tpp`, `static_tkd` and `wage` in rupiah per month."""

    id: Name
    kind: EmployeeKind = EmployeeKind.PNS
    group: Name = "pelaksana"
    tpp: Annotated[int, Field(ge=0)] | None = None
    static_tkd: Annotated[int, Field(ge=0)] | None = None
    wage: Annotated[int, Field(ge=0)] | None = None
    unit: Name = "unit"
    timezone: Zone | None = None


class Calendar(Line):
    """Holidays and joint leave (cuti bersama) of the story."""

    holidays: tuple[dt.date, ...] = ()
    joint_leave: tuple[dt.date, ...] = ()


class RosterRow(Line):
    """One rostered date; it overrides the week and the calendar."""

    employee: Name
    date: BusinessDate
    mode: Mode
    start: Hour | None = None
    end: Hour | None = None

    @model_validator(mode="after")
    def _hours_only_when_working(self) -> "RosterRow":
        if (self.start is None) != (self.end is None):
            raise ValueError("start and end go together")
        return self


class SiteRow(Line):
    """A place for check-ins that give coordinates: a circle, or a polygon of [lat, lon] corners."""

    id: Name
    kind: Literal["office", "region"] = "office"
    lat: Latitude | None = None
    lon: Longitude | None = None
    radius_m: Radius | None = None
    polygon: Annotated[tuple[tuple[Latitude, Longitude], ...], Field(min_length=3)] | None = None
    unit: Name | None = None
    employees: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _one_shape(self) -> "SiteRow":
        circle = self.lat is not None and self.lon is not None and self.radius_m is not None
        if circle == (self.polygon is not None):
            raise ValueError("give either lat, lon and radius_m, or polygon")
        return self


class DayExpected(Line):
    """What one employee-day must come to; only listed keys are compared."""

    employee: Name
    date: BusinessDate
    status: DayStatus | None = None
    late: int | None = None
    early: int | None = None
    codes: tuple[str, ...] | None = None
    percent: Percent | None = None


class MonthExpected(Line):
    """What one employee-month must come to; only listed keys are compared."""

    employee: Name
    month: Month
    raw_percent: Percent | None = None
    percent: Percent | None = None
    amount: int | None = None


class StepExpected(Line):
    """A ladder step and the absence day that crossed it."""

    employee: Name
    on: BusinessDate
    step: Name


class Expected(Line):
    """Everything a story claims."""

    days: tuple[DayExpected, ...] = ()
    months: tuple[MonthExpected, ...] = ()
    ladder: tuple[StepExpected, ...] | None = None


_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _once(what: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"the {what} {name} stands there {count} times")


class Scenario(Line):
    """One story: people, calendar and rules; what the system learns, in order; what must come of it."""

    scenario: Literal[1]
    id: Name
    note: str = ""
    policies: Annotated[tuple[PolicyRow, ...], Field(min_length=1)]
    timezone: Zone = "Asia/Jakarta"
    employees: Annotated[tuple[Person, ...], Field(min_length=1)]
    calendar: Calendar = Calendar()
    week: dict[Weekday, tuple[Hour, Hour]] = Field(default_factory=dict)
    marks: tuple[Mark, ...] | None = None
    """Overrides the policy's marks of the day."""
    roster: tuple[RosterRow, ...] = ()
    sites: tuple[SiteRow, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    expect: Expected = Expected()

    @model_validator(mode="after")
    def _names_resolve(self) -> "Scenario":
        _once("employee", (person.id for person in self.employees))
        _once("first date of a policy", (str(row.since) for row in self.policies))
        _once("roster row", (f"{row.employee} {row.date}" for row in self.roster))
        for day in self.roster:
            if day.mode is not Mode.OFF and day.start is None and _WEEKDAYS[day.date.weekday()] not in self.week:
                raise ValueError(f"the roster row of {day.employee} on {day.date} has no hours, nor has its weekday")
        people = {person.id for person in self.employees}
        check_ins = {row.check_in for row in self.arrivals if isinstance(row, CheckIn)}
        letters = {row.letter for row in self.arrivals if isinstance(row, Letter)}
        outages = {row.outage for row in self.arrivals if isinstance(row, Outage)}

        def known(what: str, name: str, names: set[str]) -> None:
            if name not in names:
                raise ValueError(f"{what} {name!r} is not in this file; known are: {', '.join(sorted(names)) or 'none'}")

        for row in (*self.roster, *self.arrivals, *self.expect.days, *self.expect.months, *(self.expect.ladder or ())):
            if (employee := getattr(row, "employee", None)) is not None:
                known("employee", employee, people)
        for row in self.arrivals:
            match row:
                case CheckIn(place=str(place)) if place not in {*Verdict, *letters}:
                    known("place", place, {*map(str, Verdict), *letters})
                case Apel() | Letter() | Outage():
                    for name in row.absent if isinstance(row, Apel) else row.employees:
                        known("employee", name, people)
                case Fraud():
                    for name in row.fraud.check_ins:
                        known("check-in", name, check_ins)
                case Review():
                    known("check-in", row.review, check_ins)
                case OutageDecision():
                    known("outage", row.outage_decision, outages)
        return self

    def rostered(self) -> Iterator[tuple[str, RosterDay]]:
        """Employee and day of each roster row: a working one without hours gets the week's, since every row overrides the calendar here."""
        for row in self.roster:
            start, end = row.start, row.end
            if start is None and row.mode is not Mode.OFF:
                start, end = self.week[_WEEKDAYS[row.date.weekday()]]
            yield row.employee, RosterDay(date=row.date, mode=row.mode, start=start, end=end)

    def author_of(self, check_in: str) -> str:
        """The employee of a check-in of the story; the file names it even where a decision on it comes first."""
        return next(row.employee for row in self.arrivals if isinstance(row, CheckIn) and row.check_in == check_in)
