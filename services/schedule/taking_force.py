"""The gate before a change of what is demanded takes force: not inside an open check-in window, and not unseen where it weighs.

Called by the commands that publish, with what they found to differ. Each question that is answered with yes gives a
`Cleared`, without which nothing is written (tests/contract/test_roads.py). Invented people, who live by clocks of their
own, are never in the way.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from services.schedule.corrections import EARLIEST
from services.schedule.digests import (
    Put,
    calendar_digest,
    employees_digest,
    org_units_digest,
    policy_digest,
    roster_digest,
    units_moving,
    weeks_digest,
    weighty,
)
from services.schedule.in_force import PoliciesInForce, WeeksInForce
from services.schedule.memory import Memory, Reference
from services.schedule.reference import UNITS_WEEK, CalendarState, EmployeeState, OrgUnitState, RosterState
from services.schedule.rules import Duty, DutyError, Span, duty_on
from services.schedule.rules.schemes import SchemesInForce
from services.schedule.rules.taking_force import Kind, check_in_span, free_from
from services.schedule.store import previews
from services.schedule.store import reference_rows as rows
from shared.database import Connection
from shared.events import RosterDay
from shared.policy import Policy
from shared.refusal import Refused
from shared.roles import plain_name

_DAY: Final = dt.timedelta(days=1)
_ZONES: Final = {"Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}


@dataclass(frozen=True, slots=True)
class Cleared:
    """That the gate has let a change through. Made in this module only; what writes a demand asks for one."""

    what: Kind | Literal["restored"]


def restored() -> Cleared:
    """For a rebuild of an empty database from the topics alone: what is written was in force, and surprises nobody."""
    return Cleared("restored")


async def allow_policies(
    connection: Connection, puts: Sequence[Put], packs: Mapping[UUID, Policy], actor: str, now: dt.datetime
) -> Cleared:
    """Raises Refused if these rule packs may not take force now. Where no pack held before, nobody is taken by surprise."""
    reference = await Memory().current(connection)
    others = (row for row in reference.in_force.rows() if row[:2] not in {put[:2] for put in puts})
    after = reference.changed(policies=packs, in_force=PoliciesInForce([*others, *puts]))
    await _allow_demands(connection, reference, after, "kebijakan", "policy", policy_digest(puts), actor, now)
    return Cleared("policy")


async def allow_calendars(
    connection: Connection, changed: Sequence[CalendarState], known: Mapping[tuple[str, int], CalendarState], actor: str,
    now: dt.datetime,
) -> Cleared:  # fmt: skip
    """Raises Refused if these calendars may not take force now; only dates that have begun can surprise anybody."""
    touched: dict[str, set[dt.date]] = {}
    for state in changed:
        touched.setdefault(state.calendar, set()).update(_dates_of(state) ^ _dates_of(known.get((state.calendar, state.year))))
    begun = {calendar: {date for date in dates if date <= max(_around(now))} for calendar, dates in touched.items()}
    if not any(begun.values()):
        return Cleared("calendar")
    reference = await Memory().current(connection)
    moved = {unit: begun[state.calendar] for unit, state in reference.units.items() if begun.get(state.calendar)}
    return await _allow_holidays(connection, reference, moved, "kalender", "calendar", calendar_digest(changed), actor, now)


async def allow_org_units(
    connection: Connection, changed: Sequence[OrgUnitState], known: Mapping[UUID, OrgUnitState], actor: str, now: dt.datetime
) -> Cleared:
    """Raises Refused if these org units may not live by these calendars, or by the weeks and packs of these units above them, now.

    Nothing else of a unit bears on its days; units below it take weeks and packs from above too.
    """
    moving = units_moving(changed, known)
    if not moving:
        return Cleared("calendar")
    reference = await Memory().current(connection)
    lately = reference.changed(units=changed)  # new ones as well: a known one may be put below them
    digest = org_units_digest(moving, lately)
    await _allow_demands(connection, reference, lately, "unit kerja induk", "org-units", digest, actor, now)
    moved = {}
    for unit in moving:
        before, after = (reference.holidays.get(name, frozenset()) for name in (known[unit.org_unit_id].calendar, unit.calendar))
        if begun := {date for date in before ^ after if date <= max(_around(now))}:
            moved[unit.org_unit_id] = begun
    return await _allow_holidays(
        connection, reference, moved, "kalender unit kerja", "org-units", digest, actor, now)


async def _allow_holidays(
    connection: Connection, reference: Reference, moved: Mapping[UUID, set[dt.date]], what: str, command: str, digest: str,
    actor: str, now: dt.datetime,
) -> Cleared:  # fmt: skip
    """The gate for dates, by unit, that become holidays or stop being any."""
    spans = []
    for date in _around(now):
        concerned = {unit for unit, dates in moved.items() if date in dates}
        for group in await previews.working_on(connection, date, concerned) if concerned else ():
            policy_id = reference.pack_on(group.org_unit_id, date)
            if policy_id is not None:
                duty = _duty(reference, group, date, holidays=frozenset())
                spans += _spans([(duty, reference.policies[policy_id])])
    _wait(spans, now, what, _zone_of_units(reference, moved))
    past = {unit for unit, dates in moved.items() if any(date < _today(now) for date in dates)}
    if past:
        await require(connection, command, digest, await previews.real_people(connection, past), actor, now)
    return Cleared("calendar")


async def allow_rosters(
    connection: Connection, changed: Sequence[RosterState], known: Mapping[tuple[UUID, dt.date], RosterState], actor: str,
    now: dt.datetime,
) -> Cleared:  # fmt: skip
    """Raises Refused if these rosters, all of one command, may not take force now."""
    around = _around(now)
    moved = {date: [state for state in changed if _day(state, date) != _day(known.get((state.employee_id, state.month)), date)]
             for date in around}
    ids = {state.employee_id for states in moved.values() for state in states}
    if ids:
        reference = await Memory().current(connection)
        real = await previews.real_among(connection, ids)
        people = {key: kept.state for key, kept in (await rows.employees(connection, real)).items()}
        spans: list[Span] = []
        for date, states in moved.items():
            for state in states:
                if (person := people.get(state.employee_id)) is not None:
                    both = (_day(known.get((state.employee_id, state.month)), date), _day(state, date))
                    spans += _roster_spans(reference, person, date, both)
        _wait(spans, now, "roster", next((person.zone_on(_today(now)) for person in people.values()), "Asia/Jakarta"))
    begun = _begun(changed, known, now)
    if begun:
        await require(connection, "roster", roster_digest(changed), len(await previews.real_among(connection, begun)), actor, now)
    return Cleared("roster")


async def allow_weeks(connection: Connection, after: WeeksInForce, actor: str, now: dt.datetime) -> Cleared:
    """Raises Refused if these weeks may not hold now. Hours of a week never change; what changes is where it holds."""
    reference = await Memory().current(connection)
    lately, digest = reference.changed(weeks_in_force=after), weeks_digest(reference.weeks_in_force, after)
    await _allow_demands(connection, reference, lately, "pola kerja", "weeks-in-force", digest, actor, now)
    return Cleared("weeks")


async def _allow_demands(
    connection: Connection, before: Reference, after: Reference, what: str, command: str, digest: str, actor: str, now: dt.datetime
) -> None:
    """The gate for units that owe other hours, or by another rule pack, on any date, past or to come: many must have seen it tried.

    Not while people check in by what held or by what would hold.
    """
    units = {unit for unit in before.units if before.other_demands(after, unit)}
    if not units:
        return
    spans = []
    for date in _around(now):
        for group in await previews.working_on(connection, date, units):
            was, would_be = ((_duty(side, group, date), side.pack_on(group.org_unit_id, date)) for side in (before, after))
            if was[1] is not None and was != would_be:
                spans += _spans((duty, after.policies[pack]) for duty, pack in (was, would_be) if pack is not None)
    _wait(spans, now, what, _zone_of_units(before, units))
    await require(connection, command, digest, await previews.real_people(connection, units), actor, now)


async def allow_schemes(
    connection: Connection, before: SchemesInForce, after: SchemesInForce, digest: str, actor: str, now: dt.datetime
) -> Cleared:
    """Raises Refused if schemes may not take force now.

    They price no day, but they say from where people may work today: not while those check in to whom another one would
    apply. Where one gives way to another (or to none) on any date, past or to come, many people must have been previewed.
    """
    reference = await Memory().current(connection)

    def differs(unit: UUID, date: dt.date) -> bool:
        held, holds = before.on(unit, date), after.on(unit, date)
        return held is not None and (holds is None or held.scheme_id != holds.scheme_id)

    today = {unit for unit in reference.units if any(differs(unit, date) for date in _around(now))}
    if today:
        await allow_moment(connection, reference, today, "skema", now, lambda group, date: differs(group.org_unit_id, date))
    giving_way = {unit for unit in reference.units if any(differs(unit, date) for date in before.turns(unit) | after.turns(unit))}
    if giving_way:
        await require(connection, "scheme", digest, await previews.real_people(connection, giving_way), actor, now)
    return Cleared("scheme")


async def allow_people(
    connection: Connection, changed: Sequence[EmployeeState], known: Mapping[UUID, EmployeeState], actor: str, now: dt.datetime
) -> Cleared:
    """Raises Refused if people who are known would owe other hours, or owe them by another pack, while they check in.

    That is so where unit, week pattern or zone of a date that is under way differ. Only real people who serve on before
    and after can be surprised. Many of whom past days would differ must have been previewed, as with rosters.
    """
    begun = {employee_id for employee_id, since in weighty(changed, known).items() if since < _today(now)}
    moved = {}
    for person in changed:
        old = known.get(person.employee_id)
        if old is not None and old.active and person.active and old.played_clock is person.played_clock is None:
            dates = [date for date in _around(now) if _owes(old, date) != _owes(person, date)]
            if dates:
                moved[person.employee_id] = dates
    if moved:
        await _wait_for_people(connection, changed, known, moved, now)
    if begun:
        await require(connection, "employees", employees_digest(changed, known), len(begun), actor, now)
    return Cleared("employees")


async def _wait_for_people(
    connection: Connection, changed: Sequence[EmployeeState], known: Mapping[UUID, EmployeeState],
    moved: Mapping[UUID, Sequence[dt.date]], now: dt.datetime,
) -> None:  # fmt: skip
    """Raises Refused while somebody of whom these dates differ is checking in, by the hours before or after."""
    reference = await Memory().current(connection)
    after = {person.employee_id: person for person in changed}
    months = {date.replace(day=1) for dates in moved.values() for date in dates}
    rosters = await rows.rosters(connection, [(employee_id, month) for employee_id in moved for month in months])
    spans: list[Span] = []
    for employee_id, dates in moved.items():
        for date in dates:
            kept = rosters.get((employee_id, date.replace(day=1)))
            day = _day(kept.state if kept else None, date)
            for person in (known[employee_id], after[employee_id]):
                spans += _roster_spans(reference, person, date, [day])
    _wait(spans, now, "data pegawai", next(after[employee_id].zone_on(_today(now)) for employee_id in moved))


async def allow_sites(
    connection: Connection, units: Collection[UUID] | None, digest: str | None, actor: str, now: dt.datetime
) -> Cleared:
    """Raises Refused if fences of people of these units (None: of anybody) may not move now.

    `digest` None: no fence that held is replaced, so that nothing need have been previewed.
    """
    reference = await Memory().current(connection)
    await allow_moment(connection, reference, units, "situs", now)
    if digest is not None:
        await require(connection, "sites", digest, await previews.real_people(connection, units), actor, now)
    return Cleared("sites")


async def allow_moment(
    connection: Connection, reference: Reference, units: Collection[UUID] | None, what: str, now: dt.datetime,
    concerned: Callable[[previews.Working, dt.date], bool] = lambda _group, _date: True,
) -> None:  # fmt: skip
    """Raises Refused while a check-in window of real people of these units (None: of anybody) is open; `what` is Indonesian.

    `concerned` leaves out people and dates of which nothing changes.
    """
    spans = []
    for date in _around(now):
        for group in await previews.working_on(connection, date, units):
            policy_id = reference.pack_on(group.org_unit_id, date)
            if policy_id is not None and concerned(group, date):
                spans += _spans([(_duty(reference, group, date), reference.policies[policy_id])])
    _wait(spans, now, what, _zone_of_units(reference, units))


def _owes(person: EmployeeState, date: dt.date) -> tuple[UUID | None, str, str]:
    return person.unit_on(date), person.own_week_on(date) or "", person.zone_on(date)


def _begun(
    changed: Iterable[RosterState], known: Mapping[tuple[UUID, dt.date], RosterState], now: dt.datetime
) -> set[UUID]:
    """People whose rosters differ on dates that are past: their days were judged, or could have been."""
    return {
        state.employee_id for state in changed
        if state.month <= _today(now) and any(
            _day(state, date) != _day(known.get((state.employee_id, state.month)), date)
            for date in _dates_of(state, known.get((state.employee_id, state.month))) if date < _today(now))
    }


async def require(connection: Connection, command: str, digest: str, people: int, actor: str, now: dt.datetime) -> None:
    """Raises Refused unless a change that concerns so many real people was previewed, and approved where it weighs enough.

    `command` is the word of `hadir preview` by which the change is previewed.
    """
    limits = await previews.limits(connection)
    if people <= limits.free_people:
        return
    seen = await previews.newest_of(connection, digest, now - limits.valid_days * _DAY)
    if seen is None:
        raise Refused(
            f"perubahan ini menyangkut {people} pegawai (batas tanpa pratinjau {limits.free_people}) dan belum ada pratinjaunya "
            f"dalam {limits.valid_days} hari terakhir; jalankan `hadir preview {command} ...` untuk seluruh provinsi dengan isi "
            "yang sama, lalu ulangi"
        )
    if not limits.needs_second(seen.people_changed, seen.rupiah):
        return
    approvers = {plain_name(name) for name in await previews.approvers(connection, seen.preview_id)}
    me, previewer = [
        {plain_name(name) for name in await rows.names_of(connection, one)} for one in (actor, seen.actor)
    ]
    if not approvers - me - previewer:
        if approvers & me:
            raise Refused(
                f"Anda sendiri yang menyetujui pratinjau {seen.preview_id}; yang memberlakukan harus orang lain daripada yang menyetujui:"
                f" minta {seen.actor}, yang membuat pratinjaunya, atau petugas lain memberlakukannya"
            )
        raise Refused(
            f"pratinjau {seen.preview_id} mengubah {seen.people_changed} pegawai dan Rp {seen.rupiah:,} (batas {limits.people} pegawai, "
            f"Rp {limits.rupiah:,}); minta orang kedua menyetujui dengan `hadir preview approve {seen.preview_id}`, lalu ulangi"
        )


def _around(now: dt.datetime) -> tuple[dt.date, ...]:
    """Business dates that may be under way somewhere in Indonesia."""
    today = now.astimezone(dt.UTC).date()
    return tuple(today + number * _DAY for number in (-1, 0, 1))


def _today(now: dt.datetime) -> dt.date:
    """The first business date that is over nowhere in Indonesia; a day before it was judged somewhere, or could have been."""
    return now.astimezone(EARLIEST).date()


def _duty(reference: Reference, group: previews.Working, date: dt.date, holidays: frozenset[dt.date] | None = None) -> Duty:
    calendar = reference.calendar_of(group.org_unit_id)
    off = reference.holidays.get(calendar, frozenset()) if holidays is None else holidays
    own = None if group.week == UNITS_WEEK else group.week
    week = reference.week(own or reference.unit_week(group.org_unit_id, date))
    try:
        return duty_on(date, week, off, group.roster, group.timezone)
    except DutyError:
        return duty_on(date, week, off, None, group.timezone)


def _spans(judged: Iterable[tuple[Duty, Policy]]) -> list[Span]:
    return [span for duty, policy in judged if (span := check_in_span(duty, policy)) is not None]


def _roster_spans(
    reference: Reference, person: EmployeeState, date: dt.date, both: Iterable[RosterDay | None]
) -> list[Span]:
    unit = person.unit_on(date)
    policy_id = reference.pack_on(unit, date)
    if unit is None or policy_id is None:
        return []
    groups = [previews.Working(unit, person.zone_on(date), person.own_week_on(date), day) for day in both]
    return _spans((_duty(reference, group, date), reference.policies[policy_id]) for group in groups)


def _dates_of(*states: RosterState | CalendarState | None) -> set[dt.date]:
    return {day.date for state in states if state is not None for day in state.days}


def _day(state: RosterState | None, date: dt.date) -> RosterDay | None:
    return None if state is None else next((day for day in state.days if day.date == date), None)


def _zone_of_units(reference: Reference, units: Iterable[UUID] | None) -> str:
    return next((reference.units[unit].timezone for unit in sorted(units or ()) if unit in reference.units), "Asia/Jakarta")


_LATER: Final = {
    "kebijakan": "berlakukan mulai tanggal sesudah hari ini", "pola kerja": "berlakukan mulai tanggal sesudah hari ini",
    "skema": "berlakukan mulai tanggal sesudah hari ini", "data pegawai": "berlakukan mulai tanggal sesudah hari ini",
    "kalender": "ubah hanya tanggal sesudah hari ini", "roster": "ubah hanya hari sesudah hari ini",
}  # fmt: skip
"""What else may be done than to wait, by what changes; a fence, and the calendar that a unit lives by, hold at once or not at all."""


def _wait(spans: Sequence[Span], now: dt.datetime, what: str, zone: str) -> None:
    free = free_from(spans, now)
    if free > now:
        local = free.astimezone(ZoneInfo(zone))
        raise Refused(
            f"{what} ini mengubah hari yang jendela absen masuknya sedang terbuka; pegawai yang sudah atau sedang absen akan dirugikan. "
            f"Ulangi mulai {local:%Y-%m-%d %H:%M} {_ZONES.get(zone, zone)}{f', atau {_LATER[what]}' if what in _LATER else ''}"
        )
