"""SQL of days: what they came to before, their new versions, and the violations that stand."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.schedule.rules import Violation
from shared.database import Connection
from shared.events import DayAssessed

Day = tuple[UUID, dt.date]


@dataclass(frozen=True, slots=True)
class ViolationVersion:
    """A violation in a new version: raised, or retracted."""

    violation: Violation
    employee_id: UUID
    date: dt.date
    version: int
    action: Literal["raised", "retracted"]
    assessment_version: int


async def former_days(connection: Connection, days: Sequence[Day]) -> dict[Day, DayAssessed]:
    """The current versions of these days; missing: there is none yet."""
    rows = await connection.fetch(
        """select a.employee_id, a.date, a.content::text as content
           from unnest($1::uuid[], $2::date[]) k(employee_id, date) join assessment a using (employee_id, date)""",
        [employee_id for employee_id, _ in days], [date for _, date in days],
    )
    return {(row["employee_id"], row["date"]): DayAssessed.model_validate_json(row["content"]) for row in rows}


async def put_days(connection: Connection, assessed: Sequence[DayAssessed], contents: Sequence[bytes]) -> None:
    """Writes the new versions of days; `contents` are the same as events, encoded."""
    await connection.execute(
        """insert into assessment (employee_id, date, version, state, status, content)
           select u.employee_id, u.date, u.version, u.state, u.status, u.content::jsonb
           from unnest($1::uuid[], $2::date[], $3::int[], $4::text[], $5::text[], $6::text[])
             u(employee_id, date, version, state, status, content)
           on conflict (employee_id, date) do update set version = excluded.version, state = excluded.state,
             status = excluded.status, content = excluded.content""",
        [day.employee_id for day in assessed], [day.date for day in assessed], [day.version for day in assessed],
        [day.state.value for day in assessed], [day.status.value for day in assessed],
        [content.decode() for content in contents],
    )


async def violation_versions(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The version in which each of these violations was last told; missing: never."""
    rows = await connection.fetch("select violation_id, version from violation where violation_id = any($1::uuid[])", list(ids))
    return {row["violation_id"]: row["version"] for row in rows}


async def put_violations(connection: Connection, versions: Sequence[ViolationVersion]) -> None:
    """Writes where violations stand now; of several versions of one the last in the list stays."""
    last = list({version.violation.id: version for version in versions}.values())
    await connection.execute(
        """insert into violation (violation_id, employee_id, date, version, action, kind, code, minutes, assessment_version)
           select * from unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[], $5::text[], $6::text[], $7::text[], $8::int[], $9::int[])
           on conflict (violation_id) do update set version = excluded.version, action = excluded.action,
             minutes = excluded.minutes, assessment_version = excluded.assessment_version""",
        [v.violation.id for v in last], [v.employee_id for v in last], [v.date for v in last], [v.version for v in last],
        [v.action for v in last], [v.violation.kind.value for v in last], [v.violation.code for v in last],
        [v.violation.minutes for v in last], [v.assessment_version for v in last],
    )


async def touchable(connection: Connection, first: dt.date, last: dt.date, org_unit_id: UUID | None) -> list[Day]:
    """Days that a decision on an outage may change: those that are held, or have findings; of one unit, or of everybody.

    The days of a unit are looked up by its people: whoever is no longer known to have been there is looked at again for that anyway.
    """
    if org_unit_id is None:
        rows = await connection.fetch(
            "select employee_id, date from assessment where date between $1 and $2 and (status = 'HELD' or content -> 'findings' <> '[]')"
            " order by employee_id, date", first, last)
    else:
        rows = await connection.fetch(
            "select a.employee_id, a.date from employee e cross join lateral ("
            "  select * from assessment a where a.employee_id = e.employee_id and a.date between $1 and $2 offset 0) a"
            " where e.member_unit && array[$3::uuid] and (a.content ->> 'org_unit_id')::uuid = $3"
            "   and (a.status = 'HELD' or a.content -> 'findings' <> '[]') order by a.employee_id, a.date",
            first, last, org_unit_id,
        )
    return [(row["employee_id"], row["date"]) for row in rows]
