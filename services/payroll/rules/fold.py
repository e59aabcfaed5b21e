"""What a month costs: the priced days of one employee folded into percents and rupiah.

Only here do days depend on each other: steps of absence (tk_steps), streaks (consecutive_full), made-up
lateness (compensation) and the cap. Days are folded in date order whatever order they arrived in, so any
history of versions that ends in the same days ends in the same month.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Final, TypeAlias
from uuid import UUID

from services.payroll.rules.price import PricedDay
from shared.events import DayStatus
from shared.policy import Policy

HUNDRED: Final = Fraction(100)
TK_CODE: Final = "TK"
TK_MINUTES_CODE: Final = "TK_MINUTES"
"""Ledger code of a step reached by minutes of lateness (Perbup Ngawi 33/2017), on a day that was worked."""
CONSECUTIVE_CODE: Final = "CONSECUTIVE_FULL"

Base: TypeAlias = tuple[str, Fraction]
"""What a percent is of, and its share of the total TPP (domain §3.1): ("discipline_component", 2/5)."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """TPP ceiling of the month in whole rupiah, and the static TKD where the policy's base needs it."""

    amount: int
    static_tkd: int | None = None

    def rupiah_of(self, base: Base) -> Fraction:
        """Rupiah that 100 % of the base stands for."""
        kind, share = base
        if kind == "static_tkd" and self.static_tkd is not None:
            return Fraction(self.static_tkd)
        return self.amount * share


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of a day after folding; `percent` is of the policy's base (of one day's under daily_net_tpp).

    `month_percent` is the same as part of the month's percent of that base.
    """

    date: dt.date
    code: str
    percent: Fraction
    month_percent: Fraction
    base: Base
    policy_id: UUID


@dataclass(frozen=True, slots=True)
class BaseTotal:
    """Sum of the month on one base; `percent` is `raw_percent` after the cap."""

    base: Base
    raw_percent: Fraction
    percent: Fraction


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """An employee-month after folding.

    With one base, percents are of that base; with several (a policy change within the month) each base is
    summed and capped alone, the amounts add, and the percents are of the total TPP. `amount` is rupiah,
    rounded once, half up; None without a ceiling. `exact` is the amount before rounding.
    """

    raw_percent: Fraction
    percent: Fraction
    amount: int | None
    exact: Fraction | None
    percent_by_date: Mapping[dt.date, Fraction]
    costs: tuple[Cost, ...]
    bases: tuple[BaseTotal, ...]
    ceiling: Ceiling | None
    streak_after: int
    days_assessed: int
    days_final: int


def half_up(value: Fraction) -> int:
    """Whole rupiah, a half rounded up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def base_of(policy: Policy) -> Base:
    """The base of a policy's percents; only a discipline component has a share other than the whole."""
    if policy.base == "discipline_component" and policy.weight is not None:
        return policy.base, policy.weight
    return policy.base, Fraction(1)


def streak_of(days: Iterable[PricedDay], streak_before: int = 0) -> int:
    """Absences in a row at the end of the days, over scheduled days only.

    Holidays and OFF days neither break nor add (domain §2.2); a day not yet decided (PENDING, HELD) breaks,
    because what is not known yet must not cost.
    """
    streak = streak_before
    for day in sorted(days, key=_date):
        streak = _streak(streak, day)
    return streak


def fold(
    days: Iterable[PricedDay], policies: Mapping[UUID, Policy], ceiling: Ceiling | None, streak_before: int = 0
) -> MonthTotal:
    """The month's percents and rupiah from its days, at most one version of each date, in any order.

    `policies` holds the policy of each day (the one of the business date); `streak_before` is the number of
    absences in a row with which the month before ended. Raises KeyError if a day's policy is missing.
    """
    ordered = sorted(days, key=_date)
    accounts: dict[Base, _Account] = {}
    by_date: dict[dt.date, Fraction] = {}
    streak, made_up, final = streak_before, 0, 0
    policy_id = policy = account = None
    for day in ordered:
        if policy is None or account is None or day.policy_id != policy_id:
            policy_id, policy = day.policy_id, policies[day.policy_id]
            base = base_of(policy)
            account = accounts.setdefault(base, _Account(base))
            # One base may be ruled by two policies in a month; the later one's cap then holds for the whole sum.
            account.cap = policy.cap
        streak = _streak(streak, day)
        final += day.final
        percent = _NOTHING
        if not account.full and (day.lines or day.absent or policy.tk_steps):
            before = len(account.costs)
            made_up = account.charge(day, policy, made_up)
            rule = policy.consecutive_full
            if rule is not None and day.absent and streak == rule.days:
                account.fill(day, rule.pct)
            percent = sum((cost.percent for cost in account.costs[before:]), _NOTHING)
        by_date[day.date] = percent
    totals = tuple(account.total() for account in accounts.values())
    costs = [cost for account in accounts.values() for cost in account.costs]
    raw, percent = _percents(totals, ceiling)
    exact = None
    if ceiling is not None:
        exact = sum((ceiling.rupiah_of(total.base) * total.percent / 100 for total in totals), _NOTHING)
    return MonthTotal(
        raw_percent=raw,
        percent=percent,
        amount=None if exact is None else half_up(exact),
        exact=exact,
        percent_by_date=by_date,
        costs=tuple(sorted(costs, key=lambda cost: (cost.date, cost.code))),
        bases=totals,
        ceiling=ceiling,
        streak_after=streak,
        days_assessed=len(ordered),
        days_final=final,
    )


