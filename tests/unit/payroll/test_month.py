"""An employee-month through time: any order of versions ends the same, the ledger balances, a close freezes."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.payroll.rules import (
    Ceiling,
    Change,
    EmployeeMonth,
    Line,
    LineKey,
    Outcome,
    PricedDay,
    Reported,
    Supplement,
    balance_of,
    close,
    diff_ledger,
    fold,
    ledger_lines,
    month_before,
    next_month,
    opened_closed,
    priced_day,
    restate,
)
from shared.events import DayAssessed, DayState, DayStatus, Finding, FindingKind
from shared.policy import Policy

Assessed: TypeAlias = Callable[..., DayAssessed]
ME = UUID(int=1)
POLICIES = [
    Policy.from_content({"tk_day": "3.00", "cap": "25"}),
    Policy.from_content({"tk_day": "2.50", "consecutive_full": {"days": 3, "pct": "100"}}),
    Policy.from_content({
        "tk_steps": [{"days": 1, "pct": "4.50"}, {"days": 2, "pct": "9.00"}, {"days": 3, "pct": "100"}],
        "minutes_per_day": {"five_day": 60, "six_day": 50},
    }),
    Policy.from_content({
        "base": "discipline_component", "weight": "0.40", "tk_day": "7.77", "compensation": {"max_minutes": 30, "per_month": 1},
    }),
    Policy.from_content({"base": "static_tkd", "tk_day": "5.00"}),
    Policy.from_content({"base": "daily_net_tpp", "tk_day": "100"}),
]
STATUSES = [DayStatus.PRESENT, DayStatus.ABSENT, DayStatus.ABSENT, DayStatus.LEAVE, DayStatus.OFF, DayStatus.PENDING]
BY_ID = {policy.identity: policy for policy in POLICIES}


@st.composite
def priced(draw: st.DrawFn, date: dt.date, version: int, policy: Policy) -> PricedDay:
    status = draw(st.sampled_from(STATUSES))
    lines: tuple[Line, ...] = ()
    if status is DayStatus.ABSENT and not policy.tk_steps:
        lines = (Line(FindingKind.ABSENT, "TK", policy.tk_day),)
    elif status is DayStatus.PRESENT:
        percent = draw(st.sampled_from([Fraction(1, 2), Fraction(5, 4), Fraction(1, 3)]))
        lines = draw(st.sampled_from([(), (Line(FindingKind.LATE, "TL1", percent, 20, compensable=draw(st.booleans())),)]))
    return PricedDay(
        date, version, status, draw(st.booleans()), status is not DayStatus.OFF, policy.identity, lines,
        draw(st.integers(0, 90)) if status is DayStatus.PRESENT else 0, 21, draw(st.sampled_from([5, 6])),
    )


@dataclass(frozen=True)
class History:
    versions: list[PricedDay]
    arrivals: list[PricedDay]
    ceiling: Ceiling | None
    streak: int

    def final(self) -> list[PricedDay]:
        newest = {day.date: day for day in sorted(self.versions, key=lambda day: day.version)}
        return list(newest.values())


@st.composite
def histories(draw: st.DrawFn) -> History:
    packs = draw(st.lists(st.sampled_from(POLICIES), min_size=1, max_size=3))
    dates = draw(st.lists(st.integers(1, 28), unique=True, max_size=10))
    versions = []
    for number in dates:
        date, policy = dt.date(2026, 2, number), packs[number * len(packs) // 29]
        versions += [draw(priced(date, version, policy)) for version in range(1, draw(st.integers(1, 3)) + 1)]
    repeats = draw(st.lists(st.sampled_from(versions), max_size=5)) if versions else []
    ceiling = draw(st.none() | st.builds(Ceiling, st.integers(0, 12_345_678), st.none() | st.integers(0, 2_345_678)))
    return History(versions, draw(st.permutations(versions + repeats)), ceiling, draw(st.integers(0, 4)))


def played(history: History) -> tuple[EmployeeMonth, list[Outcome]]:
    month = EmployeeMonth(ME, "2026-02", ceiling=history.ceiling, streak_before=history.streak)
    outcomes = []
    for day in history.arrivals:
        outcomes.append(restate(month.with_days([day]), BY_ID))
        month = outcomes[-1].month
    return month, outcomes


@given(histories())
@settings(max_examples=50, deadline=None)
def test_any_order_of_versions_with_repeats_ends_in_the_same_month(history: History) -> None:
    month, _ = played(history)
    if not history.arrivals:
        return
    total = fold(history.final(), BY_ID, history.ceiling, history.streak)
    reported = month.reported
    assert (reported.raw_percent, reported.percent, reported.amount) == (total.raw_percent, total.percent, total.amount)
    assert {key: posting.line for key, posting in month.in_force.items()} == ledger_lines(total)
    assert month.streak_after == total.streak_after


@given(histories())
@settings(max_examples=50, deadline=None)
def test_the_entries_made_on_the_way_sum_to_the_amount_and_are_numbered_without_a_hole(history: History) -> None:
    month, outcomes = played(history)
    entries = [entry for outcome in outcomes for entry in outcome.entries]
    assert sum(entry.change.amount for entry in entries) == (month.reported.amount or 0)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1)) == list(range(1, month.entries + 1))
    by_number = {entry.number: entry for entry in entries}
    for entry in entries:
        if entry.reverses is not None:
            reversed_one = by_number[entry.reverses]
            assert reversed_one.change.action == "posted"
            assert (entry.change.amount, entry.change.percent) == (-reversed_one.change.amount, -reversed_one.change.percent)
    told = [outcome.month.version for outcome in outcomes if outcome.told]
    assert told == list(range(1, len(told) + 1)), "versions of what is told have no hole"


@given(histories())
@settings(max_examples=25, deadline=None)
def test_restating_the_same_facts_changes_nothing(history: History) -> None:
    month, outcomes = played(history)
    if outcomes:
        again = restate(month, BY_ID)
        assert (again.entries, again.told, again.month) == ((), False, month)


@given(histories(), st.integers(1, 9), st.booleans())
@settings(max_examples=50, deadline=None)
def test_versions_that_say_what_is_known_need_no_restating_whether_the_month_is_open_or_closed(
    history: History, later: int, closed: bool
) -> None:
    month, outcomes = played(history)
    if not outcomes:
        return
    month = close(month, BY_ID).month if closed else month
    repeats = [replace(day, version=day.version + later) for day in month.days.values()]
    assert month.repeated_by(repeats)
    raised = month.with_days(repeats)
    again = restate(raised, BY_ID)
    assert (again.entries, again.told, again.owed, again.month) == ((), False, Supplement(), raised)
    assert not month.repeated_by([*repeats[1:], replace(repeats[0], minutes=repeats[0].minutes + 1)])
    assert not month.repeated_by([replace(repeats[0], date=dt.date(2026, 2, 28) + dt.timedelta(days=1))])


@given(histories(), histories())
@settings(max_examples=25, deadline=None)
def test_a_difference_and_its_inverse_cancel(one: History, other: History) -> None:
    ceiling = Ceiling(4_321_987)
    old = ledger_lines(fold(one.final(), BY_ID, ceiling))
    new = ledger_lines(fold(other.final(), BY_ID, ceiling))
    there: tuple[Change, ...] = diff_ledger(old, new)
    back = diff_ledger(new, old)
    assert sum(change.amount for change in (*there, *back)) == 0
    assert sum(change.amount for change in there) == balance_of(new) - balance_of(old)


@given(histories(), st.integers(0, 100), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_a_lower_cap_never_costs_more_and_the_raw_percent_does_not_know_it(history: History, one: int, other: int) -> None:
    def capped(cap: int) -> Mapping[UUID, Policy]:
        return {policy_id: policy.model_copy(update={"cap": Fraction(cap)}) for policy_id, policy in BY_ID.items()}

    low = fold(history.final(), capped(min(one, other)), Ceiling(5_000_000))
    high = fold(history.final(), capped(max(one, other)), Ceiling(5_000_000))
    assert low.raw_percent == high.raw_percent
    assert low.percent <= high.percent
    assert (low.amount or 0) <= (high.amount or 0)


def month_with(assessed: Assessed, policy: Policy, *days: int, ceiling: Ceiling | None = None) -> EmployeeMonth:
    absent = Finding(kind=FindingKind.ABSENT, code="TK")
    month = EmployeeMonth(ME, "2026-02", ceiling=ceiling).with_days(priced_day(assessed(day, policy, absent), policy) for day in days)
    return restate(month, {policy.identity: policy}).month


def test_a06_an_excuse_takes_the_deduction_back(packs: dict[str, Policy], assessed: Assessed) -> None:
    policy = packs["POL-A"]
    month = month_with(assessed, policy, 4, ceiling=Ceiling(5_250_000))
    assert (month.reported.percent, month.reported.amount) == (Fraction(3), 157_500)
    leave = priced_day(assessed(4, policy, status=DayStatus.LEAVE, version=2), policy)
    outcome = restate(month.with_days([leave]), {policy.identity: policy})
    assert [(entry.change.action, entry.change.amount) for entry in outcome.entries] == [("reversed", -157_500)]
    assert (outcome.month.reported.percent, outcome.month.reported.amount) == (Fraction(0), 0)


def test_a_ceiling_that_arrives_late_makes_the_amount_appear(packs: dict[str, Policy], assessed: Assessed) -> None:
    policy = packs["POL-A"]
    month = month_with(assessed, policy, 2)
    assert (month.reported.percent, month.reported.amount, month.entries) == (Fraction(3), None, 0)
    outcome = restate(replace(month, ceiling=Ceiling(1_000_000)), {policy.identity: policy})
    assert outcome.month.reported.amount == 30_000
    assert [entry.change.line.key for entry in outcome.entries] == [LineKey(dt.date(2026, 2, 2), "TK")]


def test_a36_a_closed_month_keeps_its_total_and_owes_the_difference(packs: dict[str, Policy], assessed: Assessed) -> None:
    policy, rules = packs["POL-A"], {packs["POL-A"].identity: packs["POL-A"]}
    closed = close(month_with(assessed, policy, 2, 3, ceiling=Ceiling(1_000_000)), rules)
    assert closed.told
    assert closed.month.reported == Reported(Fraction(6), Fraction(6), 60_000, 0, 1_000_000, 2, 2, closed=True)
    leave = priced_day(assessed(3, policy, status=DayStatus.LEAVE, version=2), policy)
    late = restate(closed.month.with_days([leave]), rules)
    assert late.month.reported == closed.month.reported
    assert (late.entries, late.told) == ((), False)
    assert late.owed == Supplement(Fraction(-3), -30_000)
    again = restate(late.month, rules)
    assert again.owed == Supplement(), "what is owed is owed once"


def test_a_closed_month_owes_nothing_for_what_is_only_asked_for(packs: dict[str, Policy], assessed: Assessed) -> None:
    policy, rules = packs["POL-A"], {packs["POL-A"].identity: packs["POL-A"]}
    closed = close(month_with(assessed, policy, 2, 3, ceiling=Ceiling(1_000_000)), rules).month
    asked = priced_day(assessed(3, policy, status=DayStatus.HELD, state=DayState.PROVISIONAL, version=2), policy)
    assert not asked.final
    waiting = restate(closed.with_days([asked]), rules)
    assert (waiting.owed, waiting.month) == (Supplement(), closed)
    refused = priced_day(assessed(3, policy, Finding(kind=FindingKind.ABSENT, code="TK"), version=3), policy)
    assert restate(waiting.month.with_days([refused]), rules).owed == Supplement()
    granted = priced_day(assessed(3, policy, status=DayStatus.LEAVE, version=3), policy)
    assert restate(waiting.month.with_days([granted]), rules).owed == Supplement(Fraction(-3), -30_000)


def test_a_supplement_is_posted_in_the_open_month_and_names_its_origin(packs: dict[str, Policy], assessed: Assessed) -> None:
    rules = {packs["POL-A"].identity: packs["POL-A"]}
    march = EmployeeMonth(ME, "2026-03", ceiling=Ceiling(1_000_000)).with_supplement("2026-02", Supplement(Fraction(-3), -30_000))
    outcome = restate(march, rules)
    posted = [(entry.change.line.key, entry.change.amount) for entry in outcome.entries]
    assert posted == [(LineKey(None, "SUPPLEMENT", "2026-02"), -30_000)]
    assert (outcome.month.reported.amount, outcome.month.reported.supplementary) == (0, -30_000)
    assert outcome.month.reported.ledger_amount == -30_000
    undone = restate(outcome.month.with_supplement("2026-02", Supplement(Fraction(3), 30_000)), rules)
    assert undone.month.reported.supplementary == 0
    assert undone.month.in_force == {}


def test_no_month_takes_more_than_its_tpp_and_the_rest_is_carried_on_when_it_closes(packs: dict[str, Policy], assessed: Assessed) -> None:
    policy, rules = packs["POL-A"], {packs["POL-A"].identity: packs["POL-A"]}
    march = month_with(assessed, policy, 2, ceiling=Ceiling(1_000_000)).with_supplement("2026-01", Supplement(Fraction(0), 1_300_000))
    open_still = restate(march, rules)
    assert (open_still.month.reported.amount, open_still.month.reported.supplementary) == (30_000, 970_000)
    assert open_still.month.in_force[LineKey(None, "SUPPLEMENT", "2026-02")].line.amount == -330_000
    assert open_still.owed == Supplement(), "nothing is owed on while the month may still change"

    closed = close(open_still.month, rules)
    assert balance_of({key: one.line for key, one in closed.month.in_force.items()}) == 1_000_000
    assert closed.owed == Supplement(Fraction(0), 330_000)
    assert restate(closed.month, rules).owed == close(closed.month, rules).owed == Supplement(), "it is carried once"
    present = priced_day(assessed(2, policy, version=2), policy)
    assert restate(closed.month.with_days([present]), rules).owed == Supplement(Fraction(-3), -30_000)


def test_a_month_without_a_ceiling_takes_no_supplement_and_carries_it_on(packs: dict[str, Policy]) -> None:
    rules = {packs["POL-A"].identity: packs["POL-A"]}
    owing = EmployeeMonth(ME, "2026-03").with_supplement("2026-02", Supplement(Fraction(10), 500_000))
    march = restate(owing, rules)
    assert (march.month.reported.amount, march.month.reported.supplementary) == (None, 0)

    closed = close(march.month, rules)
    assert (closed.month.reported.supplementary, closed.owed) == (0, Supplement(Fraction(0), 500_000))
    assert balance_of({key: one.line for key, one in closed.month.in_force.items()}) == 0
    later = restate(replace(closed.month, ceiling=Ceiling(300_000)), rules)
    assert (later.owed, later.month.reported.ledger_amount) == (Supplement(), 0), "the 300,000 are paid, and not 200,000 less than none"

    told_in_time = restate(replace(march.month, ceiling=Ceiling(300_000)), rules).month
    assert (told_in_time.reported.supplementary, close(told_in_time, rules).owed.amount) == (300_000, 200_000)


def test_what_is_given_back_needs_no_ceiling(packs: dict[str, Policy]) -> None:
    march = EmployeeMonth(ME, "2026-03").with_supplement("2026-02", Supplement(Fraction(-3), -30_000))
    closed = close(march, {packs["POL-A"].identity: packs["POL-A"]})
    assert (closed.month.reported.supplementary, closed.owed) == (-30_000, Supplement())


def test_beside_a_wage_that_nobody_told_supplements_take_the_tpp_at_most(assessed: Assessed) -> None:
    pack = Policy.from_content({"apel": {"pct": "5.00", "base": "wage"}})
    missed = priced_day(assessed(2, pack, Finding(kind=FindingKind.APEL, code="APEL")), pack)
    month = EmployeeMonth(ME, "2026-02", ceiling=Ceiling(400_000)).with_days([missed])
    closed = close(month.with_supplement("2026-01", Supplement(amount=500_000)), {pack.identity: pack})
    assert (closed.month.reported.amount, closed.month.reported.supplementary, closed.owed.amount) == (None, 400_000, 100_000)


@given(
    st.lists(st.integers(-2_000_000, 2_000_000), max_size=4), st.none() | st.integers(0, 1_500_000), st.sampled_from([0, 1, 3])
)
def test_what_is_carried_on_and_what_is_taken_are_together_what_was_owed(
    packs: dict[str, Policy], assessed: Assessed, owed: list[int], ceiling: int | None, absences: int
) -> None:
    rules = {packs["POL-A"].identity: packs["POL-A"]}
    month = month_with(assessed, packs["POL-A"], *range(2, 2 + absences), ceiling=None if ceiling is None else Ceiling(ceiling))
    for number, amount in enumerate(owed, 1):
        month = month.with_supplement(f"2025-{number:02}", Supplement(amount=amount))
    closed = close(month, rules)
    told = closed.month.reported
    assert told.supplementary + closed.owed.amount == sum(owed)
    assert told.ledger_amount <= max(ceiling or 0, told.amount or 0) or not owed
    assert closed.owed.amount >= 0
    assert not closed.owed.amount or told.ledger_amount == (ceiling or 0)


def test_the_supplement_of_a_capped_month_is_the_difference_of_capped_totals(assessed: Assessed) -> None:
    policy = Policy.from_content({"tk_day": "60.00"})
    rules = {policy.identity: policy}
    closed = close(month_with(assessed, policy, 2, 3, ceiling=Ceiling(1_000_000)), rules).month
    present = priced_day(assessed(3, policy, version=2), policy)
    assert restate(closed.with_days([present]), rules).owed == Supplement(Fraction(-40), -400_000)


def test_a_month_closed_before_anything_was_known_of_it_owes_all_of_it(packs: dict[str, Policy], assessed: Assessed) -> None:
    policy, rules = packs["POL-A"], {packs["POL-A"].identity: packs["POL-A"]}
    absent = Finding(kind=FindingKind.ABSENT, code="TK")
    month = replace(opened_closed(ME, "2026-02"), ceiling=Ceiling(1_000_000))
    outcome = restate(month.with_days([priced_day(assessed(2, policy, absent), policy)]), rules)
    assert outcome.told
    assert (outcome.month.reported.amount, outcome.month.reported.closed) == (0, True)
    assert outcome.owed == Supplement(Fraction(3), 30_000)


def test_closing_twice_changes_nothing(packs: dict[str, Policy], assessed: Assessed) -> None:
    rules = {packs["POL-A"].identity: packs["POL-A"]}
    once = close(month_with(assessed, packs["POL-A"], 2, ceiling=Ceiling(1_000_000)), rules).month
    twice = close(once, rules)
    assert (twice.month, twice.told) == (once, False)


def test_months_follow_each_other_over_the_turn_of_the_year() -> None:
    assert (next_month("2026-12"), next_month("2026-02")) == ("2027-01", "2026-03")
    assert (month_before("2026-01"), month_before("2026-03")) == ("2025-12", "2026-02")
