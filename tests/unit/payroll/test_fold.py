"""The month as a sum: caps, steps, streaks, bases and rounding (domain.md §7.2, rows on money)."""

import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

import pytest

from services.payroll.rules import MonthTotal, balance_of, ledger_lines, priced_day, streak_of
from shared.events import DayAssessed, DayStatus, Finding, FindingKind
from shared.percent import percent_text
from shared.policy import Policy

Assessed: TypeAlias = Callable[..., DayAssessed]
Folded: TypeAlias = Callable[..., MonthTotal]
Late: TypeAlias = Callable[[int, Policy], Finding]
Packs: TypeAlias = dict[str, Policy]


def texts(total: MonthTotal) -> list[str]:
    return [percent_text(percent) for _, percent in sorted(total.percent_by_date.items())]


def sums(total: MonthTotal) -> tuple[str, str, int | None]:
    return percent_text(total.raw_percent), percent_text(total.percent), total.amount


def test_a10_a_month_of_pol_a_costs_10_75_percent_and_564375_rupiah(
    packs: Packs, assessed: Assessed, folded: Folded, late: Late, absent: Finding
) -> None:
    policy = packs["POL-A"]
    days = [
        *(assessed(day, policy, late(12, policy)) for day in (2, 3, 4)),
        *(assessed(day, policy, late(45, policy)) for day in (5, 6)),
        assessed(9, policy, late(75, policy)),
        assessed(10, policy, Finding(kind=FindingKind.NO_IN, code="TL4")),
        assessed(11, policy, Finding(kind=FindingKind.NO_OUT, code="PSW4")),
        assessed(12, policy, absent),
    ]
    total = folded(days, policy, tpp=5_250_000)
    assert sums(total) == ("10.75", "10.75", 564_375)


def test_a11_the_tenth_day_in_a_row_makes_the_month_full(packs: Packs, assessed: Assessed, folded: Folded, absent: Finding) -> None:
    policy = packs["POL-H"]
    days = [assessed(day, policy, absent) for day in range(1, 11)]
    nine = folded(days[:9], policy, tpp=4_000_000)
    ten = folded(days, policy, tpp=4_000_000)
    assert sums(nine) == ("22.50", "22.50", 900_000)
    assert sums(ten) == ("100.00", "100.00", 4_000_000)
    assert texts(ten)[-1] == "77.50"


def test_a11_ten_absences_that_are_not_in_a_row_are_only_summed(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    policy = packs["POL-H"]
    days = [assessed(day, policy, absent) for day in (2, 3, 4, 5, 9, 10, 11, 12, 13, 16)] + [assessed(6, policy)]
    assert folded(days, policy).raw_percent == 25


@pytest.mark.parametrize("status", [DayStatus.HOLIDAY, DayStatus.OFF])
def test_holidays_and_off_days_neither_break_nor_add_to_a_streak(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding, status: DayStatus
) -> None:
    policy = packs["POL-H"]
    days = [assessed(day, policy, absent) for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)]
    days += [assessed(day, policy, status=status, scheduled=False) for day in (7, 8)]
    assert folded(days, policy).raw_percent == 100


@pytest.mark.parametrize("status", [DayStatus.LEAVE, DayStatus.DL, DayStatus.PRESENT, DayStatus.HELD, DayStatus.PENDING])
def test_any_other_scheduled_day_breaks_a_streak(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding, status: DayStatus
) -> None:
    policy = packs["POL-H"]
    days = [assessed(day, policy, absent) for day in (2, 3, 4, 5, 6, 10, 11, 12, 13, 16)] + [assessed(9, policy, status=status)]
    total = folded(days, policy)
    assert total.raw_percent == 25
    assert total.streak_after == 5


