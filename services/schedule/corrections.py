"""Corrections as people make them: the fields of each kind, the dates it touches, and the fact that the rules judge by.

The body of a correction holds its fields exactly as the scenario format names them.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.schedule.rules import (
    ApelMissed,
    Fact,
    FraudDecided,
    Leave,
    LeftDuringHours,
    Manual,
    Outage,
    OutageDecided,
    Permission,
    Reviewed,
)
from services.schedule.rules.inputs import LeaveWord
from shared.events import Document, Mark
from shared.faults import fault_of

State: TypeAlias = Literal["requested", "approved", "rejected"]
DateAt: TypeAlias = Callable[[dt.datetime], dt.date]
FIRST: Final = dt.date(1970, 1, 1)
LAST: Final = dt.date(9999, 12, 31)
_DAY: Final = dt.timedelta(days=1)
EARLIEST: Final = ZoneInfo("Asia/Jayapura")
"""WIT: of the three Indonesian zones the one in which a date begins first."""
WIB: Final = ZoneInfo("Asia/Jakarta")
"""The zone of dates that no place has: of a deputy, and of instants when a correction is about many (`around` leaves days on each side)."""


class CorrectionRefused(ValueError):
    """A correction that cannot be recorded; the text says why and what to do, in Indonesian."""


class Body(BaseModel):
    """Fields of one kind of correction; an unknown field is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class LeaveBody(Body):
    """Leave (cuti), or duty travel (`dl`) with its letter and destination; a request not yet decided is no absence (domain.md §4.4).

    `dispensation` is a whole day off that somebody in charge granted, free of any cost.
    """

    kind: LeaveWord
    since: dt.date = Field(alias="from")
    until: dt.date = Field(alias="to")
    letter: bool | str | None = None
    inpatient: bool | None = None
    destination: str | None = Field(default=None, min_length=1, max_length=200)
    reason: str | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _forward(self) -> "LeaveBody":
        if self.until < self.since:
            raise ValueError("`to` lebih awal daripada `from`; perbaiki salah satunya")
        return self


class ManualBody(Body):
    """A mark recorded by hand and approved; `nth_forgotten` numbers those of the month that were merely forgotten."""

    mark: Mark
    at: AwareDatetime
    nth_forgotten: int | None = None


class OutageBody(Body):
    """The system was down from `from` to `to`; its days are held from the declaration to the decision.

    `holds` false: not while it is merely proposed. `real_clock_only`: it is about real time, so that invented people, who
    live by clocks of their own, are not concerned.
    """

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime = Field(alias="to")
    holds: bool | None = None
    real_clock_only: bool | None = None

    @model_validator(mode="after")
    def _forward(self) -> "OutageBody":
        if self.until <= self.since:
            raise ValueError("`to` tidak sesudah `from`; perbaiki salah satunya")
        return self


class OutageDecisionBody(Body):
    """The decision on a declared outage, named by its correction id; it touches the outage's dates."""

    outage_decision: UUID
    decision: Literal["confirmed", "rejected"]


class FraudBody(Body):
    """The decision on suspected check-ins; it touches the days of those marks."""

    check_ins: tuple[UUID, ...] = Field(min_length=1)
    decision: Literal["confirmed", "cleared"]


class ReviewBody(Body):
    """A person's word on an unsure or quarantined check-in; it touches the days of that mark."""

    review: UUID
    decision: Literal["accepted", "rejected"]


class ApelBody(Body):
    """Was missing at the roll-call (apel) of a date, or at its ceremony (upacara)."""

    date: dt.date
    ceremony: bool | None = None


class LeftBody(Body):
    """Was found away from work in hours on a date."""

    date: dt.date


class PermissionBody(Body):
    """Permission (izin) for a day."""

    date: dt.date


