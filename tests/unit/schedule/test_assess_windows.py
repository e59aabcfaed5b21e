"""Scan windows, flexible hours and making up, as one employee-day is judged by them."""

import datetime as dt
from typing import Any

import pytest

from services.schedule.rules import Assessment
from shared.events import FindingKind, Mode, RosterDay
from tests.unit.schedule.judged import MONDAY, PACKS, UNSURE, a_policy, at, came, judge, told, went


class TestWindowsAndHours:
    @pytest.mark.parametrize(
        ("after_close", "clock", "codes"),
        [
            ("refuse", "07:25", []), ("refuse", "09:00:30", ["TL3"]), ("refuse", "09:01", ["TL4"]),
            ("grade", "09:01", ["TL4"]), ("grade", "08:45", ["TL3"]), ("refuse", "05:59", ["TL4"]),
        ],
    )
    def test_after_its_close_a_mark_is_refused_or_graded(self, after_close: str, clock: str, codes: list[str]) -> None:
        policy = a_policy(in_window={"open": "06:00", "close": "09:00", "after_close": after_close})

        assert list(judge(came(clock), went("16:00"), policy=policy).codes) == codes

    def test_a_refused_mark_says_so(self) -> None:
        policy = a_policy(in_window={"close": "09:00", "after_close": "refuse"})
        day = judge(came("09:20"), went("16:00"), policy=policy)

        assert (day.late, day.findings[0].kind, day.findings[0].detail) == (None, FindingKind.NO_IN, "OUTSIDE_WINDOW")

    def test_who_comes_and_goes_earlier_as_the_pack_lets_him_is_not_refused_by_its_window(self) -> None:
        policy = a_policy(flex_early_minutes=60, in_window={"open": "07:00", "close": "08:30", "after_close": "refuse"})

        assert told(judge(came("06:30"), went("15:00"), policy=policy)) == ("PRESENT", [])
        assert told(judge(came("06:29"), went("15:00"), policy=policy)) == ("PRESENT", ["TL4", "PSW2"])

    def test_who_stays_to_make_up_for_coming_late_is_not_refused_by_the_window(self) -> None:
        window = {"open": "15:00", "close": "16:30", "after_close": "refuse"}
        day = judge(came("08:15"), went("16:45"), policy=a_policy(compensation={"max_minutes": 60}, out_window=window))

        assert (told(day), day.made_up, day.findings[0].compensable) == (("PRESENT", ["TL2"]), True, True)
        assert told(judge(came("08:15"), went("16:45"), policy=a_policy(out_window=window))) == ("PRESENT", ["TL2", "PSW4"])

    def test_a_check_in_is_missed_only_when_flexible_hours_are_over_whatever_the_window_says(self) -> None:
        policy = a_policy(in_window={"open": "06:00", "close": "07:15"}, flex_minutes=60)

        assert told(judge(policy=policy, now=at("08:29"))) == ("PENDING", [])
        assert judge(policy=policy, now=at("08:29")).next_due == at("08:30")
        assert told(judge(policy=policy, now=at("08:30"))) == ("PENDING", ["TL4"])

    @pytest.mark.parametrize(
        ("came_at", "left_at", "late", "early"),
        [("08:10", "16:40", 0, 0), ("08:10", "16:30", 0, 10), ("09:00", "17:30", 0, 0), ("09:01", "17:30", 91, 0),
         ("09:01", "17:29", 91, 1), ("07:00", "16:00", 0, 0), ("07:00", "15:59", 0, 1)],
    )
    def test_a_flexible_start_moves_the_end_with_it(self, came_at: str, left_at: str, late: int, early: int) -> None:
        day = judge(came(came_at), went(left_at), policy=PACKS["POL-K"])

        assert (day.late, day.early) == (late, early)

    def test_ramadan_flex_asks_for_the_minutes_back(self) -> None:  # A28
        monday = dt.date(2026, 2, 23)
        ramadan = RosterDay(date=monday, mode=Mode.WFO, start="08:00", end="15:00")
        policy = a_policy(flex_minutes=60)

        def out(clock: str) -> Assessment:
            return judge(came("08:40", date=monday), went(clock, date=monday), policy=policy, roster=ramadan, date=monday)

        assert told(out("15:40")) == ("PRESENT", [])
        assert (told(out("15:30")), out("15:30").early) == (("PRESENT", ["PSW1"]), 10)

    @pytest.mark.parametrize(
        ("came_at", "left_at", "early"),
        [("07:20", "14:20", 0), ("07:20", "14:19", 1), ("07:00", "14:00", 0), ("06:30", "14:00", 0), ("06:30", "13:59", 1),
         ("08:00", "14:59", 1), ("08:40", "15:40", 0)],
    )
    def test_a_start_before_time_moves_the_end_only_where_the_pack_says_so(self, came_at: str, left_at: str, early: int) -> None:
        # DKI, Ramadan 2026 (SE Gub. DKI 1/SE/2026): up to an hour earlier or later, going shifts by the same
        monday = dt.date(2026, 2, 23)
        ramadan = RosterDay(date=monday, mode=Mode.WFO, start="08:00", end="15:00")

        def day(**flex: Any) -> Assessment:
            marks = came(came_at, date=monday), went(left_at, date=monday)
            return judge(*marks, policy=a_policy(flex_minutes=60, **flex), roster=ramadan, date=monday)

        assert (day(flex_early_minutes=60).late, day(flex_early_minutes=60).early) == (0, early)
        assert came_at >= "08:00" or day().early == int(left_at < "15:00") * (15 * 60 - int(left_at[:2]) * 60 - int(left_at[3:]))

    def test_seconds_before_the_start_count_as_the_pack_counts_seconds(self) -> None:
        marks = came("07:00:30"), went("15:30")  # due at 07:30 and 16:00

        assert judge(*marks, policy=a_policy(flex_early_minutes=60)).early == 0  # 07:00:30 is the stamp 07:00
        assert judge(*marks, policy=a_policy(flex_early_minutes=60, seconds="strict")).early == 1

    def test_seconds_of_coming_late_are_asked_back_once_at_the_end(self) -> None:
        def early(came_at: str, left_at: str, **flex: Any) -> int | None:
            return judge(came(came_at), went(left_at), policy=a_policy(seconds="strict", **flex)).early

        assert early("08:00:30", "16:30:30", flex_minutes=60) == 0
        assert early("08:00:30", "16:30:29", flex_minutes=60) == 1
        assert early("08:30:30", "17:00:00", flex_minutes=60) == 0  # beyond the hour the end moves by the hour
        assert early("07:00:30", "15:30:30", flex_early_minutes=60) == 0
        assert early("07:00:30", "15:30:29", flex_early_minutes=60) == 1

    @pytest.mark.parametrize(
        ("came_at", "left_at", "seconds", "made_up"),
        [
            ("07:35:30", "16:05:30", "strict", True), ("07:35:30", "16:05:29", "strict", False),
            ("07:35:30", "16:05:00", "stamp_floor", True), ("07:35:30", "16:04:59", "stamp_floor", False),
            ("08:00:00", "16:30:00", "strict", True), ("08:00:01", "18:00:00", "strict", False),
        ],
    )
    def test_seconds_of_lateness_are_made_up_by_as_many(self, came_at: str, left_at: str, seconds: str, made_up: bool) -> None:
        policy = a_policy(seconds=seconds, compensation={"max_minutes": 30})

        assert judge(came(came_at), went(left_at), policy=policy).made_up is made_up

    def test_lateness_made_up_the_same_day_is_marked_for_payroll(self) -> None:
        policy = a_policy(compensation={"max_minutes": 30, "per_month": 8})

        def made_up(came_at: str, left_at: str) -> bool:
            return judge(came(came_at), went(left_at), policy=policy).findings[0].compensable

        assert made_up("07:35", "16:05")
        assert made_up("08:00", "16:30")
        assert not made_up("08:00", "16:29")
        assert not made_up("08:01", "18:00")

    def test_made_up_lateness_is_known_without_a_band_and_worth_waiting_for(self) -> None:
        policy = a_policy("POL-F", compensation={"max_minutes": 30, "per_month": 8})
        on_time = went("16:00")

        assert judge(came("07:50"), went("16:20"), policy=policy).made_up
        assert not judge(came("07:50"), on_time, policy=policy).made_up
        assert told(judge(came("07:50"), on_time, went("16:30", "later", site=UNSURE), policy=policy)) == ("HELD", [])

    def test_an_overnight_shift_belongs_to_the_date_it_starts_on(self) -> None:
        night = RosterDay(date=MONDAY, mode=Mode.WFO, start="21:00", end="07:00")
        tuesday = dt.date(2026, 2, 3)
        day = judge(
            came("21:05"), went("06:50", date=tuesday), roster=night, now=at("11:00", tuesday)
        )

        assert (told(day), day.late, day.early) == (("PRESENT", ["TL1", "PSW1"]), 5, 10)
        assert told(judge(came("21:00"), roster=night, now=at("10:59", tuesday))) == ("PENDING", [])

    def test_a_mark_in_no_reach_of_the_duty_is_not_its_mark(self) -> None:
        assert told(judge(went("23:00", date=MONDAY - dt.timedelta(days=1)))) == ("ABSENT", ["TK"])
        assert told(judge(came("23:30", date=MONDAY - dt.timedelta(days=1)))) == ("PRESENT", ["PSW4"])
