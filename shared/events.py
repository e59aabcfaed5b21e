"""Every event on the wire, declared once.

All events are facts in the past tense: frozen, tolerant of unknown fields (readers must be, so that a
writer may add optional fields), strict about the known ones. Times are always aware. Percents travel as
exact strings ("0.50", or a fraction "25/22" where the decimal does not end), money as integer rupiah.
"""

import datetime as dt
import math
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

HADIR_NAMESPACE = uuid5(NAMESPACE_URL, "https://hadir.example/events")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain NUL")
    return value


Latitude = Annotated[float, Field(ge=-90, le=90), AfterValidator(_finite)]
Longitude = Annotated[float, Field(ge=-180, le=180), AfterValidator(_finite)]
Metres = Annotated[float, Field(ge=0, le=10_000_000), AfterValidator(_finite)]
Text = Annotated[str, Field(max_length=500), AfterValidator(_no_nul)]
Code = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_nul)]
Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Minutes = Annotated[int, Field(ge=0, le=10_000)]
Moment = Annotated[
    AwareDatetime, Field(ge=dt.datetime(2000, 1, 1, tzinfo=dt.UTC), lt=dt.datetime(2101, 1, 1, tzinfo=dt.UTC))
]
"""An instant that a duty of ours can have; "year 9999" ends here, before any arithmetic with zones."""
BusinessDate = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), lt=dt.date(2101, 1, 1))]


class Event(BaseModel):
    """Base of all events; a subclass says in its docstring when it is published and who reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Mark(StrEnum):
    """Which of the day's marks a check-in is (absen masuk, istirahat, pulang)."""

    IN = "in"
    BREAK = "break"
    OUT = "out"


class Mode(StrEnum):
    """How a day is worked: at the office, anywhere, or not at all."""

    WFO = "WFO"
    WFA = "WFA"
    OFF = "OFF"


class Verdict(StrEnum):
    """Three-valued answer to "was it there?"; UNSURE never costs money, it waits for a person."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNSURE = "unsure"


class EmployeeKind(StrEnum):
    """Kinds of ASN (UU 20/2023) plus PPPK paruh waktu and candidates."""

    PNS = "PNS"
    PPPK = "PPPK"
    PPPK_PW = "PPPK_PW"
    CPNS = "CPNS"


class Evidence(Event):
    """Where the photo is kept and its SHA-256; the photo itself never travels on a topic."""

    reference: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CheckInRecorded(Event):
    """A check-in was accepted (ingest → geofence). Restricted: holds coordinates; short retention."""

    check_in_id: UUID
    employee_id: UUID
    mark: Mark
    captured_at: Moment
    received_at: Moment
    latitude: Latitude
    longitude: Longitude
    accuracy_m: Metres | None = None
    position_source: Literal["device", "map_link"] = "device"
    device_id: Code
    source_app: Code
    mock: bool = False
    evidence: Evidence | None = None
    reason: Text | None = None


class WorkReportSubmitted(Event):
    """A daily work report (laporan kinerja harian) was accepted (ingest → schedule)."""

    report_id: UUID
    employee_id: UUID
    work_date: BusinessDate
    submitted_at: Moment
    received_at: Moment
    reference: Text | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class AvailabilityCounted(Event):
    """How one process of ingest did in one minute (ingest → schedule); a minute that none tells of is one in which it was down.

    `refused` were the client's fault (4xx), `unavailable` ours (5xx); items of a batch are counted one by one.
    """

    instance: UUID
    minute: Moment
    accepted: Annotated[int, Field(ge=0)]
    refused: Annotated[int, Field(ge=0)]
    unavailable: Annotated[int, Field(ge=0)]


class CheckInLocated(Event):
    """A check-in was judged (geofence → schedule); version 2 and up are re-judgements. No coordinates."""

    check_in_id: UUID
    employee_id: UUID
    version: Version
    mark: Mark
    captured_at: Moment
    received_at: Moment
    site: Verdict
    site_id: UUID | None = None
    site_distance_m: Annotated[int, Field(ge=0, le=20_100_000)] | None = None
    activity_site: bool = False
    region: Verdict
    region_id: UUID | None = None
    quality: Literal["good", "bad_fix"] = "good"
    mock: bool = False
    evidence: bool = False
    reason_given: bool = False


class IntegritySuspected(Event):
    """Signs of a spoofed position were seen (geofence → a person). Evidence, never a penalty."""

    suspicion_id: UUID
    employee_id: UUID
    check_in_id: UUID
    signal: Code
    detail: Text
    seen_at: AwareDatetime


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


class Finding(Event):
    """One thing found on a day: kind, the policy's code for it, whole minutes where they matter.

    `compensable`: a LATE made up by staying as long on the same day (ganti waktu); whether it is free
    depends on how often in the month, which payroll's month fold knows.
    `nth_day`: for LEAVE and SICK the running number of the day within the duty days of its leave, from 1, and
    `leave_days` how many these are from `leave_since` to `leave_until` (both inclusive); `leave` is the kind of leave
    in the scenario format's words ("sick", "big"), `letter`, `inpatient` and `reason` what is known of it.
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
    that withdraws it takes all of that back.
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


