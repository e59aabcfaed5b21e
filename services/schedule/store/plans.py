"""SQL of rosters on their way: an org unit's roster of a month, what it asks for, who did what to it; and who was where."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.schedule.store.reference_rows import as_json
from shared.database import Connection
from shared.events import RosterDay

Asked = Mapping[UUID, tuple[RosterDay, ...]]
"""The days that a roster asks for, by person, in order of date; other days of the month follow the week pattern."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """An org unit's roster of a month (its first day): which version it is in, and how far on its way."""

    plan_id: UUID
    org_unit_id: UUID
    month: dt.date
    version: int
    state: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a roster: who did what as which role, why and when, and where that left it."""

    version: int
    action: str
    state: str
    actor: str
    role: str
    reason: str
    at: dt.datetime
    detail: Mapping[str, Any]


_PLAN = "select plan_id, org_unit_id, month, version, state from roster_plan"


async def plan_of(connection: Connection, org_unit_id: UUID, month: dt.date) -> PlanRow | None:
    """The roster of a unit and month, if one was begun."""
    row = await connection.fetchrow(f"{_PLAN} where org_unit_id = $1 and month = $2", org_unit_id, month)
    return PlanRow(*row) if row else None


async def plan(connection: Connection, plan_id: UUID) -> PlanRow | None:
    """A roster by its id."""
    row = await connection.fetchrow(f"{_PLAN} where plan_id = $1", plan_id)
    return PlanRow(*row) if row else None


async def listed(
    connection: Connection, *, after: tuple[dt.date, UUID] | None, rows: int, units: Sequence[UUID] | None, month: dt.date | None,
    state: str | None,
) -> list[PlanRow]:  # fmt: skip
    """Rosters by month and id, from after a key; of these units only, if any are named."""
    since, last = after or (dt.date(1970, 1, 1), UUID(int=0))
    found = await connection.fetch(
        f"""{_PLAN} where (month, plan_id) > ($1, $2) and ($4::uuid[] is null or org_unit_id = any($4))
              and ($5::date is null or month = $5) and ($6::text is null or state = $6)
            order by month, plan_id limit $3""",
        since, last, rows, None if units is None else list(units), month, state,
    )
    return [PlanRow(*row) for row in found]


async def put_plan(connection: Connection, row: PlanRow) -> None:
    """Writes a roster in its new version."""
    await connection.execute(
        """insert into roster_plan (plan_id, org_unit_id, month, version, state) values ($1, $2, $3, $4, $5)
           on conflict (plan_id) do update set version = excluded.version, state = excluded.state""",
        row.plan_id, row.org_unit_id, row.month, row.version, row.state,
    )


async def asked(connection: Connection, plan_id: UUID) -> dict[UUID, tuple[RosterDay, ...]]:
    """What a roster asks for."""
    rows = await connection.fetch("select employee_id, days::text as days from roster_plan_days where plan_id = $1", plan_id)
    return {row["employee_id"]: tuple(RosterDay.model_validate(day) for day in orjson.loads(row["days"])) for row in rows}


async def put_asked(connection: Connection, plan_id: UUID, days: Asked) -> None:
    """Writes what a roster asks for, in place of what it asked."""
    await connection.execute("delete from roster_plan_days where plan_id = $1", plan_id)
    await connection.execute(
        """insert into roster_plan_days (plan_id, employee_id, days)
           select $1, * from unnest($2::uuid[], $3::text[]::jsonb[])""",
        plan_id, list(days), [as_json([day.model_dump(mode="json", exclude_none=True) for day in listed]) for listed in days.values()],
    )


async def put_step(connection: Connection, plan_id: UUID, step: StepRow) -> None:
    """Adds a step to a roster's trail."""
    await connection.execute(
        """insert into roster_plan_step (plan_id, version, action, state, actor, role, reason, at, detail)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb)""",
        plan_id, step.version, step.action, step.state, step.actor, step.role, step.reason, step.at, as_json(dict(step.detail)),
    )


async def trail(connection: Connection, plan_id: UUID) -> list[StepRow]:
    """Every step of a roster, the first one first."""
    rows = await connection.fetch(
        """select version, action, state, actor, role, reason, at, detail::text as detail from roster_plan_step
           where plan_id = $1 order by version""", plan_id)
    return [
        StepRow(row["version"], row["action"], row["state"], row["actor"], row["role"], row["reason"], row["at"],
                orjson.loads(row["detail"]))
        for row in rows
    ]


