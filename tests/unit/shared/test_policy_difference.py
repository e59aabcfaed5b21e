"""What changes for people between two packs: every difference in judgement is told, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy import Policy, load_policies
from shared.policy.difference import difference

PACKS = load_policies(Path(__file__).parents[3] / "services/schedule/policies/golden-policies.yaml")


def told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [change.sentence() for change in difference(Policy.from_content(before), Policy.from_content(after))]


def band(code: str, first: int, last: int | None, percent: str) -> dict[str, Any]:
    return {"code": code, "min": first, "max": last, "pct": percent}


@pytest.mark.parametrize("name", sorted(PACKS))
def test_nothing_changes_between_a_pack_and_itself(name: str) -> None:
    assert difference(PACKS[name], PACKS[name]) == ()


def test_bands_are_compared_minute_by_minute_however_they_are_cut() -> None:
    one = {"tl": [band("TL", 1, None, "1")]}
    two = {"tl": [band("TL", 1, 30, "1"), band("TL", 31, None, "1")]}
    moved = {"tl": [band("TL", 1, 20, "1"), band("TL", 21, None, "2")]}

    assert told(one, two) == []
    assert told(one, moved) == ["21 minutes and more late: TL 1.00 % → TL 2.00 % (more)"]
    assert told(moved, two) == ["21 minutes and more late: TL 2.00 % → TL 1.00 % (less)"]
    assert told({}, {"early_any": "3"}) == ["1 minutes and more early: nothing → PSW 3.00 % (more)"]


def test_a_flexible_start_frees_the_minutes_before_it_ends() -> None:
    bands = {"tl": [band("TL", 1, None, "1")]}

    assert told(bands, {**bands, "flex_minutes": 30})[0] == "1 to 30 minutes late: TL 1.00 % → nothing (less)"


def test_a_table_by_group_is_compared_with_the_single_percent() -> None:
    changes = told({"tk_day": "3"}, {"tk_day": "3", "tk_day_by_group": {"pelaksana": "1.5", "structural": "3"}})

    assert changes == ["a day of absence (TK), group pelaksana: 3.00 % → 1.50 % (less)"]


def test_a_leave_table_is_told_row_by_row() -> None:
    rows = [{"from_day": 4, "pct": "2", "letter": True}, {"to_day": 25, "pct": "0", "inpatient": True}]

    assert told({}, {"leave": {"sick": rows}}) == [
        "sick leave: no table → 2.00 % (from_day 4, letter true); then 0.00 % (to_day 25, inpatient true)"
    ]
    assert told({"leave": {"sick": rows}}, {"leave": {"sick": rows}}) == []
    assert len(told({"leave": {"sick": rows}}, {"leave": {"sick": rows[::-1]}})) == 1


def test_absences_priced_by_their_number_are_told_by_what_so_many_come_to() -> None:
    steps = {"tk_steps": [{"days": 1, "pct": "4.5"}, {"days": 4, "pct": "9"}]}

    assert told({"tk_day": "3"}, steps) == [
        "1 day of absence (TK) in a month: 3.00 % → 4.50 % (more)", "4 days of absence (TK) in a month: 12.00 % → 9.00 % (less)"]
    assert told(steps, steps) == []


def test_a_window_and_any_other_key_is_told_with_both_values() -> None:
    assert told({"in_window": {"close": "08:00"}}, {"in_window": {"close": "08:00", "after_close": "refuse"}}) == [
        "in_window (scan window for coming): {close: 08:00, after_close: grade} → {close: 08:00, after_close: refuse}"
    ]


def test_words_about_a_pack_are_told_apart_from_what_people_feel() -> None:
    [change] = difference(Policy.from_content({}), Policy.from_content({"legal_source": "Perbup Contoh 1/2026"}))

    assert (change.topic, change.key) == ("source", "legal_source")


@given(st.sampled_from(sorted(PACKS)), st.sampled_from(sorted(PACKS)), st.integers(1, 24 * 60))
def test_a_minute_that_is_graded_differently_is_in_exactly_one_change(one: str, other: str, minute: int) -> None:
    before, after = PACKS[one], PACKS[other]

    def grade(policy: Policy) -> tuple[str, object] | None:
        found = policy.tl_band(minute) if minute > policy.flex_minutes else None
        if found is None:
            return ("TL", policy.late_any) if policy.late_any is not None and minute > policy.flex_minutes else None
        return found.code, found.pct

    holding = [
        change for change in difference(before, after)
        if change.topic == "late" and change.first is not None and change.first <= minute <= (change.last or minute)
    ]
    assert len(holding) == (grade(before) != grade(after))
