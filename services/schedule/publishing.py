"""Commands that publish reference data: each writes the new state, its event and the days it makes due in one transaction.

Many people or rosters take several (`ONE_TRANSACTION`).

Only what differs is written, so that the same command given twice changes nothing; what concerns many people is noted
once, with all lanes held for a moment, and carried through the lanes by a chore (`store.opening.spread`).
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from services.schedule import taking_force
from services.schedule.clearing import holding_cleared
from services.schedule.memory import Memory, Reference
from services.schedule.reference import (
    DEFAULT_WEEK,
    CalendarState,
    EmployeeState,
    OrgUnitState,
    PolicyState,
    RosterState,
    WeekPatternState,
    changed_since,
)
from services.schedule.store import due, opening
from services.schedule.store import reference_rows as rows
from services.schedule.store.due import EVER, Priority, Span
from services.schedule.store.leaves import rows_of_leaves
from services.schedule.store.reference_rows import Kept
from shared.database import Connection
from shared.envelope import Envelope
from shared.events import AuditRecorded, PolicyInForce
from shared.lanes import Lanes, Work
from shared.policy import Policy
from shared.refusal import Refused
from shared.topics import AUDIT, CALENDAR, EMPLOYEE, ORG_UNIT, POLICY, ROSTER, WEEK_PATTERN, lane_of

ONE_TRANSACTION: Final = 1_000
"""Up to so many people or rosters are written in one transaction: some 0.3 s, which a check-in of their lanes may have to wait.

More go lane by lane, by as many. Our default: with 20,000 rosters in one transaction every check-in waited for 6 s."""

OPERATOR: Final = "operator"
"""Actor of commands given at the command line."""

_DAY: Final = dt.timedelta(days=1)
_WEEK: Final = 6 * _DAY
"""How far into the neighbouring months a month's roster counts: the duty days of their common week."""

S = TypeVar("S")
K = TypeVar("K", bound=Hashable)

