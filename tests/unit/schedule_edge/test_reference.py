"""Reference values and how they change: memberships and weeks by date, rule packs by scope, and from when days may differ."""

import datetime as dt
from dataclasses import replace
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.schedule.in_force import PoliciesInForce, WeekScope, WeeksInForce
from services.schedule.memory import Reference
from services.schedule.reference import UNITS_WEEK, EmployeeState, Membership, OrgUnitState, Rank, changed_since
from services.schedule.rules import parse_week
from shared.events import EmployeeKind, WeekInForce
from tests.oracle.days import policy_on

STAFF, HEAD = Rank(EmployeeKind.PNS, "pelaksana"), Rank(EmployeeKind.PNS, "structural", 11)
FIRST_CONTRACT = Rank(EmployeeKind.PPPK, "pelaksana", 7)
A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)
UNITS = st.sampled_from([UUID(int=number) for number in range(1, 6)])
DATES = st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 1))


def person(*memberships: Membership) -> EmployeeState:
    return EmployeeState(uuid4(), "1" * 18, "Siti", EmployeeKind.PNS, "pelaksana", "Asia/Jakarta", memberships)


@given(st.dictionaries(DATES, st.sampled_from([A, B, C]), min_size=1, max_size=6), DATES)
def test_the_unit_of_a_date_is_that_of_the_last_move_before_it(moves: dict[dt.date, UUID], date: dt.date) -> None:
    (first, unit), *later = sorted(moves.items())
    state = person(Membership(first, unit))
    for since, unit in later:
        state = state.joined(since, unit)

    before = [since for since in moves if since <= date]
    assert state.unit_on(date) == (moves[max(before)] if before else None)
    assert all(one.org_unit_id != two.org_unit_id for one, two in zip(state.memberships, state.memberships[1:], strict=False))


def test_a_move_that_is_overturned_leaves_the_units_as_they_were() -> None:
    state = person(Membership(dt.date(2026, 1, 1), A)).joined(dt.date(2026, 2, 1), B).joined(dt.date(2026, 3, 1), C)

    assert state.stayed(dt.date(2026, 2, 1), B).memberships == (Membership(dt.date(2026, 1, 1), A), Membership(dt.date(2026, 3, 1), C))
    assert state.stayed(dt.date(2026, 2, 1), C) == state
    assert person(Membership(dt.date(2026, 1, 1), A)).stayed(dt.date(2026, 1, 1), A).memberships == (Membership(dt.date(2026, 1, 1), A),)


@given(st.dictionaries(DATES, st.sampled_from(["Asia/Jakarta", "Asia/Jayapura"]), min_size=1, max_size=6), DATES)
def test_the_zone_of_a_date_is_that_of_the_last_change_before_it_and_the_first_one_before_any(
    changes: dict[dt.date, str], date: dt.date
) -> None:
    first, *later = sorted(changes)
    state = replace(person(Membership(first, A)), timezone=changes[first])
    for since in later:
        state = state.zoned(since, changes[since])

    assert state.zone_on(date) == changes[max((since for since in changes if since <= date), default=first)]
    assert state.timezone == changes[max(changes)]
    assert all(one.timezone != two.timezone for one, two in zip(state.zones, state.zones[1:], strict=False))


def test_who_moves_to_another_zone_keeps_the_old_one_for_the_days_before_and_gets_it_back_where_the_move_is_overturned() -> None:
    january, march, june = dt.date(2026, 1, 1), dt.date(2026, 3, 1), dt.date(2026, 6, 1)
    before = person(Membership(january, A))
    moved = before.joined(march, B, "Asia/Jayapura")

    assert [moved.zone_on(date) for date in (january, march - dt.timedelta(days=1), march)] == ["Asia/Jakarta"] * 2 + ["Asia/Jayapura"]
    assert (changed_since(before, moved), moved.timezone) == (march, "Asia/Jayapura")
    assert moved.stayed(march, B) == before
    assert moved.joined(june, B, "Asia/Makassar") == moved, "no move, no other zone"
    assert [(one.since, one.timezone) for one in moved.published(1).zones] == [(january, "Asia/Jakarta"), (march, "Asia/Jayapura")]
    assert before.published(1).zones == ()
    night = dt.datetime(2026, 2, 28, 15, 30, tzinfo=dt.UTC)  # 22.30 in Jakarta, 00.30 in Jayapura
    assert (before.date_at(night), moved.date_at(night)) == (dt.date(2026, 2, 28), march)
    assert moved.date_at(night - dt.timedelta(days=1)) == dt.date(2026, 2, 27)


