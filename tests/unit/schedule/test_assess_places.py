"""Where a mark was made, and days that wait for a person's word on one."""

from dataclasses import replace
from typing import Any

import pytest

from services.schedule.rules import (
    Assessment,
    FraudDecided,
    MarkSeen,
    Outage,
    OutageDecided,
    Reviewed,
    WorkReported,
)
from shared.events import Mode, RosterDay
from tests.unit.schedule.judged import (
    INSIDE,
    MONDAY,
    OUTSIDE,
    PACKS,
    UNSURE,
    a_policy,
    an_id,
    at,
    came,
    judge,
    told,
    went,
)


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
