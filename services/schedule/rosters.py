"""An org unit's roster of a month on its way: drafted or proposed, submitted, adjusted, returned or approved, published.

Every step names the version that it was based on, and is kept with actor, role, reason and time, here and on the audit
topic. What is published changes duties from tomorrow on at the earliest: the past is changed by corrections only.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid4

from services.schedule import planning, taking_force
from services.schedule.assessing import time_of
from services.schedule.clearing import holding_cleared
from services.schedule.memory import Memory
from services.schedule.planning import Staff
from services.schedule.publishing import put_rosters, record_audit
from services.schedule.reference import NATIONAL_CALENDAR
from services.schedule.reference import RosterState as MonthRoster
from services.schedule.rules.schemes import Breach, BreachCode, Infeasible, Place, Proposal, breaches_of, propose
from services.schedule.rules.schemes.steps import STATE_WORDS, VERBS, RosterState, RosterStep, after, from_which
from services.schedule.rules.workflow import Who
from services.schedule.schemes import allow, schemes_in_force
from services.schedule.store import due, plans, reference_rows
from services.schedule.store.plans import Asked, PlanRow, StepRow
from shared.database import Connection
from shared.envelope import Envelope
from shared.events import Mode, RosterDay
from shared.lanes import Lanes, Work
from shared.refusal import Refused
from shared.topics import LANES, lane_of

_DAY: Final = dt.timedelta(days=1)
_MOST_NAMED: Final = 5
Changes = Mapping[UUID, Mapping[dt.date, RosterDay | None]]
"""Days by person and date; None lets the date follow the week pattern again."""


class Outdated(Refused):
    """The roster has changed since the caller saw it."""


class Breached(Refused):
    """A roster that is against its scheme; holds every breach."""

    def __init__(self, breaches: Sequence[Breach]) -> None:
        self.breaches = tuple(breaches)
        super().__init__(f"roster melanggar skema pada {len(breaches)} tempat; perbaiki, kembalikan ke unit, atau setujui dengan alasan "
                         "meskipun melanggar (--despite-breaches)")


class NoRotation(Refused):
    """No rotation keeps the scheme; the text tells why."""

    def __init__(self, infeasible: Infeasible) -> None:
        self.infeasible = infeasible
        super().__init__("tidak ada pembagian yang memenuhi skema: " + "; ".join(reason.sentence for reason in infeasible.reasons))


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks for a step of a unit's roster of a month (its first day), why, and which version was seen.

    `version` is None for a roster that nobody has begun.
    """

    org_unit_id: UUID
    month: dt.date
    by: Who
    reason: str
    version: int | None


@dataclass(frozen=True, slots=True)
class View:
    """A roster as it stands: its version and state (None: not begun), what it asks for, and its breaches.

    Without a roster on its way, and once it is published, `asked` is what is published. `moved` counts the days of a published
    one that are no longer what BKD approved: an import of rosters has changed them since.
    """

    row: PlanRow | None
    staff: Staff
    asked: Asked
    breaches: tuple[Breach, ...]
    moved: int = 0

    @property
    def errors(self) -> tuple[Breach, ...]:
        """Breaches that stand against approval."""
        return tuple(breach for breach in self.breaches if not breach.warning)


@dataclass(frozen=True, slots=True)
class Stepped:
    """The roster after a step, and its breaches."""

    row: PlanRow
    breaches: tuple[Breach, ...]


Act = Callable[[Connection, View], Awaitable[Asked]]
"""Gives what a roster asks for after a step; raises Refused."""

Write = Callable[[Work, Envelope], Awaitable[object]]
"""Writes what a step brings beside itself; the audit record of the step is its cause."""

Gate = Callable[[Connection, View], Awaitable[Write]]


async def view(connection: Connection, memory: Memory, org_unit_id: UUID, month: dt.date) -> View:
    """The roster of a unit and month; KeyError for a unit that nobody knows."""
    staff = await planning.staff_of(connection, memory, org_unit_id, month, _last_of(month), await schemes_in_force(connection))
    row = await plans.plan_of(connection, org_unit_id, month)
    published = _published(staff)
    approved = published if row is None else await plans.asked(connection, row.plan_id)
    asked = published if row is None or row.state == RosterState.PUBLISHED else approved
    moved = _days_of(approved) ^ _days_of(published) if asked is published else set()
    return View(row, staff, asked, tuple(check(staff, asked)), len({(employee_id, day.date) for employee_id, day in moved}))


