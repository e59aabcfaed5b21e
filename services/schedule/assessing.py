"""The one way in which days are assessed: gather all inputs of a batch, let the rules decide, record and emit what changed.

The stream, due days and commands all end here. A day whose result did not change gets no new version.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from services.schedule.corrections import Kept, OutageBody, read_body
from services.schedule.discipline import restate_steps
from services.schedule.memory import Demand, Duties, Memory, Reference
from services.schedule.reference import EmployeeState
from services.schedule.rules import (
    Assessment,
    DayInputs,
    Fact,
    MarkSeen,
    Outage,
    OutageDecided,
    Person,
    Violation,
    assess,
    day_event,
    diff_violations,
    numbered,
    violation_id,
)
from services.schedule.rules.assessment import EXCUSED
from services.schedule.store import days as day_rows
from services.schedule.store import due, facts
from services.schedule.store import reference_rows as rows
from services.schedule.store.days import Day, ViolationVersion
from services.schedule.store.due import NextLook
from shared import metrics
from shared.database import Connection
from shared.envelope import Envelope, encode
from shared.events import DayAssessed, DayState, DayStatus, Mark, Mode, RosterDay, ViolationChanged
from shared.lanes import Work
from shared.topics import DAY_ASSESSED, VIOLATION, lane_of

_DAY: Final = dt.timedelta(days=1)
MARGIN: Final = 6 * _DAY
"""How far around a date its roster counts: a week of duty days; and a stamp may belong to a duty two dates away, whose
neighbours are two dates further."""

_NEVER_MOVED: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""Time on a hand-moved clock that nobody has set yet: nothing has closed by it."""

_SOON: Final = dt.timedelta(seconds=1)
_BATCH: Final = 500
_DECISIONS: Final[tuple[Literal["rejected"], Literal["confirmed"]]] = "rejected", "confirmed"


@dataclass(frozen=True, slots=True)
class People:
    """The people of a batch and what they are rostered for around its dates; people nobody knows are missing."""

    states: Mapping[UUID, EmployeeState]
    rosters: Mapping[UUID, Mapping[dt.date, RosterDay]]
    _duties: dict[UUID, Duties] = field(default_factory=dict)

    def duties(self, reference: Reference, employee_id: UUID) -> Duties:
        """The duties of one of them, by the reference data that is asked with first; whoever holds People holds one such."""
        duties = self._duties.get(employee_id)
        if duties is None:
            duties = Duties(reference, self.states[employee_id], self.rosters.get(employee_id, {}))
            self._duties[employee_id] = duties
        return duties

    def demand(self, reference: Reference, day: Day) -> Demand | None:
        """What one of them owed on a date; None before the first membership or rule pack and after the last day of service: nothing."""
        employee_id, date = day
        unit = self.states[employee_id].unit_on(date)
        policy_id = reference.pack_on(unit, date)
        if unit is None or policy_id is None:
            return None
        return Demand(unit, policy_id, reference.policies[policy_id], self.duties(reference, employee_id).setting(date))


@dataclass(frozen=True, slots=True)
class _Gathered:
    """All that a batch of days is judged on; `marks` are those in reach (`Demand.reach`)."""

    reference: Reference
    people: People
    formers: Mapping[Day, DayAssessed]
    demands: Mapping[Day, Demand]
    marks: Mapping[Day, Sequence[MarkSeen]]
    facts: Mapping[Day, Sequence[Fact]]
    clocks: Mapping[str, dt.datetime]


async def load_people(connection: Connection, days: Collection[Day]) -> People:
    """The people of these days, with their rosters for the months around."""
    states = await rows.employees(connection, {employee_id for employee_id, _ in days})
    months = {
        (employee_id, moment.replace(day=1))
        for employee_id, date in days for moment in (date - MARGIN, date + MARGIN)
    }
    rosters: dict[UUID, dict[dt.date, RosterDay]] = {}
    for (employee_id, _), kept in (await rows.rosters(connection, months)).items():
        rosters.setdefault(employee_id, {}).update((day.date, day) for day in kept.state.days)
    return People({employee_id: kept.state for employee_id, kept in states.items()}, rosters)


def date_of(stamp: dt.datetime, mark: Mark, employee_id: UUID, people: People, reference: Reference) -> dt.date | None:
    """The business date to which somebody's stamp belongs; None if nobody knows the person."""
    return people.duties(reference, employee_id).date_of(stamp, mark) if employee_id in people.states else None


