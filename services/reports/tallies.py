"""Counts days by unit, by person and by way of working, from all services' schemas through the audit role; writes nothing."""

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from services.reports.belonging import ever_in, rows
from services.reports.evaluation import Worked
from services.reports.supervision import FromAnywhere, UnitDay
from shared.database import Connection

_UNIT_OF: Final = """
left join lateral (
    select member.unit from unnest(e.member_since, e.member_unit) as member (since, unit)
    where member.since <= $1 order by member.since desc limit 1
) belongs on true
left join schedule.org_unit u on u.org_unit_id = belongs.unit
"""


def _compliance(of_unit: bool) -> str:
    return f"""
with recursive ruled as (
    select org_unit_id as unit from schedule.policy_in_force where since <= $1 and org_unit_id is not null
    union select u.org_unit_id from ruled r join schedule.org_unit u on u.parent_id = r.unit
)
select coalesce(u.code, '?') as unit, coalesce(u.name, '?') as unit_name, count(*) as people,
       count(*) filter (where a.status = 'PRESENT' and a.content ->> 'mode' = 'WFO') as wfo,
       count(*) filter (where a.status = 'PRESENT' and a.content ->> 'mode' = 'WFA') as wfa,
       count(*) filter (where a.status = 'PRESENT' and (a.content ->> 'late')::int > 0) as late,
       count(*) filter (where a.status = 'PRESENT' and (a.content ->> 'early')::int > 0) as early,
       count(*) filter (where a.status = 'PRESENT' and a.content -> 'findings' @> '[{{"kind": "NO_OUT"}}]') as no_out,
       count(*) filter (where a.status = 'ABSENT') as absent, count(*) filter (where a.status = 'LEAVE') as leave,
       count(*) filter (where a.status = 'DL') as travel,
       count(*) filter (where a.status in ('PENDING', 'HELD') or (a.status is null and d.employee_id is not null)) as undecided,
       count(*) filter (where free.day and rules.hold) as off, count(*) filter (where free.day and not rules.hold) as unruled
from schedule.employee e {_UNIT_OF}
left join {rows("schedule.assessment", "date = $1", of_unit)} a on a.employee_id = e.employee_id
left join schedule.due_day d on d.employee_id = e.employee_id and d.date = $1
cross join lateral (select a.status in ('OFF', 'HOLIDAY') or (a.status is null and d.employee_id is null) as day) free
cross join lateral (select belongs.unit in (select unit from ruled) or exists (
    select from schedule.policy_in_force p where p.since <= $1 and p.org_unit_id is null) as hold) rules
where e.played_clock = $2 and e.active and (e.until is null or e.until >= $1) and belongs.unit is not null
  and ($3::text is null or u.code = $3) and ($4::uuid[] is null or e.employee_id = any($4))
group by 1, 2 order by 1
"""  # noqa: S608 - made of our own words


def _anywhere(of_unit: bool) -> str:
    return f"""
select coalesce(u.code, '?') as unit, e.nip, e.name, coalesce(a.status, '') as status, own.zone, seen.first_in, seen.last_out, seen.region,
       coalesce(seen.evidence, false) as evidence,
       exists (select from schedule.work_report w where w.employee_id = e.employee_id and w.work_date = $1) as report
from schedule.employee e {_UNIT_OF}
left join {rows("schedule.assessment", "date = $1", of_unit)} a on a.employee_id = e.employee_id
cross join lateral (select schedule.zone_on(e.zone_since, e.zone_name, e.timezone, $1::date) as zone) own
left join lateral (
    select min(m.captured_at) filter (where m.mark = 'in') as first_in, max(m.captured_at) filter (where m.mark = 'out') as last_out,
           case when bool_or(m.region = 'outside') then 'outside' when bool_or(m.region = 'unsure') then 'unsure'
                when count(*) > 0 then 'inside' end as region, bool_or(m.evidence) as evidence
    from schedule.mark m where m.employee_id = e.employee_id
      and m.captured_at >= $1::date::timestamp at time zone own.zone
      and m.captured_at < ($1::date + 1)::timestamp at time zone own.zone
) seen on true
where e.played_clock = $2 and ($3::text is null or u.code = $3) and ($4::uuid[] is null or e.employee_id = any($4))
  and (a.content ->> 'mode' = 'WFA' or a.employee_id is null and exists (
      select from schedule.roster r cross join lateral jsonb_array_elements(r.days) as day
      where r.employee_id = e.employee_id and r.month = date_trunc('month', $1::date)::date
        and day ->> 'date' = $1::text and day ->> 'mode' = 'WFA'))
order by 1, 3, 2
"""  # noqa: S608 - made of our own words