class LetterBody(Body):
    """An activity away from the office by letter; geofence judges the place, so it bears on no day by itself.

    `letter` is its number; letters that were recorded before it was kept have none. It sends the people named, else the unit's.
    """

    letter: str | None = Field(default=None, min_length=1, max_length=100)
    activity: dict[str, Any] | str | None = None
    employees: tuple[UUID, ...] = ()
    since: AwareDatetime | dt.date = Field(alias="from")
    until: AwareDatetime | dt.date = Field(alias="to")

    @model_validator(mode="after")
    def _forward(self) -> "LetterBody":
        first, last = (one.date() if isinstance(one, dt.datetime) else one for one in (self.since, self.until))
        if last < first:
            raise ValueError("`to` lebih awal daripada `from`; perbaiki salah satunya")
        return self


class MoveBody(Body):
    """From this date on the employee belongs to another unit; the membership itself is changed with it."""

    to_unit: UUID
    since: dt.date = Field(alias="from")


class AppealBody(Body):
    """An appeal (keberatan) against a decided correction, or against a step of the ladder, named by its absence day."""

    correction: UUID | None = None
    step: str | None = Field(default=None, min_length=1, max_length=100)
    date: dt.date | None = None

    @model_validator(mode="after")
    def _of_one_thing(self) -> "AppealBody":
        if (self.correction is None) == (self.step is None) or (self.step is None) != (self.date is None):
            raise ValueError("sebutkan `correction`, atau `step` beserta `date`-nya, salah satu saja")
        return self


_BODIES: Final[Mapping[str, type[Body]]] = {
    "leave": LeaveBody,
    "manual": ManualBody,
    "outage": OutageBody,
    "outage_decision": OutageDecisionBody,
    "fraud": FraudBody,
    "review": ReviewBody,
    "apel": ApelBody,
    "left": LeftBody,
    "permission": PermissionBody,
    "letter": LetterBody,
    "move": MoveBody,
    "appeal": AppealBody,
}
KINDS: Final = tuple(_BODIES)
RECORDED: Final = frozenset({"apel", "left", "letter", "move"})
"""What an office finds or orders and nobody asks for; all else is asked for and decided level by level (`requests`)."""

OF_ONE: Final = frozenset({"leave", "manual", "fraud", "review", "apel", "left", "permission", "move", "appeal"})
"""Kinds that are about one person; the others may be about a unit or everybody."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A correction in its newest version, with the first and last business date that it may touch."""

    correction_id: UUID
    version: int
    kind: str
    state: State
    employee_id: UUID | None
    org_unit_id: UUID | None
    first: dt.date
    last: dt.date
    actor: str
    decided_at: dt.datetime
    body: Mapping[str, Any]

    def facts(self) -> tuple[Fact, ...]:
        """What the rules make of it; empty if it bears on no day by itself."""
        return facts_of(self.correction_id, read_body(self.kind, self.body), self.state, self.decided_at)


def read_body(kind: str, body: Mapping[str, Any]) -> Body:
    """The fields of a correction; raises CorrectionRefused, naming field and reason without repeating values."""
    if kind not in _BODIES:
        raise CorrectionRefused(f"jenis koreksi tidak dikenal; yang ada: {', '.join(KINDS)}")
    try:
        return _BODIES[kind].model_validate(dict(body))
    except ValidationError as problem:
        found = problem.errors(include_input=False, include_url=False)
        told = "; ".join(f"{'.'.join(map(str, one['loc'])) or kind}: {fault_of(one).detail}" for one in found)
        raise CorrectionRefused(f"isi koreksi {kind} belum benar: {told}") from None


def dates_of(body: Body, date_at: DateAt) -> tuple[dt.date, dt.date]:
    """First and last business date that a correction may touch; decisions touch what they decide on.

    `date_at` tells the local date of an instant.
    """
    match body:
        case LeaveBody():
            return body.since, body.until
        case ManualBody():
            return around(body.at, body.at, date_at)
        case OutageBody():
            return around(body.since, body.until, date_at)
        case ApelBody() | LeftBody() | PermissionBody():
            return body.date, body.date
        case MoveBody():
            return body.since, LAST
        case AppealBody():
            return FIRST, FIRST  # what it leads to touches days, not the appeal itself
        case LetterBody():
            return _date(body.since, date_at), max(_date(body.since, date_at), _date(body.until, date_at))
    return FIRST, LAST


