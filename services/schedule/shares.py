"""How many of each org unit work from where: forecast from rosters before a day, fact from assessed days after it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from services.schedule import planning
from services.schedule.memory import Memory
from services.schedule.planning import Staff
from services.schedule.rules.schemes import COUNTED, Breach, DayShare, Place, Plan, breaches_of, shares_of
from services.schedule.schemes import schemes_in_force
from services.schedule.store import plans
from shared.database import Connection

Kind: TypeAlias = Literal["planned", "fact"]
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """An org unit over a period: the share of each date, what is against the scheme, and the scheme's name by date.

    `kind` planned: as rosters, leave and holidays have it; fact: as check-ins show it. `unknown` are people whose day nobody
    can tell yet (no mark so far, or a decision is waiting). `moved` are those who were elsewhere than planned.
    """

    unit: str
    org_unit_id: UUID
    kind: Kind
    shares: tuple[DayShare, ...]
    breaches: tuple[Breach, ...]
    schemes: Mapping[dt.date, str]
    unknown: Mapping[dt.date, int]
    moved: Mapping[dt.date, tuple[UUID, ...]]


async def standing(connection: Connection, memory: Memory, org_unit_id: UUID, first: dt.date, last: dt.date, kind: Kind) -> Standing:
    """How a unit stands over a period; KeyError for a unit that nobody knows."""
    staff = await planning.staff_of(connection, memory, org_unit_id, first, last, await schemes_in_force(connection))
    if kind == "planned":
        return _standing(staff, kind, staff.plan(), {})
    fact = staff.fact(await plans.whereabouts(connection, org_unit_id, first, last))
    planned = {person.employee_id: person.days for person in staff.plan().people}
    moved: dict[dt.date, list[UUID]] = {}
    for person in fact.people:
        for date, place in person.days.items():
            was = planned.get(person.employee_id, {}).get(date)
            if place in COUNTED and was in COUNTED and was is not place:
                moved.setdefault(date, []).append(person.employee_id)
    return _standing(staff, kind, fact, {date: tuple(people) for date, people in moved.items()})


def _standing(staff: Staff, kind: Kind, plan: Plan, moved: Mapping[dt.date, tuple[UUID, ...]]) -> Standing:
    shares = tuple(shares_of(plan))
    unknown = {date: sum(1 for person in plan.people if person.days.get(date) is Place.OPEN) for date in plan.dates()}
    # What a few people without a mark yet may still change is no fact.
    settled = [breach for breach in breaches_of(plan) if kind == "planned" or not unknown.get(breach.date)]
    return Standing(staff.unit.code, staff.unit.org_unit_id, kind, shares, tuple(settled), staff.names, unknown, moved)


async def gauges(connection: Connection, memory: Memory, now: dt.datetime) -> dict[str, dict[tuple[str, ...], float]]:
    """Per unit that has a scheme: planned share of tomorrow, fact share of yesterday, and what the scheme asks for tomorrow.

    Shares are of 1; tomorrow and yesterday are those of the unit's zone, skipping dates on which nobody owes work, for up
    to a fortnight: Lebaran takes eleven days in a row (2025). Keyed as the metrics' labels.
    """
    in_force = await schemes_in_force(connection)
    reference = await memory.current(connection)
    shares: dict[tuple[str, ...], float] = {}
    quota: dict[tuple[str, ...], float] = {}
    for unit_id, unit in sorted(reference.units.items()):
        today = now.astimezone(ZoneInfo(unit.timezone)).date()
        if not any(in_force.on(unit_id, today + n * _DAY) for n in range(-14, 15)):
            continue
        for first in (today + _DAY, today + 8 * _DAY):
            ahead = await planning.staff_of(connection, memory, unit_id, first, first + 6 * _DAY, in_force)
            coming = next((share for share in shares_of(ahead.plan()) if share.owed), None)
            if coming is not None:
                shares[unit.code, "planned"] = coming.wfa / coming.owed
                if coming.allowed is not None:
                    quota[(unit.code,)] = coming.allowed.high / coming.owed
                break
        for last in (today - _DAY, today - 8 * _DAY):
            behind = await planning.staff_of(connection, memory, unit_id, last - 6 * _DAY, last, in_force)
            seen = await plans.whereabouts(connection, unit_id, last - 6 * _DAY, last)
            past = next((share for share in reversed(shares_of(behind.fact(seen))) if share.owed), None)
            if past is not None:
                shares[unit.code, "fact"] = past.wfa / past.owed
                break
    return {"share": shares, "quota": quota}