def test_a_move_between_two_others_leaves_the_zone_after_the_later_one_as_it_was() -> None:
    january, march, june = dt.date(2026, 1, 1), dt.date(2026, 3, 1), dt.date(2026, 6, 1)
    later = person(Membership(january, A)).joined(june, C, "Asia/Jakarta")
    between = later.joined(march, B, "Asia/Jayapura")

    assert [between.zone_on(date) for date in (january, march, june)] == ["Asia/Jakarta", "Asia/Jayapura", "Asia/Jakarta"]
    assert between.stayed(march, B) == later
    assert between.zoned(march, "Asia/Makassar").zone_on(june) == "Asia/Jakarta"


def test_a_week_of_ones_own_holds_from_its_date_until_it_is_given_up() -> None:
    state = person(Membership(dt.date(2026, 1, 1), A)).working(dt.date(2026, 2, 19), "lima-hari-ramadan")

    assert state.own_week_on(dt.date(2026, 2, 18)) is None
    assert state.own_week_on(dt.date(2026, 2, 19)) == "lima-hari-ramadan"
    assert state.working(dt.date(2026, 3, 21), UNITS_WEEK).own_week_on(dt.date(2026, 3, 21)) is None


def test_of_weeks_in_force_the_nearest_unit_counts_and_the_earlier_one_again_after_the_period() -> None:
    def scope(first: int, last: int | None, unit: UUID | None) -> WeekInForce:
        return WeekInForce(since=dt.date(2026, 3, first), until=last and dt.date(2026, 3, last), org_unit_id=unit)

    weeks = WeeksInForce([
        ("all", scope(1, None, None)), ("six", scope(1, None, B)), ("fasting", scope(10, 20, None)), ("six-fasting", scope(10, 20, B))])

    def on(day: int, *line: UUID) -> str | None:
        return weeks.on(line, dt.date(2026, 3, day))

    assert [on(day, A) for day in (9, 10, 20, 21)] == ["all", "fasting", "fasting", "all"]
    assert [on(day, A, B) for day in (9, 10, 20, 21)] == ["six", "six-fasting", "six-fasting", "six"]
    assert (weeks.on((A,), dt.date(2026, 2, 28)), WeeksInForce().on((A,), dt.date(2026, 3, 1))) == (None, None)
    assert weeks.turns((A,)) == {dt.date(2026, 3, day) for day in (1, 10, 21)}


SCOPES = st.builds(
    WeekScope, st.sampled_from(["all", "six", None]), DATES, st.one_of(st.none(), st.dates(dt.date(2026, 3, 2), dt.date(2026, 4, 1))),
    st.sampled_from([None, A, B]))


@given(st.lists(SCOPES, max_size=6), SCOPES, DATES)
def test_of_a_unit_and_date_the_last_word_counts_and_everything_else_stays_as_it_was(
    before: list[WeekScope], word: WeekScope, date: dt.date
) -> None:
    weeks = WeeksInForce().saying(before)
    after = weeks.saying([word])

    key = word.org_unit_id, word.since
    assert after.said().get(key) == ((word.week, word.until) if word.week is not None else None)
    assert {other: told for other, told in after.said().items() if other != key} == {
        other: told for other, told in weeks.said().items() if other != key}
    assert weeks.differing(after) <= {key}
    assert not after.differing(after.saying([word]))
    if word.since > date:
        assert [after.on(line, date) for line in ((A,), (A, B))] == [weeks.on(line, date) for line in ((A,), (A, B))]
    shorter = after.leaving_out(word.org_unit_id, word.since, date)
    assert after.differing(shorter) == {
        (unit, since) for unit, since in after.said() if unit == word.org_unit_id and word.since <= since <= date}


@given(st.dictionaries(DATES, st.sampled_from([STAFF, HEAD, FIRST_CONTRACT]), min_size=1, max_size=6), DATES)
def test_the_rank_of_a_date_is_that_of_the_last_change_before_it_and_the_first_one_before_any(
    changes: dict[dt.date, Rank], date: dt.date
) -> None:
    first, *later = sorted(changes)
    state = replace(person(Membership(first, A)), kind=changes[first].kind, group=changes[first].group, job_class=changes[first].job_class)
    for since in later:
        state = state.ranked(since, changes[since])

    before = [since for since in changes if since <= date]
    assert state.rank_on(date) == changes[max(before, default=first)]
    assert Rank(state.kind, state.group, state.job_class) == changes[max(changes)]
    assert all(one.rank != two.rank for one, two in zip(state.ranks, state.ranks[1:], strict=False))


