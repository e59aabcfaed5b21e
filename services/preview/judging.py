"""Judges some people's days as they would be, prices them, folds their months, and says what differs; pure but for its inputs."""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID

from services.geofence.rules.locate import Judgement, locate
from services.geofence.rules.sites import Catalogue
from services.payroll.rules import EmployeeMonth, PricedDay, month_of, next_month, priced_day, reckoned
from services.preview.change import Change, Window
from services.preview.people import Known, people_after
from services.preview.result import Case, Found, UnitTotal, worst_of
from services.schedule.assessing import People, judge, says_nothing, time_of
from services.schedule.memory import Demand, Duties, Reference
from services.schedule.reference import EmployeeState
from services.schedule.rules import Assessment, DayInputs, Duty, Fact, Leave, MarkSeen, day_event
from shared.events import DayState, DayStatus
from shared.policy.difference import judges_alike
from shared.policy.parts import LONGEST_REACH_MINUTES

_REACH: Final = dt.timedelta(minutes=LONGEST_REACH_MINUTES)
_COUNTED: Final = frozenset({DayStatus.PRESENT, DayStatus.PENDING})


class Sides(NamedTuple):
    """The reference data before and after the change, and (where sites change) the fences after it."""

    before: Reference
    after: Reference
    fences: Catalogue | None = None

    def spares_clean_days(self, change: Change) -> bool:
        """Whether some pack judges days without findings as one that holds does, so that these need not be judged again."""
        if change.kind != "policy":
            return False
        held = {policy_id for _, _, policy_id in self.before.in_force.rows()}
        return any(judges_alike(self.before.policies[old], new) for old in held for new in change.policies.values())


def played(known: Known, window: Window, change: Change, sides: Sides, now: dt.datetime) -> Found:
    """What the change does to these people; `cpu_s` and `waiting` are left to the caller."""
    after = people_after(known.people, change) if change.moves_duties else known.people
    marks = moved_marks(known, sides.fences)
    units: dict[UUID, UnitTotal] = {}
    cases: list[Case] = []
    people = days = judged = without_ceiling = 0
    touched = change.dates(window)
    dates = touched.dates if touched is not None else ()
    months, length = (*window.months, next_month(window.months[-1])), len(window.dates)
    asked = [(date, month_of(date)) for date in dates]
    beside = frozenset(window.dates) - frozenset(dates) if change.moves_duties else frozenset()
    facts: dict[UUID, dict[dt.date, Sequence[Fact]]] = {}
    for (employee_id, date), found in known.facts.items():
        facts.setdefault(employee_id, {})[date] = found
    alike = _Alike(sides)
    for employee_id, person in known.people.states.items():
        people += 1
        days += length
        own_facts = facts.get(employee_id, {})
        # A duty day more or less anywhere in a row of leaves moves the number of each of its days, however far away.
        counting_on = sorted(date for date, found in own_facts.items() if date in beside and any(isinstance(one, Leave) for one in found))
        own_now = time_of(person, known.clocks, now)
        fresh = dict(_days(
            person, known, after, marks.get(employee_id), [*asked, *((date, month_of(date)) for date in counting_on)], own_facts,
            change, alike, own_now,
        ))  # fmt: skip
        judged += len(fresh)
        outcome = _money([known.months[employee_id, month] for month in months], fresh, sides.after)
        if outcome is None:
            continue
        changed_days, before, amount, unknown = outcome
        without_ceiling += unknown
        unit = person.unit_on(window.last) or person.memberships[0].org_unit_id
        delta = amount - before
        units[unit] = units.get(unit, UnitTotal()) + UnitTotal(1, changed_days, max(delta, 0), max(-delta, 0))
        if delta:
            cases.append(Case(employee_id, unit, before, amount, changed_days))
    return Found(people, days, judged, without_ceiling, units=units, worst=worst_of(cases))


