"""The discipline ladder: which steps unexcused absence has reached, and on which day (PP 94/2021).

The system only ever proposes a step; a person decides (Art. 26, Art. 28). Days here are assessed facts, so an
excuse that arrives later simply makes the step disappear from the result.
"""

import datetime as dt
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from services.schedule.rules.assessment import Assessment
from shared.events import DayState, DayStatus, EmployeeKind
from shared.policy import Policy

CONSECUTIVE_10: Final = "CONSECUTIVE_10"
DISMISSAL: Final = "DISMISSAL"
PP_94_2021_TOTAL: Final = "PP 94/2021 Pasal 9-11"
PP_94_2021_STREAK: Final = "PP 94/2021 Pasal 11 ayat (2) huruf d angka 4"


@dataclass(frozen=True, slots=True)
class LadderDay:
    """A day as the ladder sees it: whether work was owed, whether it was TK, minutes late and early.

    `made_up` of those minutes were made up on the same day (ganti waktu). A day that is not final yet is no absence and
    counts no minutes, but it does end a row of absences: what nobody has decided must not dismiss anybody.
    """

    date: dt.date
    scheduled: bool
    absent: bool
    minutes: int = 0
    made_up: int = 0

    @classmethod
    def of(cls, date: dt.date, day: Assessment) -> "LadderDay":
        """What the ladder needs of an assessed day."""
        if day.state is not DayState.FINAL:
            return cls(date, day.scheduled, absent=False)
        late, early = day.late or 0, day.early or 0
        return cls(date, day.scheduled, day.status is DayStatus.ABSENT, late + early, late if day.made_up else 0)


@dataclass(frozen=True, slots=True)
class StepReached:
    """A step, the day that crossed it, and the days of unexcused absence counted then (in a row for CONSECUTIVE_10)."""

    step: str
    date: dt.date
    days: int
    legal_source: str


Judged: TypeAlias = tuple[LadderDay, Policy, EmployeeKind]
"""A day, the rule pack that it was judged by, and of what kind its person was on it."""


def standing(days: Iterable[Judged]) -> tuple[StepReached, ...]:
    """All steps that somebody's days reach as they are now, in whatever order they came: `ladder` by what `ruling` says."""
    ruled = ruling(days)
    return ladder(*ruled) if ruled else ()


def ruling(days: Iterable[Judged]) -> tuple[list[LadderDay], Policy, EmployeeKind] | None:
    """What `ladder` and `counted` count by: the pack and kind of the newest day that counts, and the days; None if none counts.

    A day counts that is an absence, or whose own pack makes days of its minutes; minutes of other days are left out. So a
    day on which nothing happened moves nothing, whatever pack or kind begins with it.
    """
    left, newest = [], None
    for judged in days:
        day, policy, _ = judged
        if day.minutes and policy.convert_minutes_per_day is None:
            day = replace(day, minutes=0, made_up=0)
        left.append(day)
        if (day.absent or day.minutes) and (newest is None or newest[0].date < day.date):
            newest = judged
    return (left, *newest[1:]) if newest else None


def ladder(days: Iterable[LadderDay], policy: Policy, kind: EmployeeKind) -> tuple[StepReached, ...]:
    """All steps that these days reach, by date and then by height.

    Counts start again on 1 January, or look back twelve months under `ladder_window: rolling_12m` (a step
    left behind and reached again is listed again). With `convert_minutes_per_day` late and early minutes add
    up to days (7.5 hours a day: elucidation of PP 53/2010 Art. 3 no. 11), without those made up on the same day as far
    as the month's limit of `compensation` goes; one that costs nothing uses none of it, as in payroll, and never counts.
    So many scheduled TK days in a row, over months and years, are CONSECUTIVE_10, and no DISMISSAL stands beside it in the
    same count; days off neither break nor add. Days may come in any order and doubled.
    """
    ordered = _without_made_up(sorted({day.date: day for day in days}.values(), key=lambda day: day.date), policy)
    streaks = _streaks(ordered, policy.consecutive_days_for(kind))
    reached = [*_totals(ordered, policy, kind), *streaks]
    kept = [step for step in reached if step.step != DISMISSAL or not _beside(step.date, streaks, policy)]
    return tuple(sorted(kept, key=lambda step: (step.date, step.days, step.step)))