Cleared = taking_force.Cleared
Scopes = Mapping[tuple[UUID | None, dt.date], UUID]
"""Rule packs by the unit (None: the province) and the first business date for which they hold."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many states were new, changed, and already as asked."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged)


def differing(asked: Iterable[S], known: Mapping[K, Kept[S]], key: Callable[[S], K]) -> tuple[list[Kept[S]], Outcome]:
    """The asked states that differ from the known ones, in the version they get, and the count of all."""
    changed: list[Kept[S]] = []
    new = unchanged = 0
    for state in asked:
        old = known.get(key(state))
        if old is not None and old.state == state:
            unchanged += 1
            continue
        new += old is None
        changed.append(Kept(old.version + 1 if old else 1, state))
    return changed, Outcome(new, len(changed) - new, unchanged)


async def publish_org_units(
    lanes: Lanes, units: Sequence[OrgUnitState], actor: str = OPERATOR, now: dt.datetime | None = None
) -> Outcome:
    """Publishes org units; a changed calendar makes the unit's days due, another unit above it also those of the units below.

    Raises Refused as `publish_rosters` does.
    """

    async def clear(connection: Connection, known: Mapping[UUID, Kept[OrgUnitState]]) -> None:
        changed, _ = differing(units, known, lambda unit: unit.org_unit_id)
        if changed:
            before = {unit: kept.state for unit, kept in known.items()}
            await taking_force.allow_org_units(connection, [unit for _, unit in changed], before, actor, now or _now())

    async with holding_cleared(lanes, rows.units, clear) as (work, known):
        changed, outcome = differing(units, known, lambda unit: unit.org_unit_id)
        if changed:
            cause = _audit(work, actor, "publish-org-units", outcome)
            await rows.put_units(work.connection, changed)
            await rows.count_change(work.connection)
            for version, unit in changed:
                key = str(unit.org_unit_id)
                work.emit(ORG_UNIT, key, version, unit.published(version), key=key, lane=lane_of(key), cause=cause)
            reference = await Memory().current(work.connection)
            before = {unit: kept.state for unit, kept in known.items()}
            if moved := _living_otherwise([state for _, state in changed], before, reference):
                await opening.spread(work.connection, moved, dt.date(1970, 1, 1), EVER, Priority.COMMAND, cause)
        return outcome


def _living_otherwise(changed: Iterable[OrgUnitState], before: Mapping[UUID, OrgUnitState], after: Reference) -> set[UUID]:
    """Units of whose people days may differ: by their holidays, or by the weeks and packs of another unit above them, however far above."""
    known = [(before[unit.org_unit_id], unit) for unit in changed if unit.org_unit_id in before]
    moved = {unit.org_unit_id for old, unit in known if old.parent_id != unit.parent_id}
    return {unit.org_unit_id for old, unit in known if old.calendar != unit.calendar} | {
        unit for unit in after.units if moved.intersection(after.line_of(unit))}


async def publish_weeks(lanes: Lanes, weeks: Sequence[WeekPatternState], actor: str = OPERATOR) -> Outcome:
    """Adds week patterns. Hours of a pattern in use cannot change, since that would rewrite days long past; raises Refused."""
    async with lanes.hold({lane_of(actor), *(lane_of(week.code) for week in weeks)}) as work:
        known = await rows.weeks(work.connection)
        # where it holds is said by `weeks.assign_weeks`, and stays
        weeks = [replace(week, in_force=known[week.code].state.in_force if week.code in known else ()) for week in weeks]
        changed, outcome = differing(weeks, known, lambda week: week.code)
        for _, week in changed:
            old = known.get(week.code)
            if old is not None and dict(old.state.hours) != dict(week.hours) and (
                week.code == DEFAULT_WEEK or await rows.week_in_use(work.connection, week.code)
            ):
                raise Refused(f"jam pola kerja {week.code} sudah dipakai; buat kode baru dan tetapkan dengan tanggal mulai")
        if changed:
            cause = _audit(work, actor, "publish-weeks", outcome)
            await rows.put_weeks(work.connection, changed)
            await rows.count_change(work.connection)
            for version, week in changed:
                work.emit(WEEK_PATTERN, week.code, version, week.published(version), key=week.code, lane=lane_of(week.code), cause=cause)
        return outcome


async def publish_employees(
    lanes: Lanes, people: Sequence[EmployeeState], actor: str = OPERATOR, now: dt.datetime | None = None
) -> Outcome:
    """Publishes people; what differs makes their days due from the first date that it touches.

    More than `ONE_TRANSACTION` people go lane by lane: after an interruption, giving the same command again finishes it; what was
    previewed as a whole wants a preview of the rest.
    Raises Refused, with nothing written, where people would owe other hours while they check in, or where past days of many
    would differ unseen (`taking_force`).
    """
    cleared = await _allow_people(lanes, people, actor, now or _now())
    total = Outcome()
    for held, chunk in _by_lanes(people, lambda person: person.employee_id):
        async with lanes.hold({lane_of(actor), *held}) as work:
            total += await put_people(work, chunk, actor, cleared)
    return total


async def put_people(work: Work, people: Sequence[EmployeeState], actor: str, _cleared: Cleared) -> Outcome:
    """Publishes people within a unit of work that holds their lanes and the actor's, once the gate has let them through."""
    known = await rows.employees(work.connection, [person.employee_id for person in people])
    changed, outcome = differing(people, known, lambda person: person.employee_id)
    if not changed:
        return outcome
    cause = _audit(work, actor, "publish-employees", outcome)
    await rows.put_employees(work.connection, changed)
    spans = []
    for version, person in changed:
        key = str(person.employee_id)
        work.emit(EMPLOYEE, key, version, person.published(version), key=key, lane=lane_of(key), cause=cause)
        old = known.get(person.employee_id)
        since = changed_since(old.state, person) if old else None
        if since is not None:
            spans.append(Span(person.employee_id, (since - _DAY).replace(day=1), EVER))
    await opening.refresh_openings(work.connection, [person.employee_id for _, person in changed])
    if spans:
        spans += await rows_of_leaves(work.connection, {span.employee_id for span in spans}, min(span.first for span in spans), EVER)
    await due.mark_spans(work.connection, spans, Priority.COMMAND, cause)
    return outcome


async def publish_rosters(
    lanes: Lanes, rosters: Sequence[RosterState], actor: str = OPERATOR, now: dt.datetime | None = None, *,
    cleared: Cleared | None = None,
) -> Outcome:  # fmt: skip
    """Publishes rosters; a changed one makes its month due (its duty days count in every day of it), and whole weeks.

    Raises Refused, with nothing written, where the change would take force inside an open check-in window or lacks a
    preview or a second approver (`taking_force`); `now` (aware) defaults to the real time. `cleared` stands for an answer
    that was given before (a rebuild: `taking_force.restored`).
    """
    cleared = cleared or await _allow_rosters(lanes, rosters, actor, now or _now())
    total = Outcome()
    for held, chunk in _by_lanes(rosters, lambda roster: roster.employee_id):
        async with lanes.hold({lane_of(actor), *held}) as work:
            total += await put_rosters(work, chunk, actor, cleared)
    return total


