"""The steps of a month: in what order, by whom, over which figures; and that nothing else is possible."""

import datetime as dt
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payroll.rules.signing import (
    Action,
    Asked,
    Figures,
    Level,
    MonthRefused,
    Step,
    has_ended,
    last_of,
    next_step,
    signatures,
    state_of,
)

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
FIGURES = Figures(2, 2, 30_000, 0, "a" * 64)
OTHERS = Figures(2, 2, 20_000, 0, "b" * 64)
TWO = [Level(1, "Kepala BKD", "bkd"), Level(2, "Bendahara", "payroll_officer")]


def asked(action: Action, actor: str = "ani", role: str = "bkd", **fields: Any) -> Asked:
    return Asked(action, uuid4(), actor, role, **{"reason": "sebab", "reference": "SP2D 1" if action == "pay" else None} | fields)


def walk(*steps: Asked, levels: list[Level] = TWO, figures: Figures = FIGURES) -> list[Step]:
    taken: list[Step] = []
    for one in steps:
        taken.append(next_step(one, taken, levels, figures, NOW, one_step=not levels))
    return taken


def test_a_month_is_reviewed_signed_by_two_people_and_paid() -> None:
    review = walk(asked("review"))
    assert (state_of([]), state_of(review), last_of(TWO, review)) == ("OPEN", "REVIEW", False)
    steps = walk(asked("review"), asked("sign", "budi"), asked("sign", "citra", "payroll_officer"), asked("pay", "dewi"))
    assert [(step.state, step.level) for step in steps] == [("REVIEW", None), ("REVIEW", 1), ("SIGNED", 2), ("PAID", None)]
    assert [step.number for step in steps] == [1, 2, 3, 4]
    assert last_of(TWO, steps[:2])


def test_without_levels_one_signature_of_any_role_is_enough_and_one_person_may_close() -> None:
    assert state_of(walk(asked("review"), asked("sign", role=""), levels=[])) == "SIGNED"
    assert state_of(walk(asked("close"), levels=[])) == "SIGNED"


def test_where_levels_are_configured_nobody_closes_alone() -> None:
    with pytest.raises(MonthRefused, match="hadir month review"):
        walk(asked("close"))


def test_one_person_never_signs_twice_and_only_in_the_role_of_the_level() -> None:
    with pytest.raises(MonthRefused, match="harus orang lain"):
        walk(asked("review"), asked("sign", "budi"), asked("sign", "Budi ", "payroll_officer"))
    with pytest.raises(MonthRefused, match="oleh peran bkd, bukan payroll_officer"):
        walk(asked("review"), asked("sign", "budi", "payroll_officer"))


def test_a_signature_stands_for_the_figures_it_was_given_for() -> None:
    steps = walk(asked("review"), asked("sign", "budi"))
    with pytest.raises(MonthRefused, match=r"selisih jumlah Rp -10\.000"):
        next_step(asked("sign", "citra", "payroll_officer"), steps, TWO, OTHERS, NOW)


def test_a_returned_month_is_open_and_its_signatures_are_void() -> None:
    steps = walk(asked("review"), asked("sign", "budi"), asked("return"))
    assert (state_of(steps), signatures(steps)) == ("OPEN", [])
    again = next_step(asked("review"), steps, TWO, OTHERS, NOW)
    signed = next_step(asked("sign", "budi"), [*steps, again], TWO, OTHERS, NOW)
    assert (signed.level, signed.figures) == (1, OTHERS.digest)


@pytest.mark.parametrize(("action", "field"), [("return", {"reason": " "}), ("pay", {"reference": None})])
def test_a_return_needs_a_reason_and_a_payment_its_number(action: Action, field: dict[str, Any]) -> None:
    steps = [asked("review")] if action == "return" else [asked("close")]
    with pytest.raises(MonthRefused, match="wajib diisi"):
        walk(*steps, asked(action, **field), levels=[])


ASKS = st.tuples(st.sampled_from(get_args(Action)), st.sampled_from("abc"), st.sampled_from(["bkd", "payroll_officer"]))


@given(st.lists(ASKS, max_size=14))
def test_whatever_is_asked_a_signed_month_has_two_signers_over_one_set_of_figures_and_never_opens_again(
    asks: list[tuple[Action, str, str]],
) -> None:
    steps: list[Step] = []
    fact = False
    for action, actor, role in asks:
        try:
            steps.append(next_step(asked(action, actor, role), steps, TWO, FIGURES, NOW, one_step=False))
        except MonthRefused:
            continue
        state = steps[-1].state
        assert not fact or state == "PAID"
        if state == "SIGNED":
            fact = True
            assert len({step.asked.actor for step in signatures(steps)}) == 2
            assert [step.asked.role for step in signatures(steps)] == ["bkd", "payroll_officer"]
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))


def test_a_month_has_ended_when_it_is_over_in_the_westernmost_zone() -> None:
    assert not has_ended("2026-02", dt.datetime(2026, 2, 28, 16, 59, tzinfo=dt.UTC))
    assert has_ended("2026-02", dt.datetime(2026, 2, 28, 17, tzinfo=dt.UTC))
    assert not has_ended("2026-12", dt.datetime(2026, 12, 31, 16, tzinfo=dt.UTC))
    assert has_ended("2026-12", dt.datetime(2026, 12, 31, 17, tzinfo=dt.UTC))
