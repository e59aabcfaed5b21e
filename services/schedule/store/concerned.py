"""SQL of whom a change of reference data concerns: real, active people, counted by what bears on it."""

import datetime as dt
from typing import NamedTuple
from uuid import UUID

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