def moved_marks(known: Known, fences: Catalogue | None) -> Mapping[UUID, Sequence[MarkSeen]]:
    """The marks of those people of whom a check-in would be judged differently under other fences."""
    if fences is None or not known.fixes:
        return {}
    ids = list(known.fixes)
    judged = dict(zip(ids, locate(fences, [known.fixes[check_in] for check_in in ids]), strict=True))
    moved = {}
    for employee_id, marks in known.marks.items():
        new = [_seen(mark, judged.get(mark.check_in_id)) for mark in marks]
        if new != list(marks):
            moved[employee_id] = new
    return moved


def _seen(mark: MarkSeen, judgement: Judgement | None) -> MarkSeen:
    if judgement is None:
        return mark
    return replace(
        mark, site=judgement.site, region=judgement.region, activity_site=judgement.activity_site,
        bad_fix=judgement.quality == "bad_fix",
    )  # fmt: skip


def _days(
    before: EmployeeState, known: Known, after: People, moved_marks: Sequence[MarkSeen] | None,
    dates: Sequence[tuple[dt.date, str]], found: Mapping[dt.date, Sequence[Fact]], change: Change, alike: "_Alike", now: dt.datetime,
) -> Iterator[tuple[dt.date, PricedDay]]:  # fmt: skip
    """The days of a person whose inputs differ, as they would be; `moved_marks` only where fences change what marks say."""
    me, sides = before.employee_id, alike.sides
    person = after.states[me]
    priced = [(one.kind, one.group, one.ranks, one.active) for one in (before, person)]
    may_differ = priced[0] != priced[1]
    moved = moved_marks is not None
    marks = known.marks.get(me, ()) if moved_marks is None else moved_marks
    clean = known.clean.get(me, {})
    times = [mark.at for mark in marks]
    duties = after.duties(sides.after, me)
    duties_before = known.people.duties(sides.before, me) if change.moves_duties else duties
    kept = {month: known.months[me, month].days for _, month in dates}
    for date, month in dates:
        former = kept[month].get(date)
        unit, unit_before = person.unit_on(date), before.unit_on(date)
        policy_id = alike.packs(unit, date)[1] if unit else None
        held = alike.packs(unit_before, date)[0] if unit_before else None
        if unit is None or policy_id is None or (not person.active and former is None):
            if former is not None and held is not None and policy_id is None:
                yield date, _owed_nothing(former)  # people come and go, units leave the one above them
            continue
        facts = found.get(date, ())
        same_pack = policy_id == held and unit == unit_before and not (may_differ and _recast(before, person, date))
        if same_pack and not moved and (not change.moves_duties or _same_setting(duties_before, duties, date, facts)):
            continue
        if former is not None and not moved and not change.moves_duties and clean.get(date) == former.version and alike(held, policy_id):
            # Nothing was found on the day that a price could be put on, and the packs differ in prices only.
            yield date, replace(former, policy_id=policy_id)
            continue
        owed = duties.setting(date)
        near = _near(marks, times, owed.duty)
        demand = Demand(unit, policy_id, sides.after.policies[policy_id], owed)
        assessment, inputs = judge(person, demand, duties, near, facts, now)
        if former is None and says_nothing(assessment):
            continue
        yield date, alike.priced(assessment, inputs, policy_id, former)


def _recast(before: EmployeeState, person: EmployeeState, date: dt.date) -> bool:
    """Whether prices of the date may differ since the person is of another kind or group on it, or comes or goes."""
    was, is_now = before.rank_on(date), person.rank_on(date)
    return (was.kind, was.group, before.active) != (is_now.kind, is_now.group, person.active)


def _owed_nothing(former: PricedDay) -> PricedDay:
    """The day of somebody who no longer owes it, as schedule takes such a day back."""
    return replace(former, status=DayStatus.OFF, final=True, scheduled=False, lines=(), minutes=0)


def _same_setting(before: Duties, after: Duties, date: dt.date, facts: Sequence[Fact]) -> bool:
    """Whether the duty of a date, its neighbours and its month are the same; facts may count duties further away."""
    return not facts and before.setting(date) == after.setting(date)


def _near(marks: Sequence[MarkSeen], times: Sequence[dt.datetime], duty: Duty) -> Sequence[MarkSeen]:
    """The marks that may belong to a duty: no reach goes further from it, whatever the policy."""
    if duty.start is None or duty.end is None:
        return ()
    return marks[bisect_left(times, duty.start - _REACH):bisect_right(times, duty.end + _REACH)]


