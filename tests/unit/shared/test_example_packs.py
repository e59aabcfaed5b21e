"""The shipped packs with leave tables, hours, dates, flat rupiah and wages: each with its source, its confidence, and what is ours."""

import datetime as dt
from fractions import Fraction
from pathlib import Path

import pytest

from shared.events import EmployeeKind
from shared.policy import Policy, check_policies, load_policies
from shared.policy.leave import CAUSES, LeaveDay, cause_of
from shared.policy.price import Price

FILE = Path(__file__).parents[3] / "services/schedule/policies/example-packs.yaml"
PACKS = load_policies(FILE)
WAGE = ("wage", Fraction(1))


def leave(pack: str, kind: str, nth: int, days: int | None = None, month: int = 1, **known: object) -> Price:
    """The price of the nth duty day of a leave; its calendar days are its duty days, and it began `month` - 1 months before."""
    date = dt.date(2026, 6, 1) + dt.timedelta(days=nth - 1)
    since = dt.date(2026, 6 - (month - 1), 1)
    day = LeaveDay(date, since, since + dt.timedelta(days=(days or nth) - 1), nth, days or nth)
    told = {"letter": None, "inpatient": None, "reason": None} | known
    return PACKS[pack].leave_price(kind, day, duty_days_in_month=20, **told)  # type: ignore[arg-type]


def test_every_example_says_how_sure_it_is_and_what_in_it_is_ours() -> None:
    assert not check_policies(FILE).faults
    for name, pack in PACKS.items():
        assert pack.confidence is not None, name
        assert pack.assumed, name
        assert not any(region in name for region in ("BENGKULU", "JABAR", "JAWA-BARAT")), name


def test_every_leave_table_of_the_examples_makes_unpaid_leave_cost_the_tpp_of_its_days() -> None:
    tables = {name for name, pack in PACKS.items() if pack.leave}

    assert len(tables) == 10
    for name in tables:
        assert leave(name, "unpaid", 1) == Price(Fraction(5), ("total_tpp", Fraction(1))), name


@pytest.mark.parametrize(
    ("pack", "kind", "nth", "known", "percent"),
    [
        ("CUTI-PERMENKOP-8-2025", "sick", 3, {"letter": True, "inpatient": False}, "0"),
        ("CUTI-PERMENKOP-8-2025", "sick", 4, {"letter": True, "inpatient": False}, "2"),
        ("CUTI-PERMENKOP-8-2025", "sick", 25, {"inpatient": True}, "0"),
        ("CUTI-PERMENKOP-8-2025", "sick", 26, {"inpatient": True}, "2"),
        ("CUTI-PERMENKOP-8-2025", "sick", 26, {"reason": "miscarriage"}, "2"),
        ("CUTI-PERMENKOP-8-2025", "sick", 26, {"inpatient": True, "reason": "work_accident"}, "0"),
        ("CUTI-PERMENKOP-8-2025", "important", 10, {"reason": "wife_delivery"}, "0"),
        ("CUTI-PERMENKOP-8-2025", "important", 11, {"reason": "wife_delivery"}, "2"),
        ("CUTI-KUMHAM-IMIPAS-3-2025", "sick", 1, {"days": 2}, "0"),
        ("CUTI-KUMHAM-IMIPAS-3-2025", "sick", 1, {"days": 3}, "5/2"),
        ("CUTI-PERMENTAN-20-2025", "sick", 1, {"letter": True}, "2"),
        ("CUTI-PERMENTAN-20-2025", "sick", 1, {"letter": True, "inpatient": True}, "0"),
        ("CUTI-PERMENTAN-20-2025", "important", 4, {"reason": "family_death"}, "4"),
        ("CUTI-BKKBN-6-2023", "sick", 3, {"letter": True}, "0"),
        ("CUTI-BKKBN-6-2023", "sick", 4, {"letter": True}, "1"),
        ("CUTI-BKKBN-6-2023", "sick", 30, {"inpatient": True}, "0"),
        ("CUTI-BKKBN-6-2023", "sick", 31, {"inpatient": True}, "1"),
        ("CUTI-PDT-5-2013", "big", 1, {}, "1"),
        ("CUTI-PDT-5-2013", "big", 1, {"month": 2}, "2"),
        ("CUTI-PDT-5-2013", "big", 1, {"month": 3}, "3"),
        ("CUTI-PDT-5-2013", "maternity", 1, {}, "0"),
        ("CUTI-PDT-5-2013", "maternity", 1, {"reason": "third_child"}, "1"),
        ("CUTI-PDT-5-2013", "sick", 1, {"days": 5}, "0"),
        ("CUTI-PDT-5-2013", "sick", 1, {"days": 6}, "1"),
        ("CUTI-PDT-5-2013", "sick", 1, {"days": 31}, "3"),
        ("CUTI-PMK-93-2018", "big", 12, {}, "0"),
        ("CUTI-PMK-93-2018", "big", 13, {}, "5/2"),
        ("CUTI-PMK-93-2018", "big", 13, {"reason": "hajj"}, "0"),
        ("CUTI-PMK-93-2018", "important", 6, {}, "5"),
        ("CUTI-PERMENTAN-2012", "sick", 1, {"days": 3}, "5/4"),
        ("CUTI-ESDM-21-2014", "big", 1, {}, "3/2"),
        ("APLIKASI-28", "sick", 2, {}, "0"),
        ("APLIKASI-28", "sick", 6, {}, "5/2"),
        ("APLIKASI-28", "sick", 7, {}, "10"),
    ],
)
def test_a_day_of_leave_costs_what_the_text_says(pack: str, kind: str, nth: int, known: dict[str, object], percent: str) -> None:
    assert leave(pack, kind, nth, **known).percent == Fraction(percent)  # type: ignore[arg-type]


