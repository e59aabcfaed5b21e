"""Only the marks within a day's reach are read: all others, wherever they lie, would not have changed what is said of it."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from services.schedule.assessing import People, judge
from services.schedule.rules import (
    Fact,
    FraudDecided,
    Manual,
    MarkSeen,
    Outage,
    OutageDecided,
    Placed,
    Reviewed,
    day_event,
    reach_of,
)
from shared.envelope import encode
from shared.events import DayAssessed, Mark, Verdict
from shared.policy import Policy, load_policies
from tests.unit.schedule_edge.calendars import DATES, DAY, EXAMPLES, ME, PACKS, STRANGE, Town, towns

READ_BEFORE, READ_AFTER = 2 * DAY, 4 * DAY
"""What was read of everybody before reaches were asked for, from the date's midnight in UTC; it was wide enough for any duty."""

IDS = [UUID(int=number) for number in range(100, 140)]
MOMENTS = st.integers(-72 * 3600, 120 * 3600).map(lambda seconds: dt.timedelta(seconds=seconds))
VERDICTS = st.sampled_from([Verdict.INSIDE, Verdict.INSIDE, *Verdict])


def midnight(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), dt.UTC)


@st.composite
def moments(draw: st.DrawFn, town: Town, date: dt.date) -> list[dt.timedelta]:
    """Any moments, and those at and beside the ends of the day's reaches by direction, counted from its midnight."""
    found = draw(st.lists(MOMENTS, max_size=10))
    demand = People({ME: town.person}, {ME: town.roster}).demand(town.reference, (ME, date))
    if demand is None:
        return found
    for mark in Mark:
        owed = demand.setting
        span = reach_of(Placed(owed.duty, owed.before, owed.after), demand.policy, mark)
        if span is not None:
            least = dt.timedelta(microseconds=1)
            ends = [end + by - midnight(date) for end in (span.begin, span.end) for by in (-least, least * 0, least)]
            found += draw(st.lists(st.sampled_from(ends), max_size=3))
    return found


@st.composite
def marks_and_facts(draw: st.DrawFn, town: Town, date: dt.date) -> tuple[list[MarkSeen], list[Fact]]:
    """Check-ins of any direction, place and doubt, with decisions on them, outages and marks by hand."""
    start = midnight(date)
    marks = [
        MarkSeen(IDS[place], 1, draw(st.sampled_from(Mark)), start + at, draw(VERDICTS), draw(VERDICTS), draw(st.booleans()),
                 draw(st.integers(0, 9)) == 0, draw(st.integers(0, 9)) == 0, draw(st.integers(0, 4)) > 0)
        for place, at in enumerate(draw(moments(town, date)))
    ]
    instants = MOMENTS.map(lambda at: start + at)
    facts: list[Fact] = list(draw(st.lists(st.one_of(
        st.builds(Manual, st.just(UUID(int=1)), st.sampled_from(Mark), instants),
        st.builds(Outage, st.just(UUID(int=2)), instants, instants),
        st.builds(OutageDecided, st.just(UUID(int=2)), st.sampled_from(["confirmed", "rejected"]), instants),
        st.builds(FraudDecided, st.sampled_from(IDS[:6]), st.sampled_from(["confirmed", "cleared"]), instants),
        st.builds(Reviewed, st.sampled_from(IDS[:6]), st.sampled_from(["accepted", "rejected"]), instants),
    ), max_size=3)))
    return marks, facts


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), towns(), DATES, MOMENTS)
def test_a_day_judged_on_the_marks_in_its_reach_is_the_day_judged_on_all_marks_of_the_person(
    data: st.DataObject, town: Town, date: dt.date, later: dt.timedelta
) -> None:
    marks, facts = data.draw(marks_and_facts(town, date))
    people = People({ME: town.person}, {ME: town.roster})
    demand = people.demand(town.reference, (ME, date))
    if demand is None:
        return
    now = midnight(date) + later

    def told(some: Sequence[MarkSeen]) -> tuple[DayAssessed, dt.datetime | None]:
        assert demand is not None
        assessment, inputs = judge(town.person, demand, people.duties(town.reference, ME), some, facts, now)
        return day_event(assessment, inputs, version=1, policy_id=demand.policy_id), assessment.next_due

    reach = demand.reach()
    read = [mark for mark in marks if reach is not None and reach.holds(mark.at)]
    formerly = [mark for mark in marks if midnight(date) - READ_BEFORE <= mark.at < midnight(date) + READ_AFTER]
    event(f"{'some' if len(read) < len(marks) else 'no'} marks left out, {'some' if read else 'none'} read")

    assert told(read) == told(marks)
    assert told(read) == told(formerly)
    assert encode(told(read)[0]) == encode(told(marks)[0])


@settings(max_examples=EXAMPLES, deadline=None)
@given(towns(), DATES)
def test_no_reach_goes_beyond_what_was_read_of_everybody_and_a_day_off_has_none(town: Town, date: dt.date) -> None:
    demand = People({ME: town.person}, {ME: town.roster}).demand(town.reference, (ME, date))
    if demand is None:
        return
    reach, owed = demand.reach(), demand.setting

    assert (reach is None) == (not owed.duty.working)
    if reach is not None:
        assert midnight(date) - READ_BEFORE <= reach.begin
        assert reach.end <= midnight(date) + READ_AFTER
        spans = [reach_of(Placed(owed.duty, owed.before, owed.after), demand.policy, mark) for mark in Mark]
        assert reach.begin == min(span.begin for span in spans if span)
        assert reach.end == max(span.end for span in spans if span)


@settings(max_examples=EXAMPLES, deadline=None)
@given(towns(), DATES, st.sampled_from(Mark), st.lists(MOMENTS, min_size=1, max_size=4))
def test_a_stamp_is_read_for_the_day_to_which_it_belongs_unless_it_is_in_no_reach_at_all(
    town: Town, date: dt.date, mark: Mark, stamps: list[dt.timedelta]
) -> None:
    people = People({ME: town.person}, {ME: town.roster})
    duties = people.duties(town.reference, ME)
    for stamp in stamps:
        at = midnight(date) + stamp
        day = duties.date_of(at, mark)
        demand = people.demand(town.reference, (ME, day))
        if demand is None or (reach := demand.reach()) is None or not reach.holds(at):
            around = [people.demand(town.reference, (ME, day + n * DAY)) for n in range(-3, 4)]
            owed = [(one.setting, one.policy) for one in around if one is not None]
            spans = [reach_of(Placed(one.duty, one.before, one.after), policy, mark) for one, policy in owed]
            assert not any(span is not None and span.holds(at) for span in spans)


def test_every_pack_that_comes_with_hadir_is_among_those_that_are_tried() -> None:
    folder, found = Path(__file__).parents[3] / "services", set()
    for path in folder.glob("*/policies/*.yaml"):
        try:
            found |= {pack.identity for pack in load_policies(path).values()}
        except ValueError:
            continue  # ladders, schemes and approvals are no packs
    assert {pack.identity for pack in PACKS} == found
    assert len(found) > 5


@pytest.mark.parametrize("policy", [*PACKS, *STRANGE], ids=lambda policy: str(policy.identity)[:8])
def test_prices_of_single_dates_move_no_reach(policy: Policy) -> None:
    for dated in policy.dated.values():
        kept = ("reach", "in_window", "out_window", "break_window")
        assert [getattr(dated, key) for key in kept] == [getattr(policy, key) for key in kept]
