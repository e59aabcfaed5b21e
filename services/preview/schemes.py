"""What a WFO/WFA scheme does: it prices no day, but says from where people may work; so rosters and check-ins are held against it.

The published rosters of the looked-at dates are checked by the scheme that holds and by the one that would hold, unit by unit,
by the very rules of `hadir roster validate`; and the check-ins of days from anywhere by what either says about photo and region.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID

from services.preview.change import Change, Window
from services.preview.people import look_at
from services.preview.standings import Case, Standings, UnitStanding, worst_of
from services.schedule import planning
from services.schedule.memory import Memory, Reference
from services.schedule.rules.schemes import COUNTED, WARNINGS, Place, Plan, Scheme, SchemesInForce, breaches_of
from services.schedule.rules.schemes.plan import monday
from services.schedule.schemes import Scope, remarks_on
from services.schedule.store import plans
from services.schedule.store import schemes as rows
from services.schedule.store.plans import Unproven
from shared.database import Connection, connect_auditor

_DAY: Final = dt.timedelta(days=1)
NO_PHOTO: Final = "NO_PHOTO"
OUTSIDE_REGION: Final = "OUTSIDE_REGION"


class Against(NamedTuple):
    """One thing against a scheme: on a date (the first of a week or month), of a person or (None) of the unit as a whole."""

    code: str
    date: dt.date
    per: str
    employee_id: UUID | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A finished comparison, and the org units' codes to tell it with."""

    found: Standings
    codes: Mapping[UUID, str]
    seconds: float


async def compared(url: str, change: Change, window: Window, progress: Callable[[int, int], None]) -> Compared:
    """How people stand against the scheme that holds and the one that would hold, in one snapshot.

    Only units for which another scheme would hold on some date of the window are looked at; `progress` is told how many
    of their people of how many are done. Nothing is written. Raises what the database raises.
    """
    started = time.monotonic()
    connection = await connect_auditor(url, "hadir preview")
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await look_at(connection, "schedule")
            memory = Memory()
            reference = await memory.current(connection)
            known = {scheme_id: kept.state for scheme_id, kept in (await rows.schemes(connection)).items()}
            before, after = SchemesInForce(known.values()), change.schemes_after(known, window)
            units = [unit for unit in sorted(reference.units) if (change.units is None or unit in change.units)
                     and any(_scheme(before, unit, date) != _scheme(after, unit, date) for date in window.dates)]
            sizes = {unit: len(await plans.members(connection, unit, change.clock)) for unit in units}
            found, done = Standings(remarks=_remarks(change, reference)), 0
            for unit in units:
                found += await _unit(connection, memory, unit, window, before, after, change.clock)
                done += sizes[unit]
                progress(done, sum(sizes.values()))
            codes = {unit: state.code for unit, state in reference.units.items()}
    finally:
        await connection.close()
    return Compared(found, codes, time.monotonic() - started)


async def _unit(
    connection: Connection, memory: Memory, unit: UUID, window: Window, before: SchemesInForce, after: SchemesInForce, clock: str
) -> Standings:
    wide = _whole_spans(window)  # shares of a week or month are counted whole
    staff = await planning.staff_of(connection, memory, unit, wide.first, wide.last, before, clock)
    plan = staff.plan()
    other = {date: state.scheme for date in _around(wide) if (state := after.on(unit, date)) is not None}
    both = (plan, replace(plan, schemes=other))
    lacking = await plans.unproven(connection, unit, window.first, window.last) if any(map(_looks_at_marks, both)) else []
    return standing(unit, *both, window, lacking)