async def put_rosters(
    work: Work, rosters: Sequence[RosterState], actor: str, _cleared: Cleared, cause: Envelope | None = None
) -> Outcome:
    """Publishes rosters within a unit of work that holds their people's lanes and the actor's, once the gate has let them through.

    `cause` is the audit record of what led to it; without one it gets one of its own.
    """
    known = await rows.rosters(work.connection, [(roster.employee_id, roster.month) for roster in rosters])
    changed, outcome = differing(rosters, known, lambda roster: (roster.employee_id, roster.month))
    if not changed:
        return outcome
    cause = cause or _audit(work, actor, "publish-rosters", outcome)
    await rows.put_rosters(work.connection, changed)
    for version, roster in changed:
        key = f"{roster.employee_id}|{roster.month:%Y-%m}"
        work.emit(ROSTER, key, version, roster.published(version), key=key, lane=lane_of(roster.employee_id), cause=cause)
    spans = [Span(roster.employee_id, roster.month - _WEEK, _next_month(roster.month) + _WEEK) for _, roster in changed]
    spans += await rows_of_leaves(  # leave tables count duty days, so a month's roster bears on all days of such a row
        work.connection, {span.employee_id for span in spans}, min(span.first for span in spans), max(span.last for span in spans))
    await due.mark_spans(work.connection, spans, Priority.COMMAND, cause)
    return outcome


async def _allow_people(lanes: Lanes, people: Sequence[EmployeeState], actor: str, now: dt.datetime) -> Cleared:
    """Asks the gate once for all of them, however many transactions they will take."""
    known: dict[UUID, EmployeeState] = {}
    async with lanes.pool.acquire() as connection:
        for start in range(0, len(people), ONE_TRANSACTION):
            chunk = people[start:start + ONE_TRANSACTION]
            found = await rows.employees(connection, [person.employee_id for person in chunk])
            known |= {employee_id: kept.state for employee_id, kept in found.items()}
        return await taking_force.allow_people(connection, people, known, actor, now)


async def _allow_rosters(lanes: Lanes, rosters: Sequence[RosterState], actor: str, now: dt.datetime) -> Cleared:
    """Asks the gate once for all of them, however many transactions they will take."""
    known: dict[tuple[UUID, dt.date], Kept[RosterState]] = {}
    async with lanes.pool.acquire() as connection:
        for start in range(0, len(rosters), ONE_TRANSACTION):
            chunk = rosters[start:start + ONE_TRANSACTION]
            known |= await rows.rosters(connection, [(roster.employee_id, roster.month) for roster in chunk])
        changed, _ = differing(rosters, known, lambda roster: (roster.employee_id, roster.month))
        before = {key: kept.state for key, kept in known.items()}
        return await taking_force.allow_rosters(connection, [state for _, state in changed], before, actor, now)


async def publish_calendars(
    lanes: Lanes, calendars: Sequence[CalendarState], actor: str = OPERATOR, now: dt.datetime | None = None
) -> Outcome:
    """Publishes calendars; the months of changed dates become due for whoever lives by that calendar.

    Raises Refused as `publish_rosters` does.
    """

    async def clear(connection: Connection, known: Mapping[tuple[str, int], Kept[CalendarState]]) -> None:
        changed, _ = differing(calendars, known, lambda state: (state.calendar, state.year))
        before = {key: kept.state for key, kept in known.items()}
        await taking_force.allow_calendars(connection, [state for _, state in changed], before, actor, now or _now())

    async with holding_cleared(lanes, rows.calendars, clear) as (work, known):
        changed, outcome = differing(calendars, known, lambda state: (state.calendar, state.year))
        if not changed:
            return outcome
        cause = _audit(work, actor, "publish-calendars", outcome)
        await rows.put_calendars(work.connection, changed)
        await rows.count_change(work.connection)
        units = [kept.state for kept in (await rows.units(work.connection)).values()]
        for version, state in changed:
            key = f"{state.calendar}|{state.year}"
            work.emit(CALENDAR, key, version, state.published(version), key=key, lane=lane_of(key), cause=cause)
            old = known.get((state.calendar, state.year))
            dates = {day.date for day in state.days} ^ ({day.date for day in old.state.days} if old else set())
            living = [unit.org_unit_id for unit in units if unit.calendar == state.calendar]
            for first in sorted({date.replace(day=1) for date in dates}):
                await opening.spread(work.connection, living, first - 2 * _DAY, _next_month(first) + _DAY, Priority.RESTATEMENT, cause)
        return outcome


