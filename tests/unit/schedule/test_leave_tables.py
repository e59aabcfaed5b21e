"""Every leave table of the domain (§3.3 row 28, §3.4) as a rule pack, priced day by day through the rules of both services."""

import datetime as dt
from dataclasses import replace
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from services.payroll.rules import price
from services.schedule.rules import DayInputs, Leave, Person, assess, day_event, duty_on, numbered, parse_week
from shared.events import EmployeeKind, RosterDay
from shared.policy import Policy

WEEK = parse_week(dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:30", "16:00")))
MONDAY = dt.date(2026, 2, 2)
HOLIDAY = dt.date(2026, 2, 17)
TZ = "Asia/Jakarta"
DUTY_DAYS = 20

PERMENKOP = {  # Permenkop 8/2025 Art. 17
    "sick": [
        {"from_day": 4, "pct": "2.00", "letter": True, "inpatient": False},
        {"from_day": 26, "pct": "2.00", "inpatient": True},
        {"pct": "0", "reason": "miscarriage"}, {"from_day": 26, "pct": "2.00", "reason": "miscarriage"},
        {"pct": "0", "reason": "work_accident"},
        {"from_day": 19, "count": "months", "pct": "2.00", "reason": "work_accident"},
    ],
    "important": [{"from_day": 4, "pct": "2.00"}, {"to_day": 10, "pct": "0", "reason": "wife_delivery"}],
}
KUMHAM = {  # Permenko Kumham Imipas 3/2025 Art. 18: by the length of the whole leave; over 6 to 18 months 10 % is paid
    "sick": [
        {"from_day": 3, "of": "length", "pct": "2.50"},
        {"from_day": 7, "count": "months", "pct": "90", "per": "month"},
    ],
}
PERMENTAN_2025 = {  # Permentan 20/2025 Art. 19
    "big": [{"pct": "4.00"}],
    "important": [{"pct": "4.00"}, {"to_day": 3, "pct": "0", "reason": "family_death"}],
    "sick": [
        {"pct": "2.00", "letter": True}, {"to_day": 3, "count": "months", "pct": "0", "inpatient": True},
        {"to_day": 12, "count": "months", "pct": "0", "reason": "work_accident"},
    ],
}
BKKBN = {  # BKKBN 6/2023 Art. 23
    "sick": [
        {"from_day": 4, "to_day": 90, "count": "calendar_days", "pct": "1.00"},
        {"to_day": 30, "count": "calendar_days", "pct": "0", "inpatient": True},
        {"to_day": 90, "count": "calendar_days", "pct": "0", "reason": "work_accident"},
    ],
    "big": [{"pct": "3.00"}],
}
PDT = {  # Permen PDT 5/2013 Art. 10: paid 80/60/40 % in the months of a big leave, and by the length of a sick leave
    "big": [
        {"to_day": 1, "count": "months", "per": "month", "pct": "20"},
        {"from_day": 2, "to_day": 2, "count": "months", "per": "month", "pct": "40"},
        {"from_day": 3, "count": "months", "per": "month", "pct": "60"},
    ],
    "maternity": [
        {"to_day": 1, "count": "months", "per": "month", "pct": "20", "reason": "third_child"},
        {"from_day": 2, "to_day": 2, "count": "months", "per": "month", "pct": "40", "reason": "third_child"},
        {"from_day": 3, "count": "months", "per": "month", "pct": "60", "reason": "third_child"},
    ],
    "sick": [
        {"from_day": 6, "of": "length", "per": "month", "pct": "20"},
        {"from_day": 15, "of": "length", "per": "month", "pct": "40"},
        {"from_day": 2, "of": "length", "count": "months", "per": "month", "pct": "60"},
    ],
}
PMK_93 = {  # PMK 93/2018 Art. 12
    "big": [
        {"from_day": 13, "pct": "2.50"}, {"pct": "0", "reason": "hajj"},
        {"to_day": 3, "count": "months", "pct": "0", "reason": "fourth_child"},
    ],
    "important": [{"from_day": 6, "pct": "5.00", "reason": "family_death"}],
}
APP_28 = {  # the application of row 28: sick days 3 to 6 2.5 each, from 7 on 10 each; study leave all of it
    "sick": [{"from_day": 3, "pct": "2.50"}, {"from_day": 7, "pct": "10.00"}], "study": [{"pct": "100", "per": "month"}],
}
ESDM = {"big": [{"pct": "30", "per": "month"}], "unpaid": [{"pct": "100", "per": "month"}]}  # ESDM 21/2014 Art. 17; CLTN: no TPP


def percent(
    table: dict[str, Any], kind: Any, date: dt.date, until: dt.date, roster: dict[dt.date, RosterDay] | None = None, **known: Any
) -> Fraction:
    """What the day costs of the base within a leave that began on Monday 2 February 2026."""
    policy = Policy.from_content({"leave": table})
    rows = roster or {}

    def works_on(day: dt.date) -> bool:
        return duty_on(day, WEEK, (HOLIDAY,), rows.get(day), TZ).working

    leave = Leave(UUID(int=1), kind, MONDAY, until, **known)
    inputs = DayInputs(
        Person(UUID(int=2), EmployeeKind.PNS, "pelaksana", UUID(int=3)), duty_on(date, WEEK, (HOLIDAY,), rows.get(date), TZ),
        facts=numbered((leave,), date, policy, works_on), duty_days_in_month=DUTY_DAYS,
    )
    event = day_event(assess(inputs, policy, dt.datetime(2029, 1, 1, tzinfo=dt.UTC)), inputs, version=1, policy_id=policy.identity)
    return sum((line.percent for line in price(event, policy)), Fraction(0))


def feb(day: int) -> dt.date:
    return dt.date(2026, 2, day)


@pytest.mark.parametrize(
    ("table", "kind", "date", "until", "known", "cost"),
    [
        # the fourth duty day of a leave from Monday is Thursday; the weekend counts for nothing, nor does Imlek on the 17th
        (PERMENKOP, "sick", feb(4), feb(9), {"letter": True, "inpatient": False}, "0"),
        (PERMENKOP, "sick", feb(5), feb(9), {"letter": True, "inpatient": False}, "2.00"),
        (PERMENKOP, "sick", feb(5), feb(9), {"letter": True, "inpatient": True}, "0"),
        # 2 Feb + 25 duty days (19 in February without the holiday, 6 in March): the 26th is Tuesday 10 March
        (PERMENKOP, "sick", dt.date(2026, 3, 9), dt.date(2026, 3, 31), {"inpatient": True}, "0"),
        (PERMENKOP, "sick", dt.date(2026, 3, 10), dt.date(2026, 3, 31), {"inpatient": True}, "2.00"),
        (PERMENKOP, "sick", dt.date(2026, 3, 9), dt.date(2026, 3, 31), {"letter": True, "reason": "miscarriage"}, "0"),
        (PERMENKOP, "sick", dt.date(2026, 3, 10), dt.date(2026, 3, 31), {"letter": True, "reason": "miscarriage"}, "2.00"),
        (PERMENKOP, "sick", dt.date(2027, 7, 30), dt.date(2027, 12, 31), {"reason": "work_accident"}, "0"),
        (PERMENKOP, "sick", dt.date(2027, 8, 2), dt.date(2027, 12, 31), {"reason": "work_accident"}, "2.00"),
        (PERMENKOP, "important", feb(5), feb(20), {}, "2.00"),
        (PERMENKOP, "important", feb(13), feb(27), {"reason": "wife_delivery"}, "0"),
        (PERMENKOP, "important", feb(16), feb(27), {"reason": "wife_delivery"}, "2.00"),
        # one or two days of sickness are paid whole; of three all are cut
        (KUMHAM, "sick", feb(2), feb(3), {}, "0"),
        (KUMHAM, "sick", feb(2), feb(4), {}, "2.50"),
        (KUMHAM, "sick", dt.date(2026, 7, 31), dt.date(2026, 12, 31), {}, "2.50"),
        (KUMHAM, "sick", dt.date(2026, 8, 3), dt.date(2026, 12, 31), {}, "4.50"),
        (PERMENTAN_2025, "big", feb(2), feb(27), {}, "4.00"),
        (PERMENTAN_2025, "important", feb(4), feb(6), {"reason": "family_death"}, "0"),
        (PERMENTAN_2025, "important", feb(5), feb(6), {"reason": "family_death"}, "4.00"),
        (PERMENTAN_2025, "sick", feb(2), feb(6), {"letter": True}, "2.00"),
        (PERMENTAN_2025, "sick", dt.date(2026, 5, 1), dt.date(2026, 5, 29), {"letter": True, "inpatient": True}, "0"),
        (PERMENTAN_2025, "sick", dt.date(2026, 5, 4), dt.date(2026, 5, 29), {"letter": True, "inpatient": True}, "2.00"),
        (PERMENTAN_2025, "sick", dt.date(2027, 1, 29), dt.date(2027, 5, 31), {"letter": True, "reason": "work_accident"}, "0"),
        (BKKBN, "sick", feb(4), feb(10), {"letter": True}, "0"),
        (BKKBN, "sick", feb(5), feb(10), {"letter": True}, "1.00"),
        (BKKBN, "sick", dt.date(2026, 3, 3), dt.date(2026, 3, 31), {"inpatient": True}, "0"),
        (BKKBN, "sick", dt.date(2026, 3, 4), dt.date(2026, 3, 31), {"inpatient": True}, "1.00"),
        (BKKBN, "sick", dt.date(2026, 5, 1), dt.date(2026, 6, 30), {"reason": "work_accident"}, "0"),
        # 20 % of a month over its 20 duty days is 1 % for each of them
        (PDT, "big", feb(27), dt.date(2026, 4, 30), {}, "1.00"),
        (PDT, "big", dt.date(2026, 3, 2), dt.date(2026, 4, 30), {}, "2.00"),
        (PDT, "big", dt.date(2026, 4, 2), dt.date(2026, 4, 30), {}, "3.00"),
        (PDT, "maternity", feb(2), dt.date(2026, 4, 30), {"reason": "third_child"}, "1.00"),
        (PDT, "maternity", feb(2), dt.date(2026, 4, 30), {}, "0"),
        (PDT, "sick", feb(2), feb(6), {}, "0"),
        (PDT, "sick", feb(2), feb(9), {}, "1.00"),
        (PDT, "sick", feb(2), feb(24), {}, "2.00"),
        (PDT, "sick", feb(2), dt.date(2026, 3, 20), {}, "3.00"),
        (PMK_93, "big", feb(18), feb(27), {}, "0"),
        (PMK_93, "big", feb(19), feb(27), {}, "2.50"),
        (PMK_93, "big", feb(19), feb(27), {"reason": "hajj"}, "0"),
        (PMK_93, "big", dt.date(2026, 5, 1), dt.date(2026, 6, 30), {"reason": "fourth_child"}, "0"),
        (PMK_93, "big", dt.date(2026, 5, 4), dt.date(2026, 6, 30), {"reason": "fourth_child"}, "2.50"),
        (PMK_93, "important", feb(9), feb(13), {"reason": "family_death"}, "5.00"),
        (PMK_93, "important", feb(6), feb(13), {"reason": "family_death"}, "0"),
        (APP_28, "sick", feb(3), feb(27), {}, "0"),
        (APP_28, "sick", feb(4), feb(27), {}, "2.50"),
        (APP_28, "sick", feb(10), feb(27), {}, "10.00"),
        (APP_28, "study", feb(10), feb(27), {}, "5.00"),
        (ESDM, "big", feb(10), feb(27), {}, "1.50"),
        (ESDM, "unpaid", feb(10), feb(27), {}, "5.00"),
        (PERMENKOP, "annual", feb(10), feb(27), {}, "0"),
    ],
)
def test_a_day_of_leave_costs_what_its_table_says(
    table: dict[str, Any], kind: str, date: dt.date, until: dt.date, known: dict[str, Any], cost: str
) -> None:
    assert percent(table, kind, date, until, **known) == Fraction(cost)


def test_six_days_of_outpatient_sickness_are_six_percent_of_the_attendance_component() -> None:  # A30
    dates = [feb(day) for day in (2, 3, 4, 5, 6, 7, 8, 9)]

    costs = [percent(PERMENKOP, "sick", date, feb(9), letter=True, inpatient=False) for date in dates]

    assert costs == [0, 0, 0, 2, 2, 0, 0, 2]
    assert sum(costs) == 6


def test_shifts_on_a_weekend_are_duty_days_of_a_leave() -> None:
    saturday = RosterDay(date=feb(7), mode="WFO", start="07:00", end="14:00")
    off = {feb(day): RosterDay(date=feb(day), mode="OFF") for day in (3, 4, 5)}

    assert percent(PERMENKOP, "sick", feb(6), feb(9), off, letter=True, inpatient=False) == 0
    assert percent(PERMENKOP, "sick", feb(9), feb(9), {**off, feb(7): saturday}, letter=True, inpatient=False) == 2
    assert percent(PERMENKOP, "sick", feb(9), feb(9), off, letter=True, inpatient=False) == 0


def in_a_row(*leaves: Leave, policy: dict[str, Any], on: dt.date) -> str:
    """What the date costs, with these leaves known in any order."""
    pack = Policy.from_content(policy)

    def works_on(day: dt.date) -> bool:
        return duty_on(day, WEEK, (HOLIDAY,), None, TZ).working

    costs = set()
    for known in (leaves, leaves[::-1]):
        inputs = DayInputs(
            Person(UUID(int=2), EmployeeKind.PNS, "pelaksana", UUID(int=3)), duty_on(on, WEEK, (HOLIDAY,), None, TZ),
            facts=numbered(known, on, pack, works_on), duty_days_in_month=DUTY_DAYS,
        )
        event = day_event(assess(inputs, pack, dt.datetime(2029, 1, 1, tzinfo=dt.UTC)), inputs, version=1, policy_id=pack.identity)
        costs.add(str(sum((line.percent for line in price(event, pack)), Fraction(0))))
    [cost] = costs
    return cost


class TestLeavesInARow:
    FIRST = Leave(UUID(int=1), "sick", feb(11), feb(13), letter=True)  # Wednesday to Friday
    SECOND = Leave(UUID(int=4), "sick", feb(16), feb(18), letter=True)  # Monday to Wednesday; Imlek on Tuesday
    TABLE: dict[str, Any] = {"leave": APP_28}  # noqa: RUF012 - never changed

    def test_a_second_letter_counts_on_over_the_weekend_and_a_holiday(self) -> None:
        both = self.FIRST, self.SECOND

        assert in_a_row(self.SECOND, policy=self.TABLE, on=feb(16)) == "0"
        assert in_a_row(*both, policy=self.TABLE, on=feb(12)) == "0"
        assert in_a_row(*both, policy=self.TABLE, on=feb(13)) == "5/2"  # the third day of sickness
        assert in_a_row(*both, policy=self.TABLE, on=feb(16)) == "5/2"
        assert in_a_row(*both, policy=self.TABLE, on=feb(18)) == "5/2"  # the fifth

    def test_a_pack_may_let_each_letter_begin_anew(self) -> None:
        assert in_a_row(self.FIRST, self.SECOND, policy={**self.TABLE, "leave_in_a_row": "restart"}, on=feb(16)) == "0"

    def test_the_length_of_the_row_counts_for_its_first_days_too(self) -> None:
        two = Leave(UUID(int=1), "sick", feb(12), feb(13)), Leave(UUID(int=4), "sick", feb(16), feb(16))

        assert in_a_row(two[0], policy={"leave": KUMHAM}, on=feb(12)) == "0"
        assert in_a_row(*two, policy={"leave": KUMHAM}, on=feb(12)) == "5/2"

    @pytest.mark.parametrize("between", [
        Leave(UUID(int=4), "sick", feb(16), feb(18), "requested"), Leave(UUID(int=4), "important", feb(16), feb(18)),
        Leave(UUID(int=4), "sick", feb(16), feb(18), reason="work_accident"),
    ])  # fmt: skip
    def test_what_is_of_another_kind_or_not_decided_joins_no_leaves(self, between: Leave) -> None:
        later = Leave(UUID(int=5), "sick", feb(19), feb(19))

        assert in_a_row(self.FIRST, between, later, policy=self.TABLE, on=feb(19)) == "0"
        assert in_a_row(self.FIRST, self.SECOND, later, policy=self.TABLE, on=feb(19)) == "5/2"

    def test_a_day_worked_between_ends_the_row(self) -> None:
        later = Leave(UUID(int=4), "sick", feb(18), feb(18))  # Monday was worked, Tuesday was Imlek

        assert in_a_row(self.FIRST, later, policy=self.TABLE, on=feb(18)) == "0"


class TestInAndOutOfHospital:
    """Permenkop 8/2025 Art. 17: 25 days in a row in hospital are free, and three out of it; each sort has its own count."""

    HOME = Leave(UUID(int=1), "sick", feb(2), feb(4), letter=True, inpatient=False)  # Monday to Wednesday
    BED = Leave(UUID(int=4), "sick", feb(5), dt.date(2026, 3, 13), letter=True, inpatient=True)

    def test_days_at_home_before_the_hospital_take_none_of_its_25(self) -> None:
        # Imlek left out, the 25th duty day from Thursday 5 February on is Thursday 12 March
        assert in_a_row(self.HOME, self.BED, policy={"leave": PERMENKOP}, on=dt.date(2026, 3, 12)) == "0"
        assert in_a_row(self.HOME, self.BED, policy={"leave": PERMENKOP}, on=dt.date(2026, 3, 13)) == "2"

    def test_days_in_hospital_before_those_at_home_take_none_of_their_three(self) -> None:
        bed = replace(self.BED, since=feb(2), until=feb(13))
        home = replace(self.HOME, since=feb(16), until=feb(20))

        costs = [in_a_row(bed, home, policy={"leave": PERMENKOP}, on=feb(day)) for day in (16, 18, 19, 20)]
        assert costs == ["0", "0", "0", "2"]  # Tuesday is Imlek, so Friday is the fourth

    def test_two_letters_for_home_count_on_as_one_over_a_weekend(self) -> None:
        more = replace(self.HOME, id=UUID(int=5), since=feb(5), until=feb(5))

        assert in_a_row(self.HOME, more, policy={"leave": PERMENKOP}, on=feb(5)) == "2"
        assert in_a_row(self.HOME, replace(more, inpatient=True), policy={"leave": PERMENKOP}, on=feb(5)) == "0"

    def test_days_at_home_between_two_stays_in_hospital_end_the_row_of_the_first(self) -> None:
        first, home = replace(self.BED, since=feb(2), until=feb(6)), replace(self.HOME, since=feb(9), until=feb(10))
        second = replace(self.BED, id=UUID(int=6), since=feb(11), until=feb(13))
        table = {"leave": {"sick": [{"from_day": 6, "pct": "2.00", "inpatient": True}]}}

        assert in_a_row(first, home, second, policy=table, on=feb(12)) == "0"
        assert in_a_row(first, replace(home, inpatient=True), second, policy=table, on=feb(12)) == "2"

    def test_a_row_that_asks_for_neither_counts_both(self) -> None:
        bed = replace(self.BED, until=feb(5))
        table = {"leave": {"sick": [{"from_day": 4, "pct": "2.50"}, {"from_day": 4, "pct": "1.00", "inpatient": True}]}}

        assert in_a_row(self.HOME, bed, policy=table, on=feb(5)) == "5/2"  # the fourth day of sickness, the first in hospital
