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
from typing import Final
from uuid import UUID

from services.payroll.rules.price import PricedDay
from shared.events import DayStatus
from shared.policy import Policy
from shared.policy.price import RUPIAH, WAGE, Base

HUNDRED: Final = Fraction(100)
TK_CODE: Final = "TK"
TK_MINUTES_CODE: Final = "TK_MINUTES"
"""Ledger code of a step reached by minutes of lateness (Perbup Ngawi 33/2017), on a day that was worked."""
CONSECUTIVE_CODE: Final = "CONSECUTIVE_FULL"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """TPP ceiling of the month in whole rupiah, and the static TKD or the wage where the policy needs them."""

    amount: int
    static_tkd: int | None = None
    wage: int | None = None

    def covers(self, base: Base) -> bool:
        """Whether it is known what 100 % of the base stands for; only a wage that was not imported is not."""
        return base[0] != WAGE or self.wage is not None

    def rupiah_of(self, base: Base) -> Fraction:
        """Rupiah that 100 % of the base stands for."""
        kind, share = base
        if kind == "static_tkd" and self.static_tkd is not None:
            return Fraction(self.static_tkd)
        if kind == WAGE:
            return Fraction(self.wage or 0)
        if kind == RUPIAH:
            return share
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
    """Sum of the month on one base; `percent` is `raw_percent` after the cap, or after what the rest leaves (`held`)."""

    base: Base
    raw_percent: Fraction
    percent: Fraction
    cap: Fraction = HUNDRED


@dataclass(frozen=True, slots=True)
class BaseSum:
    """What was charged on one base, and its cap; `own`: a pack of the month has this base, else single prices name it."""

    base: Base
    raw_percent: Fraction
    cap: Fraction
    own: bool


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """An employee-month after folding.

    With one base, percents are of that base; with several (a policy change within the month) each base is
    summed and capped alone, the amounts add up to the TPP at most, and the percents are of the total TPP. `amount` is rupiah,
    rounded once, half up; None without a ceiling, or without a wage where one is charged. `exact` is the amount before
    rounding, `of_wage` the part of it that is taken from the wage and not from the TPP.
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
    of_wage: Fraction = Fraction(0)

    @property
    def of_tpp(self) -> int | None:
        """Whole rupiah of the amount that are taken from the TPP."""
        return None if self.amount is None else self.amount - half_up(self.of_wage)


def half_up(value: Fraction) -> int:
    """Whole rupiah, a half rounded up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def base_of(policy: Policy) -> Base:
    """The base of a policy's percents; only a discipline component has a share other than the whole."""
    if policy.base == "discipline_component" and policy.weight is not None:
        return policy.base, policy.weight
    return policy.base, Fraction(1)


def held(sums: Iterable[BaseSum], ceiling: Ceiling | None) -> tuple[BaseTotal, ...]:
    """Each sum under its cap; after the first, none takes more than those before it leave of the TPP.

    The packs' own bases come first, in the order of their days, then the wage, which is another purse, then what single
    prices charge beside those bases, flat rupiah last.
    """
    totals: list[BaseTotal] = []
    left = None if ceiling is None else Fraction(ceiling.amount)
    for one in sorted(sums, key=_turn):
        whole = Fraction(0) if ceiling is None else ceiling.rupiah_of(one.base)
        cap = one.cap
        if totals and one.base[0] != WAGE:
            room = one.raw_percent if left is None or not whole else max(left, Fraction(0)) * 100 / whole
            cap = room if one.base[0] == RUPIAH else min(cap, room)
        totals.append(BaseTotal(one.base, one.raw_percent, min(one.raw_percent, cap), cap))
        if left is not None and one.base[0] != WAGE and totals[-1].percent:
            left -= whole * totals[-1].percent / 100
    return tuple(totals)


def _turn(one: BaseSum) -> int:
    if one.own:
        return 0
    return 1 if one.base[0] == WAGE else 2 + (one.base[0] == RUPIAH)


def streak_of(days: Iterable[PricedDay], streak_before: int = 0) -> int:
    """Absences in a row at the end of the days, over scheduled days only.

    Holidays and OFF days neither break nor add (domain §2.2); a day not yet decided (PENDING, HELD) breaks,
    because what is not known yet must not cost.
    """
    streak = streak_before
    for day in sorted(days, key=_date):
        streak = _streak(streak, day)
    return streak


