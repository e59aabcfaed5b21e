"""What an outage explains of a day, waited for while it is not decided."""

from typing import Any
from uuid import UUID

import pytest

from services.schedule.rules import (
    Assessment,
    Fact,
    Manual,
    MarkSeen,
    Outage,
    OutageDecided,
)
from shared.events import Mark, Mode, RosterDay
from tests.unit.schedule.judged import MONDAY, a_policy, an_id, at, came, judge, told, went


class TestOutages:
    MORNING = Outage(an_id("outage"), at("07:00"), at("08:10"))

    def decided(self, word: Any) -> OutageDecided:
        return OutageDecided(an_id("outage"), word, at("18:00"))

    def test_a_late_mark_after_an_outage_waits_for_the_decision(self) -> None:  # A24
        marks = (came("08:12"), went("16:00"))

        assert told(judge(*marks)) == ("PRESENT", ["TL2"])
        assert told(judge(*marks, self.MORNING)) == ("HELD", [])
        confirmed = judge(*marks, self.MORNING, self.decided("confirmed"))
        assert (told(confirmed), confirmed.late) == (("PRESENT", []), 0)
        assert told(judge(*marks, self.MORNING, self.decided("rejected"))) == ("PRESENT", ["TL2"])

    def test_a_record_made_by_hand_takes_the_place_of_the_late_mark(self) -> None:  # A24
        by_hand = Manual(an_id("manual"), Mark.IN, at("07:25"))
        day = judge(came("08:12"), went("16:00"), self.MORNING, by_hand)

        assert (told(day), day.late) == (("PRESENT", []), 0)

    def test_an_excused_lateness_does_not_move_a_flexible_end(self) -> None:
        flexible = a_policy(flex_minutes=60)
        marks = (came("08:12"), went("16:00"))

        assert judge(*marks, policy=flexible).early == 42
        assert judge(*marks, self.MORNING, self.decided("confirmed"), policy=flexible).early == 0

    def test_a_clean_day_is_not_held(self) -> None:
        assert told(judge(came("07:20"), went("16:00"), self.MORNING)) == ("PRESENT", [])

    def test_who_left_before_the_outage_began_left_early(self) -> None:
        evening = Outage(an_id("outage"), at("15:30"), at("17:00"))
        confirmed = self.decided("confirmed")

        assert told(judge(came("07:25"), went("14:00"), evening)) == ("PRESENT", ["PSW4"])
        assert told(judge(came("07:25"), went("14:00"), evening, confirmed)) == ("PRESENT", ["PSW4"])
        assert told(judge(came("07:25"), went("15:40"), evening)) == ("HELD", [])
        assert told(judge(came("07:25"), went("15:40"), evening, confirmed)) == ("PRESENT", [])

    def test_a_day_without_marks_is_held_and_then_loses_only_what_the_outage_explains(self) -> None:
        assert told(judge(self.MORNING)) == ("HELD", [])
        assert told(judge(self.MORNING, self.decided("confirmed"))) == ("PRESENT", ["PSW4"])
        all_day = Outage(an_id("outage"), at("06:00"), at("17:30"))
        assert told(judge(all_day, self.decided("confirmed"))) == ("PRESENT", [])

    def test_an_outage_does_not_explain_coming_hours_after_it_ended(self) -> None:
        marks = (came("09:30"), went("16:00"))

        assert told(judge(*marks, self.MORNING, self.decided("confirmed"))) == ("PRESENT", ["TL4"])

    def test_outages_no_further_apart_than_the_margin_are_one(self) -> None:
        def day(came_at: str, second: str, **margin: Any) -> Assessment:
            confirmed = [OutageDecided(an_id(name), "confirmed", at("18:00")) for name in ("outage", "second")]
            outages = Outage(an_id("outage"), at("07:00"), at("08:35")), Outage(an_id("second"), at(second), at("10:15"))
            return judge(came(came_at), went("16:00"), *outages, *confirmed, policy=a_policy(**margin))

        assert told(day("10:20", "08:40")) == ("PRESENT", [])
        assert {an_id("outage"), an_id("second")} <= set(day("10:20", "08:40").evidence)
        assert told(day("10:20", "09:36")) == ("PRESENT", ["TL4"])
        assert told(day("10:15", "08:35", outage_margin_minutes=0)) == ("PRESENT", [])
        assert told(day("10:15", "08:36", outage_margin_minutes=0)) == ("PRESENT", ["TL4"])

    def test_an_outage_waits_for_its_decision_if_another_one_makes_it_matter(self) -> None:
        second = Outage(an_id("second"), at("08:40"), at("09:30"))
        things = came("09:40"), went("16:00"), self.MORNING, self.decided("confirmed"), second

        assert told(judge(*things)) == ("HELD", [])
        assert told(judge(*things, OutageDecided(an_id("second"), "confirmed", at("20:00")))) == ("PRESENT", [])
        assert told(judge(*things, OutageDecided(an_id("second"), "rejected", at("20:00")))) == ("PRESENT", ["TL4"])

    def test_an_evening_outage_explains_a_missing_check_out_only(self) -> None:
        evening = Outage(an_id("outage"), at("15:55"), at("17:00"))

        assert told(judge(came("08:05"), evening, self.decided("confirmed"))) == ("PRESENT", ["TL2"])

    @pytest.mark.parametrize(
        ("since", "until", "window", "codes"),
        [
            ("11:30", "13:30", None, []), ("06:00", "07:30", None, ["MISSED_BREAK"]), ("16:00", "16:30", None, ["MISSED_BREAK"]),
            ("12:59", "13:30", {"open": "11:30", "close": "13:00"}, []),
            ("13:00", "15:00", {"open": "11:30", "close": "13:00"}, ["MISSED_BREAK"]),
            ("11:00", "11:30", {"open": "11:30"}, ["MISSED_BREAK"]), ("15:00", "15:10", {"open": "11:30"}, []),
        ],
    )
    def test_an_outage_in_the_time_of_the_break_explains_its_missing_mark(
        self, since: str, until: str, window: Any, codes: list[str]
    ) -> None:
        policy = a_policy(marks=["in", "break", "out"], missed_break="0.25", break_window=window)
        things = came("07:20"), went("16:02"), Outage(an_id("outage"), at(since), at(until))

        assert told(judge(*things, policy=policy))[0] == ("PRESENT" if codes else "HELD")
        day = judge(*things, self.decided("confirmed"), policy=policy)
        assert told(day) == ("PRESENT", codes)
        assert (an_id("outage") in day.evidence) is not bool(codes)
        assert told(judge(*things, self.decided("rejected"), policy=policy)) == ("PRESENT", ["MISSED_BREAK"])

    def test_an_outage_of_all_hours_explains_proof_and_report_as_well(self) -> None:
        policy = a_policy(
            marks=["in", "break", "out"], presence_required=["WFA"], missed_presence="0.75", work_report_required=["WFA"],
            missed_work_report="0.50",
        )
        owed = ["NO_PRESENCE", "NO_WORK_REPORT"]

        def day(*things: MarkSeen | Fact) -> tuple[str, list[str]]:
            return told(judge(*things, policy=policy, roster=RosterDay(date=MONDAY, mode=Mode.WFA)))

        def down(since: str, until: str, name: str = "outage") -> tuple[Outage, OutageDecided]:
            return Outage(an_id(name), at(since), at(until)), OutageDecided(an_id(name), "confirmed", at("20:00"))

        marks = came("07:20"), went("16:05")
        assert day(*down("06:00", "18:00")) == ("PRESENT", [])
        assert day(down("06:00", "18:00")[0]) == ("HELD", [])
        assert day(*marks, *down("07:30", "16:00")) == ("PRESENT", [])
        assert day(*marks, *down("07:31", "16:00")) == ("PRESENT", owed)  # he could have shown himself at half past seven
        assert day(*down("07:00", "08:00"), *down("16:00", "17:00", "second")) == ("PRESENT", [])
        assert day(*down("07:00", "08:00")) == ("PRESENT", ["PSW4", *owed])
        assert day(came("07:20"), *down("15:00", "17:00")) == ("PRESENT", owed)

    def test_an_outage_before_the_day_holds_nothing_yet(self) -> None:
        assert told(judge(self.MORNING, now=at("07:05"))) == ("PENDING", [])
        assert judge(self.MORNING, now=at("07:05")).next_due == at("07:30")
        assert told(judge(self.MORNING, now=at("08:00"))) == ("HELD", [])

    def test_an_outage_at_the_hour_at_which_he_might_go_explains_a_missing_check_out(self) -> None:
        came_early = came("06:30")
        afternoon = Outage(UUID(int=5), at("14:50"), at("15:40"))
        confirmed = OutageDecided(UUID(int=5), "confirmed", at("20:00"))

        def codes(**flex: Any) -> list[str]:
            return told(judge(came_early, afternoon, confirmed, policy=a_policy(**flex)))[1]

        assert codes(flex_early_minutes=60) == []
        assert codes() != []

    def test_an_outage_after_the_end_that_moved_explains_a_check_out_as_well(self) -> None:
        confirmed = OutageDecided(UUID(int=5), "confirmed", at("20:00"))

        def codes(*marks: MarkSeen, since: str, until: str, flex: int) -> list[str]:
            return told(judge(*marks, Outage(UUID(int=5), at(since), at(until)), confirmed, policy=a_policy(flex_minutes=flex)))[1]

        assert codes(came("08:30"), since="17:00", until="18:30", flex=60) == []
        assert codes(came("08:30"), since="18:00", until="18:30", flex=60) == ["PSW4"]
        assert codes(came("08:30"), since="15:50", until="16:30", flex=60) == []  # he may have tried with all the others
        assert codes(came("09:00"), went("17:20"), since="17:10", until="19:00", flex=90) == []
        assert codes(came("09:00"), went("17:05"), since="17:10", until="19:00", flex=90) == ["PSW1"]
        assert codes(came("07:30"), since="17:00", until="18:30", flex=60) == ["PSW4"]
