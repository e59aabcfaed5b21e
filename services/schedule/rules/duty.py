"""Duties: what an employee owed on a business date, and which stamps belong to it.

The business date is the local date on which the duty starts. A check-in belongs to the duty with the nearest start,
a check-out to the one with the nearest end, a break to the one with the nearest middle, so that every stamp belongs
to at most one duty and shifts that touch do not swap their marks.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from shared.events import Mark, Mode, RosterDay
from shared.policy import Policy
from shared.policy.parts import LONGEST_REACH_MINUTES

Hours: TypeAlias = tuple[int, int]
"""Start and end of work as minutes since local midnight; an end not after the start is on the next date, and so is
one of 24 hours or more (a shift of a whole day and longer)."""

Week: TypeAlias = Mapping[int, Hours]
"""Hours by weekday (0 = Monday); a weekday that is not listed is off."""

MINUTE: Final = dt.timedelta(minutes=1)
_DAY_MINUTES: Final = 24 * 60
_DAY: Final = dt.timedelta(days=1)
_LONGEST_REACH: Final = dt.timedelta(minutes=LONGEST_REACH_MINUTES)
_NEIGHBOURS: Final = 2
"""Dates on either side whose duties can meet this one's reach: a duty lasts a day at most and reaches half a day further."""
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class DutyError(ValueError):
    """A week pattern or roster row that gives no hours to work; imports refuse such rows beforehand."""


@dataclass(frozen=True, slots=True)
class Duty:
    """What was owed on `date`: `start`/`end` are UTC instants, None on a day off.

    `start_minute`/`end_minute` are the same as local minutes since midnight. `marks` overrides the policy's
    marks of the day. `holiday` and `rostered` say why the day is as it is.
    """

    date: dt.date
    mode: Mode
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    start_minute: int = 0
    end_minute: int = 0
    holiday: bool = False
    rostered: bool = False
    marks: tuple[Mark, ...] | None = None

    @property
    def working(self) -> bool:
        """Whether work was owed at all."""
        return self.mode is not Mode.OFF


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from `begin` up to, but not including, `end`."""

    begin: dt.datetime
    end: dt.datetime

    def holds(self, at: dt.datetime) -> bool:
        """Whether the instant lies in the span."""
        return self.begin <= at < self.end


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; looked up once, since the lookup costs more than a whole assessment."""
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def clock_minutes(clock: str) -> int:
    """Minutes since midnight of "HH:MM"; raises DutyError for anything else."""
    hour, colon, minute = clock.partition(":")
    if not (colon and len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()):
        raise DutyError(f"{clock!r} is not a clock time such as 07:30")
    if int(hour) > 23 or int(minute) > 59:
        raise DutyError(f"{clock!r} is not a time of day")
    return int(hour) * 60 + int(minute)


def parse_week(week: Mapping[str, Sequence[str]]) -> dict[int, Hours]:
    """A week pattern as files give it ({mon: ["07:30", "16:00"], …}) by weekday number; raises DutyError."""
    pattern: dict[int, Hours] = {}
    for name, hours in week.items():
        if name not in _WEEKDAYS or len(hours) != 2:
            raise DutyError(f"{name}: give a weekday (mon … sun) its start and end")
        pattern[_WEEKDAYS.index(name)] = (clock_minutes(hours[0]), clock_minutes(hours[1]))
    return pattern


