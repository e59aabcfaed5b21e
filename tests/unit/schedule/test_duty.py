"""Duties and the stamps that belong to them."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.schedule.rules import (
    Duty,
    DutyError,
    Span,
    clock_minutes,
    date_of_stamp,
    duty_on,
    final_at,
    parse_week,
    place,
    reach_of,
    week_days,
)
from services.schedule.rules.duty import window_of
from shared.events import Mark, Mode, RosterDay
from shared.policy import Policy, load_policies

POLICY = load_policies(Path(__file__).parents[3] / "services/schedule/policies/golden-policies.yaml")["POL-A"]
WEEK = parse_week(dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:30", "16:00")))
MONDAY = dt.date(2026, 2, 2)
DAY = dt.timedelta(days=1)
WIB = ZoneInfo("Asia/Jakarta")


def shift(date: dt.date, start: str, end: str) -> Duty:
    return duty_on(date, WEEK, (), RosterDay(date=date, mode=Mode.WFO, start=start, end=end), "Asia/Jakarta")


def wib(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=WIB)


def with_windows(**windows: Any) -> Policy:
    return Policy.from_content(windows)


@pytest.mark.parametrize(
    ("tz", "start"),
    [("Asia/Jakarta", "2026-02-02T00:30Z"), ("Asia/Makassar", "2026-02-01T23:30Z"), ("Asia/Jayapura", "2026-02-01T22:30Z")],
)
def test_the_same_clock_is_another_instant_in_each_zone(tz: str, start: str) -> None:
    assert duty_on(MONDAY, WEEK, (), None, tz).start == dt.datetime.fromisoformat(start)


def test_an_end_not_after_the_start_is_on_the_next_date() -> None:
    night = shift(MONDAY, "21:00", "07:00")

    assert night.end == wib("2026-02-03 07:00")
    assert shift(MONDAY, "08:00", "08:00").end == wib("2026-02-03 08:00")


def test_a_roster_row_without_hours_takes_those_of_the_week() -> None:
    row = RosterDay(date=MONDAY, mode=Mode.WFA)
    duty = duty_on(MONDAY, WEEK, (), row, "Asia/Jakarta")

    assert (duty.mode, duty.start, duty.rostered) == (Mode.WFA, wib("2026-02-02 07:30"), True)


@pytest.mark.parametrize("mode", [Mode.WFO, Mode.WFA])
def test_a_roster_row_without_hours_leaves_a_holiday_free_and_one_with_hours_does_not(mode: Mode) -> None:
    told = duty_on(MONDAY, WEEK, (MONDAY,), RosterDay(date=MONDAY, mode=mode), "Asia/Jakarta")
    shift = duty_on(MONDAY, WEEK, (MONDAY,), RosterDay(date=MONDAY, mode=mode, start="07:00", end="14:00"), "Asia/Jakarta")

    assert told == duty_on(MONDAY, WEEK, (MONDAY,), None, "Asia/Jakarta") == Duty(MONDAY, Mode.OFF, holiday=True)
    assert (shift.mode, shift.start, shift.holiday) == (mode, wib("2026-02-02 07:00"), False)


def test_a_rostered_day_off_is_no_holiday_whatever_the_calendar_says() -> None:
    assert duty_on(MONDAY, WEEK, (MONDAY,), RosterDay(date=MONDAY, mode=Mode.OFF), "Asia/Jakarta") == Duty(MONDAY, Mode.OFF, rostered=True)


def test_a_free_saturday_asks_no_hours_of_a_roster_row_that_only_says_where() -> None:
    saturday = dt.date(2026, 2, 7)

    assert duty_on(saturday, WEEK, (saturday,), RosterDay(date=saturday, mode=Mode.WFO), "Asia/Jakarta").holiday


def test_a_roster_row_without_hours_on_a_weekday_without_hours_is_refused() -> None:
    saturday = dt.date(2026, 2, 7)

    with pytest.raises(DutyError, match="no hours for 2026-02-07"):
        duty_on(saturday, WEEK, (), RosterDay(date=saturday, mode=Mode.WFO), "Asia/Jakarta")


@pytest.mark.parametrize("clock", ["7:30", "07.30", "24:00", "07:60", "", "０７:３０", "07:30:00"])
def test_what_is_no_clock_time_is_refused(clock: str) -> None:
    with pytest.raises(DutyError):
        clock_minutes(clock)


def test_a_week_names_its_weekdays() -> None:
    assert parse_week({"sat": ("08:00", "12:00")}) == {5: (480, 720)}
    with pytest.raises(DutyError):
        parse_week({"sabtu": ("08:00", "12:00")})


def test_the_day_is_final_four_hours_after_its_end_unless_the_out_window_says_otherwise() -> None:
    duty = shift(MONDAY, "07:30", "16:00")

    assert final_at(duty, POLICY) == wib("2026-02-02 20:00")
    assert final_at(duty, with_windows(out_window={"close": "23:59"})) == wib("2026-02-02 23:59")
    assert final_at(duty, with_windows(out_window={"close": 90})) == wib("2026-02-02 17:30")
    night = shift(MONDAY, "21:00", "07:00")
    assert final_at(night, with_windows(out_window={"close": "09:00"})) == wib("2026-02-03 09:00")


@pytest.mark.parametrize("window", [{}, {"out_window": {"open": "15:00"}}, {"out_window": {"open": "11:00", "close": "12:00"}}])
@pytest.mark.parametrize(
    ("more", "final"),
    [
        ({}, "16:30"), ({"flex_minutes": 60}, "17:00"), ({"flex_minutes": 15}, "16:30"), ({"compensation": {"max_minutes": 90}}, "17:30"),
        ({"compensation": {"max_minutes": 10}, "flex_minutes": 45}, "16:45"),
    ],
)
def test_no_day_is_final_while_somebody_may_still_be_due(window: dict[str, Any], more: dict[str, Any], final: str) -> None:
    policy = with_windows(final_after_minutes=30, **window, **more)

    assert final_at(shift(MONDAY, "07:30", "16:00"), policy) == wib(f"2026-02-02 {final}")


@pytest.mark.parametrize(
    ("start", "end", "mark", "window", "opens", "closes"),
    [
        ("07:30", "16:00", Mark.IN, {"open": "06:00", "close": "09:00"}, "02 06:00", "02 09:00"),
        ("07:30", "16:00", Mark.IN, {"open": "06:45", "close": "07:15"}, "02 06:45", "02 07:30"),
        ("07:30", "16:00", Mark.IN, {"close": "07:45"}, None, "02 07:45"),
        ("00:30", "08:00", Mark.IN, {"open": "23:00", "close": "01:00"}, "01 23:00", "02 01:00"),
        ("21:00", "07:00", Mark.IN, {"open": -60, "close": 120}, "02 20:00", "02 23:00"),
        ("07:30", "16:00", Mark.OUT, {"open": "15:30", "close": "18:00"}, "02 15:30", "02 18:00"),
        ("14:00", "23:00", Mark.OUT, {"open": "22:30", "close": "01:00"}, "02 22:30", "03 01:00"),
        ("07:30", "16:00", Mark.BREAK, {"open": "11:30", "close": "13:30"}, "02 11:30", "02 13:30"),
    ],
)
def test_clock_times_of_a_window_are_taken_at_the_duty(
    start: str, end: str, mark: Mark, window: dict[str, Any], opens: str | None, closes: str
) -> None:
    key = {Mark.IN: "in_window", Mark.OUT: "out_window", Mark.BREAK: "break_window"}[mark]

    got = window_of(shift(MONDAY, start, end), with_windows(**{key: window}), mark)

    assert got == (opens and wib(f"2026-02-{opens}"), wib(f"2026-02-{closes}"))


@pytest.mark.parametrize(
    ("window", "flex", "opens", "closes"),
    [
        ({"in_window": {"open": "06:00", "close": "07:30"}}, {}, "06:00", "08:00"),
        ({"in_window": {"open": "06:00", "close": "07:30"}}, {"flex_minutes": 60}, "06:00", "09:00"),
        ({"in_window": {"close": -30}}, {}, None, "08:00"),
        ({"in_window": {"open": "06:00", "close": "10:00"}}, {"flex_minutes": 60}, "06:00", "10:00"),
        ({"in_window": {"open": "07:30", "close": "09:00"}}, {"flex_early_minutes": 60}, "07:00", "09:00"),
        ({"in_window": {"open": "06:30", "close": "09:00"}}, {"flex_early_minutes": 60}, "06:30", "09:00"),
        ({"in_window": {"open": 10, "close": 20}}, {}, "08:00", "08:20"),
        ({"in_window": {"open": "07:30", "close": "08:15"}}, {"compensation": {"max_minutes": 30}}, "07:30", "08:15"),
        ({"out_window": {"open": "16:00", "close": "18:00"}}, {}, "15:00", "18:00"),
        ({"out_window": {"open": "16:00", "close": "18:00"}}, {"flex_early_minutes": 45}, "14:15", "18:00"),
        ({"out_window": {"open": 0, "close": 15}}, {"flex_minutes": 60}, "15:00", "16:00"),
        ({"out_window": {"open": 10, "close": 20}}, {}, "15:00", "15:20"),
        ({"out_window": {"close": -10}}, {}, None, "15:00"),
        ({"out_window": {"open": -30, "close": 90}}, {"flex_minutes": 60}, "14:30", "16:30"),
        ({"out_window": {"open": "15:00", "close": "15:30"}}, {"compensation": {"max_minutes": 60}}, "15:00", "16:00"),
        ({"out_window": {"open": "15:00", "close": "15:30"}}, {"compensation": {"max_minutes": 60}, "flex_minutes": 90}, "15:00", "16:30"),
        ({"out_window": {"open": "15:00", "close": "17:00"}}, {"compensation": {"max_minutes": 60}}, "15:00", "17:00"),
        ({"break_window": {"open": "11:30", "close": "12:00"}}, {"flex_minutes": 360, "flex_early_minutes": 360}, "11:30", "12:00"),
    ],
)
def test_no_window_refuses_who_is_in_time_when_hours_move(
    window: dict[str, Any], flex: dict[str, Any], opens: str | None, closes: str
) -> None:
    mark = {"in_window": Mark.IN, "out_window": Mark.OUT, "break_window": Mark.BREAK}[next(iter(window))]
    duty = shift(MONDAY, "08:00", "15:00")  # the hours of Ramadan

    got = window_of(duty, with_windows(**window, **flex), mark)

    assert got == (opens and wib(f"2026-02-02 {opens}"), wib(f"2026-02-02 {closes}"))
    if mark is Mark.OUT:
        assert final_at(duty, with_windows(**window, **flex)) == got[1]


@pytest.mark.parametrize(
    ("start", "end", "key", "window"),
    [
        ("21:00", "07:00", "in_window", {"open": "06:00", "close": "10:00"}),
        ("14:00", "21:00", "in_window", {"close": "09:00"}),
        ("07:00", "14:00", "out_window", {"open": "15:30", "close": "18:00"}),
        ("14:00", "21:00", "out_window", {"close": "18:00"}),
    ],
)
def test_office_hours_windows_are_not_held_against_other_shifts(
    start: str, end: str, key: str, window: dict[str, Any]
) -> None:
    mark = Mark.IN if key == "in_window" else Mark.OUT

    assert window_of(shift(MONDAY, start, end), with_windows(**{key: window}), mark) == (None, None)


def of_roster(*rows: tuple[dt.date, str, str] | None) -> Callable[[dt.date], Duty]:
    """Duties of dates from Monday on as shifts of start and end; None and all other dates are off."""
    shifts = {row[0]: shift(*row) for row in rows if row is not None}
    return lambda date: shifts.get(date) or Duty(date, Mode.OFF)


def span_of(date: dt.date, on: Callable[[dt.date], Duty], mark: Mark, policy: Policy = POLICY) -> Span:
    span = reach_of(place(date, on), policy, mark)
    assert span is not None
    return span


def date_of(stamp: str, mark: Mark, on: Callable[[dt.date], Duty], policy: Policy = POLICY) -> str:
    return date_of_stamp(wib(stamp), mark, lambda date: place(date, on), lambda _: policy, "Asia/Jakarta").isoformat()


OFFICE = of_roster(*((MONDAY + n * DAY, "07:30", "16:00") for n in range(-3, 5)))
NIGHT_THEN_MORNING = of_roster((MONDAY, "21:00", "07:00"), (MONDAY + DAY, "07:00", "14:00"))


def test_a_duty_alone_reaches_eight_hours_before_its_start_and_twelve_after_its_end() -> None:
    alone = of_roster((MONDAY, "07:00", "14:00"))

    for mark in Mark:
        span = span_of(MONDAY, alone, mark)
        assert (span.begin, span.end) == (wib("2026-02-01 23:00"), wib("2026-02-03 02:00"))


def test_between_neighbours_an_in_goes_by_starts_an_out_by_ends_and_a_break_by_middles() -> None:
    on = of_roster((MONDAY, "07:00", "14:00"), (MONDAY + DAY, "00:00", "08:00"))

    # starts at 07.00 and 00.00 are halved at 15.30, but the later duty's reach of eight hours begins at 16.00
    assert span_of(MONDAY, on, Mark.IN).end == wib("2026-02-02 15:30")
    assert span_of(MONDAY + DAY, on, Mark.IN).begin == wib("2026-02-02 16:00")
    assert span_of(MONDAY, on, Mark.OUT).end == wib("2026-02-02 23:00") == span_of(MONDAY + DAY, on, Mark.OUT).begin
    assert span_of(MONDAY, on, Mark.BREAK).end == wib("2026-02-02 19:15") == span_of(MONDAY + DAY, on, Mark.BREAK).begin


@pytest.mark.parametrize(
    ("stamp", "mark", "date"),
    [
        # the nurse of the morning comes at 06.55, the one of the night goes at 07.05: it may be the same person
        ("2026-02-03 06:55", Mark.IN, "2026-02-03"), ("2026-02-03 07:05", Mark.IN, "2026-02-03"),
        ("2026-02-03 06:55", Mark.OUT, "2026-02-02"), ("2026-02-03 07:05", Mark.OUT, "2026-02-02"),
        ("2026-02-02 20:50", Mark.IN, "2026-02-02"), ("2026-02-03 14:01", Mark.OUT, "2026-02-03"),
        ("2026-02-03 02:30", Mark.BREAK, "2026-02-02"), ("2026-02-03 10:30", Mark.BREAK, "2026-02-03"),
    ],
)
def test_shifts_that_touch_do_not_swap_their_marks(stamp: str, mark: Mark, date: str) -> None:
    assert date_of(stamp, mark, NIGHT_THEN_MORNING) == date


@pytest.mark.parametrize(
    ("stamp", "mark", "date"),
    [
        ("2026-02-02 23:50", Mark.OUT, "2026-02-02"), ("2026-02-03 03:59", Mark.OUT, "2026-02-02"),
        ("2026-02-03 04:00", Mark.OUT, "2026-02-03"), ("2026-02-03 01:00", Mark.IN, "2026-02-03"),
        ("2026-02-02 23:30", Mark.IN, "2026-02-03"), ("2026-02-02 19:29", Mark.IN, "2026-02-02"),
    ],
)
def test_late_goers_and_early_comers_of_an_office_are_not_lost(stamp: str, mark: Mark, date: str) -> None:
    assert date_of(stamp, mark, OFFICE) == date


def test_a_stamp_in_no_reach_belongs_to_its_local_date() -> None:
    assert date_of("2026-02-02 21:00", Mark.IN, OFFICE) == "2026-02-02"
    assert not span_of(MONDAY, OFFICE, Mark.IN).holds(wib("2026-02-02 21:00"))
    assert not span_of(MONDAY + DAY, OFFICE, Mark.IN).holds(wib("2026-02-02 21:00"))


def test_before_the_first_policy_nothing_is_owed_and_no_stamp_taken() -> None:
    policy_on = {MONDAY: POLICY}.get

    assert date_of_stamp(wib("2026-02-01 23:50"), Mark.IN, lambda date: place(date, OFFICE), policy_on, "Asia/Jakarta") == MONDAY
    assert date_of_stamp(
        wib("2026-02-01 17:00"), Mark.OUT, lambda date: place(date, OFFICE), policy_on, "Asia/Jakarta"
    ) == MONDAY - DAY


def test_a_window_wider_than_the_reach_widens_it_up_to_half_a_day() -> None:
    alone = of_roster((MONDAY, "07:30", "16:00"))
    narrow = {"reach": {"before_minutes": 60, "after_minutes": 60}}

    wide = with_windows(in_window={"open": -240}, out_window={"close": 600}, **narrow)
    assert span_of(MONDAY, alone, Mark.OUT, wide).end == wib("2026-02-03 02:01")
    assert span_of(MONDAY, alone, Mark.IN, wide).begin == wib("2026-02-02 03:30")
    assert span_of(MONDAY, alone, Mark.IN, wide).end == wib("2026-02-02 17:00")
    widest = with_windows(in_window={"open": -1440}, out_window={"close": 1440})
    assert span_of(MONDAY, alone, Mark.OUT, widest).end == wib("2026-02-03 04:00")
    assert span_of(MONDAY, alone, Mark.IN, widest).begin == wib("2026-02-01 19:30")


@given(
    st.lists(
        st.tuples(st.sampled_from([Mode.WFO, Mode.WFA, Mode.OFF]), st.integers(0, 1439), st.integers(0, 1439)),
        min_size=7, max_size=7,
    ),
    st.lists(st.sampled_from([
        POLICY, with_windows(reach={"before_minutes": 720, "after_minutes": 720}),
        with_windows(in_window={"open": -1440}, out_window={"close": 1440}),
    ]), min_size=7, max_size=7),
    st.sampled_from(Mark),
    st.integers(2 * 24 * 60, 5 * 24 * 60 - 1),
)
def test_whatever_the_roster_and_its_policies_a_stamp_belongs_to_at_most_one_duty(
    rows: list[tuple[Mode, int, int]], policies: list[Policy], mark: Mark, minute: int
) -> None:
    def clock(value: int) -> str:
        return f"{value // 60:02}:{value % 60:02}"

    dates = [MONDAY + n * DAY for n in range(7)]
    duties = {
        date: duty_on(date, WEEK, (), RosterDay(date=date, mode=mode, start=clock(start), end=clock(end)), "Asia/Jakarta")
        for (mode, start, end), date in zip(rows, dates, strict=True)
    }
    in_force = dict(zip(dates, policies, strict=True))
    stamp = wib("2026-02-02 00:00") + dt.timedelta(minutes=minute)

    def on(date: dt.date) -> Duty:
        return duties.get(date) or Duty(date, Mode.OFF)

    holders = [
        date for date in dates if (span := reach_of(place(date, on), in_force[date], mark)) is not None and span.holds(stamp)
    ]

    assert len(holders) <= 1
    found = date_of_stamp(stamp, mark, lambda date: place(date, on), in_force.get, "Asia/Jakarta")
    assert [found] == (holders or [stamp.date()])


def test_a_week_of_six_rostered_shifts_is_a_six_day_week_whatever_the_pattern_says() -> None:
    shifts = {MONDAY + n * DAY: RosterDay(date=MONDAY + n * DAY, mode=Mode.WFO, start="07:00", end="14:00") for n in range(6)}
    off = RosterDay(date=MONDAY + 2 * DAY, mode=Mode.OFF)

    assert week_days(MONDAY + 3 * DAY, WEEK, {}) == 5
    assert week_days(MONDAY + 6 * DAY, {}, shifts) == 6
    assert week_days(MONDAY + 7 * DAY, WEEK, shifts) == 5
    assert week_days(MONDAY, WEEK, {MONDAY + 5 * DAY: shifts[MONDAY + 5 * DAY]}) == 6
    assert week_days(MONDAY, WEEK, {MONDAY + 5 * DAY: shifts[MONDAY + 5 * DAY], off.date: off}) == 5
