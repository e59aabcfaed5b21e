"""SQL of what is listed page by page of days: assessments, violations, discipline steps, corrections, what is due.

Each takes the key of the last row seen, or None, and of whom it may tell (`Bounds`).
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from shared.database import Connection
from shared.web.actors import Bounds

_NOBODY: Final = UUID(int=0)
_NEVER: Final = dt.date(1, 1, 1)

_PEOPLE: Final = """
with who as materialized (
    select employee_id from employee
    where member_unit && $7 and employee_id >= $1 and ($6::uuid is null or employee_id = $6) order by employee_id)
"""
"""Who belongs or has belonged to units: few, so that their rows are looked up one person after the other."""

_DAYS_OF_ALL: Final = """
select a.content::text as content from assessment a
where (a.employee_id, a.date) > ($1, $2) and a.date between $4 and $5 and ($6::uuid is null or a.employee_id = $6)
  and $7::uuid[] is null
order by a.employee_id, a.date limit $3
"""
_DAYS_OF_UNITS: Final = f"""{_PEOPLE}
select a.content::text as content from who cross join lateral (
    select a.* from assessment a
    where a.employee_id = who.employee_id and a.date between $4 and $5 and (a.employee_id, a.date) > ($1, $2)
      and (a.content->>'org_unit_id')::uuid = any($7) order by a.date offset 0) a
order by who.employee_id, a.date limit $3
"""  # noqa: S608 - made of our own words

_PACK: Final = """
left join lateral (
    select p.policy_id, p.content ->> 'legal_source' as legal_source
    from assessment a join policy p on p.policy_id = (a.content ->> 'policy_id')::uuid
    where a.employee_id = v.employee_id and a.date = v.date and v.action = 'raised') pack on true
"""
"""The rule pack that a violation stands on; of one taken back, none."""

_VIOLATIONS_OF_ALL: Final = f"""
select v.*, pack.policy_id, pack.legal_source from violation v {_PACK}
where (v.employee_id, v.date, v.violation_id) > ($1, $2, $9) and v.date between $4 and $5
  and ($6::uuid is null or v.employee_id = $6) and $7::uuid[] is null and (not $8 or v.action = 'raised')
order by v.employee_id, v.date, v.violation_id limit $3
"""  # noqa: S608 - made of our own words
_VIOLATIONS_OF_UNITS: Final = f"""{_PEOPLE}
select v.*, pack.policy_id, pack.legal_source from who cross join lateral (
    select v.* from violation v join assessment a using (employee_id, date)
    where v.employee_id = who.employee_id and v.date between $4 and $5
      and (v.employee_id, v.date, v.violation_id) > ($1, $2, $9) and (a.content->>'org_unit_id')::uuid = any($7)
      and (not $8 or v.action = 'raised')
    order by v.date, v.violation_id offset 0) v {_PACK}
order by who.employee_id, v.date, v.violation_id limit $3
"""  # noqa: S608 - made of our own words


async def days(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, bounds: Bounds, first: dt.date, last: dt.date
) -> list[str]:
    """Assessed days (JSON) by person and date; of a unit: those judged as its days, also of people who have moved since."""
    found = await connection.fetch(
        _DAYS_OF_ALL if bounds.units is None else _DAYS_OF_UNITS, *(after or (_NOBODY, _NEVER)), rows, first, last, *bounds)
    return [row["content"] for row in found]


async def day(connection: Connection, employee_id: UUID, date: dt.date) -> str | None:
    """One assessed day (JSON)."""
    found: str | None = await connection.fetchval(
        "select content::text from assessment where employee_id = $1 and date = $2", employee_id, date)
    return found


async def violations(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, bounds: Bounds, first: dt.date, last: dt.date,
    standing: bool,
) -> Sequence[asyncpg.Record]:  # fmt: skip
    """Violations by person, date and id; `standing`: without those that were retracted."""
    key = after or (_NOBODY, _NEVER, _NOBODY)
    return await connection.fetch(
        _VIOLATIONS_OF_ALL if bounds.units is None else _VIOLATIONS_OF_UNITS,
        *key[:2], rows, first, last, *bounds, standing, key[2],
    )


async def steps(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, bounds: Bounds, action: str | None, clock: str
) -> Sequence[asyncpg.Record]:
    """Steps of the discipline ladder by person, step and date; of a unit: of those who belong or have belonged to it.

    Of one person, or of those who live by `clock` ("": everybody real).
    """
    return await connection.fetch(
        """select s.* from discipline_step s join employee e using (employee_id)
           where (s.employee_id, s.step, s.date) > ($1, $2, $3) and ($5::uuid is null or s.employee_id = $5)
             and ($6::uuid[] is null or e.member_unit && $6) and ($7::text is null or s.action = $7)
             and ($5 is not null or e.played_clock = $8)
           order by s.employee_id, s.step, s.date limit $4""",
        *(after or (_NOBODY, "", _NEVER)), rows, *bounds, action, clock,
    )


_CORRECTION: Final = """
select f.correction_id, f.version, f.kind, f.state, f.employee_id, f.org_unit_id, f.from_date, f.until_date, f.actor, f.decided_at,
       f.body::text as body
from fact f
"""


async def corrections(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, bounds: Bounds, first: dt.date, last: dt.date,
    kind: str | None, state: str | None,
) -> Sequence[asyncpg.Record]:  # fmt: skip
    """Corrections that touch these dates, by first date and id.

    Whoever is bound to one person or to units sees what is about these only, with what is about everybody in them.
    """
    return await connection.fetch(
        _CORRECTION + """
           left join employee e on e.employee_id = f.employee_id
           where (f.from_date, f.correction_id) > ($1, $2) and f.from_date <= $5 and f.until_date >= $4
             and ($6::uuid is null or f.employee_id = $6)
             and ($7::uuid[] is null or f.org_unit_id = any($7) or e.member_unit && $7)
             and ($8::text is null or f.kind = $8) and ($9::text is null or f.state = $9)
           order by f.from_date, f.correction_id limit $3""",
        *(after or (_NEVER, _NOBODY)), rows, first, last, *bounds, kind, state,
    )


async def correction(connection: Connection, correction_id: UUID) -> asyncpg.Record | None:
    """One correction in its newest version."""
    return await connection.fetchrow(_CORRECTION + " where f.correction_id = $1", correction_id)


async def due(connection: Connection, now: dt.datetime) -> Sequence[asyncpg.Record]:
    """How many days wait to be looked at now by the real clock, and since when, by priority (store/due.py)."""
    return await connection.fetch(
        """select priority, count(*) as days, nullif(min(due_at), 'epoch') as since from due_day
           where clock = '' and due_at <= $1 group by priority order by priority""", now)


async def spreading(connection: Connection) -> int:
    """How many changes that concern many people have not reached all lanes yet."""
    found: int = await connection.fetchval("select count(distinct restatement_id) from restatement_lane")
    return found