@lru_cache(maxsize=65536)
def _instant(date: dt.date, minutes: int, tz: str) -> dt.datetime:
    # Everybody of a zone and shift shares these few instants, so they are made once.
    date += dt.timedelta(days=minutes // _DAY_MINUTES)
    clock = dt.time(minutes % _DAY_MINUTES // 60, minutes % 60)
    return dt.datetime.combine(date, clock, zone_of(tz)).astimezone(dt.UTC)


def duty_on(
    date: dt.date,
    week: Week,
    holidays: Collection[dt.date],
    roster_day: RosterDay | None,
    tz: str,
    marks: tuple[Mark, ...] | None = None,
) -> Duty:
    """The duty of a business date.

    A roster row with hours, or of a day off, beats the calendar and the week (24-hour services work on holidays,
    Perpres 21/2023 Art. 7(1)). One without hours says only from where one works: on a holiday or joint leave nothing is
    owed, as without a row, and on other dates it takes the week's hours of that weekday; raises DutyError if there are
    none. Without a row a weekday the week does not list is off.
    """
    if date in holidays and not (roster_day is not None and beats_calendar(roster_day)):
        return Duty(date, Mode.OFF, holiday=True)
    if roster_day is None:
        hours = week.get(date.weekday())
        if hours is None:
            return Duty(date, Mode.OFF)
        return _working(date, Mode.WFO, hours, tz, marks, rostered=False)
    if roster_day.mode is Mode.OFF:
        return Duty(date, Mode.OFF, rostered=True)
    if roster_day.start is not None and roster_day.end is not None:
        hours = (clock_minutes(roster_day.start), clock_minutes(roster_day.end))
    else:
        hours = week.get(date.weekday())
    if hours is None:
        raise DutyError(f"the roster gives no hours for {date}, and the week has none for that weekday")
    return _working(date, roster_day.mode, hours, tz, marks, rostered=True)


def beats_calendar(row: RosterDay) -> bool:
    """Whether a roster row says when one works, or that one does not, and so holds on a holiday too; else it says only from where."""
    return row.mode is Mode.OFF or (row.start is not None and row.end is not None)


def _working(
    date: dt.date, mode: Mode, hours: Hours, tz: str, marks: tuple[Mark, ...] | None, *, rostered: bool
) -> Duty:
    start, end = hours
    overnight = end <= start
    return Duty(
        date, mode, _instant(date, start, tz), _instant(date, end + _DAY_MINUTES * overnight, tz), start, end % _DAY_MINUTES,
        rostered=rostered, marks=marks,
    )


def window_of(duty: Duty, policy: Policy, mark: Mark) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Instants at which the scan window of this mark opens and closes; None where the policy sets no limit.

    How clock times are taken at the duty, and that a window refuses nobody who is in time, is said at `shared.policy.Window`.
    """
    window = policy.out_window if mark is Mark.OUT else policy.in_window if mark is Mark.IN else policy.break_window
    if window is None or duty.start is None or duty.end is None:
        return None, None
    if mark is Mark.OUT:
        anchor, minute = duty.end, duty.end_minute
        opened = None if window.open is None else _nearest(window.open, minute)
        closed = None if window.close is None else _after(window.close, minute, 0)
    else:
        anchor, minute = duty.start, duty.start_minute
        if mark is Mark.IN:
            opened = None if window.open is None else _before(window.open, minute)
        else:
            opened = None if window.open is None else _after(window.open, minute, 0)
        if window.close is None:
            closed = None
        elif opened is None:
            closed = _nearest(window.close, minute)
        else:
            closed = _after(window.close, minute, opened)
    by_clock = isinstance(window.open, str) or isinstance(window.close, str)
    if by_clock and not _fits(mark, opened, closed):
        return None, None
    if mark is not Mark.BREAK:
        if opened is not None:
            opened = min(opened, -policy.flex_early_minutes)
        if closed is not None:
            closed = max(closed, policy.flex_minutes if mark is Mark.IN else _owed_after(policy))
    return (
        None if opened is None else anchor + opened * MINUTE,
        None if closed is None else anchor + closed * MINUTE,
    )


def _owed_after(policy: Policy) -> int:
    """Minutes after the scheduled end at which somebody may still be due: in flexible hours, or making up a lateness."""
    made_up = policy.compensation
    return policy.flex_minutes if made_up is None else max(policy.flex_minutes, made_up.max_minutes)


def _fits(mark: Mark, opened: int | None, closed: int | None) -> bool:
    """Whether a window in clock times is meant for this shift (offsets from its start or end)."""
    if mark is Mark.OUT:
        return (opened is None or opened <= 60) and (closed is None or closed <= _DAY_MINUTES // 2)
    return mark is Mark.BREAK or closed is None or closed >= -60


def _before(moment: str | int, minute: int) -> int:
    """Offset from the anchor (`minute` of the day) of the last such clock time not after it."""
    return moment if isinstance(moment, int) else -((minute - clock_minutes(moment)) % _DAY_MINUTES)


def _after(moment: str | int, minute: int, offset: int) -> int:
    """Offset from the anchor of the first such clock time not before anchor + offset."""
    if isinstance(moment, int):
        return moment
    return offset + (clock_minutes(moment) - minute - offset) % _DAY_MINUTES


def _nearest(moment: str | int, minute: int) -> int:
    """Offset from the anchor of the such clock time nearest to it."""
    if isinstance(moment, int):
        return moment
    return (clock_minutes(moment) - minute + _DAY_MINUTES // 2) % _DAY_MINUTES - _DAY_MINUTES // 2


def final_at(duty: Duty, policy: Policy) -> dt.datetime:
    """The instant at which a working duty's day becomes final: the scan window for going home has closed.

    Where it never does, `final_after_minutes` have gone by since the end, and nobody can be due any more. DutyError on a day off.
    """
    if duty.end is None:
        raise DutyError("a day off has no end of work")
    closes = None
    if policy.out_window is not None:
        closes = window_of(duty, policy, Mark.OUT)[1]
    return closes if closes is not None else duty.end + max(policy.final_after_minutes, _owed_after(policy)) * MINUTE


class Placed(NamedTuple):
    """A duty with the nearest working ones before and after it, as far as they can meet its reach."""

    duty: Duty
    before: Duty | None = None
    after: Duty | None = None


def place(date: dt.date, on: Callable[[dt.date], Duty]) -> Placed:
    """The duty of a date among its neighbours; `on` tells the duty of any date around it."""
    return Placed(on(date), _nearest_working(date, -_DAY, on), _nearest_working(date, _DAY, on))


def _nearest_working(date: dt.date, step: dt.timedelta, on: Callable[[dt.date], Duty]) -> Duty | None:
    for number in range(1, _NEIGHBOURS + 1):
        duty = on(date + number * step)
        if duty.working:
            return duty
    return None


def reach_of(placed: Placed, policy: Policy, mark: Mark) -> Span | None:
    """The span whose stamps of this direction belong to the duty; None on a day off.

    It goes from `policy.reach.before_minutes` before the start to `after_minutes` after the end, further if the
    scan window does (half a day at most), and never past the boundary to a neighbouring duty (`_boundary`).
    """
    duty, before, after = placed
    if duty.start is None or duty.end is None:
        return None
    begin = duty.start - policy.reach.before_minutes * MINUTE
    end = duty.end + policy.reach.after_minutes * MINUTE
    if policy.in_window is not None and mark is Mark.IN and (opens := window_of(duty, policy, mark)[0]) is not None:
        begin = max(min(begin, opens), duty.start - _LONGEST_REACH)
    if policy.out_window is not None and mark is Mark.OUT and (closes := window_of(duty, policy, mark)[1]) is not None:
        end = min(max(end, closes + MINUTE), duty.end + _LONGEST_REACH)
    if before is not None:
        begin = max(begin, _boundary(before, duty, mark))
    if after is not None:
        end = min(end, _boundary(duty, after, mark))
    return Span(begin, end)


class Reaches:
    """The spans of one duty by direction, worked out when somebody asks for them first."""

    def __init__(self, placed: Placed, policy: Policy) -> None:
        self._placed, self._policy = placed, policy
        self._spans: dict[Mark, Span | None] = {}
        self._whole: Span | None = None

    def of(self, mark: Mark) -> Span | None:
        """The span of this direction (`reach_of`)."""
        if mark not in self._spans:
            self._spans[mark] = reach_of(self._placed, self._policy, mark)
        return self._spans[mark]

    def holds(self, mark: Mark, at: dt.datetime) -> bool:
        """Whether a stamp of this direction belongs to the duty; `at` in UTC."""
        span = self.of(mark)
        return span is not None and span.holds(at)

    def whole(self) -> Span | None:
        """The span outside of which no stamp of any direction belongs to the duty; None on a day off."""
        if self._whole is None:
            spans = [span for mark in Mark if (span := self.of(mark)) is not None]
            if spans:
                self._whole = Span(min(span.begin for span in spans), max(span.end for span in spans))
        return self._whole


_REMEMBERED: Final = 4_096
_reaches: dict[tuple[int, int, int, int], Reaches] = {}
"""People share duties with all who live by the same week or shift: their spans are worked out once for all of them.

By identity, since to hash a duty costs more than it saves. Each entry holds on to what its key names, so that no id is
used again while it is here; at worst something is worked out twice.
"""


def reaches_of(placed: Placed, policy: Policy) -> Reaches:
    """The spans of a duty among its neighbours, as a policy has them."""
    key = (id(placed.duty), id(placed.before), id(placed.after), id(policy))
    known = _reaches.get(key)
    if known is None:
        if len(_reaches) >= _REMEMBERED:
            _reaches.clear()
        known = _reaches[key] = Reaches(placed, policy)
    return known


def _boundary(earlier: Duty, later: Duty, mark: Mark) -> dt.datetime:
    """Where stamps of a direction pass from one working duty to the next: halfway between what they are measured by.

    It depends on the two duties alone, so that both sides agree whatever the policies of their dates. Where a roster
    asks for two duties at once it is kept from running before the boundary to the duty before.
    """
    assert earlier.start is not None
    assert earlier.end is not None
    assert later.start is not None
    assert later.end is not None
    if mark is Mark.IN:
        return _halfway(earlier.start, later.start)
    middle = _halfway(earlier.start, earlier.end)
    if later.start < earlier.end:
        return max(later.start, middle)
    if mark is Mark.OUT:
        return _halfway(earlier.end, later.end)
    return _halfway(middle, _halfway(later.start, later.end))


def _halfway(one: dt.datetime, other: dt.datetime) -> dt.datetime:
    return one + (other - one) / 2


def date_of_stamp(
    at: dt.datetime, mark: Mark, placed: Callable[[dt.date], Placed], policy_on: Callable[[dt.date], Policy | None], tz: str
) -> dt.date:
    """The business date to which a stamp belongs; one in no duty's reach belongs to its local date.

    `placed` and `policy_on` (None: no policy, nothing is owed) are asked about the dates around the stamp.
    """
    local = at.astimezone(zone_of(tz)).date()
    at = at.astimezone(dt.UTC)  # as the spans are: comparing within one zone is several times faster
    for step in (0, -1, 1, -2, 2):
        date = local + step * _DAY
        policy = policy_on(date)
        if policy is None:
            continue
        if reaches_of(placed(date), policy).holds(mark, at):
            return date
    return local


def week_days(date: dt.date, week: Week, roster: Mapping[dt.date, RosterDay]) -> int:
    """Whether the week (Monday to Sunday) of a date is one of at most five duty days (5) or of six (6).

    The roster beats the week pattern; holidays and joint leave do not make a six-day week a five-day one.
    """
    return 5 if sum(_owed_but_for_holidays(date, week, roster)) <= 5 else 6


def _owed_but_for_holidays(date: dt.date, week: Week, roster: Mapping[dt.date, RosterDay]) -> Iterator[bool]:
    monday = date - date.weekday() * _DAY
    for weekday in range(7):
        row = roster.get(monday + weekday * _DAY)
        yield weekday in week if row is None else row.mode is not Mode.OFF