_NOTHING: Final = Fraction(0)
_EXCUSED: Final = frozenset({DayStatus.LEAVE, DayStatus.DL})
_NO_DUTY: Final = frozenset({DayStatus.HOLIDAY, DayStatus.OFF})


def _date(day: PricedDay) -> dt.date:
    return day.date


def _streak(streak: int, day: PricedDay) -> int:
    if day.absent:
        return streak + 1
    if day.status in _EXCUSED or (day.scheduled and day.status not in _NO_DUTY):
        return 0
    return streak


def _percents(totals: tuple[BaseTotal, ...], ceiling: Ceiling | None) -> tuple[Fraction, Fraction]:
    if not totals:
        return _NOTHING, _NOTHING
    if len(totals) == 1:
        return totals[0].raw_percent, totals[0].percent
    raw = percent = _NOTHING
    for total in totals:
        share = total.base[1]
        if ceiling is not None and ceiling.amount:
            share = ceiling.rupiah_of(total.base) / ceiling.amount
        raw += total.raw_percent * share
        percent += total.percent * share
    return raw, percent


@dataclass(slots=True)
class _Account:
    """The running sum on one base while the month is walked through in date order."""

    base: Base
    cap: Fraction = HUNDRED
    costs: list[Cost] = field(default_factory=list)
    sum: Fraction = _NOTHING
    full: bool = False
    absences: int = 0
    late_days: Fraction = _NOTHING
    step: Fraction = _NOTHING

    def charge(self, day: PricedDay, policy: Policy, made_up: int) -> int:
        """Add the day's lines; returns how many made-up latenesses the month has used by now."""
        minutes = day.minutes
        rule = policy.compensation
        for line in day.lines:
            if line.compensable and rule is not None and (rule.per_month is None or made_up < rule.per_month):
                made_up += 1
                minutes -= line.minutes or 0
            elif line.percent:
                self._add(day, line.code, line.percent)
        if policy.tk_steps:
            self._climb(day, policy, minutes)
        return made_up

    def _climb(self, day: PricedDay, policy: Policy, minutes: int) -> None:
        self.absences += day.absent
        count = self.absences
        if policy.minutes_per_day is not None:
            # each day's minutes by its own week: a rostered month may have weeks of five days and of six
            whole_day = policy.minutes_per_day.five_day if day.work_week_days <= 5 else policy.minutes_per_day.six_day
            self.late_days += Fraction(minutes, whole_day)
            count += floor(self.late_days)
        reached = max((step.pct for step in policy.tk_steps or () if step.days <= count), default=_NOTHING)
        if reached > self.step:
            self._add(day, TK_CODE if day.absent else TK_MINUTES_CODE, (reached - self.step) * self._days(day))
            self.step = reached

    def fill(self, day: PricedDay, percent: Fraction) -> None:
        """The streak is complete: the month is that percent instead of its sum, and later days add nothing."""
        self._add(day, CONSECUTIVE_CODE, (percent - self.sum) * self._days(day))
        self.full = True

    def _add(self, day: PricedDay, code: str, percent: Fraction) -> None:
        if percent:
            part = percent / self._days(day)
            self.costs.append(Cost(day.date, code, percent, part, self.base, day.policy_id))
            self.sum += part

    def _days(self, day: PricedDay) -> int:
        """Days over which a day's percent is spread: the month's duty days under daily_net_tpp, else none."""
        return max(day.duty_days_in_month, 1) if self.base[0] == "daily_net_tpp" else 1

    def total(self) -> BaseTotal:
        return BaseTotal(self.base, self.sum, min(self.sum, self.cap))
