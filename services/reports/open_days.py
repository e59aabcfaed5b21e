"""What stands against a month's close, by org unit, and which clock its people live by; read from schedule's and payroll's tables."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from services.payroll.rules.signing import Uncovered
from services.reports.closing import NoCeiling, OpenDays, Span
from shared.database import Connection

_OPEN = """
select coalesce(u.code, '?') as unit, open.status, count(*) as days, count(distinct open.employee_id) as people from (
    select a.employee_id, (a.content ->> 'org_unit_id')::uuid as org_unit_id, a.status
    from schedule.assessment a join schedule.employee e using (employee_id)
    where a.date between $2 and $3 and a.status in ('PENDING', 'HELD') and e.played_clock = $1
    union all
    -- A day about which nothing is to be said yet has no row; the clock will look at it.
    select d.employee_id, e.member_unit[1], 'PENDING' from schedule.due_day d join schedule.employee e using (employee_id)
    where d.clock = $1 and d.date between $2 and $3
      and not exists (select from schedule.assessment a where a.employee_id = d.employee_id and a.date = d.date)
) open left join schedule.org_unit u using (org_unit_id) group by 1, 2
"""


async def open_days(connection: Connection, span: Span) -> list[OpenDays]:
    """Days of the month that are undecided or held, by org unit."""
    rows = await connection.fetch(_OPEN, span.clock, span.first, span.last)
    return [OpenDays(row["unit"], row["status"], row["days"], row["people"]) for row in rows]


async def by_code(connection: Connection, found: Sequence[Uncovered]) -> list[NoCeiling]:
    """People without a ceiling under the codes of their units, in the given order."""
    rows = await connection.fetch(
        "select org_unit_id, code from schedule.org_unit where org_unit_id = any($1::uuid[])",
        [one.org_unit_id for one in found if one.org_unit_id],
    )
    codes = {row["org_unit_id"]: row["code"] for row in rows}
    return [
        NoCeiling(
            "?" if one.org_unit_id is None else codes.get(one.org_unit_id, "?"), one.people, one.charged,
            f"NIP {one.nip}" if one.nip else f"pegawai {one.employee_id}",
        )
        for one in found
    ]


async def time_of(connection: Connection, clock: str) -> dt.datetime | None:
    """The time of a clock ('': the real one); None if there is no such clock."""
    if not clock:
        return dt.datetime.now(dt.UTC)
    at: dt.datetime | None = await connection.fetchval("select at from schedule.clock where name = $1", clock)
    return at


async def closed_since(connection: Connection, month: str, clock: str) -> dt.datetime | None:
    """When the month was closed for those who live by this clock; None if it is open."""
    at: dt.datetime | None = await connection.fetchval(
        "select min(closed_at) from payroll.closed_month where month = $1 and clock = $2", month, clock
    )
    return at


@dataclass(frozen=True, slots=True)
class Totals:
    """What a month comes to for those who live by one clock: people, rupiah."""

    people: int
    rupiah: int


async def totals(connection: Connection, month: str, clock: str) -> Totals:
    """The month's totals; `rupiah` includes what earlier, closed months owe in it."""
    row = await connection.fetchrow(
        """select count(*) as people,
                  coalesce(sum(coalesce(m.amount, 0) + m.supplementary), 0)::bigint as rupiah
           from payroll.month m left join payroll.employee e using (employee_id)
           where m.month = $1 and coalesce(e.played_clock, '') = $2""",
        month, clock,
    )
    assert row is not None  # an aggregate has one row
    return Totals(row["people"], row["rupiah"])
