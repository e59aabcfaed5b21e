"""Whether the officers' data are complete enough for today and the weeks to come: a gap here becomes a wrong cut later."""

import datetime as dt
from collections.abc import AsyncIterator

from services.doctor.finding import Finding
from shared.database import Connection

_AREA = "data"
_AHEAD = dt.timedelta(days=45)

_PEOPLE = """
with recursive ruled as (
  select org_unit_id as unit from schedule.policy_in_force where since <= $1 and org_unit_id is not null
  union select u.org_unit_id from ruled r join schedule.org_unit u on u.parent_id = r.unit),
person as (
  select e.employee_id, e.member_unit, e.member_since, e.timezone,
         (select m.unit from unnest(e.member_unit, e.member_since) m(unit, since) where m.since <= $1 order by m.since desc limit 1) as unit
  from schedule.employee e where e.active and e.played_clock = '')
select count(*) as people,
  count(*) filter (where unit is null) as without_unit,
  count(*) filter (where unit is not null and unit not in (select unit from ruled) and not exists (
    select from schedule.policy_in_force p where p.since <= $1 and p.org_unit_id is null)) as without_pack,
  count(*) filter (where unit is not null and not exists (
    select from geofence.site s where s.kind = 'office' and (unit = any(s.org_unit_ids) or employee_id = any(s.employee_ids))
      and (s.valid_from is null or s.valid_from <= now()) and (s.valid_to is null or s.valid_to > now()))) as without_office,
  count(*) filter (where not exists (
    select from payroll.ceiling c where c.employee_id = person.employee_id and c.month = to_char($1::date, 'YYYY-MM'))) as without_ceiling
from person
"""


async def check_people(connection: Connection, today: dt.date) -> AsyncIterator[Finding]:
    """Every active employee has a unit, a rule pack, an office to check in at, and a ceiling for this month's cuts."""
    row = await connection.fetchrow(_PEOPLE, today)
    assert row is not None  # an aggregate always has a row
    if not row["people"]:
        yield Finding(_AREA, "warn", "No employees are known.", "Import them: hadir import employees FILE.")
        return
    lacks = (
        ("without_unit", "fail", "belong to no org unit today", "Give them a membership: hadir import employees FILE."),
        ("without_pack", "fail", "have no rule pack in force today, so that their days are not assessed",
         "Put one in force: hadir import policies FILE --in-force NAME@DATE."),
        ("without_office", "warn", "have no office on the map, so that every WFO check-in of theirs is outside",
         "Import sites: hadir import sites FILE.geojson."),
        ("without_ceiling", "warn", "have no TPP ceiling this month: percents are known, rupiah are not",
         "Import them: hadir import ceilings FILE."),
    )  # fmt: skip
    for column, verdict, sentence, remedy in lacks:
        if row[column]:
            yield Finding(_AREA, verdict, f"{row[column]:,} of {row['people']:,} employees {sentence}.", remedy)  # type: ignore[arg-type]  # literals above
    if not any(row[column] for column, *_ in lacks):
        yield Finding(_AREA, "ok", f"All {row['people']:,} employees have a unit, a rule pack, an office and a ceiling.")


async def check_calendars(connection: Connection, today: dt.date) -> AsyncIterator[Finding]:
    """Holidays are there for this year, and for the next before it begins: without them a holiday is 300,000 absences.

    Units of invented people alone are left out: stories on the running system leave some with calendars of their own.
    """
    rows = await connection.fetch(
        "with member as (select m.unit, bool_or(e.played_clock = '') as lives"
        " from schedule.employee e, unnest(e.member_unit) m(unit) group by 1)"
        " select distinct u.calendar, y.year, exists (select from schedule.calendar c where c.calendar = u.calendar and c.year = y.year)"
        " as there from schedule.org_unit u left join member m on m.unit = u.org_unit_id, unnest($1::int[]) y(year)"
        " where coalesce(m.lives, true) order by 1, 2",
        sorted({today.year, (today + _AHEAD).year}),
    )
    missing = [f"{row['calendar']} {row['year']}" for row in rows if not row["there"]]
    if missing:
        verdict = "fail" if any(name.endswith(str(today.year)) for name in missing) else "warn"
        yield Finding(
            _AREA, verdict, f"No holidays are known for: {', '.join(missing)}. Each of them would be counted as absence.",  # type: ignore[arg-type]  # literals
            "Import them and compare with the SKB 3 Menteri: hadir import calendar --year YEAR.",
        )  # fmt: skip
    elif rows:
        yield Finding(_AREA, "ok", f"Holidays are known for {', '.join(sorted({str(row['year']) for row in rows}))}.")