def test_a_promotion_changes_days_from_its_date_and_a_higher_class_alone_none() -> None:
    january, march = dt.date(2026, 1, 1), dt.date(2026, 3, 1)
    old = person(Membership(january, A))
    promoted = old.ranked(march, HEAD)

    assert (promoted.rank_on(dt.date(2026, 2, 28)).group, promoted.rank_on(march).group) == ("pelaksana", "structural")
    assert changed_since(old, promoted) == march
    assert changed_since(promoted, old) == march
    assert changed_since(promoted, promoted.ranked(dt.date(2026, 3, 9), replace(HEAD, job_class=12))) is None
    assert changed_since(old, old.ranked(dt.date(2025, 1, 1), HEAD)) == january  # before he came: he was so all along
    assert promoted.published(1).ranks[1].since == march
    assert (promoted.published(1).group, old.published(1).ranks) == ("structural", ())


def test_a_move_may_change_days_from_its_date_and_a_new_group_all_days() -> None:
    old = person(Membership(dt.date(2026, 1, 1), A))

    assert changed_since(old, old) is None
    assert changed_since(old, old.joined(dt.date(2026, 2, 10), B)) == dt.date(2026, 2, 10)
    assert changed_since(old, EmployeeState(old.employee_id, old.nip, old.name, old.kind, "structural", old.timezone, old.memberships)) == (
        dt.date(2026, 1, 1))
    assert changed_since(None, old) == dt.date(2026, 1, 1)


def test_the_nearest_units_rule_pack_goes_before_the_provinces() -> None:
    january, february, march = dt.date(2026, 1, 1), dt.date(2026, 2, 1), dt.date(2026, 3, 1)
    in_force = PoliciesInForce([(None, january, A), (None, march, C), (B, february, B)])

    assert in_force.on((B,), dt.date(2025, 12, 31)) is None
    assert [in_force.on((B,), date) for date in (january, february, march)] == [A, B, B]
    assert [in_force.on((A, B), date) for date in (january, february, march)] == [A, B, B]
    assert [in_force.on((C,), date) for date in (january, february, march)] == [A, A, C]
    assert (in_force.turns((A, B)), in_force.turns((C,))) == ({january, february, march}, {january, march})


@given(
    st.dictionaries(UNITS, UNITS, max_size=6),
    st.dictionaries(st.tuples(st.none() | UNITS, DATES), st.sampled_from([A, B, C]), max_size=8), UNITS, DATES,
)
def test_the_pack_of_a_date_is_the_one_that_the_oracle_finds_up_the_tree(
    drawn: dict[UUID, UUID], rows: dict[tuple[UUID | None, dt.date], UUID], unit: UUID, date: dt.date
) -> None:
    above = {one: other for one, other in drawn.items() if other > one}  # so that nobody is above himself
    units = {one: OrgUnitState(one, str(one), "Dinas", "Asia/Jakarta", parent_id=above.get(one)) for one in [*drawn, *drawn.values()]}
    reference = Reference(units, {}, {}, {}, PoliciesInForce((scope, since, pack) for (scope, since), pack in rows.items()))
    world = {
        "above": above, "people": {"e1": {"unit": unit}}, "policies": [(since, scope, pack) for (scope, since), pack in rows.items()]}

    try:
        expected: object = policy_on(world, "e1", date)
    except LookupError:
        expected = None
    assert reference.pack_on(unit, date) == expected


def test_a_unit_with_another_one_above_it_owes_other_hours_or_by_another_pack_where_these_differ_and_something_was_owed() -> None:
    january, february, march = dt.date(2026, 1, 1), dt.date(2026, 2, 1), dt.date(2026, 3, 1)
    hours = {code: parse_week({"mon": (start, "16:00")}) for code, start in (("lima-hari", "07:30"), ("same", "07:30"), ("late", "08:00"))}
    units = {unit: OrgUnitState(unit, str(unit), "Dinas", "Asia/Jakarta") for unit in (A, B)}
    moved = replace(units[A], parent_id=B)

    def demands(pack_of: UUID | None, week: str, since: dt.date) -> list[dt.date]:
        before = Reference(
            units, hours, {}, {}, PoliciesInForce([(None, february, C), *([(pack_of, march, A)] if pack_of else [])]),
            WeeksInForce([(week, WeekInForce(since=since, org_unit_id=B))]))
        return before.other_demands(before.changed(units=[moved]), A)

    assert demands(None, "same", march) == []
    assert demands(None, "late", march) == [march]
    assert demands(None, "late", january) == [february], "nothing was owed before"
    assert demands(B, "same", january) == [march]
    assert demands(A, "same", january) == [], "its own pack goes first"