def facts_of(correction_id: UUID, body: Body, state: State, at: dt.datetime) -> tuple[Fact, ...]:
    """What the rules make of a correction; `at` is when it was decided.

    Requests count where the rules wait for them (leave, permission, manual marks) or where declaring is enough (outage).
    """
    if state == "rejected":
        return ()
    match body:
        case LeaveBody():
            letter = bool(body.letter.strip()) if isinstance(body.letter, str) else body.letter
            return (Leave(correction_id, body.kind, body.since, body.until, state, letter, body.inpatient, reason=body.reason),)
        case PermissionBody():
            return (Permission(correction_id, body.date, state),)
        case OutageBody():
            if state == "requested" and body.holds is False:
                return ()
            return (Outage(correction_id, body.since, body.until),)
        case ManualBody():
            return (Manual(correction_id, body.mark, body.at, body.nth_forgotten, state),)
    return _decided(correction_id, body, at) if state == "approved" else ()


def _decided(correction_id: UUID, body: Body, at: dt.datetime) -> tuple[Fact, ...]:
    match body:
        case OutageDecisionBody():
            return (OutageDecided(body.outage_decision, body.decision, at),)
        case FraudBody():
            return tuple(FraudDecided(check_in, body.decision, at) for check_in in body.check_ins)
        case ReviewBody():
            return (Reviewed(body.review, body.decision, at),)
        case ApelBody():
            return (ApelMissed(correction_id, body.date, bool(body.ceremony)),)
        case LeftBody():
            return (LeftDuringHours(correction_id, body.date),)
    return ()


def overturned(kind: str, state: State, body: Mapping[str, Any]) -> tuple[State, dict[str, Any]]:
    """State and body of a correction after an appeal against it was granted: a refusal becomes an approval, a decision its opposite.

    Raises CorrectionRefused for what cannot be appealed against: it was never decided, or it was what the person wanted.
    """
    if state == "rejected":
        return "approved", dict(body)
    opposite = {
        "fraud": {"confirmed": "cleared"}, "review": {"rejected": "accepted"}, "outage_decision": {"rejected": "confirmed"},
    }.get(kind, {}).get(str(body.get("decision")))  # fmt: skip
    if state == "approved" and opposite is not None:
        return "approved", {**body, "decision": opposite}
    if state == "approved" and kind in ("apel", "left", "move"):
        return "rejected", dict(body)
    raise CorrectionRefused("keberatan hanya dapat diajukan atas permohonan yang ditolak atau putusan yang merugikan pegawai")


def dated(document: Document | None, at: dt.datetime) -> None:
    """Raises CorrectionRefused for a document of a date that has not come anywhere in Indonesia at that instant (aware)."""
    if document is not None and document.date > at.astimezone(EARLIEST).date():
        raise CorrectionRefused(f"surat {document.number} bertanggal {document.date:%d-%m-%Y}, yang belum tiba; periksa tanggalnya")


def judged(decision: FraudBody | ReviewBody) -> tuple[UUID, ...]:
    """The check-ins that a decision is about."""
    return decision.check_ins if isinstance(decision, FraudBody) else (decision.review,)


def around(since: dt.datetime, until: dt.datetime, date_at: DateAt) -> tuple[dt.date, dt.date]:
    """Business dates that stamps between two instants may belong to: a duty may end on the next date, and reach a date further."""
    return date_at(since) - 2 * _DAY, date_at(until) + _DAY


def date_in(zone: ZoneInfo) -> DateAt:
    """What tells the date of an aware instant in that zone."""
    return lambda moment: moment.astimezone(zone).date()


def _date(moment: dt.datetime | dt.date, date_at: DateAt) -> dt.date:
    return date_at(moment) if isinstance(moment, dt.datetime) else moment