async def assess_days(
    work: Work, memory: Memory, days: Mapping[Day, Envelope | None], now: dt.datetime, loaded: tuple[Reference, People] | None = None
) -> int:
    """Assesses employee-days whose lanes `work` holds; returns how many got a new version.

    `days` gives for each day the envelope of what caused it; `now` is the real time, which invented people's own
    clocks replace. Sets for each day when it must be looked at next. `loaded` are the reference data and the people, if they are known
    already.
    """
    gathered = await _gather(work.connection, memory, list(days), loaded)
    fresh: list[tuple[DayAssessed, Envelope | None, tuple[Violation, ...], tuple[Violation, ...]]] = []
    looks = [
        # Nobody knows these people (yet): when they are published their days are opened.
        NextLook(employee_id, date, lane_of(employee_id), due.REAL, None)
        for employee_id, date in days if employee_id not in gathered.people.states
    ]
    for day in days:
        person = gathered.people.states.get(day[0])
        if person is None:
            continue
        own_now = time_of(person, gathered.clocks, now)
        event, next_due = _decide(day, person, gathered, own_now)
        if next_due is not None:
            next_due = max(next_due, own_now + _SOON)
        looks.append(NextLook(*day, lane_of(day[0]), person.played_clock or due.REAL, next_due))
        if event is not None:
            fresh.append((event, days[day], *_turned(gathered.formers.get(day), event)))
    if fresh:
        encoded = [encode(event) for event, *_ in fresh]
        await day_rows.put_days(work.connection, [event for event, *_ in fresh], encoded)
        versions = await day_rows.violation_versions(
            work.connection, [violation.id for _, _, raised, retracted in fresh for violation in (*raised, *retracted)]
        ) if any(raised or retracted for _, _, raised, retracted in fresh) else {}
        told: list[ViolationVersion] = []
        changed: list[tuple[DayAssessed | None, DayAssessed, Envelope]] = []
        for (event, cause, raised, retracted), value in zip(fresh, encoded, strict=True):
            envelope = _emit_day(work, event, value, cause)
            told += _emit_violations(work, event, raised, retracted, versions, gathered.reference, envelope)
            changed.append((gathered.formers.get((event.employee_id, event.date)), event, envelope))
        if told:
            await day_rows.put_violations(work.connection, told)
        _count([event for event, *_ in fresh], told)
        await restate_steps(work, changed, gathered.reference.policies)
    await due.set_next_looks(work.connection, looks)
    return len(fresh)


async def amnesty_turns(
    connection: Connection, memory: Memory, outage: Kept, now: dt.datetime
) -> Counter[tuple[str, str]]:
    """How many days would be otherwise by granting amnesty for an undecided outage than by refusing it, by what they come to.

    A day is told as its status and codes ("ABSENT TK", "PRESENT PSW4"), refused first. Judged by the marks and facts of
    this moment, and nothing is written.
    """
    turns: Counter[tuple[str, str]] = Counter()
    told = read_body("outage", outage.body)
    assert isinstance(told, OutageBody)
    down = Outage(outage.correction_id, told.since, told.until)
    days = await day_rows.touchable(connection, outage.first, outage.last, outage.org_unit_id)
    for start in range(0, len(days), _BATCH):
        gathered = await _gather(connection, memory, batch := days[start : start + _BATCH], None)
        for day in batch:
            person, demand = gathered.people.states.get(day[0]), gathered.demands.get(day)
            if person is None or demand is None:
                continue
            if person.played_clock is not None and outage.body.get("real_clock_only"):
                continue
            own_now = time_of(person, gathered.clocks, now)
            refused, granted = (
                judge(
                    person, demand, gathered.people.duties(gathered.reference, day[0]), gathered.marks.get(day, ()),
                    (*gathered.facts[day], down, OutageDecided(down.id, decision, now)), own_now,
                )[0] for decision in _DECISIONS
            )  # fmt: skip
            if (before := _in_short(refused)) != (after := _in_short(granted)):
                turns[before, after] += 1
    return turns


def _in_short(assessment: Assessment) -> str:
    return " ".join((assessment.status.value, *assessment.codes))


def time_of(person: EmployeeState, clocks: Mapping[str, dt.datetime], now: dt.datetime) -> dt.datetime:
    """The time that somebody lives by: `now`, or that of the hand-moved clock of somebody invented."""
    return now if person.played_clock is None else clocks.get(person.played_clock, _NEVER_MOVED)


