"""The judgement of one employee-day, case by case; ids in parentheses are those of the domain's golden cases."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from services.schedule.rules import (
    ApelMissed,
    Assessment,
    FraudDecided,
    Leave,
    LeftDuringHours,
    Manual,
    MarkSeen,
    Outage,
    OutageDecided,
    Permission,
    Reviewed,
    WorkReported,
)
from shared.events import DayState, FindingKind, Mark, Mode, RosterDay
from tests.unit.schedule.judged import (
    INSIDE,
    MONDAY,
    OUTSIDE,
    PACKS,
    UNSURE,
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


class TestPlaces:
    def test_a_mark_outside_is_forfeited_and_the_next_valid_one_counts(self) -> None:  # G31
        day = judge(came("07:20", "far", site=OUTSIDE), came("07:42"), went("16:00"))

        assert (told(day), day.late) == (("PRESENT", ["TL1"]), 12)

    def test_outside_all_day_is_absence_that_says_why(self) -> None:  # G32
        day = judge(came("07:20", site=OUTSIDE), went("16:05", site=OUTSIDE))

        assert told(day) == ("ABSENT", ["TK"])
        assert day.findings[0].detail == "OUTSIDE_SITE"

    def test_working_from_anywhere_is_judged_by_the_region_and_needs_a_photo(self) -> None:  # A33
        wfa = RosterDay(date=MONDAY, mode=Mode.WFA)
        home: dict[str, Any] = {"site": OUTSIDE, "region": INSIDE}
        away: dict[str, Any] = {"site": OUTSIDE, "region": OUTSIDE}

        assert told(judge(came("07:20", **home), went("16:00", **home), roster=wfa)) == ("PRESENT", [])
        day = judge(came("07:20", **away), went("16:00", **home), roster=wfa)
        assert told(day) == ("PRESENT", ["TL4", "WFA_OUTSIDE_REGION"])
        again = judge(came("07:10", "first", **away), came("07:20", **home), went("16:00", **home), roster=wfa)
        assert told(again) == ("PRESENT", [])
        without_photo = judge(came("07:20", evidence=False, **home), went("16:00", **home), roster=wfa)
        assert told(without_photo) == ("PRESENT", ["TL4"])
        assert without_photo.findings[0].detail == "NO_EVIDENCE"
        assert told(judge(came("07:20"), went("16:00"), roster=wfa)) == ("PRESENT", [])

    def test_an_accepted_review_cures_a_missing_photo_and_a_rejected_one_does_not(self) -> None:
        wfa = RosterDay(date=MONDAY, mode=Mode.WFA)
        marks = came("07:20", evidence=False, site=OUTSIDE, region=OUTSIDE), went("16:00")

        accepted = judge(*marks, Reviewed(an_id("in"), "accepted", at("17:00")), roster=wfa)
        rejected = judge(*marks, Reviewed(an_id("in"), "rejected", at("17:00")), roster=wfa)

        assert told(accepted) == ("PRESENT", [])
        assert (told(rejected), rejected.findings[0].detail) == (("PRESENT", ["TL4"]), "NO_EVIDENCE")
        fraud = FraudDecided(an_id("in"), "confirmed", at("18:00"))
        assert "FAKE_GPS" in told(judge(*marks, Reviewed(an_id("in"), "accepted", at("17:00")), fraud, roster=wfa))[1]

    def test_a_work_report_is_no_presence(self) -> None:  # A35
        wfa = RosterDay(date=MONDAY, mode=Mode.WFA)

        assert told(judge(WorkReported(an_id("report"), MONDAY), roster=wfa)) == ("ABSENT", ["TK"])

    def test_a_missing_work_report_is_found_where_the_policy_wants_one(self) -> None:
        wfa = RosterDay(date=MONDAY, mode=Mode.WFA)
        policy = a_policy(work_report_required=["WFA"])
        marks = (came("07:20"), went("16:00"))

        assert told(judge(*marks, roster=wfa, policy=policy)) == ("PRESENT", ["NO_WORK_REPORT"])
        assert told(judge(*marks, WorkReported(an_id("r"), MONDAY), roster=wfa, policy=policy)) == ("PRESENT", [])
        assert told(judge(*marks, policy=policy)) == ("PRESENT", [])


class TestWaitingForAPerson:
    @pytest.mark.parametrize("doubt", [{"site": UNSURE}, {"bad_fix": True}, {"mock": True}])
    def test_a_doubtful_mark_that_matters_holds_the_day_until_it_is_decided(self, doubt: dict[str, Any]) -> None:  # A26
        marks = (came("07:25", **doubt), went("16:00"))

        assert told(judge(*marks)) == ("HELD", [])
        assert told(judge(*marks, Reviewed(an_id("in"), "accepted", at("17:00")))) == ("PRESENT", [])
        rejected = judge(*marks, Reviewed(an_id("in"), "rejected", at("17:00")))
        assert told(rejected) == ("PRESENT", ["TL4"])

    def test_a_doubtful_mark_that_changes_nothing_holds_nothing(self) -> None:
        assert told(judge(came("07:20", "sure"), came("07:25", site=UNSURE), went("16:00"))) == ("PRESENT", [])

    def test_a_doubtful_mark_that_would_help_holds_the_day(self) -> None:
        assert told(judge(came("08:10", "sure"), came("07:25", site=UNSURE), went("16:00"))) == ("HELD", [])

    def test_doubtful_marks_of_which_only_one_may_be_accepted_hold_the_day(self) -> None:
        marks = came("08:30", "sure"), came("08:00", site=UNSURE), went("17:00", "sure out"), went("16:30", site=UNSURE)
        policy = a_policy(flex_minutes=60, out_pick="first")

        def decided(of_in: Any, of_out: Any) -> Assessment:
            words = Reviewed(an_id("in"), of_in, at("20:00")), Reviewed(an_id("out"), of_out, at("20:00"))
            return judge(*marks, *words, policy=policy)

        assert told(decided("accepted", "accepted")) == told(decided("rejected", "rejected")) == ("PRESENT", [])
        assert told(decided("rejected", "accepted")) == ("PRESENT", ["PSW1"])
        assert told(judge(*marks, policy=policy)) == ("HELD", [])
        assert told(judge(*marks, policy=a_policy(flex_minutes=60))) == ("PRESENT", [])  # the last one counts, whatever is said

    def test_a_doubtful_check_in_that_would_undo_an_excuse_holds_the_day(self) -> None:
        evening = Outage(an_id("outage"), at("17:30"), at("18:30"))
        confirmed = OutageDecided(an_id("outage"), "confirmed", at("20:00"))
        marks = came("08:31", "sure"), came("07:30", site=UNSURE), went("16:10", site=UNSURE)

        assert told(judge(*marks, evening, confirmed, policy=a_policy(flex_minutes=90))) == ("HELD", [])

    def test_a_doubtful_check_in_that_would_undo_an_excuse_holds_the_day_beside_one_in_time(self) -> None:
        outage = Outage(an_id("outage"), at("07:45"), at("08:30")), OutageDecided(an_id("outage"), "confirmed", at("20:00"))
        doubts = came("07:20", "early", site=UNSURE), came("07:40", "before it", site=UNSURE)

        def decided(of_early: Any, of_late: Any, *sure: MarkSeen) -> tuple[str, list[str]]:
            words = Reviewed(an_id("early"), of_early, at("20:00")), Reviewed(an_id("before it"), of_late, at("20:00"))
            return told(judge(*sure, *doubts, went("16:00", "sure out"), *outage, *words))

        sure = came("08:00", "sure")
        assert decided("accepted", "accepted", sure) == decided("rejected", "rejected", sure) == ("PRESENT", [])
        assert decided("rejected", "accepted", sure) == ("PRESENT", ["TL1"])
        assert told(judge(sure, *doubts, went("16:00", "sure out"), *outage)) == ("HELD", [])
        assert decided("accepted", "accepted") == decided("rejected", "rejected") == ("PRESENT", [])
        assert told(judge(*doubts, went("16:00", "sure out"), *outage)) == ("HELD", [])

    @pytest.mark.parametrize("out_pick", ["first", "last"])
    def test_a_doubtful_check_out_before_an_excused_one_holds_the_day(self, out_pick: str) -> None:
        outage = Outage(an_id("outage"), at("15:30"), at("17:00")), OutageDecided(an_id("outage"), "confirmed", at("20:00"))
        doubts = went("14:00", "early", site=UNSURE), went("15:45", "late", site=UNSURE)

        assert told(judge(came("07:20"), *doubts, *outage, policy=a_policy(out_pick=out_pick))) == ("HELD", [])
        assert told(judge(came("07:20"), doubts[1], *outage, policy=a_policy(out_pick=out_pick))) == ("PRESENT", [])

    def test_doubtful_marks_of_which_no_single_one_changes_anything_hold_the_day_if_two_would(self) -> None:
        outages = Outage(an_id("morning"), at("06:40"), at("06:50")), Outage(an_id("evening"), at("16:45"), at("17:30"))
        words = [OutageDecided(an_id(name), "confirmed", at("20:00")) for name in ("morning", "evening")]

        def day(*marks: MarkSeen) -> tuple[str, list[str]]:
            return told(judge(*marks, *outages, *words, policy=a_policy(flex_minutes=60)))

        assert day() == day(came("08:00")) == day(went("16:10")) == ("PRESENT", [])
        assert day(came("08:00"), went("16:10")) == ("PRESENT", ["PSW1"])
        doubts = came("08:00", site=UNSURE), went("16:10", site=UNSURE)
        assert day(*doubts, came("07:20", "earlier", site=UNSURE), went("17:00", "later", site=UNSURE)) == ("HELD", [])

    def test_minutes_alone_are_worth_waiting_for(self) -> None:
        marks = (came("08:10", "sure"), came("07:45", site=UNSURE), went("16:00"))

        assert told(judge(*marks, policy=PACKS["POL-F"])) == ("HELD", [])

    def test_both_marks_mocked_wait_for_the_integrity_decision(self) -> None:  # A25
        marks = (came("07:25", mock=True), went("16:00", mock=True))

        def decided(word: Any) -> Assessment:
            return judge(*marks, *(FraudDecided(an_id(name), word, at("20:00")) for name in ("in", "out")))

        assert told(judge(*marks)) == ("HELD", [])
        assert told(decided("confirmed")) == ("ABSENT", ["TK", "FAKE_GPS"])
        assert told(decided("cleared")) == ("PRESENT", [])

    def test_a_spoofed_mark_stays_a_violation_beside_a_good_one(self) -> None:
        confirmed = FraudDecided(an_id("spoofed"), "confirmed", at("20:00"))
        day = judge(came("07:20", "spoofed", mock=True), came("07:25"), went("16:00"), confirmed)

        assert told(day) == ("PRESENT", ["FAKE_GPS"])
        assert an_id("spoofed") in day.evidence

    def test_a_later_decision_replaces_an_earlier_one_in_whatever_order_they_arrive(self) -> None:
        marks = (came("07:25", mock=True), went("16:00"))
        confirmed = FraudDecided(an_id("in"), "confirmed", at("20:00"))
        cleared = FraudDecided(an_id("in"), "cleared", at("21:00"))

        assert told(judge(*marks, cleared, confirmed)) == told(judge(*marks, confirmed, cleared)) == ("PRESENT", [])
        at_once = replace(cleared, at=confirmed.at)
        assert judge(*marks, at_once, confirmed) == judge(*marks, confirmed, at_once)


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