def check(staff: Staff, asked: Asked) -> list[Breach]:
    """Everything in a roster that is against its scheme, and days of people who are not the unit's."""
    strangers = [
        Breach(day.date, BreachCode.NOT_MEMBER, employee_id=employee_id)
        for employee_id, days in asked.items() for day in days
        if employee_id not in staff.people or not staff.belongs(employee_id, day.date)
    ]
    return sorted([*strangers, *breaches_of(staff.plan(asked))], key=lambda breach: (breach.date, breach.code, str(breach.employee_id)))


async def draft(lanes: Lanes, order: Order, changes: Changes, now: dt.datetime | None = None) -> Stepped:
    """Drafts days (None: follow the week pattern) on top of the draft, or of what is published; other days stay.

    Raises Refused.
    """

    async def act(connection: Connection, seen: View) -> Asked:
        asked = merged(seen.asked, changes)
        await _refuse_begun(connection, seen.staff, asked, now)
        return asked

    return await _step(lanes, order, RosterStep.DRAFT, act)


async def draft_proposal(lanes: Lanes, order: Order, now: dt.datetime | None = None) -> Stepped:
    """Drafts a rotation that keeps the scheme, on the dates that may still change; raises NoRotation, Refused."""

    async def act(connection: Connection, seen: View) -> Asked:
        asked, _ = await proposal_for(connection, seen, now)
        await _refuse_begun(connection, seen.staff, asked, now)
        return asked

    return await _step(lanes, order, RosterStep.DRAFT, act, detail={"proposed": True})


async def proposal_for(connection: Connection, seen: View, now: dt.datetime | None = None) -> tuple[Asked, Proposal]:
    """A rotation on top of what a roster asks for, and how fair it is; raises NoRotation, Refused."""
    staff = seen.staff
    if not any(date in staff.schemes for date in staff.dates()):
        raise Refused(f"tidak ada skema yang berlaku di unit ini pada {staff.first:%Y-%m}; terapkan dulu (hadir scheme apply)")
    begun = max((date for date in (await _begun(connection, staff, now)).values()), default=staff.first - _DAY)
    open_dates = [date for date in staff.dates() if date > begun]
    before = await planning.staff_of(connection, Memory(), staff.unit.org_unit_id, (staff.first - _DAY).replace(day=1), staff.first - _DAY)
    carried = {person.employee_id: sum(place is Place.WFA for date, place in person.days.items() if date <= before.last)
               for person in before.plan().people}
    found = propose(staff.plan(seen.asked), open_dates, carried)
    if isinstance(found, Infeasible):
        raise NoRotation(found)
    changes: dict[UUID, dict[dt.date, RosterDay | None]] = {}
    for employee_id, days in found.days.items():
        hours = {day.date: (day.start, day.end) for day in seen.asked.get(employee_id, ())}
        changes[employee_id] = {
            date: RosterDay(date=date, mode=Mode(place.value), start=hours.get(date, (None, None))[0], end=hours.get(date, (None, None))[1])
            for date, place in days.items()
        }
    return merged(seen.asked, changes), found


def without_holidays(staff: Staff) -> str | None:
    """A warning if no holiday is known of the roster's year where the unit lives: all of them would be worked."""
    calendar = staff.unit.calendar
    if any(date.year == staff.first.year for date in staff.reference.holidays.get(calendar, ())):
        return None
    how = f"--year {staff.first.year}" if calendar == NATIONAL_CALENDAR else "BERKAS"
    return (f"peringatan: kalender {calendar} {staff.first.year} belum ada, jadi setiap libur dianggap hari kerja; "
            f"impor dulu (hadir import calendar {how}), lalu ulangi")


async def submit(lanes: Lanes, order: Order) -> Stepped:
    """The unit hands its draft to BKD, with what is against the scheme for all to see."""
    return await _step(lanes, order, RosterStep.SUBMIT)


async def adjust(lanes: Lanes, order: Order, changes: Changes, now: dt.datetime | None = None) -> Stepped:
    """BKD changes days of a submitted or approved roster, which then waits for approval again."""

    async def act(connection: Connection, seen: View) -> Asked:
        asked = merged(seen.asked, changes)
        await _refuse_begun(connection, seen.staff, asked, now)
        return asked

    return await _step(lanes, order, RosterStep.ADJUST, act)


async def give_back(lanes: Lanes, order: Order) -> Stepped:
    """BKD returns a roster to the unit as a draft, with the reason."""
    return await _step(lanes, order, RosterStep.RETURN)