class DeductionEntered(Event):
    """One ledger line (payroll → outsiders): posted, or the reversal of an earlier posting.

    `amount` is signed rupiah: positive takes from the employee; a reversal carries exactly the negative
    of what it reverses. Σ amount over an employee-month is the month's `amount` + `supplementary`. `number` runs
    from 1 within the employee-month, without holes. A supplement (susulan) names the closed month it is for
    as its `origin`. `row_hash` is the entry's place in the hash chain of the employee-month (services/payroll/rules/chain.py).
    """

    entry_id: UUID
    employee_id: UUID
    month: Month
    date: dt.date | None = None
    code: Code
    action: Literal["posted", "reversed"]
    percent: Code
    amount: int
    month_version: Version
    reverses: UUID | None = None
    policy_id: UUID | None = None
    legal_source: Text | None = None
    number: Version | None = None
    origin: Month | None = None
    row_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class TppMonthChanged(Event):
    """The running TPP aggregate of one employee-month (compacted, full state; apply if version is newer).

    `raw_percent` is uncapped, `percent` capped, both of the policy's base; `amount` in rupiah, rounded
    once, half up; None while the ceiling of the month has not been imported. `supplementary` is what months
    that were closed already owe in this one, and comes on top.
    """

    employee_id: UUID
    month: Month
    version: Version
    state: Literal["OPEN", "CLOSED"]
    raw_percent: Code
    percent: Code
    amount: int | None
    ceiling: int | None
    days_assessed: int
    days_final: int
    supplementary: int = 0


class CorrectionDecided(Event):
    """A correction (leave, duty travel, manual mark, outage, decision) was requested or decided.

    `body` holds the fields of its kind exactly as the scenario format names them. What went through levels of approval
    says what was done (`action`: request, approve, reject, withdraw, overturn), in which `role` and on what `document`.
    """

    correction_id: UUID
    version: Version
    kind: Code
    employee_id: UUID | None = None
    org_unit_id: UUID | None = None
    state: Literal["requested", "approved", "rejected"]
    actor: Code
    decided_at: AwareDatetime
    body: dict[str, Any]
    action: Code | None = None
    role: Code | None = None
    document: Document | None = None


class UnitMembership(Event):
    """From this business date on the employee belongs to this org unit."""

    since: dt.date
    org_unit_id: UUID


class WeekAssignment(Event):
    """From this business date on the employee works this week pattern, by its code."""

    since: dt.date
    week: Code


class EmployeePublished(Event):
    """Full state of one employee (schedule → all). Restricted: holds NIP and name.

    `played_clock` names a clock that is moved by hand: only invented employees (simulator, scenarios,
    canaries) have one. `until` is the last business date of service; `former_nips` are NIPs of the same person
    from before (a PPPK who became PNS); `job_class` is the kelas jabatan that TPP ceilings follow.
    """

    employee_id: UUID
    version: Version
    nip: Annotated[str, Field(pattern=r"^[0-9]{18}$")]
    name: Text
    kind: EmployeeKind
    group: Code
    memberships: tuple[UnitMembership, ...]
    timezone: Code
    active: bool = True
    played_clock: Code | None = None
    weeks: tuple[WeekAssignment, ...] = ()
    job_class: Annotated[int, Field(ge=1, le=17)] | None = None
    until: dt.date | None = None
    former_nips: tuple[Annotated[str, Field(pattern=r"^[0-9]{18}$")], ...] = ()


