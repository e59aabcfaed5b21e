"""The judgement of one employee-day, case by case; ids in parentheses are those of the domain's golden cases."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from services.schedule.rules import (
    ApelMissed,
    Assessment,
    Leave,
    LeftDuringHours,
    Manual,
    MarkSeen,
    Permission,
)
from shared.events import DayState, FindingKind, Mark, Mode, RosterDay
from tests.unit.schedule.judged import (
    INSIDE,
    MONDAY,
    OUTSIDE,
    PACKS,
    a_leave,
    a_policy,
    an_id,
    at,
    came,
    judge,
    rested,
    told,
    went,
)


def test_a_full_day_on_time_finds_nothing_and_is_final() -> None:
    day = judge(came("07:25"), went("16:02"))

    assert told(day) == ("PRESENT", [])
    assert (day.late, day.early, day.state, day.next_due) == (0, 0, DayState.FINAL, None)


@pytest.mark.parametrize(
    ("clock", "seconds", "late"),
    [
        ("07:30:59", "stamp_floor", 0), ("07:30:00", "strict", 0), ("07:30:01", "strict", 1), ("07:31:00", "strict", 1),
        ("07:31:00", "stamp_floor", 1), ("08:00:59", "stamp_floor", 30), ("08:00:01", "strict", 31),
    ],
)
def test_lateness_follows_the_policys_reading_of_seconds(clock: str, seconds: str, late: int) -> None:
    day = judge(came(clock), went("16:00"), policy=a_policy(seconds=seconds))

    assert day.late == late


@pytest.mark.parametrize(
    ("clock", "early"), [("16:00:00", 0), ("15:59:59", 1), ("15:59:00", 1), ("15:58:59", 2), ("15:30:00", 30)]
)
def test_leaving_early_cuts_the_stamp_to_the_minute(clock: str, early: int) -> None:
    assert judge(came("07:00"), went(clock)).early == early


def test_neither_mark_is_one_absence_and_never_two_missing_marks_beside_it() -> None:
    assert told(judge()) == ("ABSENT", ["TK"])


def test_a_missing_mark_takes_the_code_of_the_policy() -> None:
    assert told(judge(came("07:20"))) == ("PRESENT", ["PSW4"])
    assert told(judge(went("16:00"))) == ("PRESENT", ["TL4"])
    assert told(judge(went("16:00"), policy=PACKS["POL-G"])) == ("PRESENT", ["LAM"])
    assert told(judge(went("16:00"), policy=PACKS["POL-H"])) == ("PRESENT", ["TL4"])


def test_any_lateness_has_its_word_where_the_policy_has_no_bands() -> None:
    assert told(judge(came("07:35"), went("15:00"), policy=PACKS["POL-I"])) == ("PRESENT", ["TL", "PSW"])
    assert told(judge(came("07:35"), went("15:00"), policy=PACKS["POL-D"])) == ("PRESENT", [])


def test_the_first_valid_check_in_counts_and_which_check_out_is_the_policys_choice() -> None:
    marks = (came("07:40", "b"), came("07:28", "a"), went("15:50", "c"), went("16:10", "d"))

    assert told(judge(*marks)) == ("PRESENT", [])
    assert told(judge(*marks, policy=a_policy(out_pick="first"))) == ("PRESENT", ["PSW1"])


def test_only_the_newest_judgement_of_a_check_in_is_looked_at() -> None:
    wrong = came("07:25", site=OUTSIDE)
    righted = replace(wrong, version=2, site=INSIDE)

    for marks in ((wrong, righted), (righted, wrong), (righted, righted, wrong)):
        assert told(judge(*marks, went("16:00"))) == ("PRESENT", [])


class TestCalendarAndExcuses:
    def test_a_holiday_is_nobodys_absence(self) -> None:  # A01
        assert told(judge(holidays=(MONDAY,))) == ("HOLIDAY", [])

    def test_a_weekday_the_week_does_not_list_is_off(self) -> None:
        assert told(judge(date=dt.date(2026, 2, 7))) == ("OFF", [])

    def test_the_roster_beats_the_calendar(self) -> None:  # A02
        shift = RosterDay(date=MONDAY, mode=Mode.WFO, start="07:00", end="14:00")

        assert told(judge(roster=shift, holidays=(MONDAY,))) == ("ABSENT", ["TK"])
        assert told(judge(roster=RosterDay(date=MONDAY, mode=Mode.OFF))) == ("OFF", [])

    def test_approved_leave_excuses_the_day_and_nothing_else_is_said_of_it(self) -> None:  # A03, A06
        day = judge(a_leave("annual"), ApelMissed(an_id("apel"), MONDAY), came("09:00"))

        assert told(day) == ("LEAVE", [])
        assert day.evidence == (an_id("leave"),)

    def test_leave_of_another_date_excuses_nothing(self) -> None:
        before = Leave(an_id("leave"), "sick", dt.date(2026, 1, 26), dt.date(2026, 2, 1))
        after = Leave(an_id("leave"), "sick", dt.date(2026, 2, 3), dt.date(2026, 2, 9))

        assert told(judge(before, after)) == ("ABSENT", ["TK"])

    def test_duty_travel_with_its_letter_beats_the_fence_and_without_it_does_not(self) -> None:  # A04
        far = (came("07:26", site=OUTSIDE), went("16:02", site=OUTSIDE))

        assert told(judge(*far, a_leave("dl", letter=True))) == ("DL", [])
        assert told(judge(*far, a_leave("dl", letter=False))) == ("ABSENT", ["TK"])
        assert told(judge(*far)) == ("ABSENT", ["TK"])

    def test_an_activity_site_by_letter_counts_like_an_office(self) -> None:
        hall: dict[str, Any] = {"site": INSIDE, "activity_site": True}

        assert told(judge(came("07:26", **hall), went("16:02", **hall))) == ("PRESENT", [])

    def test_a_request_nobody_has_decided_is_no_absence_but_marks_are_graded(self) -> None:
        request = a_leave("sick", state="requested")

        assert told(judge(request)) == ("PENDING", [])
        assert told(judge(request, came("08:05"), went("16:00"))) == ("PRESENT", ["TL2"])

    def test_sick_leave_and_permission_cost_what_the_policy_says_and_are_no_violation(self) -> None:
        sick = judge(a_leave("sick"), policy=PACKS["POL-C"])
        permitted = judge(Permission(an_id("izin"), MONDAY), policy=PACKS["POL-C"])

        assert told(sick) == told(permitted) == ("LEAVE", [])
        assert [found.kind for found in sick.findings] == [FindingKind.SICK]
        assert [found.kind for found in permitted.findings] == [FindingKind.IZIN]
        assert judge(a_leave("sick")).findings == ()

    def test_the_leave_table_is_read_by_the_day_of_the_leave_and_the_letter(self) -> None:  # A30
        outpatient = [{"from_day": 4, "pct": "2.00", "letter": True, "inpatient": False}]
        policy = a_policy(leave={"sick": outpatient})

        def sick(nth: int, **more: Any) -> Assessment:
            return judge(a_leave("sick", letter=True, inpatient=False, nth_day=nth, **more), policy=policy)

        assert [bool(sick(nth).findings) for nth in (1, 3, 4, 6)] == [False, False, True, True]
        assert not judge(a_leave("sick", letter=True, inpatient=True, nth_day=9), policy=policy).findings


class TestBeforeTheDayIsFinal:
    def test_nothing_counts_as_absent_or_missing_and_the_clock_will_look_again(self) -> None:
        day = judge(now=at("12:00"))

        assert told(day) == ("PENDING", [])
        assert day.next_due == at("20:00")
        assert told(judge(now=at("19:59:59"))) == ("PENDING", [])
        assert told(judge(now=at("20:00"))) == ("ABSENT", ["TK"])

    def test_lateness_of_a_mark_already_there_counts_and_leaving_early_not_yet(self) -> None:
        day = judge(came("08:05"), went("15:00"), now=at("15:30"))

        assert (told(day), day.state) == (("PENDING", ["TL2"]), DayState.PROVISIONAL)

    def test_a_closed_window_tells_a_missing_check_in_that_an_offline_mark_takes_back(self) -> None:  # A07
        policy = a_policy(in_window={"open": "06:00", "close": "12:00"})

        assert told(judge(policy=policy, now=at("11:59"))) == ("PENDING", [])
        assert judge(policy=policy, now=at("11:59")).next_due == at("12:00")
        assert told(judge(policy=policy, now=at("12:00"))) == ("PENDING", ["TL4"])
        assert told(judge(came("07:25"), policy=policy, now=at("14:10"))) == ("PENDING", [])
        assert told(judge(came("07:25"), went("16:00"), policy=policy)) == ("PRESENT", [])

    def test_a_request_nobody_has_decided_is_no_missed_check_in_either(self) -> None:
        policy = a_policy(in_window={"open": "06:00", "close": "09:00"})

        for request in (a_leave("sick", state="requested"), Permission(an_id("izin"), MONDAY, state="requested")):
            assert told(judge(request, policy=policy, now=at("10:00"))) == ("PENDING", [])
            assert judge(request, policy=policy, now=at("10:00")).evidence == (request.id,)
            assert told(judge(request, went("09:30"), policy=policy, now=at("10:00"))) == ("PENDING", ["TL4"])
            assert told(judge(request, policy=policy)) == ("PENDING", [])
        assert judge(a_leave("sick", state="requested"), now=at("05:00")).state is DayState.OPEN

    def test_nobody_misses_a_check_in_before_the_start_even_if_the_window_closed(self) -> None:
        policy = a_policy(in_window={"close": -30})

        assert told(judge(policy=policy, now=at("07:15"))) == ("PENDING", [])
        assert judge(policy=policy, now=at("07:15")).next_due == at("07:30")
        assert told(judge(policy=policy, now=at("07:30"))) == ("PENDING", ["TL4"])

    def test_the_close_of_the_out_window_makes_the_day_final(self) -> None:
        policy = a_policy(out_window={"close": "18:00"})

        assert told(judge(policy=policy, now=at("17:59"))) == ("PENDING", [])
        assert told(judge(policy=policy, now=at("18:00"))) == ("ABSENT", ["TK"])

    def test_nobody_has_forgotten_to_go_before_his_flexible_end(self) -> None:
        policy = a_policy(flex_minutes=60, final_after_minutes=30)

        assert told(judge(came("08:30"), policy=policy, now=at("16:59"))) == ("PENDING", [])
        assert told(judge(came("08:30"), policy=policy, now=at("17:00"))) == ("PRESENT", ["PSW4"])

    def test_a_day_not_begun_is_open(self) -> None:
        assert judge(now=at("05:00")).state is DayState.OPEN


class TestBreakRollCallAndLeaving:
    def test_a_missing_break_mark_is_a_violation_that_costs_nothing_by_default(self) -> None:  # A05
        policy = a_policy(marks=["in", "break", "out"])

        assert told(judge(came("07:20"), went("16:00"), policy=policy)) == ("PRESENT", ["MISSED_BREAK"])
        assert told(judge(came("07:20"), rested("12:30"), went("16:00"), policy=policy)) == ("PRESENT", [])
        assert told(judge(policy=policy)) == ("ABSENT", ["TK"])

    def test_a_missed_roll_call_counts_once_and_not_beside_an_absence(self) -> None:  # A16
        missed = ApelMissed(an_id("apel"), MONDAY)

        day = judge(came("07:20"), went("16:00"), missed, missed, ApelMissed(an_id("afternoon"), MONDAY))
        assert told(day) == ("PRESENT", ["APEL"])
        assert told(judge(missed, policy=PACKS["POL-D"])) == ("ABSENT", ["TK"])

    def test_a_second_break_mark_is_missed_where_four_marks_a_day_are_asked_for(self) -> None:
        policy = a_policy(marks=["in", "break", "break", "out"])
        back = MarkSeen(an_id("back"), 1, Mark.BREAK, at("13:01"))
        doubled = MarkSeen(an_id("doubled"), 1, Mark.BREAK, at("12:30:40"))

        assert told(judge(came("07:20"), rested("12:30"), back, went("16:00"), policy=policy)) == ("PRESENT", [])
        assert told(judge(came("07:20"), rested("12:30"), doubled, went("16:00"), policy=policy)) == ("PRESENT", ["MISSED_BREAK"])

    def test_a_missed_ceremony_is_told_from_a_missed_roll_call(self) -> None:
        ceremony = ApelMissed(an_id("ceremony"), MONDAY, ceremony=True)
        day = judge(came("07:20"), went("16:00"), ceremony, ApelMissed(an_id("apel"), MONDAY))

        assert told(day) == ("PRESENT", ["APEL", "CEREMONY"])
        assert {an_id("ceremony"), an_id("apel")} <= set(day.evidence)
        assert told(judge(ceremony)) == ("ABSENT", ["TK"])

    def test_a_day_from_anywhere_may_need_a_mark_within_working_hours(self) -> None:
        wfa = RosterDay(date=MONDAY, mode=Mode.WFA)
        policy = a_policy(presence_required=["WFA"])
        marks = (came("07:20"), went("16:05"))

        assert told(judge(*marks, roster=wfa, policy=policy)) == ("PRESENT", ["NO_PRESENCE"])
        assert told(judge(*marks, rested("12:30"), roster=wfa, policy=policy)) == ("PRESENT", [])
        assert told(judge(came("07:31"), went("16:05"), roster=wfa, policy=policy)) == ("PRESENT", ["TL1"])
        assert told(judge(*marks, policy=policy)) == ("PRESENT", [])
        assert told(judge(roster=wfa, policy=policy)) == ("ABSENT", ["TK"])

    @pytest.mark.parametrize(
        ("left_at", "seconds", "codes"),
        [
            ("16:00:00", "stamp_floor", []), ("16:00:59", "stamp_floor", []), ("16:01:00", "stamp_floor", ["NO_PRESENCE"]),
            ("16:00:00", "strict", []), ("16:00:01", "strict", ["NO_PRESENCE"]),
        ],
    )
    def test_seconds_at_the_end_of_work_are_read_for_presence_as_for_coming_and_going(
        self, left_at: str, seconds: str, codes: list[str]
    ) -> None:
        wfa = RosterDay(date=MONDAY, mode=Mode.WFA)
        policy = a_policy(presence_required=["WFA"], seconds=seconds)

        assert told(judge(came("07:29:59"), went(left_at), roster=wfa, policy=policy)) == ("PRESENT", codes)

    def test_found_away_in_hours_is_a_violation(self) -> None:
        day = judge(came("07:20"), went("16:00"), LeftDuringHours(an_id("left"), MONDAY))

        assert told(day) == ("PRESENT", ["LEFT"])
        assert an_id("left") in day.evidence

    def test_forgotten_marks_are_put_right_as_often_as_the_policy_allows(self) -> None:
        policy = a_policy(forgot_limit_per_month=2)

        def forgot(nth: int) -> Assessment:
            return judge(came("07:20"), Manual(an_id("m"), Mark.OUT, at("16:00"), nth_forgotten=nth), policy=policy)

        assert [told(forgot(nth))[1] for nth in (1, 2, 3)] == [[], [], ["PSW4"]]
