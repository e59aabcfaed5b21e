"""Steps of months, the levels that sign them, and the figures they are taken over, in Postgres."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from services.payroll.rules.signing import Asked, Figures, Level, Step, Uncovered
from services.payroll.store.months import NEEDS_CEILING
from shared.database import Connection

_FIGURES = """
select count(*)::int as people, count(m.amount)::int as with_ceiling,
       coalesce(sum(coalesce(m.amount, 0) + m.supplementary), 0)::bigint as rupiah,
       coalesce(sum(m.days_assessed - m.days_final), 0)::int as open_days,
       encode(sha256(convert_to(coalesce(string_agg(
           concat_ws('|', m.employee_id, coalesce(m.amount::text, '-'), m.supplementary, m.percent), E'\\n' order by m.employee_id
       ), ''), 'UTF8')), 'hex') as digest
from month m left join employee e using (employee_id)
where m.month = $1 and coalesce(e.played_clock, '') = $2
"""

_UNCOVERED: Final = f"""
select unit.id as org_unit_id, count(*)::int as people, (count(*) filter (where charged))::int as charged,
       (array_agg(m.employee_id order by charged desc, e.nip, m.employee_id))[1] as employee_id,
       (array_agg(e.nip order by charged desc, e.nip, m.employee_id))[1] as nip
from month m left join employee e using (employee_id)
cross join lateral (select '0.00' <> any(array[m.raw_percent, m.percent]) as charged) c
left join lateral (
    select id from unnest(e.member_since, e.member_unit) as member (since, id)
    where since < ($1 || '-01')::date + interval '1 month' order by since desc limit 1
) unit on true
where m.month = $1 and coalesce(e.played_clock, '') = $2 and {NEEDS_CEILING}
group by 1 order by 3 desc, 2 desc, 1
"""  # noqa: S608 (our own words)


async def uncovered_of(connection: Connection, month: str, clock: str) -> list[Uncovered]:
    """People who need a ceiling and have none, by their org unit at the month's end; most charged ones first."""
    rows = await connection.fetch(_UNCOVERED, month, clock)
    return [Uncovered(row["org_unit_id"], row["people"], row["charged"], row["employee_id"], row["nip"]) for row in rows]


async def figures_of(connection: Connection, month: str, clock: str) -> Figures:
    """What the month comes to for those who live by `clock`; exact where the caller holds all lanes."""
    row = await connection.fetchrow(_FIGURES, month, clock)
    assert row is not None  # an aggregate has one row
    return Figures(row["people"], row["with_ceiling"], row["rupiah"], row["open_days"], row["digest"])


async def steps_of(connection: Connection, month: str, clock: str) -> list[Step]:
    """All steps of a month, in their order."""
    rows = await connection.fetch("select * from month_step where month = $1 and clock = $2 order by number", month, clock)
    return [_step(row) for row in rows]


async def step_by(connection: Connection, command_id: UUID) -> tuple[str, str, Step] | None:
    """The step that a command made, with its month and clock; None if it made none yet."""
    row = await connection.fetchrow("select * from month_step where command_id = $1", command_id)
    return None if row is None else (row["month"], row["clock"], _step(row))


async def newest_steps(connection: Connection, clock: str, after: str, rows: int) -> list[tuple[str, Step]]:
    """Where months stand that have taken a step, by month; those after `after`."""
    found = await connection.fetch(
        "select distinct on (month) * from month_step where clock = $1 and month > $2 order by month, number desc limit $3",
        clock, after, rows,
    )
    return [(row["month"], _step(row)) for row in found]


async def add_step(connection: Connection, month: str, clock: str, step: Step) -> None:
    """Append a step. The caller holds all lanes, so that numbers have no holes."""
    asked = step.asked
    await connection.execute(
        "insert into month_step (month, clock, number, command_id, action, state, level, actor, role, reason, reference, people,"
        " rupiah, figures, at, uncovered) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        month, clock, step.number, asked.command_id, asked.action, step.state, step.level, asked.actor, asked.role, asked.reason,
        asked.reference, step.people, step.rupiah, step.figures, step.at, step.uncovered,
    )


async def levels(connection: Connection) -> list[Level]:
    """The configured levels in their order; none: whoever may sign, signs once."""
    rows = await connection.fetch("select level, name, role from signing_level order by level")
    return [Level(row["level"], row["name"], row["role"]) for row in rows]


async def put_levels(connection: Connection, asked: Sequence[Level]) -> None:
    """Put these levels in place of the known ones."""
    await connection.execute("delete from signing_level")
    await connection.executemany(
        "insert into signing_level (level, name, role) values ($1, $2, $3)", [(one.level, one.name, one.role) for one in asked]
    )


async def under_review(connection: Connection) -> Collection[tuple[str, str]]:
    """Months (and clocks) that wait for signatures."""
    rows = await connection.fetch(
        "select month, clock from (select distinct on (month, clock) month, clock, state from month_step"
        " order by month, clock, number desc) s where state = 'REVIEW'"
    )
    return [(row["month"], row["clock"]) for row in rows]


def _step(row: asyncpg.Record) -> Step:
    asked = Asked(row["action"], row["command_id"], row["actor"], row["role"], row["reason"], row["reference"])
    return Step(
        row["number"], asked, row["state"], row["at"], row["level"], row["people"], row["rupiah"], row["figures"], row["uncovered"]
    )
