"""Counts days by unit, by person and by way of working, from all services' schemas through the audit role; writes nothing."""

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

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

_COMPLIANCE: Final = f"""
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
left join schedule.assessment a on a.employee_id = e.employee_id and a.date = $1
left join schedule.due_day d on d.employee_id = e.employee_id and d.date = $1
cross join lateral (select a.status in ('OFF', 'HOLIDAY') or (a.status is null and d.employee_id is null) as day) free
cross join lateral (select belongs.unit in (select unit from ruled) or exists (
    select from schedule.policy_in_force p where p.since <= $1 and p.org_unit_id is null) as hold) rules
where e.played_clock = $2 and e.active and (e.until is null or e.until >= $1) and belongs.unit is not null
  and ($3::text is null or u.code = $3)
group by 1, 2 order by 1
"""  # noqa: S608 - made of our own words

_ANYWHERE: Final = f"""
with owed as (
    select a.employee_id, a.status from schedule.assessment a where a.date = $1 and a.content ->> 'mode' = 'WFA'
    union
    select r.employee_id, '' from schedule.roster r cross join lateral jsonb_array_elements(r.days) as day
    where r.month = date_trunc('month', $1::date)::date and day ->> 'date' = $1::text and day ->> 'mode' = 'WFA'
      and not exists (select from schedule.assessment a where a.employee_id = r.employee_id and a.date = $1)
)
select coalesce(u.code, '?') as unit, e.nip, e.name, o.status, own.zone, seen.first_in, seen.last_out, seen.region,
       coalesce(seen.evidence, false) as evidence,
       exists (select from schedule.work_report w where w.employee_id = e.employee_id and w.work_date = $1) as report
from owed o join schedule.employee e using (employee_id) {_UNIT_OF}
cross join lateral (select schedule.zone_on(e.zone_since, e.zone_name, e.timezone, $1::date) as zone) own
left join lateral (
    select min(m.captured_at) filter (where m.mark = 'in') as first_in, max(m.captured_at) filter (where m.mark = 'out') as last_out,
           case when bool_or(m.region = 'outside') then 'outside' when bool_or(m.region = 'unsure') then 'unsure'
                when count(*) > 0 then 'inside' end as region, bool_or(m.evidence) as evidence
    from schedule.mark m where m.employee_id = e.employee_id
      and m.captured_at >= $1::date::timestamp at time zone own.zone
      and m.captured_at < ($1::date + 1)::timestamp at time zone own.zone
) seen on true
where e.played_clock = $2 and ($3::text is null or u.code = $3) order by 1, 3, 2
"""  # noqa: S608 - made of our own words

_WORKED: Final = """
with day as (
    select a.employee_id, a.date, to_char(a.date, 'YYYY-MM') as month, a.content ->> 'mode' as mode, a.status,
           coalesce((a.content ->> 'late')::int, 0) as late, a.content -> 'findings' as findings
    from schedule.assessment a join schedule.employee e using (employee_id)
    left join schedule.org_unit u on u.org_unit_id = (a.content ->> 'org_unit_id')::uuid
    where a.date >= $1 and a.date < $2 and e.played_clock = $3 and a.status in ('PRESENT', 'ABSENT')
      and a.content ->> 'mode' in ('WFO', 'WFA') and ($4::text is null or u.code = $4)
)
select month, mode, count(*) as owed, count(*) filter (where status = 'PRESENT') as present,
       count(*) filter (where status = 'PRESENT' and late = 0 and not findings @> '[{"kind": "NO_IN"}]') as punctual,
       count(*) filter (where status = 'PRESENT' and not findings @> '[{"kind": "NO_IN"}]' and not findings @> '[{"kind": "NO_OUT"}]')
           as complete,
       count(w.work_date) as reported, count(*) filter (where status = 'ABSENT') as absent,
       coalesce(sum(v.raised), 0)::bigint as violations, coalesce(sum(l.deducted), 0)::bigint as deducted
from day
left join (select distinct employee_id, work_date from schedule.work_report) w
    on w.employee_id = day.employee_id and w.work_date = day.date
left join (select employee_id, date, count(*) as raised from schedule.violation where action = 'raised' and date >= $1 and date < $2
           group by employee_id, date) v on v.employee_id = day.employee_id and v.date = day.date
left join (select employee_id, date, sum(amount) as deducted from payroll.ledger where date >= $1 and date < $2
           group by employee_id, date) l on l.employee_id = day.employee_id and l.date = day.date
group by month, mode order by month, mode desc
"""


async def unit_days(connection: Connection, date: dt.date, unit: str | None = None, clock: str = "") -> list[UnitDay]:
    """How each unit did on a business date, or one of them (by code)."""
    rows = await connection.fetch(_COMPLIANCE, date, clock, unit)
    return [UnitDay(**row) for row in rows]


async def from_anywhere(connection: Connection, date: dt.date, unit: str | None = None, clock: str = "") -> list[FromAnywhere]:
    """Who owes or owed a day from anywhere on a date: as assessed, or while nothing is, as rostered."""
    found = []
    for row in await connection.fetch(_ANYWHERE, date, clock, unit):
        zone = ZoneInfo(row["zone"])
        first, last = (None if at is None else at.astimezone(zone) for at in (row["first_in"], row["last_out"]))
        found.append(FromAnywhere(
            row["unit"], row["nip"], row["name"], row["status"], first, last, row["region"], row["evidence"], row["report"],
        ))  # fmt: skip
    return found


async def worked(
    connection: Connection, first: dt.date, after: dt.date, unit: str | None = None, clock: str = ""
) -> list[Worked]:
    """Person-days by month and way of working, from `first` up to, but not including, `after`; of all units or one (by code)."""
    return [Worked(**row) for row in await connection.fetch(_WORKED, first, after, clock, unit)]
