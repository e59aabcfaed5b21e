"""The arrivals of a story as frozen values: what the system learns, row by row, in the order in which it comes."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from services.scenario.lines import Latitude, LeaveKind, Line, Longitude, Name, Radius
from shared.events import BusinessDate, Mark, Mode, Moment, Month, Verdict


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
