"""Gathers all that is known of one employee-month, in one read-only snapshot of all services' schemas."""

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from services.payroll.rules import EmployeeMonth, LedgerRow
from services.payroll.store.months import load_months
from services.reports.gathered import Cause, CheckIn, Correction, Day, Entered, Gathered, Pack, Person, Sanction
from services.schedule.assessing import People, date_of, load_people
from services.schedule.corrections import Kept
from services.schedule.memory import Memory, Reference
from services.schedule.store.facts import corrections_about
from shared.database import Connection
from shared.envelope import derived_id
from shared.events import DayAssessed, Mark
from shared.policy import Policy
from shared.topics import CEILING, CORRECTION, DAY_ASSESSED, DISCIPLINE, Service

_DAY: Final = dt.timedelta(days=1)

_CHECK_INS: Final = """
select c.check_in_id, c.correlation_id, c.mark, c.captured_at, c.received_at, c.site, s.name as site_name, c.site_distance_m, c.region,
       c.region_id is not null or c.quality <> 'good' as region_known,
       c.quality, c.mock, c.evidence
from geofence.check_in c left join geofence.site s on s.site_id = c.site_id
where c.employee_id = $1 and c.captured_at >= $2 and c.captured_at < $3 order by c.captured_at, c.check_in_id
"""

_LEDGER: Final = """
select number, entry_id, date, code, origin, action, percent, amount, month_version, reverses, policy_id, cause, correlation, entered_at,
       row_hash
from payroll.ledger where employee_id = $1 and month = $2 order by number
"""


_SANCTIONS: Final = """
select step, date, version, percent, first_month, last_month, legal_source, document::text as document, decided_by, withdrawn
from payroll.sanction where employee_id = $1 and first_month <= $2 order by date, step
"""


async def gather(connection: Connection, who: str, month: str) -> Gathered | None:
    """All about one employee ("employee_id" or NIP) and month ("2026-02"); None if nobody is known by that.

    The connection needs the right to read all schemas, and nothing more.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        first = dt.date.fromisoformat(f"{month}-01")
        last = (first + 31 * _DAY).replace(day=1) - _DAY
        person = await _person(connection, who, last)
        if person is None:
            return None
        me = person.employee_id
        await _look_at(connection, "payroll")
        known = (await load_months(connection, [(me, month)]))[me, month][0]
        ledger = [Entered(_row(me, month, dict(row)), row["row_hash"]) for row in await connection.fetch(_LEDGER, me, month)]
        await _look_at(connection, "schedule")
        rows = await connection.fetch(
            "select date, version, content::text as content from assessment where employee_id = $1 and date <= $2 order by date", me, last
        )
        versions = {row["date"]: row["version"] for row in rows}
        assessed = [DayAssessed.model_validate(orjson.loads(row["content"])) for row in rows if row["date"] >= first]
        check_ins = await _check_ins(connection, me, first, last)
        corrections = await corrections_about(connection, [me], min(versions, default=first), last)
        people = await load_people(connection, [(me, first), (me, last)])
        reference = await Memory().current(connection)
        packs = await _packs(connection, {entry.row.policy_id for entry in ledger} | {day.policy_id for day in assessed} | {
            day.policy_id for day in (*known.days.values(), *known.basis.days.values())
        })
        sanctions = await connection.fetch(_SANCTIONS, me, month)
        ceilings = await connection.fetch("select month, version from payroll.ceiling where employee_id = $1", me)
    return Gathered(
        person=person,
        month=known,
        packs=packs,
        days=_days(assessed, check_ins, corrections, people, reference, person.timezone),
        ledger=tuple(ledger),
        causes={
            **_causes(me, versions, check_ins, corrections, {row["month"]: row["version"] for row in ceilings}),
            **_of_discipline(me, sanctions),
        },
        sanctions=tuple(
            Sanction(
                row["step"], row["date"], row["percent"], row["first_month"], row["last_month"], row["legal_source"],
                row["document"] and orjson.loads(row["document"]), row["decided_by"], row["withdrawn"],
            )
            for row in sanctions if month <= row["last_month"]
        ),
    )


def nothing_known(gathered: Gathered) -> bool:
    """Whether neither schedule nor payroll knows anything of the month."""
    return not gathered.days and not gathered.month.version and gathered.month == EmployeeMonth(
        gathered.month.employee_id, gathered.month.month, ceiling=gathered.month.ceiling, streak_before=gathered.month.streak_before
    )


async def _look_at(connection: Connection, service: Service) -> None:
    """Let the stores of a service, which name their tables without a schema, be used in this transaction."""
    await connection.execute(f"set local search_path to {service}")


async def _person(connection: Connection, who: str, last: dt.date) -> Person | None:
    """Who it is, of what kind and group, and in which zone, on that date."""
    column = "n.nip" if re.fullmatch(r"[0-9]{18}", who) else "e.employee_id::text"
    row = await connection.fetchrow(
        f"""select e.employee_id, e.nip, e.name, schedule.zone_on(e.zone_since, e.zone_name, e.timezone, $2) as timezone,
              coalesce((select held.kind from unnest(e.rank_since, e.rank_kind) as held (since, kind)
                        where held.since <= $2 order by held.since desc limit 1), e.rank_kind[1], e.kind) as kind,
              coalesce((select held.grp from unnest(e.rank_since, e.rank_grp) as held (since, grp)
                        where held.since <= $2 order by held.since desc limit 1), e.rank_grp[1], e.grp) as grp
            from schedule.employee e left join schedule.nip n using (employee_id) where {column} = $1""",  # noqa: S608 (one of two columns)
        who.lower(), last,
    )
    return None if row is None else Person(row["employee_id"], row["nip"], row["name"], row["kind"], row["grp"], row["timezone"])


async def _check_ins(connection: Connection, me: UUID, first: dt.date, last: dt.date) -> list[tuple[UUID, CheckIn]]:
    """The month's check-ins, each with the id that everything it led to names as its beginning."""
    rows = await connection.fetch(_CHECK_INS, me, _midnight(first - 2 * _DAY), _midnight(last + 3 * _DAY))
    return [
        (
            row["correlation_id"],
            CheckIn(
                row["check_in_id"], row["mark"], row["captured_at"], row["received_at"], row["site"], row["site_name"],
                row["site_distance_m"], row["region"], row["quality"], row["mock"], row["evidence"], row["region_known"],
            ),
        )
        for row in rows
    ]


