"""The ladder of PP 94/2021 over made-up calendars; ids in parentheses are the domain's golden cases."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.schedule.rules import Assessment, LadderDay, ladder
from shared.events import DayState, DayStatus, EmployeeKind, Mode
from shared.policy import Policy, load_policies

POLICY = load_policies(Path(__file__).parents[3] / "services/schedule/policies/golden-policies.yaml")["POL-A"]
PNS = EmployeeKind.PNS
NEW_YEAR = dt.date(2026, 1, 1)


def calendar(marks: str, first: dt.date = NEW_YEAR) -> list[LadderDay]:
    """One letter a date: A absent, p present, L leave, . off, digits: that many times 45 minutes late."""
    days = []
    for offset, letter in enumerate(marks):
        minutes = 45 * int(letter) if letter.isdigit() else 0
        days.append(LadderDay(first + dt.timedelta(days=offset), letter != ".", letter == "A", minutes))
    return days


def steps(days: list[LadderDay], policy: Policy = POLICY, kind: EmployeeKind = PNS) -> list[tuple[str, str]]:
    return [(step.date.isoformat(), step.step) for step in ladder(days, policy, kind)]


def with_keys(**keys: Any) -> Policy:
    return Policy.from_content({**POLICY.content(), **keys})


def test_each_threshold_is_crossed_by_its_own_absence_day() -> None:  # A21
    days = calendar("Ap" * 28)

    assert steps(days) == [
        ((NEW_YEAR + dt.timedelta(days=2 * (nth - 1))).isoformat(), step)
        for nth, step in (
            (3, "ORAL_WARNING"), (4, "WRITTEN_WARNING"), (7, "STATEMENT"), (11, "TPP_CUT_6"), (14, "TPP_CUT_9"),
            (17, "TPP_CUT_12"), (21, "DEMOTION"), (25, "RELIEVED"), (28, "DISMISSAL"),
        )
    ]


def test_one_or_two_days_reach_no_step() -> None:
    assert steps(calendar("ApA")) == []


def test_ten_in_a_row_over_days_off_are_consecutive_and_stand_without_dismissal() -> None:
    days = calendar("AAAAA..AAAAAA" + "pA" * 20)
    assert [step for _, step in steps(days)].count("CONSECUTIVE_10") == 1
    got = {step: date for date, step in steps(days)}

    assert got["CONSECUTIVE_10"] == "2026-01-12"
    assert "DISMISSAL" not in got
    assert got["RELIEVED"]


@pytest.mark.parametrize("breaker", ["p", "L"])
def test_a_day_of_work_or_leave_breaks_the_streak(breaker: str) -> None:
    reached = [step for _, step in steps(calendar("AAAAAAAAA" + breaker + "A"))]

    assert "CONSECUTIVE_10" not in reached


def test_an_excuse_that_arrives_later_withdraws_the_step() -> None:  # A06
    assert steps(calendar("AAA")) == [("2026-01-03", "ORAL_WARNING")]
    assert steps(calendar("AAL")) == []


def test_counts_start_again_on_new_year_but_a_streak_goes_on() -> None:
    days = calendar("AA", dt.date(2025, 12, 30)) + calendar("AA")
    assert steps(days) == []

    long_run = calendar("AAAAA", dt.date(2025, 12, 27)) + calendar("AAAAA")
    assert ("2026-01-05", "CONSECUTIVE_10") in steps(long_run)


def test_a_rolling_window_looks_back_twelve_months() -> None:
    days = calendar("AA", dt.date(2025, 12, 30)) + calendar("A")

    assert steps(days, with_keys(ladder_window="rolling_12m")) == [("2026-01-01", "ORAL_WARNING")]
    a_year_on = calendar("AA", dt.date(2025, 3, 2)) + calendar("A", dt.date(2026, 3, 2))
    assert steps(a_year_on, with_keys(ladder_window="rolling_12m")) == []
    assert steps(calendar("AA", dt.date(2025, 3, 2)) + calendar("A", dt.date(2026, 3, 1)),
                 with_keys(ladder_window="rolling_12m")) == [("2026-03-01", "ORAL_WARNING")]


def test_minutes_become_days_only_where_the_policy_converts_them() -> None:  # A23
    ten_lates = calendar("1" * 10)
    policy = with_keys(convert_minutes_per_day=450, ladder=[{"days": 1, "step": "ORAL_WARNING"}])

    assert steps(ten_lates) == []
    assert steps(ten_lates, policy) == [("2026-01-10", "ORAL_WARNING")]
    assert steps(ten_lates[:9], policy) == []


def test_a_kind_of_employee_may_have_its_own_ladder() -> None:
    policy = with_keys(ladder_by_kind={"PPPK": [{"days": 2, "step": "ORAL_WARNING"}]})

    assert steps(calendar("AA"), policy, EmployeeKind.PPPK) == [("2026-01-02", "ORAL_WARNING")]
    assert steps(calendar("AA"), policy) == []


@given(st.text("ApL.1", max_size=80), st.randoms(use_true_random=False))
def test_order_and_doubling_of_days_do_not_matter(marks: str, random: Random) -> None:
    days = calendar(marks)
    shuffled = days + days[: len(days) // 2]
    random.shuffle(shuffled)

    assert ladder(shuffled, POLICY, PNS) == ladder(days, POLICY, PNS)


@given(st.text("Ap.", max_size=120), st.integers(0, 119))
def test_an_excuse_never_adds_a_step_nor_brings_one_earlier(marks: str, position: int) -> None:
    days = calendar(marks)
    excused = calendar(marks[:position] + "L" + marks[position + 1 :]) if position < len(marks) else days
    policy = with_keys(ladder_consecutive_days=None)
    before = {step.step: step.date for step in ladder(days, policy, PNS)}
    after = {step.step: step.date for step in ladder(excused, policy, PNS)}

    assert after.keys() <= before.keys()
    assert all(before[step] <= date for step, date in after.items())


def test_minutes_that_were_made_up_are_no_part_of_an_absence_as_often_as_the_month_allows() -> None:
    converting = with_keys(convert_minutes_per_day=450, compensation={"max_minutes": 45, "per_month": 2})
    days = [replace(day, made_up=45) for day in calendar("1" * 31)]

    # 29 days of 45 minutes count in January (two are forgiven): 1,305 minutes are two days and the third is not reached
    assert steps(days, converting) == []
    assert steps(days, with_keys(convert_minutes_per_day=450)) == [("2026-01-30", "ORAL_WARNING")]
    without_limit = with_keys(convert_minutes_per_day=450, compensation={"max_minutes": 45})
    assert steps([replace(day, made_up=45) for day in calendar("1" * 365)], without_limit) == []


def test_a_made_up_lateness_that_costs_nothing_makes_no_days_and_uses_none_of_the_months_made_up_ones() -> None:
    keys: dict[str, Any] = {
        "tl": [{"code": "TL", "min": 16, "max": None, "pct": "1.00"}], "compensation": {"max_minutes": 60, "per_month": 1},
        "convert_minutes_per_day": 30, "ladder": [{"days": 1, "step": "ORAL_WARNING"}, {"days": 2, "step": "WRITTEN_WARNING"}],
    }
    free, charged = LadderDay(NEW_YEAR, True, False, 15, 15), LadderDay(NEW_YEAR, True, False, 40, 40)

    def after(*given: LadderDay, **more: Any) -> list[tuple[str, str]]:
        days = [replace(day, date=NEW_YEAR + dt.timedelta(days=n)) for n, day in enumerate(given)]
        return steps(days, with_keys(**keys, **more))

    assert after(free, charged) == []
    assert after(charged, free, free) == []
    assert after(free, charged, charged) == [("2026-01-03", "ORAL_WARNING")]
    dearer = {"dates": ["2026-01-01"], "reason": "first day after a holiday", "late_any": "25"}
    assert after(free, charged, on_dates=[dearer]) == [("2026-01-02", "ORAL_WARNING")], "there the first costs, and is the one of the month"


def test_a_day_that_nobody_has_decided_ends_a_row_and_counts_nothing() -> None:
    held = Assessment(DayState.PROVISIONAL, DayStatus.HELD, Mode.WFO, scheduled=True)
    so_far = Assessment(DayState.PROVISIONAL, DayStatus.PENDING, Mode.WFO, scheduled=True, late=45)
    made_up = Assessment(DayState.FINAL, DayStatus.PRESENT, Mode.WFO, scheduled=True, late=45, early=5, made_up=True)

    assert LadderDay.of(NEW_YEAR, held) == LadderDay.of(NEW_YEAR, so_far) == LadderDay(NEW_YEAR, scheduled=True, absent=False)
    assert LadderDay.of(NEW_YEAR, made_up) == LadderDay(NEW_YEAR, scheduled=True, absent=False, minutes=50, made_up=45)
    days = calendar("AAAAAxAAAAA")
    days[5] = LadderDay.of(days[5].date, held)
    assert "CONSECUTIVE_10" not in {step for _, step in steps(days)}
