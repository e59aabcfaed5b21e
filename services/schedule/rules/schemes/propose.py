"""Proposes a rotation: who works from where on the dates that are still open, by the scheme and as evenly as there is a way.

Fairness measure: on no date set do two people who owe work on the same dates differ by more than one WFA day; more exactly,
each person's WFA days are that person's even share (`rotation.Task`) cut down to whole days, or one more. Whenever the
scheme has no rule on single weeks of people, such a rotation exists, and is found. Same inputs, same roster.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from uuid import UUID

from services.schedule.rules.schemes.bounds import Bounds
from services.schedule.rules.schemes.flow import UNLIMITED, Network
from services.schedule.rules.schemes.infeasible import Reason, reasons_against
from services.schedule.rules.schemes.model import Scheme
from services.schedule.rules.schemes.plan import COUNTED, Colleague, Place, Plan, monday
from services.schedule.rules.schemes.rotation import Seat, Task, task_of

Weeks = Mapping[tuple[int, dt.date], Bounds]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rotation that keeps every rule of the scheme on the dates that were open.

    `days` holds, for everybody of the unit, where each open owed date is worked. `fair`: everybody has the even share, or
    less than a day beside it. `spread` is the largest difference in WFA days between people who owe work on the same dates.
    """

    days: Mapping[UUID, Mapping[dt.date, Place]]
    fair: bool
    spread: int


@dataclass(frozen=True, slots=True)
class Infeasible:
    """There is no rotation that keeps every rule; why."""

    reasons: tuple[Reason, ...]


def propose(plan: Plan, open_dates: Collection[dt.date], carried: Mapping[UUID, int] | None = None) -> Proposal | Infeasible:
    """A rotation of the plan's people on `open_dates`; other dates stand as they are. Dates without a scheme stay too.

    Only dates that are owed and not away are given out. `carried` holds WFA days of the time before: among people who are
    alike, those with fewest go first when one day more is to be had.
    """
    free = {date for date in open_dates if date in plan.schemes and plan.first <= date <= plan.last}
    settled = _settled(plan, free)
    given: dict[UUID, dict[dt.date, Place]] = {
        person.employee_id: {date: person.days[date] for date in sorted(free) if person.days.get(date) in COUNTED}
        for person in settled.people
    }
    fair, spread, reasons = True, 0, []
    for scheme, dates in settled.stretches():
        rotating = {date for date in dates if date in free and date.weekday() not in scheme.fixed}
        task = task_of(settled, scheme, dates, rotating, free, carried or {})
        if not task.dates or not task.people:
            continue
        seats = _best(task)
        if seats is None:
            reasons += reasons_against(task, partial(_works, task))
            continue
        seats = _surplus_to_the_least(task, seats, carried or {})
        counts = Counter(person for person, _ in seats)
        fair = fair and all(low <= counts[whose] <= high for whose, (low, high) in enumerate(task.fair(0)))
        spread = max(spread, _spread(task, counts))
        for whose, person in enumerate(task.people):
            for place, date in enumerate(task.dates):
                if (whose, place) in task.shares:
                    given[person.employee_id][date] = Place.WFA if (whose, place) in seats else Place.WFO
    return Infeasible(tuple(reasons)) if reasons else Proposal(given, fair, spread)


def with_proposal(plan: Plan, proposal: Proposal) -> Plan:
    """The plan as it is once a proposal is taken over."""
    return replace(plan, people=tuple(
        replace(person, days={**person.days, **proposal.days.get(person.employee_id, {})}) for person in plan.people))


def _settled(plan: Plan, free: Collection[dt.date]) -> Plan:
    """The plan with what the scheme leaves no choice about: fixed weekdays, and people who are left out."""
    def place_on(person: Colleague, date: dt.date, place: Place) -> Place:
        if date not in free or place not in COUNTED:
            return place
        scheme: Scheme = plan.schemes[date]
        if not plan.takes_part(scheme, person, date):
            return Place.WFO
        mode = scheme.fixed.get(date.weekday())
        return place if mode is None else Place(mode.value)

    return replace(plan, people=tuple(
        replace(person, days={date: place_on(person, date, place) for date, place in person.days.items()}) for person in plan.people))


def _best(task: Task) -> frozenset[Seat] | None:
    """The first rotation there is, from the most even bounds to the bare rules; None: not even those can be kept."""
    even, days, weeks = task.even_days(), task.even_weeks(), task.weeks
    turn = _by_turns(task, even)
    if _keeps(task, turn, even, days):
        return turn
    for on_days, on_weeks, slack in (
        (even, days, 0), (even, weeks, 0), (task.days, weeks, 0), (even, weeks, 1), (task.days, weeks, 1), (task.days, weeks, None),
    ):  # fmt: skip
        seats = _attempt(task, on_days, on_weeks, slack)
        if seats is not None:
            return seats
    return None


def _works(task: Task, days: Sequence[Bounds]) -> bool:
    return _attempt(task, days, task.weeks, None) is not None