def breaks_streak(day: PricedDay) -> bool:
    """Whether a day that is no absence ends the absences in a row before it."""
    return day.status in _EXCUSED or (day.scheduled and day.status not in _NO_DUTY)


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
    streak, brought, made_up, final = streak_before, streak_before, 0, 0
    filled = False
    policy_id = policy = account = None
    for day in ordered:
        if policy is None or account is None or day.policy_id != policy_id:
            policy_id, policy = day.policy_id, policies[day.policy_id]
            base = base_of(policy)
            account = accounts.setdefault(base, _Account(base))
            # One base may be ruled by two policies in a month; the later one's cap then holds for the whole sum.
            account.cap, account.own = policy.cap, True
        streak = _streak(streak, day)
        if not streak:
            brought, filled = 0, False
        final += day.final
        percent = _NOTHING
        if day.lines or day.absent or policy.tk_steps:
            before = len(account.costs)
            made_up = account.charge(day, policy, made_up)
            rule = policy.consecutive_full
            if rule is not None and day.absent and not filled and _completes(streak, brought, rule.days):
                # one row fills one base: what goes on under a pack of another base was paid for
                account.fill(day, rule.pct)
                filled = True
            percent = sum((cost.percent for cost in account.costs[before:]), _NOTHING)
        for line in day.lines:
            if line.base is not None and line.base != account.base:
                other = accounts.setdefault(line.base, _Account(line.base))
                other.cap = policy.cap
                other.add(day, line.code, line.percent)
                percent += _NOTHING if other.full or line.base[0] == RUPIAH else line.percent
        by_date[day.date] = percent
    totals = held((BaseSum(one.base, one.sum, one.cap, one.own) for one in accounts.values()), ceiling)
    costs = [cost for account in accounts.values() for cost in account.costs]
    raw, percent = _percents(totals, ceiling)
    exact, of_wage = None, _NOTHING
    if ceiling is not None and all(ceiling.covers(total.base) for total in totals):
        exact = sum((ceiling.rupiah_of(total.base) * total.percent / 100 for total in totals if total.percent), _NOTHING)
        of_wage = sum((ceiling.rupiah_of(one.base) * one.percent / 100 for one in totals if one.base[0] == WAGE), _NOTHING)
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
        of_wage=of_wage,
    )


_NOTHING: Final = Fraction(0)
_EXCUSED: Final = frozenset({DayStatus.LEAVE, DayStatus.DL})
_NO_DUTY: Final = frozenset({DayStatus.HOLIDAY, DayStatus.OFF})


def _date(day: PricedDay) -> dt.date:
    return day.date


def _streak(streak: int, day: PricedDay) -> int:
    if day.absent:
        return streak + 1
    return 0 if breaks_streak(day) else streak


def _completes(streak: int, brought: int, days: int) -> bool:
    """Whether so many absences in a row were reached in this month, `brought` of the streak being the month's before.

    A streak that was complete before is the earlier month's, and must run as long again within this one.
    """
    return brought < days <= streak or streak - brought >= days


def _percents(totals: tuple[BaseTotal, ...], ceiling: Ceiling | None) -> tuple[Fraction, Fraction]:
    if not totals:
        return _NOTHING, _NOTHING
    if len(totals) == 1:
        return totals[0].raw_percent, totals[0].percent
    raw = percent = _NOTHING
    for total in totals:
        share = _NOTHING if total.base[0] == RUPIAH else total.base[1]
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
    own: bool = False
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
                made_up += policy.uses_compensation(day.date, line.minutes or 0)
                minutes -= line.minutes or 0
            elif line.percent and line.base in (None, self.base):
                self.add(day, line.code, line.percent)
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
            self.add(day, TK_CODE if day.absent else TK_MINUTES_CODE, (reached - self.step) * self._days(day))
            self.step = reached

    def fill(self, day: PricedDay, percent: Fraction) -> None:
        """The streak is complete: the month is that percent instead of its sum, and later days add nothing."""
        self.add(day, CONSECUTIVE_CODE, (percent - self.sum) * self._days(day))
        self.full = True

    def add(self, day: PricedDay, code: str, percent: Fraction) -> None:
        """Add one line of a day; nothing is added to a month that is full."""
        if percent and not self.full:
            part = percent / self._days(day)
            self.costs.append(Cost(day.date, code, percent, part, self.base, day.policy_id))
            self.sum += part

    def _days(self, day: PricedDay) -> int:
        """Days over which a day's percent is spread: the month's duty days under daily_net_tpp, else none."""
        return max(day.duty_days_in_month, 1) if self.base[0] == "daily_net_tpp" else 1
