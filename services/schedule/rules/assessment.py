"""What one employee-day comes to: the value that `assess` returns, its comparison, and the event it becomes."""

import datetime as dt
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from services.schedule.rules.inputs import DayInputs
from shared.events import DayAssessed, DayState, DayStatus, Finding, FindingKind, LeaveRun, Mode
from shared.policy.leave import LeaveDay

EXCUSED: Final = frozenset({FindingKind.LEAVE, FindingKind.SICK, FindingKind.IZIN})
"""Kinds that cost money on an excused day but are no violation."""


class Found(NamedTuple):
    """One thing found on a day; fields as in `shared.events.Finding`, which it becomes on the wire."""

    kind: FindingKind
    code: str
    minutes: int | None = None
    compensable: bool = False
    nth_day: int | None = None
    leave: str | None = None
    letter: bool | None = None
    inpatient: bool | None = None
    detail: str | None = None
    leave_days: int | None = None
    leave_since: dt.date | None = None
    leave_until: dt.date | None = None
    reason: str | None = None
    leave_alone: LeaveDay | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The judgement of one employee-day.

    `late` and `early` are whole minutes, None when there is no such mark; `made_up` says that the lateness was made up
    on the same day (whether that is free the month knows). `evidence` names the check-ins and
    facts it rests on. `next_due` is the next instant at which the clock alone may change the day; None: never.
    """

    state: DayState
    status: DayStatus
    mode: Mode
    scheduled: bool
    late: int | None = None
    early: int | None = None
    findings: tuple[Found, ...] = ()
    in_at: dt.datetime | None = None
    out_at: dt.datetime | None = None
    evidence: tuple[UUID, ...] = ()
    next_due: dt.datetime | None = None
    made_up: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the violations, in the order of the evaluation (excused costs are none)."""
        return tuple(found.code for found in self.findings if found.kind not in EXCUSED)


def day_event(assessment: Assessment, inputs: DayInputs, *, version: int, policy_id: UUID) -> DayAssessed:
    """The event that tells this assessment to payroll and outsiders."""
    person = inputs.person
    return DayAssessed(
        employee_id=person.id,
        org_unit_id=person.org_unit_id,
        date=inputs.duty.date,
        version=version,
        state=assessment.state,
        status=assessment.status,
        mode=assessment.mode,
        scheduled=assessment.scheduled,
        late=assessment.late,
        early=assessment.early,
        made_up=assessment.made_up,
        findings=tuple(
            Finding(
                kind=found.kind, code=found.code, minutes=found.minutes, compensable=found.compensable,
                nth_day=found.nth_day, leave=found.leave, letter=found.letter, inpatient=found.inpatient,
                detail=found.detail, leave_days=found.leave_days, leave_since=found.leave_since,
                leave_until=found.leave_until, reason=found.reason, leave_alone=_run(found.leave_alone),
            )
            for found in assessment.findings
        ),
        policy_id=policy_id,
        employee_kind=person.kind,
        group=person.group,
        duty_days_in_month=inputs.duty_days_in_month,
        work_week_days=inputs.work_week_days,
        in_at=assessment.in_at,
        out_at=assessment.out_at,
        evidence=assessment.evidence,
    )


def _run(day: LeaveDay | None) -> LeaveRun | None:
    return None if day is None else LeaveRun(nth_day=day.nth_day, days=day.days, since=day.since, until=day.until)
