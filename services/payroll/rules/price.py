"""What one assessed day costs: each finding turned into a line by the policy of its business date."""

import datetime as dt
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final
from uuid import UUID

from shared.events import DayAssessed, DayState, DayStatus, Finding, FindingKind
from shared.policy import Policy
from shared.policy.leave import LeaveDay
from shared.policy.price import FREE, Base, Price

NO_WORK_REPORT: Final = "NO_WORK_REPORT"
"""Code of a missing daily work report, where the policy asks for one."""

NO_PRESENCE: Final = "NO_PRESENCE"
"""Code of a day without any valid mark within working hours, where the policy asks for one."""

CEREMONY: Final = "CEREMONY"
"""Code of a missed ceremony (upacara), a roll-call with a price of its own."""

MADE_UP: Final = "MADE_UP"
"""Code of a made-up lateness for which the policy has no band; it never costs anything itself."""

_COUNTED: Final = frozenset({DayStatus.PRESENT, DayStatus.PENDING})


@dataclass(frozen=True, slots=True)
class Line:
    """A finding and its percent of the policy's base (of that day's under daily_net_tpp), or of `base` where that is given.

    `compensable` marks a lateness that was made up the same day: whether it is free depends on how many
    were made up in the month, which only the fold knows.
    """

    kind: FindingKind
    code: str
    percent: Fraction
    minutes: int | None = None
    compensable: bool = False
    base: Base | None = None


@dataclass(frozen=True, slots=True)
class PricedDay:
    """What the month needs to know of one day; `minutes` are late + early, for conversion into days."""

    date: dt.date
    version: int
    status: DayStatus
    final: bool
    scheduled: bool
    policy_id: UUID
    lines: tuple[Line, ...] = ()
    minutes: int = 0
    duty_days_in_month: int = 0
    work_week_days: int = 5

    @property
    def absent(self) -> bool:
        """Whether the day is one of TK (tanpa keterangan): a duty, and neither mark nor excuse."""
        return self.status is DayStatus.ABSENT

    def says_as(self, other: "PricedDay") -> bool:
        """Whether the two versions of a day say the same."""
        return replace(self, version=other.version) == other


def price(assessed: DayAssessed, policy: Policy) -> tuple[Line, ...]:
    """The lines of a day, one per finding that costs something under the policy, or that the month may forgive.

    An absence costs TK once: a missed roll-call on the same day adds nothing (domain §7.2 A16). Under
    `tk_steps` an absence has no price of its own; the fold charges the step it reaches.
    """
    policy = policy.on(assessed.date)
    absent = any(finding.kind is FindingKind.ABSENT for finding in assessed.findings)
    lines = []
    for finding in assessed.findings:
        if absent and finding.kind is FindingKind.APEL:
            continue
        cost = _price(finding, assessed, policy)
        if cost.percent or finding.compensable:
            lines.append(Line(finding.kind, finding.code, cost.percent, finding.minutes, finding.compensable, cost.base))
    if assessed.made_up and not any(line.compensable for line in lines):
        # no band holds this lateness, but its minutes count towards days of absence unless they are forgiven
        lines.append(Line(FindingKind.LATE, MADE_UP, FREE.percent, assessed.late, compensable=True))
    return tuple(lines)


def priced_day(assessed: DayAssessed, policy: Policy) -> PricedDay:
    """The assessed day with its prices, as the month keeps it."""
    minutes = (assessed.late or 0) + (assessed.early or 0) if assessed.status in _COUNTED else 0
    return PricedDay(
        date=assessed.date,
        version=assessed.version,
        status=assessed.status,
        final=assessed.state is DayState.FINAL,
        scheduled=assessed.scheduled,
        policy_id=assessed.policy_id,
        lines=price(assessed, policy),
        minutes=minutes,
        duty_days_in_month=assessed.duty_days_in_month,
        work_week_days=assessed.work_week_days,
    )


def _price(finding: Finding, assessed: DayAssessed, policy: Policy) -> Price:
    group = assessed.group
    match finding.kind:
        case FindingKind.LATE:
            price = _of_minutes(policy.late_charge(finding.minutes or 0))
        case FindingKind.EARLY:
            price = _of_minutes(policy.early_charge(finding.minutes or 0))
        case FindingKind.NO_IN:
            price = Price(policy.no_in.pct)
        case FindingKind.NO_OUT:
            price = Price(policy.no_out.pct)
        case FindingKind.ABSENT:
            price = FREE if policy.tk_steps else Price(policy.tk_percent(group))
        case FindingKind.APEL:
            price = policy.apel_price(group, ceremony=finding.code == CEREMONY)
        case FindingKind.LEFT:
            price = policy.left_price(assessed.employee_kind)
        case FindingKind.MISSED_BREAK:
            price = policy.missed_break
        case FindingKind.FRAUD:
            price = policy.fraud
        case FindingKind.IZIN:
            price = policy.izin_day
        case FindingKind.SICK | FindingKind.LEAVE:
            kind = finding.leave or ("sick" if finding.kind is FindingKind.SICK else "")
            price = policy.leave_price(
                kind, _leave_day(finding, assessed.date), letter=finding.letter, inpatient=finding.inpatient,
                reason=finding.reason, duty_days_in_month=assessed.duty_days_in_month,
            )
        case FindingKind.NO_EVIDENCE if finding.code == NO_WORK_REPORT:
            price = policy.missed_work_report
        case FindingKind.NO_EVIDENCE if finding.code == NO_PRESENCE:
            price = policy.missed_presence
        case _:
            # OUTSIDE and NO_EVIDENCE of a photo: the mark is void, which shows as NO_IN, NO_OUT or ABSENT beside them.
            price = FREE
    return price


def _leave_day(finding: Finding, date: dt.date) -> LeaveDay:
    """Where the day stands in its leave; days that were assessed before leaves told their length had but a number."""
    nth = finding.nth_day or 1
    since = finding.leave_since or date - dt.timedelta(days=nth - 1)
    own = finding.leave_alone
    alone = None if own is None else LeaveDay(date, own.since, own.until, own.nth_day, own.days)
    return LeaveDay(date, since, finding.leave_until or date, nth, finding.leave_days or nth, alone)


def _of_minutes(charge: tuple[str, Fraction] | None) -> Price:
    return FREE if charge is None else Price(charge[1])