def test_every_cause_that_a_table_of_the_examples_prices_can_be_said_in_both_languages() -> None:
    causes = {row.reason for pack in PACKS.values() for rows in pack.leave.values() for row in rows if row.reason}

    assert causes <= set(CAUSES)
    assert {cause_of(words) for words in CAUSES.values()} == {cause_of(code.upper()) for code in CAUSES} == set(CAUSES)
    assert cause_of("sesuatu") == "sesuatu"


def test_the_leave_of_two_bases_says_which_percent_is_of_the_whole() -> None:
    assert leave("CUTI-PERMENTAN-20-2025", "big", 1) == Price(Fraction(4), ("total_tpp", Fraction(1)))
    assert leave("CUTI-PERMENTAN-20-2025", "sick", 1, letter=True).base is None


def test_the_wage_is_the_base_of_whoever_has_no_tpp() -> None:
    bontang = PACKS["BONTANG-2025"]

    assert bontang.left_price(EmployeeKind.PPPK_PW) == Price(Fraction(5), WAGE)
    assert bontang.left_price(EmployeeKind.PNS) == Price(Fraction(15))


@pytest.mark.parametrize(
    ("count", "minutes", "percent"),
    [
        ("full", 59, "0"), ("full", 60, "1"), ("full", 119, "1"), ("full", 600, "5"),
        ("started", 1, "1"), ("started", 60, "1"), ("started", 61, "2"), ("share", 90, "3/2"), ("share", 1, "1/60"),
    ],
)
def test_minutes_cost_by_the_hour_as_the_pack_counts_them(count: str, minutes: int, percent: str) -> None:
    pack = Policy.from_content({"late_rate": {"pct": "1.00", "count": count, "most": "5.00"}})

    assert pack.late_charge(minutes) == ("TL", Fraction(percent))


def test_a_price_of_a_date_holds_for_everybody_and_on_that_date_only() -> None:
    pack = Policy.from_content({
        "tk_day": "3.00", "tk_day_by_group": {"pelaksana": "1.50"}, "tl": [{"code": "TL1", "min": 1, "max": None, "pct": "0.50"}],
        "on_dates": [{"dates": ["2026-03-25"], "reason": "after Lebaran", "tk_day": "100", "late_any": "25"}],
    })
    after, before = pack.on(dt.date(2026, 3, 25)), pack.on(dt.date(2026, 3, 24))

    assert (after.tk_percent("pelaksana"), after.late_charge(5)) == (Fraction(100), ("TL", Fraction(25)))
    assert before is pack
    assert (pack.tk_percent("pelaksana"), pack.late_charge(5)) == (Fraction(3, 2), ("TL1", Fraction(1, 2)))
    assert Policy.from_content(pack.content()).identity == pack.identity


@pytest.mark.parametrize("price", [
    {"rupiah": 0}, {"rupiah": True}, {"rupiah": "500000"}, {"rupiah": 1, "pct": "1"}, {"pct": "5.00"}, {"base": "wage"},
    {"pct": "5.00", "base": "salary"}, {"pct": 5, "base": "wage"}, 500000, {},
])  # fmt: skip
def test_a_price_that_is_none_is_refused(price: object, tmp_path: Path) -> None:
    file = tmp_path / "packs.yaml"
    file.write_text(f"P: {{legal_source: Perbup Contoh, apel: {str(price).replace('True', 'true')}}}")

    [fault] = check_policies(file).faults
    assert fault.path == "P.apel"
    assert fault.code in {"not_price", "percent_not_text"}


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ("late_rate: {pct: '1'}, late_any: '3'", "P.late_rate"),
        ("cap: '4', apel: {pct: '5', base: wage}", "P.apel"),
        ("cap: '4', on_dates: [{dates: [2026-03-25], reason: x, tk_day: '5'}]", "P.on_dates[0].tk_day"),
        ("on_dates: [{dates: [2026-03-25], reason: x}, {dates: [2026-03-25], reason: y}]", "P.on_dates[1].dates"),
        ("on_dates: [{dates: [2026-3-25], reason: x}]", "P.on_dates[0].dates[0]"),
        ("on_dates: [{dates: [2026-03-25], reason: x, tk_dya: '5'}]", "P.on_dates[0].tk_dya"),
    ],
)
def test_what_is_wrong_with_the_new_keys_is_told_where_it_stands(keys: str, path: str, tmp_path: Path) -> None:
    file = tmp_path / "packs.yaml"
    file.write_text(f"P: {{legal_source: Perbup Contoh, {keys}}}")

    assert path in [fault.path for fault in check_policies(file).faults]
