"""SQL of whom a change of reference data concerns: real, active people, counted by what bears on it."""

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from services.schedule.reference import UNITS_WEEK
from shared.database import Connection


class GroupOfUnit(NamedTuple):
    """So many people of a unit are of this group."""

    org_unit_id: UUID
    group: str
    people: int


async def groups_of_units(connection: Connection, since: dt.date) -> list[GroupOfUnit]:
    """The groups of the people of each unit, on any business date from `since` on that is known of now."""
    rows = await connection.fetch(
        """with person as (select * from employee where active and played_clock = '' and (until is null or until >= $1)),
             member as (
               select p.employee_id, m.unit, m.since, coalesce(lead(m.since) over one, 'infinity') as next
               from person p cross join lateral unnest(p.member_since, p.member_unit) m(since, unit)
               window one as (partition by p.employee_id order by m.since)),
             rank as (
               select p.employee_id, r.grp, coalesce(lag(r.since) over one, '-infinity') as before, r.since,
                      coalesce(lead(r.since) over one, 'infinity') as next
               from person p cross join lateral unnest(p.rank_since, p.rank_grp) r(since, grp)
               window one as (partition by p.employee_id order by r.since)
               union all select employee_id, grp, '-infinity', '-infinity', 'infinity' from person where cardinality(rank_since) = 0)
           select m.unit, r.grp, count(distinct employee_id) as people
           from member m join rank r using (employee_id)
           where m.next > $1 and r.next > $1 and m.since < r.next and (r.since < m.next or r.before = '-infinity')
           group by 1, 2 order by 2, 1""", since)
    return [GroupOfUnit(*row) for row in rows]


class ZoneOfUnit(NamedTuple):
    """So many people of a unit live in this time zone."""

    org_unit_id: UUID
    timezone: str
    people: int


async def zones_of_units(connection: Connection, units: Collection[UUID], on: dt.date) -> list[ZoneOfUnit]:
    """The zones of the people who belong to these units on a business date or later, as of then."""
    rows = await connection.fetch(
        """select m.unit, zone_on(e.zone_since, e.zone_name, e.timezone, greatest(m.since, $2)) as zone, count(*) as people
           from employee e cross join lateral (
             select x.unit, x.since, coalesce(lead(x.since) over (order by x.since), 'infinity') as next
             from unnest(e.member_since, e.member_unit) x(since, unit)) m
           where e.active and e.played_clock = '' and (e.until is null or e.until >= $2) and e.member_unit && $1::uuid[]
             and m.unit = any($1::uuid[]) and m.next > $2
           group by 1, 2 order by 1, 2""", list(units), on)
    return [ZoneOfUnit(*row) for row in rows]


async def with_own_weeks(
    connection: Connection, units: Collection[UUID] | None, since: dt.date, until: dt.date | None
) -> tuple[int, int]:
    """How many people of these units (None: of all) keep a week pattern of their own on these dates, both inclusive, of how many."""
    row = await connection.fetchrow(
        """select count(*) filter (where own.week) as own, count(*) as people
           from employee e
             cross join lateral (
               select bool_or($1::uuid[] is null or x.unit = any($1::uuid[])) as unit from (
                 select m.unit, m.since, coalesce(lead(m.since) over (order by m.since), 'infinity') as next
                 from unnest(e.member_since, e.member_unit) m(since, unit)) x
               where x.since <= coalesce($3, 'infinity'::date) and x.next > $2) belongs
             cross join lateral (
               select coalesce(bool_or(x.code <> $4), false) as week from (
                 select w.code, w.since, coalesce(lead(w.since) over (order by w.since), 'infinity') as next
                 from unnest(e.week_since, e.week_code) w(since, code)) x
               where x.since <= coalesce($3, 'infinity'::date) and x.next > $2) own
           where e.active and e.played_clock = '' and (e.until is null or e.until >= $2)
             and ($1::uuid[] is null or e.member_unit && $1::uuid[]) and belongs.unit""",
        None if units is None else list(units), since, until, UNITS_WEEK)
    assert row is not None  # an aggregate always has a row
    return row["own"], row["people"]