async def approve(lanes: Lanes, order: Order, *, despite_breaches: bool = False) -> Stepped:
    """BKD approves, by somebody else than who submitted; raises Breached if it is against its scheme, unless despite that."""

    async def act(connection: Connection, seen: View) -> Asked:
        trail = [] if seen.row is None else await plans.trail(connection, seen.row.plan_id)
        submitted = [done.actor for done in trail if done.action == RosterStep.SUBMIT.value]
        if submitted and await reference_rows.same_person(connection, submitted[-1], order.by.name):
            raise Refused("yang mengajukan roster tidak dapat menyetujuinya; mintalah petugas BKD yang lain")
        if seen.errors and not despite_breaches:
            raise Breached(seen.errors)
        return seen.asked

    detail = {"despite_breaches": True} if despite_breaches else {}
    return await _step(lanes, order, RosterStep.APPROVE, act, detail=detail)


async def publish(lanes: Lanes, order: Order, now: dt.datetime | None = None) -> Stepped:
    """Publishes an approved roster and makes its days due, in one transaction.

    Raises Refused if a changed day has begun, or people may be checking in for it already (a shift just after midnight).
    """

    async def act(connection: Connection, seen: View) -> Asked:
        await _refuse_begun(connection, seen.staff, seen.asked, now)
        return seen.asked

    async def gate(connection: Connection, seen: View) -> Write:
        states = [
            MonthRoster(employee_id, order.month, days) for employee_id in sorted({*seen.asked, *seen.staff.rosters})
            if employee_id in seen.staff.people
            and (days := seen.staff.month_with(employee_id, seen.asked.get(employee_id, ()))) != seen.staff.month_of(employee_id)
        ]
        before = {(state.employee_id, order.month): replace(state, days=seen.staff.month_of(state.employee_id)) for state in states}
        cleared = await taking_force.allow_rosters(connection, states, before, order.by.name, now or dt.datetime.now(dt.UTC))
        return lambda work, cause: put_rosters(work, states, order.by.name, cleared, cause)

    return await _step(lanes, order, RosterStep.PUBLISH, act, gate)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A step that may be taken: where it leads to, what is asked for then, and what is against its scheme."""

    target: RosterState
    asked: Asked
    breaches: tuple[Breach, ...]
    write: Write | None


async def _step(
    lanes: Lanes, order: Order, step: RosterStep, act: Act | None = None, gate: Gate | None = None, *,
    detail: Mapping[str, Any] | None = None,
) -> Stepped:  # fmt: skip
    """Takes one step, all of it or nothing.

    The roster is loaded and checked before any lane is held, since that takes seconds for a large unit; and again if anything that
    it follows from changed meanwhile (`plans.versions`), which is all that is looked at under the lanes.
    """
    by, unit, month = order.by, order.org_unit_id, order.month
    allow(VERBS[step], by, unit)
    if month.day != 1:
        raise Refused("bulan disebut dengan tanggal satu")
    if not order.reason.strip():
        raise Refused("alasan wajib diisi")
    seen: View
    ready: _Ready | Refused

    async def look(connection: Connection) -> object:
        return await plans.versions(connection, unit, month, *planning.ends(month, _last_of(month)))

    async def clear(connection: Connection, _: object) -> None:
        nonlocal seen, ready
        try:
            seen = await view(connection, Memory(), unit, month)
        except KeyError:
            raise Refused("unit kerja tidak terdaftar; impor unitnya dulu (hadir import org-units)") from None
        try:
            ready = await _ready(connection, seen, order, step, act, gate)
        except Refused as problem:  # raised under the lanes: only there it is known whether the step was taken before
            ready = problem

    # Steps of one roster come one after the other; publishing writes facts of everybody in the unit, whatever their lanes.
    held = range(LANES) if step is RosterStep.PUBLISH else {lane_of(by.name), lane_of(f"{unit}|{month}")}
    async with holding_cleared(lanes, look, clear, held) as (work, _):
        if lanes.given_before and seen.row is not None:
            return Stepped(seen.row, seen.breaches)
        if isinstance(ready, Refused):
            raise ready
        version = (order.version or 0) + 1
        row = PlanRow(seen.row.plan_id if seen.row else uuid4(), unit, month, version, ready.target.value)
        told = {
            "from": seen.row.state if seen.row else None, "to": row.state, "version": version, "unit": str(unit),
            "month": f"{month:%Y-%m}", "people": len(ready.asked), "days": sum(map(len, ready.asked.values())),
            "breaches": sum(not breach.warning for breach in ready.breaches), **(detail or {}),
        }
        now = dt.datetime.now(dt.UTC)
        await plans.put_plan(work.connection, row)
        if ready.asked is not seen.asked:
            await plans.put_asked(work.connection, row.plan_id, ready.asked)
        await plans.put_step(work.connection, row.plan_id, StepRow(
            version, step.value, row.state, by.name, by.role, order.reason, now, told))
        audit = {**told, "role": by.role, "reason": order.reason}
        cause = record_audit(work, by.name, f"roster-{step.value}", str(row.plan_id), audit)
        if ready.write is not None:
            await ready.write(work, cause)
        return Stepped(row, ready.breaches)


async def _ready(connection: Connection, seen: View, order: Order, step: RosterStep, act: Act | None, gate: Gate | None) -> _Ready:
    """What a step comes to, written nowhere yet; raises Outdated or Refused if it may not be taken."""
    target = _target(seen.row, order, step)
    asked = seen.asked if act is None else await act(connection, seen)
    breaches = seen.breaches if asked is seen.asked else tuple(check(seen.staff, asked))
    return _Ready(target, asked, breaches, None if gate is None else await gate(connection, seen))


def _target(row: PlanRow | None, order: Order, step: RosterStep) -> RosterState:
    """The state that a step leads to; raises Outdated or Refused if it cannot be taken."""
    known = row.version if row is not None else None
    if known != order.version:
        raise Outdated(f"roster ini sekarang versi {known or 'belum ada'}, sedangkan yang Anda lihat versi "
                       f"{order.version or 'belum ada'}; lihat lagi (hadir roster show), lalu ulangi")
    state = RosterState(row.state) if row is not None else None
    target = after(state, step)
    if target is None:
        wanted = " atau ".join(sorted(STATE_WORDS[source] for source in from_which(step)))
        raise Refused(f"roster ini {STATE_WORDS[state]}; langkah ini hanya untuk roster yang {wanted}")
    return target


def merged(base: Asked, changes: Changes) -> dict[UUID, tuple[RosterDay, ...]]:
    """What a roster asks for once these days are changed."""
    merged = dict(base)
    for employee_id, days in changes.items():
        known: dict[dt.date, RosterDay | None] = {day.date: day for day in base.get(employee_id, ())}
        known |= days
        merged[employee_id] = tuple(day for _, day in sorted(known.items()) if day is not None)
    return merged


def _days_of(asked: Asked) -> set[tuple[UUID, RosterDay]]:
    return {(employee_id, day) for employee_id, days in asked.items() for day in days}


def _published(staff: Staff) -> dict[UUID, tuple[RosterDay, ...]]:
    """What is published for the unit's people in the month, on dates on which they are its members."""
    published = {
        employee_id: tuple(day for day in staff.month_of(employee_id) if staff.belongs(employee_id, day.date))
        for employee_id in sorted(staff.rosters)
    }
    return {employee_id: days for employee_id, days in published.items() if days}


