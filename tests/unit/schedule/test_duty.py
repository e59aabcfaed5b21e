"""Duties and the stamps that belong to them."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.schedule.rules import (
    Duty,
    DutyError,
    clock_minutes,
    date_of_stamp,
    duty_on,
    final_at,
    parse_week,
    reach_of,
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
    duty = duty_on(MONDAY, WEEK, (MONDAY,), row, "Asia/Jakarta")

    assert (duty.mode, duty.start, duty.rostered) == (Mode.WFA, wib("2026-02-02 07:30"), True)


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


@pytest.mark.parametrize(
    ("start", "end", "mark", "window", "opens", "closes"),
    [
        ("07:30", "16:00", Mark.IN, {"open": "06:00", "close": "09:00"}, "02 06:00", "02 09:00"),
        ("07:30", "16:00", Mark.IN, {"open": "06:45", "close": "07:15"}, "02 06:45", "02 07:15"),
        ("07:30", "16:00", Mark.IN, {"close": "07:15"}, None, "02 07:15"),
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


def test_reach_is_cut_at_the_midpoint_to_a_neighbouring_duty() -> None:
    morning, night = shift(MONDAY, "07:00", "14:00"), shift(MONDAY, "21:00", "07:00")
    evening = shift(MONDAY + DAY, "14:00", "21:00")

    alone = reach_of(morning, None, None, POLICY)
    between = reach_of(night, morning, evening, POLICY)
    assert alone is not None
    assert between is not None
    assert (alone.begin, alone.end) == (wib("2026-02-02 01:00"), wib("2026-02-02 22:00"))
    assert (between.begin, between.end) == (wib("2026-02-02 17:30"), wib("2026-02-03 10:30"))


def test_a_window_wider_than_the_reach_widens_it() -> None:
    span = reach_of(shift(MONDAY, "07:30", "16:00"), None, None, with_windows(out_window={"close": 600}))

    assert span is not None
    assert span.holds(wib("2026-02-03 02:00"))


@pytest.mark.parametrize(
    ("stamp", "date"),
    [
        ("2026-02-02 07:25", "2026-02-02"), ("2026-02-03 00:00", "2026-02-03"), ("2026-02-03 06:55", "2026-02-02"),
        ("2026-02-03 11:00", "2026-02-02"), ("2026-02-03 20:50", "2026-02-03"), ("2026-02-07 10:00", "2026-02-07"),
    ],
)
def test_a_stamp_belongs_to_the_duty_whose_reach_holds_it_or_to_its_local_date(stamp: str, date: str) -> None:
    nights = stamp[8:10] == "03" and stamp[11:] != "00:00"
    duties = [
        shift(MONDAY + n * DAY, "21:00", "07:00") if nights else duty_on(MONDAY + n * DAY, WEEK, (), None, "Asia/Jakarta")
        for n in range(-1, 7)
    ]

    assert date_of_stamp(wib(stamp), duties, POLICY, "Asia/Jakarta").isoformat() == date


@given(
    st.lists(
        st.tuples(st.sampled_from([Mode.WFO, Mode.WFA, Mode.OFF]), st.integers(0, 1439), st.integers(0, 1439)),
        min_size=5, max_size=5,
    ),
    st.integers(0, 5 * 24 * 60 - 1),
)
def test_whatever_the_roster_a_stamp_is_in_at_most_one_reach(rows: list[tuple[Mode, int, int]], minute: int) -> None:
    def clock(value: int) -> str:
        return f"{value // 60:02}:{value % 60:02}"

    duties = [
        duty_on(date, WEEK, (), RosterDay(date=date, mode=mode, start=clock(start), end=clock(end)), "Asia/Jakarta")
        for (mode, start, end), date in zip(rows, (MONDAY + n * DAY for n in range(5)), strict=True)
    ]
    working = [duty for duty in duties if duty.working]
    stamp = wib("2026-02-02 00:00") + dt.timedelta(minutes=minute)

    holders = []
    for position, duty in enumerate(working):
        before = working[position - 1] if position else None
        after = working[position + 1] if position + 1 < len(working) else None
        span = reach_of(duty, before, after, POLICY)
        if span is not None and span.holds(stamp):
            holders.append(duty.date)

    assert len(holders) <= 1
    assert date_of_stamp(stamp, duties, POLICY, "Asia/Jakarta") in [*holders, stamp.date()]