def counted(days: Iterable[LadderDay], policy: Policy, reached: StepReached) -> tuple[LadderDay, ...]:
    """The days that a step stands on, by date: the absences of its year or twelve months, or those in a row.

    With `convert_minutes_per_day` also the days on which minutes were late or early.
    """
    ordered = sorted({day.date: day for day in days if day.date <= reached.date}.values(), key=lambda day: day.date)
    if reached.step == CONSECUTIVE_10:
        absent = [day for day in ordered if day.scheduled and day.absent]
        return tuple(absent[-reached.days :])
    rolling = policy.ladder_window == "rolling_12m"
    return tuple(
        day for day in _without_made_up(ordered, policy)
        if not left_behind(day.date, reached.date, rolling=rolling)
        and (day.absent or (policy.convert_minutes_per_day is not None and day.minutes > 0))
    )


def _totals(days: Sequence[LadderDay], policy: Policy, kind: EmployeeKind) -> Iterable[StepReached]:
    rolling = policy.ladder_window == "rolling_12m"
    per_day = policy.convert_minutes_per_day
    rows = policy.ladder_for(kind)
    window: deque[LadderDay] = deque()
    absences = minutes = before = 0
    for day in days:
        while window and left_behind(window[0].date, day.date, rolling=rolling):
            gone = window.popleft()
            absences -= gone.absent
            minutes -= gone.minutes
        window.append(day)
        # What counts is the height just before this day, after old days have left the window.
        before = _height(absences, minutes, per_day)
        absences += day.absent
        minutes += day.minutes
        now = _height(absences, minutes, per_day)
        for row in rows:
            if before < row.days <= now:
                yield StepReached(row.step, day.date, now, PP_94_2021_TOTAL)


def _without_made_up(days: list[LadderDay], policy: Policy) -> list[LadderDay]:
    rule = policy.compensation
    if rule is None or policy.convert_minutes_per_day is None or not any(day.made_up for day in days):
        return days
    used: Counter[tuple[int, int]] = Counter()
    left = []
    for day in days:
        month = day.date.year, day.date.month
        uses = day.made_up > 0 and policy.uses_compensation(day.date, day.made_up)
        if uses and rule.per_month is not None and used[month] >= rule.per_month:
            left.append(day)
            continue
        used[month] += uses
        left.append(replace(day, minutes=day.minutes - day.made_up))
    return left


def _height(absences: int, minutes: int, per_day: int | None) -> int:
    return absences if per_day is None else absences + minutes // per_day


def left_behind(old: dt.date, today: dt.date, *, rolling: bool) -> bool:
    """Whether a day counts no more on a later one: it is of an earlier year or, where the window rolls, twelve months old."""
    if not rolling:
        return old.year < today.year
    # the same date of the last year is the first that no longer counts; 29 February counts as 28
    day = 28 if (today.month, today.day) == (2, 29) else today.day
    return old <= dt.date(today.year - 1, today.month, day)


def _streaks(days: Sequence[LadderDay], length: int | None) -> list[StepReached]:
    reached = []
    run = 0
    for day in days:
        if not day.scheduled:
            continue
        run = run + 1 if day.absent else 0
        if run == length:
            reached.append(StepReached(CONSECUTIVE_10, day.date, run, PP_94_2021_STREAK))
    return reached


def _beside(dismissed: dt.date, streaks: Sequence[StepReached], policy: Policy) -> bool:
    if policy.ladder_window == "rolling_12m":
        return any(abs((streak.date - dismissed).days) <= 365 for streak in streaks)
    return any(streak.date.year == dismissed.year for streak in streaks)