async def publish_policies(
    lanes: Lanes, policies: Mapping[str, Policy], in_force: Sequence[tuple[str, dt.date, UUID | None]], actor: str = OPERATOR,
    now: dt.datetime | None = None,
) -> Outcome:
    """Publishes rule packs and puts some in force: (name, first business date, unit or None for the province).

    It holds for the units below as well, where these have none of their own. A pack that was in force there since the same
    date gives way. Days from that date to the next change of the same scope become due.

    Raises Refused for a name that is not among the policies, and as `publish_rosters` does.
    """
    unknown = sorted({name for name, _, _ in in_force} - set(policies))
    if unknown:
        raise Refused(f"kebijakan {', '.join(unknown)} tidak ada di berkas; yang ada: {', '.join(sorted(policies))}")

    async def clear(connection: Connection, known: Mapping[UUID, Kept[PolicyState]]) -> None:
        held, wanted = _scopes(known, policies, in_force)
        puts = [(*scope, policy_id) for scope, policy_id in wanted.items() if held.get(scope) != policy_id]
        if puts:
            packs = {policy.identity: policy for policy in policies.values()}
            await taking_force.allow_policies(connection, puts, packs, actor, now or _now())

    async with holding_cleared(lanes, rows.policies, clear) as (work, known):
        held, wanted = _scopes(known, policies, in_force)
        changed, outcome = differing(_packs(known, policies, wanted), known, lambda state: state.policy_id)
        mine = {policy.identity for policy in policies.values()}
        outcome = replace(outcome, unchanged=len(mine - {state.policy_id for _, state in changed}))
        if not changed:
            return outcome
        cause = _audit(work, actor, "publish-policies", outcome)
        await rows.put_policies(work.connection, changed)
        await rows.count_change(work.connection)
        for version, state in changed:
            key = str(state.policy_id)
            work.emit(POLICY, key, version, state.published(version), key=key, lane=lane_of(key), cause=cause)
        reference = await Memory().current(work.connection)
        for unit, since in sorted((key for key, value in wanted.items() if held.get(key) != value), key=lambda key: key[1]):
            later = [date for scope, date in wanted if scope == unit and date > since]
            units = None if unit is None else reference.below(unit)
            await opening.spread(work.connection, units, since, min(later, default=EVER), Priority.RESTATEMENT, cause)
        return outcome


def _scopes(
    known: Mapping[UUID, Kept[PolicyState]], policies: Mapping[str, Policy], in_force: Sequence[tuple[str, dt.date, UUID | None]]
) -> tuple[Scopes, Scopes]:
    """The packs that are in force, and those that would be."""
    held = {(scope.org_unit_id, scope.since): policy_id for policy_id, kept in known.items() for scope in kept.state.in_force}
    return held, held | {(unit, since): policies[name].identity for name, since, unit in in_force}


def _packs(known: Mapping[UUID, Kept[PolicyState]], policies: Mapping[str, Policy], wanted: Scopes) -> list[PolicyState]:
    """All packs as they would be, with the scopes of each."""
    contents = {policy_id: kept.state for policy_id, kept in known.items()}
    for name, policy in policies.items():
        old = contents.get(policy.identity)
        contents[policy.identity] = PolicyState(policy.identity, old.name if old else name, policy.content())
    held: defaultdict[UUID, list[PolicyInForce]] = defaultdict(list)
    for (unit, since), policy_id in sorted(wanted.items(), key=lambda item: (item[0][1], str(item[0][0] or ""))):
        held[policy_id].append(PolicyInForce(since=since, org_unit_id=unit))
    return [replace(state, in_force=tuple(held[policy_id])) for policy_id, state in contents.items()]


def _by_lanes(states: Sequence[S], employee_of: Callable[[S], UUID]) -> Iterable[tuple[set[int], Sequence[S]]]:
    if len(states) <= ONE_TRANSACTION:
        if states:
            yield {lane_of(employee_of(state)) for state in states}, states
        return
    lanes: defaultdict[int, list[S]] = defaultdict(list)
    for state in states:
        lanes[lane_of(employee_of(state))].append(state)
    for lane in sorted(lanes):
        for start in range(0, len(lanes[lane]), ONE_TRANSACTION):
            yield {lane}, lanes[lane][start:start + ONE_TRANSACTION]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=31)).replace(day=1)


def _audit(work: Work, actor: str, action: str, outcome: Outcome) -> Envelope:
    detail: dict[str, Any] = {"new": outcome.new, "changed": outcome.changed, "unchanged": outcome.unchanged}
    return record_audit(work, actor, action, "reference-data", detail)


def record_audit(work: Work, actor: str, action: str, subject: str, detail: dict[str, Any]) -> Envelope:
    """Tells on the audit topic who commanded what; its envelope is the cause of all that follows. Holds no personal data."""
    audit_id = uuid4()
    now = dt.datetime.now(dt.UTC)
    event = AuditRecorded(audit_id=audit_id, actor=actor, action=action, subject=subject, at=now, detail=detail)
    return work.emit(AUDIT["schedule"], str(audit_id), 1, event, key=actor, lane=lane_of(actor), cause=None, time=now)
