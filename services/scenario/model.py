"""The scenario file as frozen values: what a story may say, checked word by word before anything runs."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from shared.events import BusinessDate, DayStatus, EmployeeKind, Mark, Mode, Moment, Month, Verdict
from shared.percent import parse_percent, percent_text


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone such as Asia/Jakarta, Asia/Makassar or Asia/Jayapura")
    return name


Name = Annotated[str, Field(min_length=1, max_length=100)]
Zone = Annotated[Name, AfterValidator(_known_zone)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Radius = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
Hour = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Percent = Annotated[str, AfterValidator(lambda text: percent_text(parse_percent(text)))]
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LeaveKind: TypeAlias = Literal["annual", "sick", "maternity", "important", "big", "unpaid", "study", "dl"]


class Line(BaseModel):
    """A mapping of the file; a word the format does not know is refused, so that a typo cannot pass a test."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


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


class CheckIn(Line):
    """A check-in as the system learns of it; `place` may also name a letter's activity site."""

    check_in: Name
    employee: Name
    mark: Mark
    at: Moment
    place: Name | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    accuracy: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    evidence: bool = True
    mock: bool = False
    mode: Mode | None = None

    @model_validator(mode="after")
    def _placed(self) -> "CheckIn":
        if (self.lat is None) != (self.lon is None):
            raise ValueError("lat and lon go together")
        if self.place is not None and self.lat is not None:
            raise ValueError("give place or coordinates, not both")
        return self

    @property
    def verdict(self) -> Verdict | None:
        """The stated verdict; None when coordinates or a letter's site decide."""
        if self.place is None:
            return None if self.lat is not None else Verdict.INSIDE
        return Verdict(self.place) if self.place in set(Verdict) else None


class Now(Line):
    """The clock moves: windows and days close."""

    now: Moment


class Leave(Line):
    """An approved leave, or duty travel (`dl`) with its letter."""

    leave: Name
    employee: Name
    kind: LeaveKind
    since: BusinessDate = Field(alias="from")
    until: BusinessDate = Field(alias="to")
    letter: bool | str | None = None
    inpatient: bool | None = None
    reason: Name | None = None

    @model_validator(mode="after")
    def _forward(self) -> "Leave":
        if self.until < self.since:
            raise ValueError("to is before from")
        return self


class Outage(Line):
    """A declared outage; without employees it holds for everybody."""

    outage: Name
    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to")
    unit: Name | None = None
    employees: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _forward(self) -> "Outage":
        if self.until < self.since:
            raise ValueError("to is before from")
        return self


class OutageDecision(Line):
    """The officer's word on a declared outage."""

    outage_decision: Name
    decision: Literal["confirmed", "rejected"]


class Manual(Line):
    """A record made by hand and approved."""

    manual: Name
    employee: Name
    mark: Mark
    at: Moment


class CloseMonth(Line):
    """The month is closed; what comes later is supplementary."""

    close_month: Month


class Apel(Line):
    """A roll-call (apel) or ceremony (upacara) and who missed it."""

    apel: Name
    date: BusinessDate
    absent: tuple[Name, ...]
    ceremony: bool = False


class FraudBody(Line):
    """A decision on suspected spoofing of these check-ins."""

    check_ins: tuple[Name, ...]
    decision: Literal["confirmed", "cleared"]


class Fraud(Line):
    """An integrity decision."""

    fraud: FraudBody


class WorkReport(Line):
    """A daily work report (laporan kinerja harian)."""

    work_report: Name
    employee: Name
    date: BusinessDate


class Activity(Line):
    """Where an activity by letter takes place: coordinates, or a place name only."""

    name: Name | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    radius_m: Radius | None = None


class Letter(Line):
    """An activity site by letter: a time-boxed place with its attendees."""

    letter: Name
    activity: Activity | Name | None = None
    employees: Annotated[tuple[Name, ...], Field(min_length=1)]
    since: Moment | BusinessDate = Field(alias="from")
    until: Moment | BusinessDate = Field(alias="to")


class Review(Line):
    """A person's decision on an unsure or quarantined check-in."""

    review: Name
    decision: Literal["accepted", "rejected"]


class Left(Line):
    """Found away from work in hours."""

    left: Name
    employee: Name
    date: BusinessDate


class Permission(Line):
    """Permission (izin) for a day."""

    permission: Name
    employee: Name
    date: BusinessDate


class Move(Line):
    """From this date on the employee belongs to another unit."""

    move: Name
    employee: Name
    to_unit: Name
    since: BusinessDate = Field(alias="from")


_ARRIVALS: dict[str, type[Line]] = {
    "check_in": CheckIn, "now": Now, "leave": Leave, "outage": Outage, "outage_decision": OutageDecision,
    "manual": Manual, "close_month": CloseMonth, "apel": Apel, "fraud": Fraud, "work_report": WorkReport,
    "letter": Letter, "review": Review, "left": Left, "permission": Permission, "move": Move,
}


def _word_of(row: Any) -> str | None:
    # `leave` rows may carry a `letter` key of their own, so the order of the table above decides.
    keys = row if isinstance(row, dict) else type(row).model_fields
    return next((word for word in _ARRIVALS if word in keys), None)


Arrival: TypeAlias = Annotated[
    Annotated[CheckIn, Tag("check_in")] | Annotated[Now, Tag("now")] | Annotated[Leave, Tag("leave")]
    | Annotated[Outage, Tag("outage")] | Annotated[OutageDecision, Tag("outage_decision")]
    | Annotated[Manual, Tag("manual")] | Annotated[CloseMonth, Tag("close_month")] | Annotated[Apel, Tag("apel")]
    | Annotated[Fraud, Tag("fraud")] | Annotated[WorkReport, Tag("work_report")] | Annotated[Letter, Tag("letter")]
    | Annotated[Review, Tag("review")] | Annotated[Left, Tag("left")] | Annotated[Permission, Tag("permission")]
    | Annotated[Move, Tag("move")],
    Discriminator(
        _word_of, custom_error_type="unknown_arrival",
        custom_error_message="no arrival begins with these keys; known are: " + ", ".join(_ARRIVALS),
    ),
]


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
    week: dict[Weekday, tuple[Hour, Hour]] = {}
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

    def author_of(self, check_in: str) -> str:
        """The employee of a check-in of the story; the file names it even where a decision on it comes first."""
        return next(row.employee for row in self.arrivals if isinstance(row, CheckIn) and row.check_in == check_in)
