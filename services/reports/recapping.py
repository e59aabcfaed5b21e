"""Gathers the recap of a month from schedule's assessments and payroll's ledger, in one read-only snapshot."""

import datetime as dt
from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.reports.belonging import ever_in, rows
from services.reports.recap import Recapped
from shared.database import Connection
from shared.percent import parse_percent


def _people(of_unit: bool) -> str:
    return f"""
select coalesce(u.code, '?') as unit, coalesce(u.name, '?') as unit_name, e.nip, e.name, rank.kind, rank.grp,
       coalesce(d.duty_days, 0) as duty_days, coalesce(d.present, 0) as present, coalesce(d.wfa, 0) as wfa, coalesce(d.late, 0) as late,
       coalesce(d.late_minutes, 0) as late_minutes, coalesce(d.early, 0) as early, coalesce(d.early_minutes, 0) as early_minutes,
       coalesce(d.absent, 0) as absent, coalesce(d.leave, 0) as leave, coalesce(d.travel, 0) as travel,
       coalesce(d.undecided, 0) as undecided, coalesce(m.percent, '0') as percent, coalesce(m.ceiling, c.amount) as ceiling,
       coalesce(m.supplementary, 0) as supplementary, coalesce(l.ledger, 0) as ledger, coalesce(m.of_wage, 0) as of_wage,
       coalesce(l.sanctions, 0) as sanctions
from schedule.employee e
left join lateral (
    select a.employee_id,
           count(*) filter (where (a.content ->> 'scheduled')::boolean) as duty_days,
           count(*) filter (where a.status = 'PRESENT') as present,
           count(*) filter (where a.status = 'PRESENT' and a.content ->> 'mode' = 'WFA') as wfa,
           count(*) filter (where (a.content ->> 'late')::int > 0) as late,
           coalesce(sum((a.content ->> 'late')::int), 0) as late_minutes,
           count(*) filter (where (a.content ->> 'early')::int > 0) as early,
           coalesce(sum((a.content ->> 'early')::int), 0) as early_minutes,
           count(*) filter (where a.status = 'ABSENT') as absent,
           count(*) filter (where a.status = 'LEAVE') as leave,
           count(*) filter (where a.status = 'DL') as travel,
           count(*) filter (where a.status in ('PENDING', 'HELD')) as undecided
    from {rows("schedule.assessment", "date between $1 and $2", of_unit)} a group by a.employee_id
) d on d.employee_id = e.employee_id
left join payroll.month m on m.employee_id = e.employee_id and m.month = $3
left join payroll.ceiling c on c.employee_id = e.employee_id and c.month = $3
left join lateral (
    select entry.employee_id, sum(amount)::bigint as ledger,
           sum(amount) filter (where date is null and code not in ('CAP', 'ROUNDING', 'SUPPLEMENT'))::bigint as sanctions
    from {rows("payroll.ledger", "month = $3", of_unit)} entry group by entry.employee_id
) l on l.employee_id = e.employee_id
left join lateral (
    select member.unit from unnest(e.member_since, e.member_unit) as member (since, unit)
    where member.since <= $2 order by member.since desc limit 1
) at_end on true
cross join lateral (
    select coalesce((array_agg(held.kind order by held.since desc) filter (where held.since <= $2))[1], e.rank_kind[1], e.kind) as kind,
           coalesce((array_agg(held.grp order by held.since desc) filter (where held.since <= $2))[1], e.rank_grp[1], e.grp) as grp
    from unnest(e.rank_since, e.rank_kind, e.rank_grp) as held (since, kind, grp)
) rank
left join schedule.org_unit u on u.org_unit_id = at_end.unit
where e.played_clock = $4 and ($5::text is null or u.code = $5) and ($6::uuid[] is null or e.employee_id = any($6))
  and (d.employee_id is not null or m.employee_id is not null or l.employee_id is not null)
order by coalesce(u.code, '?') collate "C", e.name collate "C", e.nip collate "C"
"""  # noqa: S608 - made of our own words


_PEOPLE: Final = {of_unit: _people(of_unit) for of_unit in (False, True)}


async def people_of(connection: Connection, month: str, unit: str | None, clock: str = "") -> list[Recapped]:
    """Everybody of a month ("2026-02"), or of one unit (by code), who live by `clock`; in order of unit, name and NIP (by code point).

    Somebody who moved or was promoted within the month stands under the unit, kind and group of its last day.
    """
    first = dt.date.fromisoformat(f"{month}-01")
    last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    found = await connection.fetch(_PEOPLE[unit is not None], first, last, month, clock, unit, await ever_in(connection, unit))
    return [
        Recapped(
            row["unit"], row["unit_name"], row["nip"], row["name"], row["kind"], row["grp"], row["duty_days"], row["present"], row["wfa"],
            row["late"], row["late_minutes"], row["early"], row["early_minutes"], row["absent"], row["leave"], row["travel"],
            row["undecided"], parse_percent(row["percent"]), row["ceiling"], row["supplementary"], row["ledger"],
            row["of_wage"], row["sanctions"],
        )
        for row in found
    ]


async def ids_of(connection: Connection, nips: Collection[str]) -> dict[str, UUID]:
    """The ids of those who bear these NIPs, by NIP."""
    rows = await connection.fetch("select nip, employee_id from schedule.employee where nip = any($1::text[])", list(nips))
    return {row["nip"]: row["employee_id"] for row in rows}


async def state_of(connection: Connection, month: str, clock: str = "") -> str:
    """Where the month stands: OPEN, REVIEW, SIGNED or PAID."""
    state: str | None = await connection.fetchval(
        "select state from payroll.month_step where month = $1 and clock = $2 order by number desc limit 1", month, clock
    )
    return state or "OPEN"
