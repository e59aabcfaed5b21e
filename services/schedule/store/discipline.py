"""SQL of the discipline ladder: which steps were told of whom, and the days that the ladder counts."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from services.schedule.rules import LadderDay
from shared.database import Connection

StepKey: TypeAlias = tuple[UUID, str, dt.date]
"""A person, a step, and the absence day that crossed it."""


@dataclass(frozen=True, slots=True)
class StepVersion:
    """A step as it was last told; `unexcused_days` is the count that it stands on."""

    key: StepKey
    version: int
    action: Literal["proposed", "withdrawn", "decided"]
    unexcused_days: int
    legal_source: str


async def steps_of(connection: Connection, employees: Sequence[UUID]) -> dict[StepKey, StepVersion]:
    """Every step ever told of these people, in its newest version."""
    rows = await connection.fetch(
        """select employee_id, step, date, version, action, unexcused_days, legal_source
           from discipline_step where employee_id = any($1::uuid[])""", list(employees))
    return {
        (key := (row["employee_id"], row["step"], row["date"])): StepVersion(
            key, row["version"], row["action"], row["unexcused_days"], row["legal_source"])
        for row in rows
    }


async def ladder_days(connection: Connection, employees: Sequence[UUID]) -> dict[UUID, list[LadderDay]]:
    """The final days of these people on which work was owed."""
    rows = await connection.fetch(
        """select employee_id, date, status = 'ABSENT' as absent,
                  coalesce((content->>'late')::int, 0) + coalesce((content->>'early')::int, 0) as minutes,
                  case when (content->>'made_up')::boolean then (content->>'late')::int else 0 end as made_up
           from assessment
           where employee_id = any($1::uuid[]) and state = 'FINAL' and (content->>'scheduled')::boolean""", list(employees))
    days: dict[UUID, list[LadderDay]] = {}
    for row in rows:
        days.setdefault(row["employee_id"], []).append(LadderDay(row["date"], True, row["absent"], row["minutes"], row["made_up"]))
    return days


async def put_steps(connection: Connection, versions: Sequence[StepVersion]) -> None:
    """Writes where steps stand now."""
    if not versions:
        return
    await connection.execute(
        """insert into discipline_step (employee_id, step, date, version, action, unexcused_days, legal_source)
           select * from unnest($1::uuid[], $2::text[], $3::date[], $4::int[], $5::text[], $6::int[], $7::text[])
           on conflict (employee_id, step, date) do update set version = excluded.version, action = excluded.action,
             unexcused_days = excluded.unexcused_days, legal_source = excluded.legal_source""",
        [v.key[0] for v in versions], [v.key[1] for v in versions], [v.key[2] for v in versions],
        [v.version for v in versions], [v.action for v in versions], [v.unexcused_days for v in versions],
        [v.legal_source for v in versions],
    )