def violations_in(event: DayAssessed) -> tuple[Violation, ...]:
    """The violations that a version of a day says."""
    return tuple(
        Violation(violation_id(event.employee_id, event.date, found.kind, found.code), found.kind, found.code, found.minutes)
        for found in event.findings if found.kind not in EXCUSED
    )


def _turned(former: DayAssessed | None, event: DayAssessed) -> tuple[tuple[Violation, ...], tuple[Violation, ...]]:
    """What a new version of a day raises and what it takes back; most find what the one before found."""
    if event.findings == (former.findings if former else ()):
        return (), ()
    return diff_violations(violations_in(former) if former else (), violations_in(event))


async def _gather(
    connection: Connection, memory: Memory, days: Sequence[Day], loaded: tuple[Reference, People] | None
) -> _Gathered:
    reference, people = loaded or (await memory.current(connection), await load_people(connection, days))
    known = [day for day in days if day[0] in people.states]
    formers = await day_rows.former_days(connection, known)
    reports = await facts.reports_of(connection, known)
    corrections = await facts.corrections_bearing_on(
        connection, {employee_id for employee_id, _ in known}, min(date for _, date in known), max(date for _, date in known)
    ) if known else []
    people = await with_rosters_of_leaves(connection, people, corrections)
    by_day = facts_by_day(known, people, corrections)
    demands = {day: demand for day in known if (demand := people.demand(reference, day)) is not None}
    reaches = {day: reach for day, demand in demands.items() if (reach := demand.reach()) is not None}
    played = {clock for employee_id, _ in known if (clock := people.states[employee_id].played_clock) is not None}
    return _Gathered(
        reference, people, formers, demands, await facts.marks_within(connection, reaches),
        {day: (*by_day.get(day, ()), *reports.get(place, ())) for place, day in enumerate(known)},
        await due.clocks(connection, played) if played else {},
    )


async def with_rosters_of_leaves(connection: Connection, people: People, corrections: Iterable[Kept]) -> People:
    """The people with their rosters for all months of the leaves among these corrections and between them.

    Leave tables count duty days, and leaves with no duty between them count on.
    """
    ends: dict[UUID, tuple[dt.date, dt.date]] = {}
    for kept in corrections:
        if kept.kind == "leave" and kept.employee_id is not None:
            first, last = ends.get(kept.employee_id, (kept.first, kept.last))
            ends[kept.employee_id] = min(first, kept.first), max(last, kept.last)
    months = {
        (employee_id, month) for employee_id, (first, last) in ends.items() if last - first > MARGIN for month in _months(first, last)
    }
    rosters = await rows.rosters(connection, months) if months else {}
    if not rosters:
        return people
    whole = {employee_id: dict(days) for employee_id, days in people.rosters.items()}
    for (employee_id, _), roster in rosters.items():
        whole.setdefault(employee_id, {}).update((day.date, day) for day in roster.state.days)
    return People(people.states, whole)


