"""Proposed rotations: they keep the scheme, share fairly, are the same every time, and say why when there is none."""

import datetime as dt
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from services.schedule.rules.schemes import (
    Colleague,
    Infeasible,
    Place,
    Plan,
    Proposal,
    ReasonCode,
    Scheme,
    breaches_of,
    propose,
    shares_of,
    with_proposal,
)

FIRST, LAST = dt.date(2026, 2, 1), dt.date(2026, 2, 28)
DAY = dt.timedelta(days=1)
MONTH = [FIRST + n * DAY for n in range(28)]
AROUND = [FIRST + n * DAY for n in range(-6, 29)]
WORKDAYS = [date for date in MONTH if date.weekday() < 5]


def scheme(**more: Any) -> Scheme:
    return Scheme(**{"title": "uji", "legal_source": "SE uji 1/2026", "weekly_wfa_limit": None, **more})


def unit(held: Scheme, away: list[set[int]], groups: list[str] | None = None, ids: list[UUID] | None = None) -> Plan:
    """A unit in February 2026; `away` are, for each person, the places among the month's 20 workdays on leave."""
    people = []
    for number, off in enumerate(away):
        days = {date: Place.WFO for date in AROUND if date.weekday() < 5}
        days |= {WORKDAYS[place]: Place.AWAY for place in off}
        people.append(Colleague(ids[number] if ids else UUID(int=number + 1), groups[number] if groups else "pelaksana", days))
    return Plan("DINAS", False, FIRST, LAST, tuple(people), dict.fromkeys(AROUND, held))


def rotation(plan: Plan, **more: Any) -> Proposal:
    found = propose(plan, MONTH, **more)
    assert isinstance(found, Proposal), found
    return found


def wfa_days(plan: Plan) -> dict[UUID, int]:
    return {person.employee_id: sum(place is Place.WFA for date, place in person.days.items() if date in MONTH) for person in plan.people}


def wrong(plan: Plan) -> list[str]:
    return [breach.sentence() for breach in breaches_of(plan) if not breach.warning]


leave = st.lists(st.sets(st.integers(0, 19), max_size=20), min_size=1, max_size=12)
percent = st.integers(0, 100).map(str)


@given(away=leave, share=percent, rounding=st.sampled_from(["down", "half_up", "up"]), per=st.sampled_from(["day", "week", "month"]))
def test_a_rotation_for_a_share_always_exists_keeps_the_scheme_and_is_fair(
    away: list[set[int]], share: str, rounding: str, per: str
) -> None:
    plan = unit(scheme(quotas=[{"per": per, "wfa": share, "rounding": rounding}]), away)

    found = rotation(plan)
    taken = with_proposal(plan, found)

    assert wrong(taken) == []
    assert found.fair
    assert found.spread <= 1
    always_there = [count for person, count in wfa_days(taken).items() if not away[person.int - 1]]
    assert max(always_there, default=0) - min(always_there, default=0) <= 1


@given(away=leave, least=st.integers(0, 50), most=st.integers(50, 100))
def test_a_rotation_within_limits_uses_what_is_allowed(away: list[set[int]], least: int, most: int) -> None:
    plan = unit(scheme(quotas=[{"per": "day", "wfa_at_least": str(least), "wfa_at_most": str(most)}]), away)
    found = propose(plan, MONTH)

    if isinstance(found, Infeasible):  # at least 30 % and at most 50 % of one person is nothing at all
        assert {reason.code for reason in found.reasons} == {ReasonCode.DAY_QUOTAS_DISAGREE}
        return
    taken = with_proposal(plan, found)
    assert wrong(taken) == []
    assert found.fair
    assert all(share.allowed is not None and share.wfa == share.allowed.high for share in shares_of(taken) if share.owed)