async def check_rosters(connection: Connection, today: dt.date) -> AsyncIterator[Finding]:
    """Whoever was rostered last month is rostered this month: else a shift worker falls back to the office week."""
    first = today.replace(day=1)
    before = (first - dt.timedelta(days=1)).replace(day=1)
    lost = await connection.fetchval(
        "select count(*) from schedule.roster r join schedule.employee e using (employee_id) where r.month = $1 and e.active"
        " and e.played_clock = ''"
        " and not exists (select from schedule.roster n where n.employee_id = r.employee_id and n.month = $2)",
        before, first,
    )  # fmt: skip
    if lost:
        yield Finding(
            _AREA, "warn", f"{lost:,} employees who had a roster in {before:%Y-%m} have none in {first:%Y-%m}; their week pattern holds.",
            "Publish the month's rosters, or see that this is meant: hadir roster --help.",
        )  # fmt: skip


_WITHOUT_REGION = """
with person as (
  select e.employee_id,
         (select m.unit from unnest(e.member_unit, e.member_since) m(unit, since) where m.since <= $1 order by m.since desc limit 1) as unit
  from schedule.employee e where e.active and e.played_clock = '' and exists (
    select from schedule.roster r where r.employee_id = e.employee_id and r.month >= date_trunc('month', $1::date)
      and r.days @> '[{"mode": "WFA"}]'))
select count(*) as people, min(u.code) as unit from person left join schedule.org_unit u on u.org_unit_id = person.unit
where not exists (
  select from geofence.site s where s.kind = 'region'
    and (unit = any(s.org_unit_ids) or employee_id = any(s.employee_ids) or cardinality(s.org_unit_ids) + cardinality(s.employee_ids) = 0)
    and (s.valid_from is null or s.valid_from <= now()) and (s.valid_to is null or s.valid_to > now()))
"""


async def check_regions(connection: Connection, today: dt.date) -> AsyncIterator[Finding]:
    """Whoever is rostered to work from anywhere (WFA) has a region (wilayah) to do so in: else those days stay HELD."""
    row = await connection.fetchrow(_WITHOUT_REGION, today)
    assert row is not None  # an aggregate always has a row
    if row["people"]:
        yield Finding(
            _AREA, "warn", f"{row['people']:,} employees are rostered to work from anywhere (WFA), but no region (wilayah) is in force for"
            f" them, for example in {row['unit']}: those days stay HELD.",
            "Import it, for the units or for everybody, with kind region: hadir import sites FILE.geojson.",
        )  # fmt: skip


async def check_months(connection: Connection, today: dt.date) -> AsyncIterator[Finding]:
    """No month stays open for long: what is not closed cannot be paid, and changes silently."""
    rows = await connection.fetch(
        "select distinct m.month from payroll.month m join payroll.employee e using (employee_id)"
        " where not m.closed and e.played_clock = '' and m.month < $1 order by 1",
        f"{(today.replace(day=1) - dt.timedelta(days=1)).replace(day=1):%Y-%m}",
    )
    for row in rows:
        yield Finding(
            "money", "warn", f"{row['month']} is still open.", f"When its corrections are in: hadir month close --month {row['month']}."
        )