def _months(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """First days of the months from one date to another, and of no more than a leave can last (two years)."""
    month = first.replace(day=1)
    for _ in range(24):
        if month > last:
            return
        yield month
        month = (month + dt.timedelta(days=31)).replace(day=1)


def facts_by_day(known: Iterable[Day], people: People, corrections: Iterable[Kept]) -> dict[Day, list[Fact]]:
    """The facts that corrections make of each of these days; days without any are missing.

    A day of leave is told of the person's other leaves too: its number may count on from them.
    """
    of_one: dict[UUID, list[Kept]] = {}
    of_many: list[Kept] = []
    for kept in corrections:
        of_many.append(kept) if kept.employee_id is None else of_one.setdefault(kept.employee_id, []).append(kept)
    by_day: dict[Day, list[Fact]] = {}
    if not of_one and not of_many:
        return by_day
    for employee_id, date in known:
        person = people.states[employee_id]
        unit, on_leave = person.unit_on(date), False
        for kept in (*of_one.get(employee_id, ()), *of_many):
            if person.played_clock is not None and kept.body.get("real_clock_only"):
                continue  # real time says nothing about a life by another clock
            if kept.first <= date <= kept.last and (kept.org_unit_id is None or kept.org_unit_id == unit):
                by_day.setdefault((employee_id, date), []).extend(kept.facts())
                on_leave = on_leave or (kept.kind == "leave" and kept.employee_id is not None)
        if on_leave:
            by_day[employee_id, date] += [
                fact for kept in of_one[employee_id] if kept.kind == "leave" and not kept.first <= date <= kept.last
                for fact in kept.facts()
            ]
    return by_day


def judge(
    person: EmployeeState, demand: Demand, duties: Duties, marks: Sequence[MarkSeen], found: Sequence[Fact], now: dt.datetime
) -> tuple[Assessment, DayInputs]:
    """The judgement of a day whose inputs are at hand, and what it was judged on; marks out of its reach do not matter."""
    owed, policy = demand.setting, demand.policy
    date = owed.duty.date
    rank = person.rank_on(date)
    inputs = DayInputs(
        Person(person.employee_id, rank.kind, rank.group, demand.unit), owed.duty, owed.before, owed.after, tuple(marks),
        numbered(found, date, policy, lambda one: duties.on(one).working) if found else (), owed.days_in_month, owed.week_days,
    )
    return assess(inputs, policy, now), inputs


def _decide(
    day: Day, person: EmployeeState, gathered: _Gathered, now: dt.datetime
) -> tuple[DayAssessed | None, dt.datetime | None]:
    """The new version of a day, None if nothing is to be said; and when the clock may change it next."""
    former, demand = gathered.formers.get(day), gathered.demands.get(day)
    if demand is None:
        return (_withdrawn(former) if former else None), None  # what was said is taken back
    if not person.active and former is None:
        return None, None  # nor does who has left owe anything
    duties = gathered.people.duties(gathered.reference, day[0])
    assessment, inputs = judge(person, demand, duties, gathered.marks.get(day, ()), gathered.facts[day], now)
    if former is None and says_nothing(assessment):
        return None, assessment.next_due
    event = day_event(assessment, inputs, version=former.version + 1 if former else 1, policy_id=demand.policy_id)
    # Fields are compared one by one: a model's own comparison costs as much as the assessment.
    if former is not None and {**former.__dict__, "version": event.version} == event.__dict__:
        return None, assessment.next_due
    return event, assessment.next_due


def says_nothing(assessment: Assessment) -> bool:
    """Whether a day that was never told need not be told yet: it waits, and nothing has happened on it."""
    return assessment.status is DayStatus.PENDING and not assessment.findings and not assessment.evidence


def _withdrawn(former: DayAssessed) -> DayAssessed | None:
    """The version that says a day is owed nothing (any more); None if the last one says so already."""
    nothing = former.model_copy(update={
        "state": DayState.FINAL, "status": DayStatus.OFF, "mode": Mode.OFF, "scheduled": False, "late": None, "early": None,
        "findings": (), "in_at": None, "out_at": None, "evidence": (),
    })  # fmt: skip
    return nothing.model_copy(update={"version": former.version + 1}) if nothing != former else None


def _count(assessed: Sequence[DayAssessed], told: Sequence[ViolationVersion]) -> None:
    for status, times in Counter(event.status.value for event in assessed).items():
        metrics.SCHEDULE_ASSESSED.labels(status).inc(times)
    for (code, action), times in Counter((version.violation.code, version.action) for version in told).items():
        metrics.SCHEDULE_VIOLATIONS.labels(code, action).inc(times)


def _emit_day(work: Work, event: DayAssessed, encoded: bytes, cause: Envelope | None) -> Envelope:
    return work.emit(
        DAY_ASSESSED, f"{event.employee_id}|{event.date}", event.version, event,
        key=str(event.employee_id), lane=lane_of(event.employee_id), cause=cause, encoded=encoded,
    )  # fmt: skip


def _emit_violations(
    work: Work, event: DayAssessed, raised: Sequence[Violation], retracted: Sequence[Violation], versions: dict[UUID, int],
    reference: Reference, cause: Envelope,
) -> list[ViolationVersion]:
    policy = reference.policies.get(event.policy_id)
    changes: list[tuple[Literal["raised", "retracted"], Violation]] = [
        *(("retracted", violation) for violation in retracted), *(("raised", violation) for violation in raised)]
    told = []
    for action, violation in changes:
        version = versions[violation.id] = versions.get(violation.id, 0) + 1
        told.append(ViolationVersion(violation, event.employee_id, event.date, version, action, event.version))
        work.emit(
            VIOLATION, str(violation.id), version, ViolationChanged(
                violation_id=violation.id, employee_id=event.employee_id, org_unit_id=event.org_unit_id, date=event.date,
                version=version, action=action, kind=violation.kind, code=violation.code, minutes=violation.minutes,
                policy_id=event.policy_id, legal_source=policy.legal_source if policy else None,
                assessment_version=event.version, evidence=event.evidence,
            ), key=str(event.employee_id), lane=lane_of(event.employee_id), cause=cause,
        )  # fmt: skip
    return told