def _money(
    months: Sequence[EmployeeMonth], fresh: Mapping[dt.date, PricedDay], reference: Reference
) -> tuple[int, int, int, bool] | None:
    """Days that change, rupiah before and after over all months, and whether a ceiling is missing; None: no change.

    `months` are consecutive; the last is the one after the looked-at days, which a streak of absences may reach into.
    """
    by_month: dict[str, dict[dt.date, PricedDay]] = {}
    for date, day in fresh.items():
        by_month.setdefault(month_of(date), {})[date] = day
    changed = before = after = 0
    unknown = False
    streak: int | None = None
    for month in months:
        new = by_month.get(month.month, {})
        differing = {date: day for date, day in new.items() if day != month.days.get(date)}
        streak_before = month.streak_before if streak is None else streak
        streak = None
        if not differing and streak_before == month.streak_before:
            continue
        if not month.version and not differing:
            continue
        changed += sum(not _judged_alike(day, month.days.get(date)) for date, day in differing.items())
        played_month = replace(month, days={**month.days, **differing}, streak_before=streak_before)
        total, _, amount = reckoned(played_month, reference.policies)
        streak = total.streak_after
        if amount is None:
            unknown = unknown or total.percent != month.reported.percent
            continue
        before += month.settled.amount if month.reported.closed else month.reported.amount or 0
        after += amount
    return (changed, before, after, unknown) if changed or before != after else None


def _judged_alike(new: PricedDay, old: PricedDay | None) -> bool:
    """Whether a day says the same to people: under another pack with the same result it has not changed for them."""
    return old is not None and (
        (new.lines, new.minutes, new.status, new.final, new.scheduled, new.duty_days_in_month, new.work_week_days)
        == (old.lines, old.minutes, old.status, old.final, old.scheduled, old.duty_days_in_month, old.work_week_days)
    )


class _Alike:
    """What is the same for many people, and asked for once: packs by unit and date, packs that judge alike, days that say the same."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self._known: dict[tuple[UUID | None, UUID], bool] = {}
        self._packs: dict[tuple[int, dt.date], tuple[UUID | None, UUID | None]] = {}
        self._plain: dict[tuple[object, ...], PricedDay] = {}

    def packs(self, unit: UUID, date: dt.date) -> tuple[UUID | None, UUID | None]:
        """The packs in force for a unit on a date, before and after."""
        key = (unit.int, date)
        known = self._packs.get(key)
        if known is None:
            known = self._packs[key] = self.sides.before.pack_on(unit, date), self.sides.after.pack_on(unit, date)
        return known

    def priced(self, assessment: Assessment, inputs: DayInputs, policy_id: UUID, former: PricedDay | None) -> PricedDay:
        """The day as payroll would keep it."""
        version = former.version if former is not None else 1  # the version says nothing about the day itself
        if assessment.findings or assessment.made_up:
            event = day_event(assessment, inputs, version=version, policy_id=policy_id)
            return priced_day(event, self.sides.after.policies[policy_id])
        # Nothing found costs nothing: no event need be made to learn that, which is most days of most people.
        minutes = (assessment.late or 0) + (assessment.early or 0) if assessment.status in _COUNTED else 0
        key = (
            inputs.duty.date, version, assessment.status, assessment.state, assessment.scheduled, policy_id.int, minutes,
            inputs.duty_days_in_month, inputs.work_week_days,
        )  # fmt: skip
        day = self._plain.get(key)
        if day is None:
            day = self._plain[key] = PricedDay(
                inputs.duty.date, version, assessment.status, assessment.state is DayState.FINAL, assessment.scheduled, policy_id, (),
                minutes, inputs.duty_days_in_month, inputs.work_week_days,
            )  # fmt: skip
        return day

    def __call__(self, before: UUID | None, after: UUID) -> bool:
        """Whether the pack that holds and the one that would hold judge alike; a pack where none was does not."""
        known = self._known.get((before, after))
        if known is None:
            known = before is not None and judges_alike(self.sides.before.policies[before], self.sides.after.policies[after])
            self._known[before, after] = known
        return known