def standing(unit: UUID, before: Plan, after: Plan, window: Window, lacking: Sequence[Unproven] = ()) -> Standings:
    """How a unit's people stand under both; `before` and `after` differ in their schemes only. Pure."""
    dates = frozenset(window.dates)
    was, would = (dict(_against(plan, dates, lacking)) for plan in (before, after))
    moved = {key for key in was.keys() | would.keys() if was.get(key, 0) != would.get(key, 0)}
    heavy = {key for key in moved if key.code not in WARNINGS}
    codes = {code: (_count(was, code), _count(would, code)) for code in sorted({key.code for key in was.keys() | would.keys()})}
    here = [person.employee_id for person in before.people if dates & person.days.keys()]
    days = sum(place in COUNTED for person in before.people for date, place in person.days.items() if date in dates)
    if not heavy:
        return Standings(len(here), days, codes=codes)
    people = {key.employee_id for key in heavy if key.employee_id is not None}
    people |= {person for key in heavy if key.employee_id is None for person in _sharing(after, key)}
    deltas = [would.get(key, 0) - was.get(key, 0) for key in heavy]
    persons: dict[UUID, list[int]] = {}
    for key in heavy:
        if key.employee_id is not None:
            mine = persons.setdefault(key.employee_id, [0, 0])
            mine[0] += was.get(key, 0)
            mine[1] += would.get(key, 0)
    return Standings(
        len(here), days, {unit: UnitStanding(len(people), len(heavy), sum(max(delta, 0) for delta in deltas),
                                             sum(max(-delta, 0) for delta in deltas))},
        codes, worst_of(Case(person, unit, *counts) for person, counts in persons.items()))


def _against(plan: Plan, dates: frozenset[dt.date], lacking: Sequence[Unproven]) -> Iterator[tuple[Against, int]]:
    weeks = {monday(date) for date in dates}
    for breach in breaches_of(plan):
        if (breach.per == "day" and breach.date not in dates) or (breach.per == "week" and monday(breach.date) not in weeks):
            continue
        yield Against(breach.code.value, breach.date, breach.per, breach.employee_id), breach.amount
    places = {person.employee_id: person.days for person in plan.people}
    for mark in lacking:
        scheme = plan.schemes.get(mark.date)
        if scheme is None or places.get(mark.employee_id, {}).get(mark.date) is not Place.WFA:
            continue
        if mark.bare and scheme.evidence == "geotag_photo":
            yield Against(NO_PHOTO, mark.date, "day", mark.employee_id), 1
        if mark.outside and scheme.region == "stay":
            yield Against(OUTSIDE_REGION, mark.date, "day", mark.employee_id), 1


def _sharing(plan: Plan, key: Against) -> Iterator[UUID]:
    """Those whose days make up a share that is against the scheme: any of them may be the one who has to change places."""
    def inside(date: dt.date) -> bool:
        match key.per:
            case "day":
                return date == key.date
            case "week":
                return monday(date) == monday(key.date)
            case _:
                return (date.year, date.month) == (key.date.year, key.date.month)

    for person in plan.people:
        if any(place in COUNTED and inside(date) for date, place in person.days.items()):
            yield person.employee_id


def _count(found: Mapping[Against, int], code: str) -> int:
    return sum(amount for key, amount in found.items() if key.code == code)


def _scheme(in_force: SchemesInForce, unit: UUID, date: dt.date) -> UUID | None:
    state = in_force.on(unit, date)
    return state.scheme_id if state is not None else None


def _looks_at_marks(plan: Plan) -> bool:
    return any(_marks_matter(scheme) for scheme in plan.schemes.values())


def _marks_matter(scheme: Scheme) -> bool:
    return scheme.evidence == "geotag_photo" or scheme.region == "stay"


def _whole_spans(window: Window) -> Window:
    """The window with the rest of its weeks and months."""
    first, last = window.first.replace(day=1), (window.last.replace(day=1) + 31 * _DAY).replace(day=1) - _DAY
    return Window(
        min(first, monday(window.first)), max(last, monday(window.last) + 6 * _DAY))


def _around(window: Window) -> Iterator[dt.date]:
    first, last = monday(window.first), monday(window.last) + 6 * _DAY
    return (first + number * _DAY for number in range((last - first).days + 1))


def _remarks(change: Change, reference: Reference) -> tuple[str, ...]:
    """Where the rule packs do not demand what the schemes say, so that it costs nobody anything."""
    return tuple(dict.fromkeys(
        remark for one in change.schemes
        for remark in remarks_on(one.scheme, Scope(one.name, one.since, one.until, one.org_unit_id), reference)))