def _worked(of_unit: bool) -> str:
    during, of_day = "date >= $1 and date < $2", "employee_id = day.employee_id and date = day.date"
    told, told_of_day = "work_date >= $1 and work_date < $2", "employee_id = day.employee_id and work_date = day.date"
    return f"""
with day as (
    select a.employee_id, a.date, to_char(a.date, 'YYYY-MM') as month, a.content ->> 'mode' as mode, a.status,
           coalesce((a.content ->> 'late')::int, 0) as late, a.content -> 'findings' as findings
    from schedule.employee e join {rows("schedule.assessment", during, of_unit)} a on a.employee_id = e.employee_id
    left join schedule.org_unit u on u.org_unit_id = (a.content ->> 'org_unit_id')::uuid
    where e.played_clock = $3 and a.status in ('PRESENT', 'ABSENT') and a.content ->> 'mode' in ('WFO', 'WFA')
      and ($4::text is null or u.code = $4) and ($5::uuid[] is null or e.employee_id = any($5))
)
select month, mode, count(*) as owed, count(*) filter (where status = 'PRESENT') as present,
       count(*) filter (where status = 'PRESENT' and late = 0 and not findings @> '[{{"kind": "NO_IN"}}]') as punctual,
       count(*) filter (where status = 'PRESENT' and not findings @> '[{{"kind": "NO_IN"}}]' and not findings @> '[{{"kind": "NO_OUT"}}]')
           as complete,
       count(w.work_date) as reported, count(*) filter (where status = 'ABSENT') as absent,
       coalesce(sum(v.raised), 0)::bigint as violations, coalesce(sum(l.deducted), 0)::bigint as deducted
from day
left join lateral (
    select distinct employee_id, work_date from {rows("schedule.work_report", told, of_unit, told_of_day)} report
) w on w.employee_id = day.employee_id and w.work_date = day.date
left join lateral (
    select employee_id, date, count(*) as raised
    from {rows("schedule.violation", f"action = 'raised' and {during}", of_unit, of_day)} finding group by employee_id, date
) v on v.employee_id = day.employee_id and v.date = day.date
left join lateral (
    select employee_id, date, sum(amount) as deducted
    from {rows("payroll.ledger", during, of_unit, f"{of_day} and month = day.month")} entry group by employee_id, date
) l on l.employee_id = day.employee_id and l.date = day.date
group by month, mode order by month, mode desc
"""  # noqa: S608 - made of our own words


_COMPLIANCE: Final = {of_unit: _compliance(of_unit) for of_unit in (False, True)}
_ANYWHERE: Final = {of_unit: _anywhere(of_unit) for of_unit in (False, True)}
_WORKED: Final = {of_unit: _worked(of_unit) for of_unit in (False, True)}


async def unit_days(connection: Connection, date: dt.date, unit: str | None = None, clock: str = "") -> list[UnitDay]:
    """How each unit did on a business date, or one of them (by code)."""
    told = await connection.fetch(_COMPLIANCE[unit is not None], date, clock, unit, await ever_in(connection, unit))
    return [UnitDay(**row) for row in told]


async def from_anywhere(connection: Connection, date: dt.date, unit: str | None = None, clock: str = "") -> list[FromAnywhere]:
    """Who owes or owed a day from anywhere on a date: as assessed, or while nothing is, as rostered."""
    found = []
    for row in await connection.fetch(_ANYWHERE[unit is not None], date, clock, unit, await ever_in(connection, unit)):
        zone = ZoneInfo(row["zone"])
        first, last = (None if at is None else at.astimezone(zone) for at in (row["first_in"], row["last_out"]))
        found.append(FromAnywhere(
            row["unit"], row["nip"], row["name"], row["status"], first, last, row["region"], row["evidence"], row["report"],
        ))  # fmt: skip
    return found


async def worked(
    connection: Connection, first: dt.date, after: dt.date, unit: str | None = None, clock: str = ""
) -> list[Worked]:
    """Person-days by month and way of working, from `first` up to, but not including, `after`; of all units or one (by code).

    Of a unit: the days judged as its own, of those who belong or have belonged to it.
    """
    told = await connection.fetch(_WORKED[unit is not None], first, after, clock, unit, await ever_in(connection, unit))
    return [Worked(**row) for row in told]