@given(away=leave, wfo=st.integers(1, 4), wfa=st.integers(1, 3))
def test_days_of_each_persons_week_are_kept_whoever_is_away(away: list[set[int]], wfo: int, wfa: int) -> None:
    plan = unit(scheme(person_week={"wfo": wfo, "wfa": wfa}), away)

    taken = with_proposal(plan, rotation(plan))

    assert wrong(taken) == []


@given(away=leave, share=percent, wfa=st.integers(0, 5), tolerance=st.integers(0, 2), data=st.data())
def test_whatever_is_proposed_keeps_all_rules_at_once_and_else_a_reason_is_told(
    away: list[set[int]], share: str, wfa: int, tolerance: int, data: st.DataObject
) -> None:
    groups = data.draw(st.lists(st.sampled_from(["pelaksana", "struktural"]), min_size=len(away), max_size=len(away)))
    held = scheme(
        quotas=[{"per": "day", "wfa": share, "tolerance": tolerance}, {"per": "month", "wfa_at_most": "80"}],
        person_week={"wfo": 5 - wfa, "wfa": wfa} if wfa else None,
        fixed_days=[{"weekday": "fri", "mode": "WFA" if wfa else "WFO"}], excluded={"groups": ["struktural"]},
    )
    plan = unit(held, away, groups)
    found = propose(plan, MONTH)

    if isinstance(found, Infeasible):
        assert found.reasons
        assert all(reason.sentence for reason in found.reasons)
    else:
        assert wrong(with_proposal(plan, found)) == []


@given(away=leave, share=percent, data=st.data())
def test_the_same_inputs_give_the_same_roster_and_ids_change_no_count(away: list[set[int]], share: str, data: st.DataObject) -> None:
    held = scheme(quotas=[{"per": "day", "wfa": share}])
    plan = unit(held, away)
    order = data.draw(st.permutations(range(len(away))))
    renamed = unit(held, away, ids=[uuid5(UUID(int=0), str(number)) for number in order])

    once, again, other = rotation(plan), rotation(replace(plan, people=plan.people[::-1])), rotation(renamed)

    assert once == again

    def counts(plan: Plan, found: Proposal) -> tuple[Counter[tuple[Any, int]], list[int]]:
        taken = with_proposal(plan, found)
        kinds = {person.employee_id: tuple(person.days[date] is Place.AWAY for date in WORKDAYS) for person in plan.people}
        return Counter((kinds[person], count) for person, count in wfa_days(taken).items()), [share.wfa for share in shares_of(taken)]

    assert counts(plan, once) == counts(renamed, other)


def test_twenty_five_seventy_five_turns_through_the_unit() -> None:
    plan = unit(scheme(quotas=[{"per": "day", "wfa": "75"}]), [set() for _ in range(4)])
    taken = with_proposal(plan, rotation(plan))
    rows = ["".join("A" if person.days[date] is Place.WFA else "K" for date in WORKDAYS) for person in taken.people]

    assert rows == ["AAAKAAAKAAAKAAAKAAAK", "AAKAAAKAAAKAAAKAAAKA", "AKAAAKAAAKAAAKAAAKAA", "KAAAKAAAKAAAKAAAKAAA"]
    assert [share.wfa for share in shares_of(taken) if share.owed] == [3] * 20
    assert set(wfa_days(taken).values()) == {15}


def test_whoever_had_fewest_days_before_gets_the_one_day_more() -> None:
    plan = unit(scheme(quotas=[{"per": "day", "wfa": "50"}]), [set() for _ in range(3)])
    carried = {UUID(int=1): 9, UUID(int=2): 7, UUID(int=3): 8}

    counts = wfa_days(with_proposal(plan, rotation(plan, carried=carried)))

    assert counts == {UUID(int=1): 6, UUID(int=2): 7, UUID(int=3): 7}