def test_a_streak_runs_across_months_and_fills_the_month_in_which_it_completes(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    policy = packs["POL-H"]
    january = [priced_day(assessed(dt.date(2026, 1, day), policy, absent), policy) for day in (26, 27, 28, 29, 30)]
    before = streak_of(january)
    assert before == 5
    days = [assessed(day, policy, absent) for day in (2, 3, 4, 5, 6, 9)]
    total = folded(days, policy, streak=before)
    assert total.raw_percent == 100
    assert texts(total) == ["2.50", "2.50", "2.50", "2.50", "90.00", "0.00"]
    assert folded([assessed(2, policy, absent)], policy, streak=10).raw_percent == Fraction("2.5"), "it completed before"


def test_ten_in_a_row_within_a_month_make_it_full_though_the_streak_was_complete_before(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    policy = packs["POL-H"]
    march = [assessed(dt.date(2026, 3, day), policy, absent) for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16)]
    assert folded(march[:9], policy, streak=20).raw_percent == Fraction("22.5")
    assert texts(folded(march, policy, streak=20)) == [*["2.50"] * 9, "77.50", "0.00"]


def test_the_tail_of_a_streak_that_made_the_month_before_full_is_only_summed(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    policy = packs["POL-H"]
    february = [assessed(day, policy, absent) for day in (16, 17, 18, 19, 20, 23, 24, 25, 26, 27)]
    assert folded(february, policy).raw_percent == 100
    march = [assessed(dt.date(2026, 3, day), policy, absent) for day in (2, 3)] + [assessed(dt.date(2026, 3, 4), policy)]
    march += [assessed(dt.date(2026, 3, day), policy, absent) for day in (5, 6, 9, 10, 11, 12, 13, 16)]
    assert folded(march[:2], policy, streak=10).raw_percent == 5
    assert folded(march, policy, streak=10).raw_percent == 25, "two and eight are no ten in a row"


def test_a_streak_that_began_under_another_pack_makes_the_month_full_on_the_first_absence_under_the_pack_that_says_so(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    before, after = packs["POL-A"], packs["POL-H"]
    first = [assessed(day, before, absent) for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)]
    then = [assessed(day, after, absent) for day in (16, 17)]
    total = folded([*first, *then], before, after)
    assert texts(total) == [*["3.00"] * 10, "70.00", "0.00"]
    assert folded([*first[1:], *then], before, after).raw_percent == 100
    present = [assessed(16, after), assessed(17, after, absent)]
    assert folded([*first, *present], before, after).raw_percent == Fraction("32.5"), "it had ended before the pack was in force"
    assert folded(then, before, after, streak=10).raw_percent == 5, "it was complete in the month before, where no pack said so"


def test_one_row_of_absences_fills_one_base_of_a_month_and_another_row_another(
    assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    before, after = (
        Policy.from_content({
            "base": "discipline_component", "weight": weight, "tk_day": "3.00", "consecutive_full": {"days": 3, "pct": "100"},
        })
        for weight in ("0.40", "0.60")
    )
    row = [assessed(day, before, absent) for day in (2, 3, 4, 5)]
    on = [assessed(day, after, absent) for day in (6, 9, 10, 11)]
    assert folded([*row, *on[:1]], before, after, tpp=1_000_000).amount == 418_000
    assert folded([*row, *on], before, after, tpp=1_000_000).amount == 472_000, "not even where it runs as long again"
    assert folded([*row, assessed(6, after), *on[1:]], before, after, tpp=1_000_000).amount == 1_000_000, "the first had ended"
    again = [*row, assessed(6, before), *(assessed(day, before, absent) for day in (9, 10, 11)), assessed(12, after, absent)]
    assert folded(again, before, after, tpp=1_000_000).amount == 418_000, "the second row was complete in the base that the first filled"


def test_a_full_month_is_that_percent_instead_of_its_sum(packs: Packs, assessed: Assessed, folded: Folded, absent: Finding) -> None:
    policy = Policy.from_content({"tk_day": "30.00", "apel": "1.00", "consecutive_full": {"days": 4, "pct": "100"}})
    days = [assessed(day, policy, absent) for day in (2, 3, 4, 5)] + [assessed(9, policy, Finding(kind=FindingKind.APEL, code="APEL"))]
    total = folded(days, policy)
    assert total.raw_percent == 100
    assert texts(total) == ["30.00", "30.00", "30.00", "10.00", "0.00"]


def test_a12_the_cap_is_applied_after_summing(packs: Packs, assessed: Assessed, folded: Folded, absent: Finding) -> None:
    policy = packs["POL-C"]
    days = [assessed(day, policy, absent) for day in range(1, 22)]
    total = folded(days, policy, tpp=10_000_000, static=3_000_000)
    assert sums(total) == ("105.00", "100.00", 3_000_000)
    assert set(texts(total)) == {"5.00"}, "no line is cut"


def test_a14_steps_replace_each_other_and_days_show_the_increment_they_caused(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    policy = packs["POL-F"]
    days = [assessed(day, policy, absent) for day in (2, 3, 4, 5)]
    assert [folded(days[:count], policy).raw_percent for count in range(5)] == [0, Fraction("4.5"), 9, 100, 100]
    assert texts(folded(days, policy)) == ["4.50", "4.50", "91.00", "0.00"]


@pytest.mark.parametrize(
    ("week", "lates", "percent"),
    [
        pytest.param(5, [45] * 9, "0.00", id="405 minutes are not a day of 450"),
        pytest.param(5, [45] * 10, "4.50", id="450 minutes are one day in a five-day week"),
        pytest.param(6, [39] * 10, "4.50", id="390 minutes are one day in a six-day week"),
        pytest.param(6, [39] * 9 + [38], "0.00", id="389 are not"),
        pytest.param(5, [450, 449, 1], "9.00", id="minutes of several days make two"),
    ],
)
def test_minutes_of_the_month_are_converted_into_days(
    packs: Packs, assessed: Assessed, folded: Folded, week: int, lates: list[int], percent: str
) -> None:
    policy = packs["POL-F"]
    days = [assessed(day, policy, late=minutes, early=0, work_week_days=week) for day, minutes in enumerate(lates, start=1)]
    total = folded(days, policy)
    assert percent_text(total.raw_percent) == percent
    assert {cost.code for cost in total.costs} <= {"TK_MINUTES"}


def test_absences_and_minutes_reach_steps_together(packs: Packs, assessed: Assessed, folded: Folded, absent: Finding) -> None:
    policy = packs["POL-F"]
    days = [assessed(2, policy, absent), assessed(3, policy, late=300, early=150), assessed(4, policy, absent)]
    assert texts(folded(days, policy)) == ["4.50", "4.50", "91.00"]


def test_a31_the_policy_of_the_business_date_counts(packs: Packs, assessed: Assessed, folded: Folded, late: Late) -> None:
    one, two = packs["POL-A"], packs["POL-B"]
    days = [assessed(13, one, late(65, one)), assessed(18, two, late(65, two))]
    total = folded(days, one, two, tpp=4_000_000)
    assert (percent_text(total.raw_percent), total.amount) == ("2.75", 110_000)
    assert len(total.bases) == 1


def test_a16_missed_apel_and_absence_by_group(packs: Packs, assessed: Assessed, folded: Folded, absent: Finding) -> None:
    policy, apel = packs["POL-D"], Finding(kind=FindingKind.APEL, code="APEL")
    functional = assessed(2, policy, apel, group="functional")
    pelaksana = assessed(3, policy, absent, apel, group="pelaksana")
    assert texts(folded([functional, pelaksana], policy)) == ["2.00", "1.50"]


def test_the_discipline_component_is_its_weight_of_the_ceiling(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    policy = packs["POL-E"]
    total = folded([assessed(2, policy, absent)], policy, tpp=5_000_000)
    assert sums(total) == ("3.00", "3.00", 60_000)


def test_static_tkd_falls_back_to_the_ceiling(packs: Packs, assessed: Assessed, folded: Folded, absent: Finding) -> None:
    policy = packs["POL-C"]
    days = [assessed(2, policy, absent)]
    assert folded(days, policy, tpp=5_000_000).amount == 250_000
    assert folded(days, policy, tpp=5_000_000, static=2_000_000).amount == 100_000


def test_daily_net_tpp_is_a_share_of_one_duty_day(packs: Packs, assessed: Assessed, folded: Folded, absent: Finding) -> None:
    policy = packs["POL-I"]
    late = Finding(kind=FindingKind.LATE, code="TL", minutes=5)
    total = folded([assessed(2, policy, late, duty_days_in_month=22)], policy, tpp=4_400_000)
    assert percent_text(total.raw_percent) == "25/22"
    assert texts(total) == ["25.00"]
    assert total.amount == 50_000
    all_absent = folded([assessed(day, policy, absent, duty_days_in_month=3) for day in (2, 3, 4)], policy, tpp=4_400_000)
    assert sums(all_absent) == ("100.00", "100.00", 4_400_000)


def test_several_bases_are_capped_alone_and_told_as_percent_of_the_whole(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    total_tpp, component = packs["POL-A"], packs["POL-E"]
    days = [assessed(day, total_tpp, absent) for day in (2, 3)] + [assessed(day, component, absent) for day in (16, 17)]
    total = folded(days, total_tpp, component, tpp=1_000_000)
    assert total.percent == 6 + Fraction("0.4") * 6
    assert total.amount == 84_000
    low = Policy.from_content({"base": "discipline_component", "weight": "0.50", "tk_day": "60.00", "cap": "100"})
    days = [assessed(2, total_tpp, absent), *(assessed(day, low, absent) for day in (16, 17))]
    total = folded(days, total_tpp, low, tpp=1_000_000)
    assert sums(total) == ("63.00", "53.00", 530_000)


@pytest.mark.parametrize(
    ("before", "after", "raw", "told"),
    [
        ("POL-F", "POL-E", "112.00", [("100.00", "100.00"), ("30.00", "0.00")]),
        ("POL-E", "POL-F", "112.00", [("30.00", "30.00"), ("100.00", "88.00")]),
        ("POL-H", "POL-I", "150.00", [("100.00", "100.00"), ("50.00", "0.00")]),
        ("POL-I", "POL-H", "150.00", [("50.00", "50.00"), ("100.00", "50.00")]),
    ],
)
def test_packs_of_two_bases_take_no_more_than_the_tpp_together(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding, before: str, after: str, raw: str, told: list[tuple[str, str]]
) -> None:
    dates = [2, 3, 4, 5, 6, 9, 10, 11, 12, 13], [16, 17, 18, 19, 20, 23, 24, 25, 26, 27]
    policies = packs[before], packs[after]
    days = [assessed(day, policy, absent) for policy, numbers in zip(policies, dates, strict=True) for day in numbers]
    total = folded(days, *policies, tpp=5_000_000)
    assert sums(total) == (raw, "100.00", 5_000_000)
    assert [(percent_text(one.raw_percent), percent_text(one.percent)) for one in total.bases] == told
    assert balance_of(ledger_lines(total)) == 5_000_000


def test_static_tkd_beside_another_base_counts_by_its_rupiah(
    packs: Packs, assessed: Assessed, folded: Folded, absent: Finding
) -> None:
    total_tpp, static = packs["POL-A"], packs["POL-C"]
    days = [assessed(2, total_tpp, absent), assessed(16, static, absent)]
    total = folded(days, total_tpp, static, tpp=4_000_000, static=1_000_000)
    assert total.amount == 120_000 + 50_000
    assert total.percent == 3 + Fraction(5, 4)


@pytest.mark.parametrize(("tpp", "amount"), [(99, 0), (100, 1), (299, 1), (300, 2), (0, 0)])
def test_money_is_rounded_once_half_up(assessed: Assessed, folded: Folded, tpp: int, amount: int) -> None:
    policy = Policy.from_content({"late_any": "0.50"})
    days = [assessed(2, policy, Finding(kind=FindingKind.LATE, code="TL", minutes=1))]
    assert folded(days, policy, tpp=tpp).amount == amount


def test_without_a_ceiling_there_are_percents_and_no_amount(packs: Packs, assessed: Assessed, folded: Folded, absent: Finding) -> None:
    policy = packs["POL-A"]
    total = folded([assessed(2, policy, absent)], policy)
    assert sums(total) == ("3.00", "3.00", None)


def test_made_up_lateness_is_free_as_often_as_the_policy_says(assessed: Assessed, folded: Folded) -> None:
    policy = Policy.from_content({
        "tl": [{"code": "TL1", "min": 1, "max": None, "pct": "0.50"}], "compensation": {"max_minutes": 30, "per_month": 2},
    })
    made_up = Finding(kind=FindingKind.LATE, code="TL1", minutes=10, compensable=True)
    days = [assessed(day, policy, made_up) for day in (5, 4, 3, 2)]
    assert texts(folded(days, policy)) == ["0.00", "0.00", "0.50", "0.50"]


def test_a_lateness_that_is_free_anyway_uses_none_of_the_months_made_up_ones(
    packs: Packs, assessed: Assessed, folded: Folded, late: Late
) -> None:
    policy = Policy.from_content({**packs["POL-G"].content(), "compensation": {"max_minutes": 60, "per_month": 2}})
    minutes = {2: 10, 3: 30, 4: 45, 5: 20, 6: 45, 9: 45}  # the first band, to 30 minutes, is free
    found = {day: late(number, policy).model_copy(update={"compensable": True}) for day, number in minutes.items()}
    assert texts(folded([assessed(day, policy, one) for day, one in found.items()], policy)) == [*["0.00"] * 5, "0.50"]


def test_a_lateness_without_a_price_uses_a_made_up_one_where_its_minutes_make_days(assessed: Assessed, folded: Folded) -> None:
    policy = Policy.from_content({
        "tk_steps": [{"days": 1, "pct": "4.50"}], "minutes_per_day": {"five_day": 60, "six_day": 40},
        "tl": [{"code": "TL0", "min": 1, "max": None, "pct": "0"}], "compensation": {"max_minutes": 60, "per_month": 1},
    })
    made_up = Finding(kind=FindingKind.LATE, code="TL0", minutes=60, compensable=True)
    assert texts(folded([assessed(day, policy, made_up) for day in (2, 3)], policy)) == ["0.00", "4.50"]


def test_a_made_up_lateness_costs_where_the_policy_knows_no_compensation(assessed: Assessed, folded: Folded) -> None:
    policy = Policy.from_content({"tl": [{"code": "TL1", "min": 1, "max": None, "pct": "0.50"}]})
    made_up = Finding(kind=FindingKind.LATE, code="TL1", minutes=10, compensable=True)
    assert texts(folded([assessed(2, policy, made_up)], policy)) == ["0.50"]


def test_an_empty_month_is_zero(packs: Packs, folded: Folded) -> None:
    total = folded([], packs["POL-A"], tpp=1_000_000)
    assert sums(total) == ("0.00", "0.00", 0)
    assert total.days_assessed == 0


def test_days_that_are_final_are_counted(packs: Packs, assessed: Assessed, folded: Folded) -> None:
    policy = packs["POL-A"]
    total = folded([assessed(2, policy), assessed(3, policy, state="PROVISIONAL", status=DayStatus.PENDING)], policy)
    assert (total.days_assessed, total.days_final) == (2, 1)


def test_made_up_minutes_make_no_day_of_absence_even_where_no_band_names_them(assessed: Assessed, folded: Folded) -> None:
    policy = Policy.from_content({
        "tk_steps": [{"days": 1, "pct": "4.50"}], "minutes_per_day": {"five_day": 60, "six_day": 40},
        "compensation": {"max_minutes": 30, "per_month": 2},
    })
    late = {"late": 30, "made_up": True}

    assert folded([assessed(day, policy, **late) for day in (2, 3, 4)], policy).raw_percent == 0
    assert folded([assessed(day, policy, **late) for day in (2, 3, 4, 5)], policy).raw_percent == Fraction("4.50")
    assert folded([assessed(day, policy, late=30) for day in (2, 3)], policy).raw_percent == Fraction("4.50")


def test_each_days_minutes_become_absence_by_the_length_of_its_own_week(assessed: Assessed, folded: Folded) -> None:
    policy = Policy.from_content({
        "tk_steps": [{"days": 1, "pct": "4.50"}], "minutes_per_day": {"five_day": 450, "six_day": 390},
    })

    def month(*weeks: int) -> Fraction:
        return folded([assessed(2 + n, policy, late=210, work_week_days=week) for n, week in enumerate(weeks)], policy).raw_percent

    # 420 minutes are less than a day of 450 and more than one of 390; a week of each: 210/450 + 210/390 = 1.005 days
    assert (month(5, 5), month(6, 6), month(5, 6), month(6, 5)) == (0, *[Fraction("4.50")] * 3)