async def _packs(connection: Connection, ids: Collection[UUID | None]) -> Mapping[UUID, Pack]:
    rows = await connection.fetch(
        "select policy_id, name, content from payroll.policy where policy_id = any($1::uuid[])"
        " union select policy_id, name, content from schedule.policy where policy_id = any($1::uuid[])",
        [policy_id for policy_id in ids if policy_id is not None],
    )
    return {row["policy_id"]: Pack(row["name"], Policy.from_content(orjson.loads(row["content"]))) for row in rows}


def _row(me: UUID, month: str, row: Mapping[str, Any]) -> LedgerRow:
    return LedgerRow(
        employee_id=me, month=month, number=row["number"], entry_id=row["entry_id"], date=row["date"], code=row["code"],
        origin=row["origin"], action=row["action"], percent=row["percent"], amount=row["amount"], month_version=row["month_version"],
        reverses=row["reverses"], policy_id=row["policy_id"], cause=row["cause"], correlation=row["correlation"],
        entered_at=row["entered_at"],
    )


def _days(
    assessed: Sequence[DayAssessed], check_ins: Sequence[tuple[UUID, CheckIn]], corrections: Sequence[Kept], people: People,
    reference: Reference, zone: str,
) -> tuple[Day, ...]:  # fmt: skip
    """The assessed days; `zone` is that of whoever is not known any more."""
    found = []
    for day in assessed:
        person = people.states.get(day.employee_id)
        unit = reference.units.get(day.org_unit_id)
        marks = tuple(
            check_in for _, check_in in check_ins
            if check_in.check_in_id in day.evidence
            or date_of(check_in.captured_at, Mark(check_in.mark), day.employee_id, people, reference) == day.date
        )
        found.append(Day(
            assessed=day,
            unit=unit.code if unit else str(day.org_unit_id),
            timezone=person.zone_on(day.date) if person else zone,
            duty=people.duties(reference, day.employee_id).on(day.date) if person else None,
            check_ins=marks,
            corrections=tuple(
                Correction(one.correction_id, one.kind, one.state, one.actor, one.decided_at, _fields(one))
                for one in corrections if _bears_on(one, day, {mark.check_in_id for mark in marks})
            ),
        ))
    return tuple(found)


def _bears_on(one: Kept, day: DayAssessed, marks: Collection[UUID]) -> bool:
    """Whether a correction is part of a day's story: it rests on it, decides on one of its marks, or asks for that date.

    A letter is part of the days of those whom it names, else of those of the unit that it sends.
    """
    if one.kind == "letter" and (one.org_unit_id is None or one.body.get("employees")):
        return one.first <= day.date <= one.last and str(day.employee_id) in _listed(one.body.get("employees"))
    if one.org_unit_id is not None and one.org_unit_id != day.org_unit_id:
        return False
    named = {str(value) for key in ("check_ins", "review", "outage_decision") for value in _listed(one.body.get(key))}
    if one.kind in ("fraud", "review"):
        return bool(named & {str(mark) for mark in marks})
    if one.correction_id in day.evidence or named & {str(reason) for reason in day.evidence}:
        return True
    if one.kind in ("manual", "outage"):
        return one.first < day.date < one.last  # they reach a day further on each side, for overnight duties
    if one.kind == "move":
        return one.first == day.date
    return one.kind != "outage_decision" and one.first <= day.date <= one.last


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _fields(one: Kept) -> dict[str, Any]:
    """A correction's own words without places and without other people."""
    return {key: value for key, value in one.body.items() if key not in ("activity", "employees")}


def _causes(
    me: UUID, versions: Mapping[dt.date, int], check_ins: Sequence[tuple[UUID, CheckIn]], corrections: Sequence[Kept],
    ceilings: Mapping[str, int],
) -> dict[UUID, Cause]:  # fmt: skip
    """What the ids of events stand for; they are derived, so that they can be computed from what they are about."""
    causes: dict[UUID, Cause] = {}
    for date, newest in versions.items():
        for version in range(1, newest + 1):
            causes[derived_id(DAY_ASSESSED, f"{me}|{date}", version)] = Cause("day", str(date), version)
    for month, newest in ceilings.items():
        for version in range(1, newest + 1):
            causes[derived_id(CEILING, f"{me}|{month}", version)] = Cause("ceiling", month, version)
    for one in corrections:
        for version in range(1, one.version + 1):
            causes[derived_id(CORRECTION, str(one.correction_id), version)] = Cause("correction", str(one.correction_id), version, one.kind)
    for correlation, check_in in check_ins:
        causes[correlation] = Cause("check-in", str(check_in.check_in_id), word=check_in.mark)
    return causes


def _of_discipline(me: UUID, sanctions: Sequence[Any]) -> dict[UUID, Cause]:
    return {
        derived_id(DISCIPLINE, f"{me}|{row['step']}|{row['date']}", version): Cause("discipline", str(row["date"]), version, row["step"])
        for row in sanctions for version in range(1, row["version"] + 1)
    }


def _midnight(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), dt.UTC)