def test_dates_that_stand_are_left_alone_and_made_up_for() -> None:
    held = scheme(person_week={"wfo": 3, "wfa": 2})
    plan = unit(held, [set()])
    begun = {date: Place.WFA if date.day == 2 else place for date, place in plan.people[0].days.items()}
    plan = replace(plan, people=(replace(plan.people[0], days=begun),))

    found = propose(plan, [date for date in MONTH if date.day > 3])

    assert isinstance(found, Proposal)
    [days] = found.days.values()
    assert min(days) == dt.date(2026, 2, 4)
    assert sum(place is Place.WFA for date, place in days.items() if date.day <= 6) == 1


def test_a_unit_that_is_left_out_stays_in_the_office() -> None:
    held = scheme(quotas=[{"per": "day", "wfa": "75"}], excluded={"public_service": True})
    plan = replace(unit(held, [set(), set()]), public_service=True)

    found = rotation(plan)

    assert {place for days in found.days.values() for place in days.values()} == {Place.WFO}


def test_quotas_that_cannot_be_together_are_told_with_their_numbers() -> None:
    plan = unit(scheme(quotas=[{"per": "day", "wfa": "75"}], person_week={"wfo": 3, "wfa": 2}), [set() for _ in range(10)])

    found = propose(plan, MONTH)

    assert isinstance(found, Infeasible)
    assert [reason.code for reason in found.reasons] == [ReasonCode.WEEK_DISAGREES] * 4
    assert found.reasons[0].sentence == (
        "minggu Senin 2026-02-02: kuota harian meminta 35 orang-hari WFA, jatah WFO dan WFA seminggu tiap orang meminta 20; "
        "ubah salah satunya")


def test_a_leave_that_leaves_no_way_is_told_with_its_week() -> None:
    """One of the two is away on Monday and Tuesday, so that the other would have to be in two places from Wednesday on."""
    weekdays = ["wed", "thu", "fri"]
    held = scheme(quotas=[{"per": "day", "wfa": "50", "rounding": "up", "weekdays": weekdays}], person_week={"wfo": 3, "wfa": 2})
    assert isinstance(propose(unit(held, [set(), set()]), MONTH), Proposal)

    told = propose(unit(held, [{2, 3, 4}, set()]), MONTH)

    assert isinstance(told, Infeasible)
    assert [(reason.code, reason.date) for reason in told.reasons] == [(ReasonCode.NO_ROTATION, dt.date(2026, 2, 2))]


def test_forty_people_with_leave_of_every_length_share_fairly() -> None:
    plan = unit(scheme(quotas=[{"per": "day", "wfa": "75"}]), [set(range(number % 12)) for number in range(40)])

    found = rotation(plan)

    assert (found.fair, found.spread) == (True, 1)
    assert wrong(with_proposal(plan, found)) == []


@given(before=st.lists(st.lists(st.sampled_from([Place.WFO, Place.WFA]), min_size=2, max_size=2), min_size=1, max_size=8))
def test_a_week_that_two_months_share_is_kept_whole(before: list[list[Place]]) -> None:
    """April 2026 begins on a Wednesday and ends on a Thursday: March's days stand, Friday 1 May may still become either."""
    first, last = dt.date(2026, 4, 1), dt.date(2026, 4, 30)
    around = [dt.date(2026, 3, 30) + n * DAY for n in range(35)]
    people = []
    for number, (monday, tuesday) in enumerate(before):
        days = {date: Place.WFO if date <= last else Place.OPEN for date in around if date.weekday() < 5}
        people.append(Colleague(UUID(int=number + 1), "pelaksana", {**days, around[0]: monday, around[1]: tuesday}))
    held = scheme(person_week={"wfo": 3, "wfa": 2})
    plan = Plan("DINAS", public_service=False, first=first, last=last, people=tuple(people), schemes=dict.fromkeys(around, held))

    found = propose(plan, list(plan.dates()))

    assert isinstance(found, Proposal)
    taken = with_proposal(plan, found)
    assert wrong(taken) == []
    for person in taken.people:
        assert sum(person.days[date] is Place.WFA for date in around[:5]) == 2
        assert sum(person.days[date] is Place.WFA for date in around[28:32]) in {1, 2}
