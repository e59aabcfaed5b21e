"""What holds of every assessed day, whatever its marks, facts, policy and hour."""

import datetime as dt
from itertools import product
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from services.schedule.rules import (
    ApelMissed,
    Assessment,
    DayInputs,
    Fact,
    FraudDecided,
    Leave,
    LeftDuringHours,
    Manual,
    MarkSeen,
    Outage,
    OutageDecided,
    Permission,
    Person,
    Reviewed,
    WorkReported,
    assess,
    day_event,
    diff_violations,
    duty_on,
    parse_week,
    violations_of,
)
from shared.events import DayState, DayStatus, EmployeeKind, FindingKind, Mark, Mode, RosterDay, Verdict
from shared.policy import Policy, load_policies

PACKS = load_policies(Path(__file__).parents[3] / "services/schedule/policies/golden-policies.yaml")
EXTRA = Policy.from_content({
    **PACKS["POL-A"].content(), "marks": ["in", "break", "out"], "work_report_required": ["WFA", "WFO"],
    "in_window": {"open": "06:00", "close": "10:00", "after_close": "refuse"},
    "out_window": {"open": "15:00", "close": "19:00"}, "out_pick": "first",
})
POLICIES = [*PACKS.values(), EXTRA]
WEEK = parse_week(dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:30", "16:00")))
MONDAY = dt.date(2026, 2, 2)
MIDNIGHT = dt.datetime(2026, 2, 2, tzinfo=dt.timezone(dt.timedelta(hours=7)))
PERSON = Person(UUID(int=1), EmployeeKind.PNS, "pelaksana", UUID(int=2))
NO_LATER_MARK_NEEDED = {FindingKind.ABSENT, FindingKind.NO_OUT, FindingKind.EARLY, FindingKind.MISSED_BREAK}

instants = st.integers(-60, 34 * 60).map(lambda minutes: MIDNIGHT + dt.timedelta(minutes=minutes, seconds=minutes % 61))
check_in_ids = st.integers(10, 14).map(lambda number: UUID(int=number))
fact_ids = st.integers(100, 103).map(lambda number: UUID(int=number))
marks = st.builds(
    MarkSeen, check_in_ids, st.just(1), st.sampled_from(Mark), instants, st.sampled_from(Verdict),
    st.sampled_from(Verdict), st.booleans(), st.booleans(), st.booleans(), st.booleans(),
)
decided_outages = st.builds(OutageDecided, fact_ids, st.sampled_from(["confirmed", "rejected"]), instants)
facts = st.one_of(
    st.builds(
        Leave, fact_ids, st.sampled_from(["annual", "sick", "dl"]), st.just(MONDAY), st.just(MONDAY),
        st.sampled_from(["requested", "approved"]), st.sampled_from([None, True, False]),
    ),
    st.builds(Permission, fact_ids, st.just(MONDAY), st.sampled_from(["requested", "approved"])),
    st.builds(Manual, fact_ids, st.sampled_from(Mark), instants),
    st.builds(Outage, fact_ids, instants, instants),
    decided_outages,
    st.builds(FraudDecided, check_in_ids, st.sampled_from(["confirmed", "cleared"]), instants),
    st.builds(Reviewed, check_in_ids, st.sampled_from(["accepted", "rejected"]), instants),
    st.builds(ApelMissed, fact_ids, st.just(MONDAY)),
    st.builds(LeftDuringHours, fact_ids, st.just(MONDAY)),
    st.builds(WorkReported, fact_ids, st.just(MONDAY)),
)
many_marks = st.lists(marks, max_size=5, unique_by=lambda mark: mark.check_in_id).map(tuple)
many_facts = st.lists(facts, max_size=4).map(tuple)
policies = st.sampled_from(POLICIES)
rosters = st.sampled_from([
    None, RosterDay(date=MONDAY, mode=Mode.WFA), RosterDay(date=MONDAY, mode=Mode.OFF),
    RosterDay(date=MONDAY, mode=Mode.WFO, start="21:00", end="07:00"),
])


def inputs_of(some_marks: tuple[MarkSeen, ...], some_facts: tuple[Fact, ...], roster: RosterDay | None) -> DayInputs:
    duty = duty_on(MONDAY, WEEK, (), roster, "Asia/Jakarta")
    return DayInputs(PERSON, duty, marks=some_marks, facts=some_facts, duty_days_in_month=20)


def kinds(day: Assessment) -> set[FindingKind]:
    return {found.kind for found in day.findings}


@given(many_marks, many_facts, rosters, policies, instants, st.randoms(use_true_random=False))
def test_order_and_doubling_of_marks_and_facts_do_not_matter(
    some_marks: tuple[MarkSeen, ...], some_facts: tuple[Fact, ...], roster: RosterDay | None, policy: Policy,
    now: dt.datetime, random: Random,
) -> None:
    shuffled_marks, shuffled_facts = [*some_marks, *some_marks[:2]], [*some_facts, *some_facts[:2]]
    random.shuffle(shuffled_marks)
    random.shuffle(shuffled_facts)

    one = assess(inputs_of(some_marks, some_facts, roster), policy, now)
    other = assess(inputs_of(tuple(shuffled_marks), tuple(shuffled_facts), roster), policy, now)

    assert one == other


@given(many_marks, many_facts, rosters, policies, instants)
def test_what_is_said_of_a_day_never_contradicts_itself(
    some_marks: tuple[MarkSeen, ...], some_facts: tuple[Fact, ...], roster: RosterDay | None, policy: Policy, now: dt.datetime
) -> None:
    inputs = inputs_of(some_marks, some_facts, roster)
    day = assess(inputs, policy, now)
    found = kinds(day)

    assert (day.status is DayStatus.ABSENT) == (FindingKind.ABSENT in found)
    if day.status is DayStatus.ABSENT:
        assert found <= {FindingKind.ABSENT, FindingKind.FRAUD, FindingKind.OUTSIDE}
        assert (day.late, day.early) == (None, None)
    if day.status is DayStatus.PENDING:
        assert not found & NO_LATER_MARK_NEEDED
        assert day.state is not DayState.FINAL
    if day.status in {DayStatus.HELD, DayStatus.OFF, DayStatus.DL}:
        assert day.findings == ()
    if day.status is DayStatus.HELD:
        assert day.state is DayState.PROVISIONAL
        assert day.evidence
    if day.status is DayStatus.LEAVE:
        assert day.codes == ()
    assert not (FindingKind.NO_IN in found and day.late is not None)
    assert not (FindingKind.NO_OUT in found and day.early is not None)
    assert len(day.codes) == len(set(day.codes))
    assert (day.next_due is None) or day.next_due > now
    assert day_event(day, inputs, version=1, policy_id=policy.identity).status is day.status


@given(many_marks, many_facts, rosters, policies, st.lists(instants, min_size=2, max_size=2))
def test_between_two_looks_nothing_changes_unless_the_due_time_has_passed(
    some_marks: tuple[MarkSeen, ...], some_facts: tuple[Fact, ...], roster: RosterDay | None, policy: Policy,
    looks: list[dt.datetime],
) -> None:
    first, second = sorted(looks)
    inputs = inputs_of(some_marks, some_facts, roster)
    earlier, later = assess(inputs, policy, first), assess(inputs, policy, second)

    if earlier.next_due is None or second < earlier.next_due:
        assert (later.status, later.findings, later.late, later.early) == (
            earlier.status, earlier.findings, earlier.late, earlier.early
        )


@given(many_marks, rosters, policies)
@example((), None, PACKS["POL-A"])
def test_approved_leave_leaves_no_violation_of_the_day(
    some_marks: tuple[MarkSeen, ...], roster: RosterDay | None, policy: Policy
) -> None:
    leave = Leave(UUID(int=5), "annual", MONDAY, MONDAY)
    day = assess(inputs_of(some_marks, (leave,), roster), policy, MIDNIGHT + dt.timedelta(days=2))

    assert day.codes == ()


@given(many_marks, many_facts, policies, instants)
def test_what_is_raised_and_retracted_adds_up_to_what_stands(
    some_marks: tuple[MarkSeen, ...], some_facts: tuple[Fact, ...], policy: Policy, now: dt.datetime
) -> None:
    before = assess(inputs_of(some_marks, (), None), policy, now)
    after = assess(inputs_of(some_marks, some_facts, None), policy, MIDNIGHT + dt.timedelta(days=2))
    old = violations_of(PERSON.id, MONDAY, before.findings)
    new = violations_of(PERSON.id, MONDAY, after.findings)

    raised, retracted = diff_violations(old, new)

    assert set(old) - set(retracted) | set(raised) == set(new)
    assert not set(raised) & set(retracted)
    assert diff_violations(new, new) == ((), ())


@given(many_marks, policies)
def test_a_confirmed_outage_never_adds_to_what_a_day_costs(some_marks: tuple[MarkSeen, ...], policy: Policy) -> None:
    outage = Outage(UUID(int=7), MIDNIGHT - dt.timedelta(days=1), MIDNIGHT + dt.timedelta(days=2))
    confirmed = OutageDecided(UUID(int=7), "confirmed", MIDNIGHT)
    day = assess(inputs_of(some_marks, (outage, confirmed), None), policy, MIDNIGHT + dt.timedelta(days=2))

    assert not kinds(day) & {FindingKind.ABSENT, FindingKind.NO_IN, FindingKind.NO_OUT, FindingKind.EARLY, FindingKind.LATE}


FLEXIBLE = [
    Policy.from_content({
        **PACKS["POL-A"].content(), "out_pick": pick, "flex_minutes": 60, "flex_early_minutes": 30, "compensation": {"max_minutes": 90},
    })
    for pick in ("first", "last")
]
near_the_start = st.integers(-70, 130).map(lambda minutes: MIDNIGHT + dt.timedelta(hours=7, minutes=30 + minutes))
near_the_end = st.integers(-130, 130).map(lambda minutes: MIDNIGHT + dt.timedelta(hours=16, minutes=minutes))
ways = st.tuples(st.just(Mark.IN), near_the_start) | st.tuples(st.just(Mark.OUT), near_the_end)
doubtful_or_not = st.lists(st.tuples(ways, st.sampled_from([Verdict.INSIDE, Verdict.UNSURE, Verdict.UNSURE])), max_size=5)
outages = st.lists(st.tuples(near_the_start | near_the_end, st.integers(5, 90)), max_size=2)


def says(day: Assessment) -> tuple[Any, ...]:
    return day.status, day.late or 0, day.early or 0, day.made_up, [(found.kind, found.code) for found in day.findings]


@given(doubtful_or_not, outages, st.sampled_from(FLEXIBLE))
def test_doubtful_marks_hold_a_day_exactly_when_accepting_some_of_them_would_change_it(
    drawn: list[tuple[tuple[Mark, dt.datetime], Verdict]], down: list[tuple[dt.datetime, int]], policy: Policy
) -> None:
    some_marks = tuple(MarkSeen(UUID(int=n), 1, *way, site) for n, (way, site) in enumerate(drawn))
    later = MIDNIGHT + dt.timedelta(days=2)
    known: list[Fact] = []
    for n, (since, minutes) in enumerate(down):
        name = UUID(int=100 + n)
        known += Outage(name, since, since + dt.timedelta(minutes=minutes)), OutageDecided(name, "confirmed", later)
    unsure = [mark.check_in_id for mark in some_marks if mark.site is Verdict.UNSURE]

    decided = [
        says(assess(inputs_of(some_marks, (*known, *words), None), policy, later))
        for words in product(*([Reviewed(name, "rejected", later), Reviewed(name, "accepted", later)] for name in unsure))
    ]

    held = assess(inputs_of(some_marks, tuple(known), None), policy, later).status is DayStatus.HELD
    assert held == any(one != decided[0] for one in decided)