async def members(connection: Connection, org_unit_id: UUID, clock: str | None = None) -> list[UUID]:
    """Active people who belong or have belonged to a unit; with a clock only those who live by it."""
    rows = await connection.fetch(
        """select employee_id from employee where member_unit @> array[$1::uuid] and active and ($2::text is null or played_clock = $2)
           order by employee_id""", org_unit_id, clock)
    return [row["employee_id"] for row in rows]


async def versions(
    connection: Connection, org_unit_id: UUID, month: dt.date, first: dt.date, last: dt.date
) -> frozenset[tuple[str, UUID, dt.date | None, int]]:
    """The versions of a unit's roster of a month, of its `members`, of their rosters and facts from `first` to `last`, and of all schemes.

    While they stay, and reference data too (`reference_rows.changes`), so does all that the roster is checked by.
    """
    rows = await connection.fetch(
        """with member as materialized (select employee_id, version from employee where member_unit @> array[$1::uuid] and active)
           select 'plan', plan_id, null::date, version from roster_plan where org_unit_id = $1 and month = $2
           union all select 'member', employee_id, null, version from member
           union all select 'roster', r.employee_id, r.month, r.version from member join roster r using (employee_id)
             where r.month between date_trunc('month', $3::date)::date and $4
           union all select 'fact', f.correction_id, null, f.version from member join fact f using (employee_id)
             where f.until_date >= $3 and f.from_date <= $4
           union all select 'scheme', scheme_id, null, version from scheme""",
        org_unit_id, month, first, last)
    return frozenset(tuple(row) for row in rows)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where somebody was on an assessed date: `marks` that count, how many of them inside the office or an activity site."""

    employee_id: UUID
    date: dt.date
    status: str
    mode: str
    marks: int
    inside: int


async def whereabouts(connection: Connection, org_unit_id: UUID, first: dt.date, last: dt.date) -> list[Whereabouts]:
    """Everybody's assessed dates in a unit, with the verdicts on the check-ins that each rests on."""
    rows = await connection.fetch(
        """select a.employee_id, a.date, a.status, a.content ->> 'mode' as mode, count(m.check_in_id) as marks,
                  count(m.check_in_id) filter (where m.site = 'inside') as inside
           from employee e
             join assessment a on a.employee_id = e.employee_id and a.date between $2 and $3 and a.content ->> 'org_unit_id' = $4
             left join lateral jsonb_array_elements_text(a.content -> 'evidence') v(id) on true
             left join mark m on m.check_in_id = v.id::uuid
           where e.member_unit @> array[$1::uuid]
           group by a.employee_id, a.date, a.status, mode order by a.employee_id, a.date""",
        org_unit_id, first, last, str(org_unit_id),
    )
    return [Whereabouts(*row) for row in rows]


class Unproven(NamedTuple):
    """A mark of a person and local date of which no check-in had a photo (`bare`), or all were outside the region."""

    employee_id: UUID
    date: dt.date
    bare: bool
    outside: bool


async def unproven(connection: Connection, org_unit_id: UUID, first: dt.date, last: dt.date) -> list[Unproven]:
    """What the check-ins in and out of a unit's people lack on these dates, as it was judged when they arrived."""
    rows = await connection.fetch(
        """select * from (
             select m.employee_id, (m.captured_at at time zone own.zone)::date as date, bool_and(not m.evidence) as bare,
                    bool_and(m.region = 'outside') as outside
             from employee e join mark m using (employee_id)
               cross join lateral (select zone_on(
                 e.zone_since, e.zone_name, e.timezone, (m.captured_at at time zone e.timezone)::date) as zone) own
             where e.member_unit @> array[$1::uuid] and m.mark in ('in', 'out')
               and m.captured_at >= ($2::date - 1)::timestamp at time zone e.timezone
               and m.captured_at < ($3::date + 2)::timestamp at time zone e.timezone
             group by 1, 2, m.mark) by_mark
           where (bare or outside) and date between $2 and $3 order by employee_id, date""",
        org_unit_id, first, last)
    return [Unproven(*row) for row in rows]