class WeekPatternPublished(Event):
    """A week: local start and end ("07:30", "16:00") per weekday ("mon"); a weekday that is not listed is OFF. Full state."""

    week: Code
    version: Version
    name: Text
    hours: dict[Code, tuple[Code, Code]]
    source: Text


class OrgUnitPublished(Event):
    """Full state of one org unit (OPD, UPT).

    `calendar` names the holidays that hold there: regions have days of their own beside the national ones.
    `parent_id` is the agency that a UPT belongs to; `round_the_clock` units (RSUD) have rosters that beat the calendar.
    """

    org_unit_id: UUID
    version: Version
    code: Code
    name: Text
    timezone: Code
    public_service: bool = False
    calendar: Code = "nasional"
    kind: Literal["OPD", "UPT"] | None = None
    parent_id: UUID | None = None
    round_the_clock: bool = False


class PolicyInForce(Event):
    """A scope and the first business date on which the policy holds there (None: the whole province)."""

    since: dt.date
    org_unit_id: UUID | None = None


class PolicyPublished(Event):
    """A rule pack; `policy_id` is derived from its content, so content under an id never changes."""

    policy_id: UUID
    version: Version
    name: Code
    content: dict[str, Any]
    in_force: tuple[PolicyInForce, ...]


class SchemeInForce(Event):
    """Where a work scheme holds (None: the whole province) and on which business dates, both inclusive; no `until`: open end.

    `legal_source` is what put it in force or extended it there, which may be another letter than the scheme's own.
    """

    since: dt.date
    until: dt.date | None = None
    org_unit_id: UUID | None = None
    legal_source: Text


class SchemePublished(Event):
    """A WFO/WFA scheme; `scheme_id` is derived from its content, so content under an id never changes. Full state."""

    scheme_id: UUID
    version: Version
    name: Code
    content: dict[str, Any]
    in_force: tuple[SchemeInForce, ...]


class RosterDay(Event):
    """One rostered day; `start`/`end` are local "HH:MM", absent for OFF."""

    date: dt.date
    mode: Mode
    start: Code | None = None
    end: Code | None = None


class RosterPublished(Event):
    """The roster of one employee for one month, full state; days not listed follow the week pattern."""

    employee_id: UUID
    month: Month
    version: Version
    days: tuple[RosterDay, ...]


class CalendarDay(Event):
    """One holiday (hari libur nasional) or joint-leave day (cuti bersama)."""

    date: dt.date
    name: Text
    kind: Literal["holiday", "joint_leave"]
    source: Text


class CalendarPublished(Event):
    """All holidays of one calendar and year, full state."""

    calendar: Code
    year: int
    version: Version
    days: tuple[CalendarDay, ...]


class SitePublished(Event):
    """One office, activity site or region; the shape is GeoJSON (WGS84), a point with a radius for circles.

    The last three are the site's accuracy rule (metres, factor); absent ones take the defaults of the kind.
    """

    site_id: UUID
    version: Version
    code: Code
    name: Text
    kind: Literal["office", "activity", "region"]
    geometry: dict[str, Any]
    radius_m: Metres | None = None
    org_unit_ids: tuple[UUID, ...] = ()
    employee_ids: tuple[UUID, ...] = ()
    valid_from: AwareDatetime | None = None
    valid_to: AwareDatetime | None = None
    letter: Text | None = None
    accuracy_cap_m: Metres | None = None
    max_accuracy_m: Metres | None = None
    outside_factor: Annotated[float, Field(ge=1, le=10)] | None = None


class CeilingPublished(Event):
    """The TPP ceiling of one employee-month in rupiah, with the static TKD where the base needs it."""

    employee_id: UUID
    month: Month
    version: Version
    amount: Annotated[int, Field(ge=0)]
    static_tkd: Annotated[int, Field(ge=0)] | None = None


class AuditRecorded(Event):
    """Who commanded or decided what; the subject is an id, never a name."""

    audit_id: UUID
    actor: Code
    action: Code
    subject: Code
    at: AwareDatetime
    detail: dict[str, Any]


class DeadLetterBuried(Event):
    """A message nobody could process: where it stood, why, and its raw bytes (base64)."""

    service: Code
    topic: Code
    partition: int
    offset: int
    reason: Code
    detail: Text
    key_base64: str | None
    value_base64: str | None
    buried_at: AwareDatetime
