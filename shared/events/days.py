"""What a day came to: findings, assessed days, violations, steps of the discipline ladder."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from shared.events.base import (
    BusinessDate,
    Code,
    EmployeeKind,
    Event,
    Minutes,
    Mode,
    Moment,
    Month,
    Text,
    Version,
    _no_nul,
)


class DayState(StrEnum):
    """OPEN: not yet begun; PROVISIONAL: may still change by itself; FINAL: changes by a correction only."""

    OPEN = "OPEN"
    PROVISIONAL = "PROVISIONAL"
    FINAL = "FINAL"


class DayStatus(StrEnum):
    """Status words of the scenario format."""

    PRESENT = "PRESENT"
    ABSENT = "ABSENT"
    HOLIDAY = "HOLIDAY"
    OFF = "OFF"
    LEAVE = "LEAVE"
    DL = "DL"
    PENDING = "PENDING"
    HELD = "HELD"


class FindingKind(StrEnum):
    """What was found on a day; the policy says what a kind is called (code) and what it costs.

    LEAVE, SICK and IZIN are costs of an excused day and raise no violation; all others do.
    """

    LATE = "LATE"
    EARLY = "EARLY"
    NO_IN = "NO_IN"
    NO_OUT = "NO_OUT"
    ABSENT = "ABSENT"
    MISSED_BREAK = "MISSED_BREAK"
    APEL = "APEL"
    LEFT = "LEFT"
    FRAUD = "FRAUD"
    OUTSIDE = "OUTSIDE"
    NO_EVIDENCE = "NO_EVIDENCE"
    LEAVE = "LEAVE"
    SICK = "SICK"
    IZIN = "IZIN"


class LeaveRun(Event):
    """Where a day stands in a run of leave: the `nth_day`-th of its `days` duty days, from `since` to `until`, both inclusive."""

    nth_day: Annotated[int, Field(ge=1, le=100_000)]
    days: Annotated[int, Field(ge=1, le=100_000)]
    since: BusinessDate
    until: BusinessDate


class Finding(Event):
    """One thing found on a day: kind, the policy's code for it, whole minutes where they matter.

    `compensable`: a LATE made up by staying as long on the same day (ganti waktu); whether it is free
    depends on how often in the month, which payroll's month fold knows.
    `nth_day`: for LEAVE and SICK the running number of the day within the duty days of its leave, from 1, and
    `leave_days` how many these are from `leave_since` to `leave_until` (both inclusive); `leave` is the kind of leave
    in the scenario format's words ("sick", "big"), `letter`, `inpatient` and `reason` what is known of it. `leave_alone` is the
    same of the days in hospital, or out of it, alone, where the sick leave that they are part of has both.
    """

    kind: FindingKind
    code: Code
    minutes: Minutes | None = None
    compensable: bool = False
    nth_day: Annotated[int, Field(ge=1, le=100_000)] | None = None
    leave: Code | None = None
    leave_days: Annotated[int, Field(ge=1, le=100_000)] | None = None
    leave_since: BusinessDate | None = None
    leave_until: BusinessDate | None = None
    leave_alone: LeaveRun | None = None
    letter: bool | None = None
    inpatient: bool | None = None
    reason: Code | None = None
    detail: Text | None = None


class DayAssessed(Event):
    """Full state of one employee-day (schedule → payroll and outsiders); a new version replaces the old.

    `scheduled` is true when a duty was owed (streaks and ladders run over such days, leave included in
    `duty_days_in_month` but not counted as absence). `work_week_days` is 5 or 6.
    `late`/`early` are whole minutes, None when there is no such mark; `made_up` says that the lateness was made up by
    staying as long on the same day (ganti waktu), whether or not the policy has a code for such a lateness.
    """

    employee_id: UUID
    org_unit_id: UUID
    date: BusinessDate
    version: Version
    state: DayState
    status: DayStatus
    mode: Mode
    scheduled: bool
    late: Minutes | None = None
    early: Minutes | None = None
    made_up: bool = False
    findings: tuple[Finding, ...] = ()
    policy_id: UUID
    employee_kind: EmployeeKind
    group: Code
    duty_days_in_month: Annotated[int, Field(ge=0, le=31)]
    work_week_days: Annotated[int, Field(ge=0, le=7)]
    in_at: Moment | None = None
    out_at: Moment | None = None
    evidence: tuple[UUID, ...] = ()


class ViolationChanged(Event):
    """A violation was raised or retracted (schedule → outsiders); versions per violation_id, no holes."""

    violation_id: UUID
    employee_id: UUID
    org_unit_id: UUID
    date: BusinessDate
    version: Version
    action: Literal["raised", "retracted"]
    kind: FindingKind
    code: Code
    minutes: Minutes | None = None
    policy_id: UUID
    legal_source: Text | None = None
    assessment_version: Version
    evidence: tuple[UUID, ...] = ()


class Document(Event):
    """The paper that a request or decision stands on: number and date as printed, SHA-256 of the scan, which never travels."""

    number: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_nul)]
    date: BusinessDate
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class DisciplineStepChanged(Event):
    """A step of the PP 94/2021 ladder was proposed, withdrawn or decided by a person.

    `actor`, `document` and `decided_at` are those of the person who decided it, or who withdrew it or annulled the decision.
    A decided cut of the TPP takes `cut_percent` of each of `cut_months` months from `effective_from` on; a later version
    that withdraws it takes all of that back. Of the cuts of one calendar year (of `date`) only the heaviest that has begun
    takes, and the lighter ones' remaining months fall away: they never add up. A step whose decision was annulled while its
    days stand is proposed again in the version after, with the same `actor`.
    """

    employee_id: UUID
    step: Code
    date: BusinessDate
    version: Version
    action: Literal["proposed", "withdrawn", "decided"]
    unexcused_days: int
    legal_source: Text
    actor: Code | None = None
    decided_at: AwareDatetime | None = None
    document: Document | None = None
    effective_from: Month | None = None
    cut_percent: Code | None = None
    cut_months: Annotated[int, Field(ge=1, le=120)] | None = None
