"""All that one employee-day is judged on, as plain frozen values: the duty, the stamps, and what people decided."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from services.schedule.rules.duty import Duty
from shared.events import CheckInLocated, EmployeeKind, Mark, Verdict
from shared.policy.leave import LeaveDay

LeaveWord: TypeAlias = Literal["annual", "sick", "maternity", "important", "big", "unpaid", "study", "dispensation", "dl"]


@dataclass(frozen=True, slots=True)
class Person:
    """The employee as of the business date; `group` is the policy's word (structural, functional, pelaksana …)."""

    id: UUID
    kind: EmployeeKind
    group: str
    org_unit_id: UUID


@dataclass(frozen=True, slots=True)
class MarkSeen:
    """A located check-in; of several versions of one id the highest counts."""

    check_in_id: UUID
    version: int
    mark: Mark
    at: dt.datetime
    site: Verdict = Verdict.INSIDE
    region: Verdict = Verdict.INSIDE
    activity_site: bool = False
    bad_fix: bool = False
    mock: bool = False
    evidence: bool = True

    @classmethod
    def of(cls, located: CheckInLocated) -> "MarkSeen":
        """What the rules need of a located check-in: the device's time, the verdicts and the signals."""
        return cls(
            located.check_in_id, located.version, located.mark, located.captured_at.astimezone(dt.UTC), located.site,
            located.region, located.activity_site, located.quality == "bad_fix", located.mock, located.evidence,
        )


@dataclass(frozen=True, slots=True)
class Leave:
    """A leave (cuti) or, as kind `dl`, duty travel with its letter (SPT), over whole dates, both inclusive.

    `requested` is a request not yet decided: its days are no absence. `nth_day` is the running number of the
    business date within the leave's duty days, from 1, and `days` how many these are (see `numbered`); without them
    every calendar day counts as one. `letter` false means that the letter is missing: such duty travel excuses nothing.
    `reason` is the policy's word for what it is for ("wife_delivery"), where leave tables ask for it. `row_since` and `row_until` are
    the ends of the row of leaves that it is one of; without them it stands alone. `alone` is where the date stands among the leaves of
    its own sort, in hospital or out of it, where the row has both.
    """

    id: UUID
    kind: LeaveWord
    since: dt.date
    until: dt.date
    state: Literal["requested", "approved"] = "approved"
    letter: bool | None = None
    inpatient: bool | None = None
    nth_day: int | None = None
    days: int | None = None
    reason: str | None = None
    row_since: dt.date | None = None
    row_until: dt.date | None = None
    alone: LeaveDay | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """Permission (izin) for a day."""

    id: UUID
    date: dt.date
    state: Literal["requested", "approved"] = "approved"


@dataclass(frozen=True, slots=True)
class Manual:
    """A mark recorded by hand; `nth_forgotten` numbers those of the month that were merely forgotten.

    `requested` is one that nobody has approved yet: it holds the day if it would change it.
    """

    id: UUID
    mark: Mark
    at: dt.datetime
    nth_forgotten: int | None = None
    state: Literal["requested", "approved"] = "approved"


@dataclass(frozen=True, slots=True)
class Outage:
    """The system was down for this employee from `since` to `until`, by declaration."""

    id: UUID
    since: dt.datetime
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class OutageDecided:
    """The decision on a declared outage; the latest `at` counts."""

    outage_id: UUID
    decision: Literal["confirmed", "rejected"]
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class FraudDecided:
    """The decision on a suspected check-in; the latest `at` counts."""

    check_in_id: UUID
    decision: Literal["confirmed", "cleared"]
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A person's word on an unsure or quarantined check-in; the latest `at` counts."""

    check_in_id: UUID
    decision: Literal["accepted", "rejected"]
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class ApelMissed:
    """Was missing at a roll-call (apel) of that date, or at a `ceremony` (upacara)."""

    id: UUID
    date: dt.date
    ceremony: bool = False


@dataclass(frozen=True, slots=True)
class LeftDuringHours:
    """Was found away from work in hours on that date."""

    id: UUID
    date: dt.date


@dataclass(frozen=True, slots=True)
class WorkReported:
    """Sent the daily work report of that date."""

    id: UUID
    date: dt.date


Fact: TypeAlias = (
    Leave | Permission | Manual | Outage | OutageDecided | FraudDecided | Reviewed | ApelMissed | LeftDuringHours
    | WorkReported
)


@dataclass(frozen=True, slots=True)
class DayInputs:
    """One employee-day with all that bears on it; marks and facts in any order, and doubled at will.

    `before` and `after` are the nearest working duties around (they cut the reach). Facts of other dates
    are ignored. `duty_days_in_month` counts leave as duty days; `work_week_days` is 5 or 6.
    """

    person: Person
    duty: Duty
    before: Duty | None = None
    after: Duty | None = None
    marks: tuple[MarkSeen, ...] = ()
    facts: tuple[Fact, ...] = ()
    duty_days_in_month: int = 0
    work_week_days: int = 5