async def _begun(connection: Connection, staff: Staff, now: dt.datetime | None) -> dict[UUID, dt.date]:
    """For everybody the last business date that has begun, by their own zone and clock."""
    now = now or dt.datetime.now(dt.UTC)
    clocks = await due.clocks(connection, {person.played_clock for person in staff.people.values() if person.played_clock})
    return {
        employee_id: person.date_at(time_of(person, clocks, now))
        for employee_id, person in staff.people.items()
    }


async def _refuse_begun(connection: Connection, staff: Staff, asked: Asked, now: dt.datetime | None) -> None:
    """Raises Refused if a roster changes what was owed on a date that has begun or is past."""
    begun = await _begun(connection, staff, now)
    published = _published(staff)
    touched: dict[dt.date, int] = {}
    for employee_id, last in begun.items():
        if asked.get(employee_id, ()) == published.get(employee_id, ()) or last < staff.first:
            continue
        was, would_be = staff.duties(employee_id), staff.duties(employee_id, asked.get(employee_id, ()))
        for date in staff.dates():
            if date <= last and staff.belongs(employee_id, date) and was.on(date) != would_be.on(date):
                touched[date] = touched.get(date, 0) + 1
    if touched:
        named = ", ".join(f"{date} ({count} orang)" for date, count in sorted(touched.items())[:_MOST_NAMED])
        more = f" dan {len(touched) - _MOST_NAMED} tanggal lain" if len(touched) > _MOST_NAMED else ""
        raise Refused(f"hari yang sudah lewat atau sudah dimulai tidak dapat diubah dengan roster: {named}{more}. Susun roster mulai "
                      f"{max(begun.values()) + _DAY}; untuk hari lampau ajukan koreksi (hadir correction)")


def _last_of(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=31)).replace(day=1) - _DAY