def _by_turns(task: Task, days: Sequence[Bounds]) -> frozenset[Seat]:
    """Date by date to whoever is furthest behind the even share: a plain rotation, where nothing stands against it."""
    order: list[Fraction] = [Fraction(0)] * len(task.people)
    left = dict(task.weeks)
    due, given = Fraction(0), 0
    seats = set()
    for place, date in enumerate(task.dates):
        first = monday(date)
        for whose in task.owing[place]:
            order[whose] += task.shares[whose, place]
            due += task.shares[whose, place]
        number = min(max(int(due) - given, days[place].low), days[place].high)
        able = [whose for whose in task.owing[place] if left[whose, first].high > 0]
        chosen = sorted(able, key=lambda whose: (-order[whose], whose))[:max(number, 0)]
        for whose in chosen:
            order[whose] -= 1
            left[whose, first] = Bounds(left[whose, first].low - 1, left[whose, first].high - 1)
            seats.add((whose, place))
        given += len(chosen)
    return frozenset(seats)


def _keeps(task: Task, seats: Collection[Seat], days: Sequence[Bounds], weeks: Weeks) -> bool:
    """Whether seats keep these bounds, the quotas' and the fair ones."""
    on_date = Counter(place for _, place in seats)
    in_week = Counter((whose, monday(task.dates[place])) for whose, place in seats)
    of_person = Counter(whose for whose, _ in seats)
    checks: Iterator[tuple[int, Bounds]] = iter([
        *((on_date[place], bounds) for place, bounds in enumerate(days)),
        *((sum(on_date[place] for place in places), bounds) for places, bounds in task.totals),
        *((in_week[key], bounds) for key, bounds in weeks.items()),
        *((of_person[whose], bounds) for whose, bounds in enumerate(task.fair(0))),
    ])
    return all(low <= number <= high for number, (low, high) in checks)


def _attempt(task: Task, days: Sequence[Bounds], weeks: Weeks, slack: int | None) -> frozenset[Seat] | None:
    """Seats that keep the bounds, with as many WFA days as they allow; None if there are none. `slack` None: fair or not."""
    people = task.fair(slack) if slack is not None else [Bounds(0, UNLIMITED)] * len(task.people)
    containers = sorted(task.totals, key=lambda total: len(total[0]))
    if _cross([frozenset(places) for places, _ in containers]) or any(
        low > high for low, high in (*days, *weeks.values(), *people, *(bounds for _, bounds in containers))
    ):
        return None
    network = Network()
    sink = _sinks(network, containers)
    at = []
    for place, bounds in enumerate(days):
        at.append(network.node())
        network.edge(at[place], sink.get(place, 1), *bounds)
    edges = {}
    person = [network.node() for _ in people]
    for whose, bounds in enumerate(people):
        network.edge(0, person[whose], *bounds)
    by_week: defaultdict[tuple[int, dt.date], list[int]] = defaultdict(list)
    for whose, place in task.shares:
        by_week[whose, monday(task.dates[place])].append(place)
    for (whose, first), places in by_week.items():
        week = network.node()
        network.edge(person[whose], week, *weeks[whose, first])
        for place in places:
            edges[whose, place] = network.edge(week, at[place], 0, 1)
    if not network.solve(most=True):
        return None
    return frozenset(seat for seat, edge in edges.items() if network.carried(edge))


def _sinks(network: Network, containers: Sequence[tuple[tuple[int, ...], Bounds]]) -> dict[int, int]:
    """Adds a node for each weekly or monthly quota, smaller ones within larger; returns where each date flows to."""
    nodes = [network.node() for _ in containers]
    sink: dict[int, int] = {}
    for number, (places, bounds) in enumerate(containers):
        around = (later for later in range(number + 1, len(containers)) if set(places) <= set(containers[later][0]))
        parent = next(around, None)
        network.edge(nodes[number], 1 if parent is None else nodes[parent], *bounds)
        for place in places:
            sink.setdefault(place, nodes[number])
    return sink


def _cross(sets: Sequence[frozenset[int]]) -> bool:
    """Whether two quotas overlap without one lying within the other: such quotas cannot be planned together."""
    return any(one & other and not (one <= other or other <= one) for place, one in enumerate(sets) for other in sets[:place])


def _surplus_to_the_least(task: Task, seats: Collection[Seat], carried: Mapping[UUID, int]) -> frozenset[Seat]:
    """The same seats, swapped among people who are alike, so that one day more goes to those who had fewest before."""
    of_person: defaultdict[int, list[int]] = defaultdict(list)
    for whose, place in sorted(seats):
        of_person[whose].append(place)
    swapped = set()
    for group in task.alike():
        lists = sorted((of_person[whose] for whose in group), key=lambda places: -len(places))
        takers = sorted(group, key=lambda whose: (carried.get(task.people[whose].employee_id, 0), whose))
        swapped |= {(whose, place) for whose, places in zip(takers, lists, strict=True) for place in places}
    return frozenset(swapped)


def _spread(task: Task, counts: Mapping[int, int]) -> int:
    """The largest difference between two people who are alike."""
    groups = [sorted(counts[whose] for whose in group) for group in task.alike()]
    return max((group[-1] - group[0] for group in groups), default=0)
