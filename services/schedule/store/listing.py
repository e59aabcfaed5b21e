"""SQL of what is listed page by page: people and reference data. Each takes the key of the last row seen, or None."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from shared.database import Connection
from shared.web.actors import Bounds

_NOBODY = UUID(int=0)
EVERYWHERE = UUID(int=1)
"""Stands for "everywhere" in the key of what is in force; no unit has this id."""

_LINE = """with recursive line as (
    select $4::uuid as unit union select u.parent_id from line join org_unit u on u.org_unit_id = line.unit)"""
_IN_LINE = """(f.since, coalesce(f.org_unit_id, $5)) > ($1, $2)
    and ($4::uuid is null or f.org_unit_id is null or f.org_unit_id in (select unit from line))"""
"""After a key ($1, $2), and of a unit ($4, null: any) what is said of it, of those above it, and everywhere ($5)."""


async def employees(
    connection: Connection, *, after: UUID | None, rows: int, on: dt.date, bounds: Bounds, text: str | None
) -> Sequence[asyncpg.Record]:
    """People by id who have joined a unit by that date (one of the bounds' units, if these are bound), by NIP or part of a name."""
    return await connection.fetch(
        """select e.employee_id, e.version, e.nip, e.name, e.kind, e.grp, e.timezone, e.active, e.member_since, e.member_unit,
                  e.week_since, e.week_code, e.job_class, e.until, e.former_nips, e.rank_since, e.rank_kind, e.rank_grp, e.rank_class,
                  e.zone_since, e.zone_name
           from employee e
             cross join lateral (select u.unit from unnest(e.member_since, e.member_unit) u(since, unit)
                                 where u.since <= $3 order by u.since desc limit 1) m
           where e.employee_id > $1 and ($4::uuid is null or e.employee_id = $4)
             and ($5::uuid[] is null or e.member_unit && $5 and m.unit = any($5))
             and ($6::text is null or e.nip = $6 or e.name ilike '%' || $7 || '%')
           order by e.employee_id limit $2""",
        after or _NOBODY, rows, on, *bounds, text, _like(text),
    )


def _like(text: str | None) -> str:
    return (text or "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def units_of(connection: Connection, employee_id: UUID) -> list[UUID] | None:
    """Every unit that a person belongs or has belonged to; None for nobody we know."""
    found: list[UUID] | None = await connection.fetchval("select member_unit from employee where employee_id = $1", employee_id)
    return found


async def employee(connection: Connection, employee_id: UUID) -> asyncpg.Record | None:
    """One person with all that is kept."""
    return await connection.fetchrow("select * from employee where employee_id = $1", employee_id)


async def org_units(connection: Connection, after: str, rows: int) -> Sequence[asyncpg.Record]:
    """Units by code."""
    return await connection.fetch("select * from org_unit where code > $1 order by code limit $2", after, rows)


async def org_unit(connection: Connection, org_unit_id: UUID) -> asyncpg.Record | None:
    """One unit."""
    return await connection.fetchrow("select * from org_unit where org_unit_id = $1", org_unit_id)


async def weeks(connection: Connection, after: str, rows: int) -> Sequence[asyncpg.Record]:
    """Week patterns by code."""
    return await connection.fetch(
        "select code, version, name, hours::text as hours, source from week_pattern where code > $1 order by code limit $2",
        after, rows)


async def weeks_in_force(
    connection: Connection, after: tuple[dt.date, UUID] | None, rows: int, unit: UUID | None
) -> Sequence[asyncpg.Record]:
    """Where and when week patterns hold, by first date; with `unit` what is said of it, of the units above it, and of everybody."""
    return await connection.fetch(
        f"""{_LINE} select f.week, f.since, f.until, f.org_unit_id from week_in_force f
           where {_IN_LINE} order by f.since, coalesce(f.org_unit_id, $5) limit $3""",  # noqa: S608 (our own words)
        *(after or (dt.date.min, _NOBODY)), rows, unit, EVERYWHERE)


async def calendars(connection: Connection, after: tuple[str, int], rows: int) -> Sequence[asyncpg.Record]:
    """Calendars by name and year."""
    return await connection.fetch(
        """select calendar, year, version, days::text as days from calendar where (calendar, year) > ($1, $2)
           order by calendar, year limit $3""", *after, rows)


async def rosters(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, month: dt.date | None, bounds: Bounds
) -> Sequence[asyncpg.Record]:
    """Rosters by person and month; of a unit: of those who belong or have belonged to it."""
    return await connection.fetch(
        """select r.employee_id, r.month, r.version, r.days::text as days
           from roster r join employee e using (employee_id)
           where (r.employee_id, r.month) > ($1, $2) and ($4::date is null or r.month = $4)
             and ($5::uuid is null or r.employee_id = $5) and ($6::uuid[] is null or e.member_unit && $6)
           order by r.employee_id, r.month limit $3""",
        *(after or (_NOBODY, dt.date.min)), rows, month, *bounds,
    )


async def policies(connection: Connection, after: UUID | None, rows: int) -> Sequence[asyncpg.Record]:
    """Rule packs by id."""
    return await connection.fetch(
        "select policy_id, version, name, content::text as content from policy where policy_id > $1 order by policy_id limit $2",
        after or _NOBODY, rows)


async def policy(connection: Connection, policy_id: UUID) -> asyncpg.Record | None:
    """One rule pack."""
    return await connection.fetchrow(
        "select policy_id, version, name, content::text as content from policy where policy_id = $1", policy_id)


async def policies_in_force(
    connection: Connection, after: tuple[dt.date, UUID] | None, rows: int, unit: UUID | None
) -> Sequence[asyncpg.Record]:
    """Where and since when packs are in force, by date; with `unit` what can hold for it: its own, those above, the province's."""
    return await connection.fetch(
        f"""{_LINE} select f.since, f.org_unit_id, f.policy_id, p.name from policy_in_force f join policy p using (policy_id)
           where {_IN_LINE} order by f.since, coalesce(f.org_unit_id, $5) limit $3""",  # noqa: S608 (our own words)
        *(after or (dt.date.min, _NOBODY)), rows, unit, EVERYWHERE)
