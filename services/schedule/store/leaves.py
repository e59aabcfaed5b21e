"""SQL of leaves in a row: which leaves bear on each other's days, so that what touches one is looked at for all of them."""

import datetime as dt
from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.schedule.rules import MOST_DAYS_BETWEEN
from services.schedule.store.due import Span
from shared.database import Connection

IN_ROWS: Final = """
    concerned as (
      select distinct p.employee_id from unnest($1::uuid[]) p(employee_id) cross join lateral (
        select from fact f
        where f.employee_id = p.employee_id and until_date >= $2::date - $4::int and from_date <= $3::date + $4::int
          and kind = 'leave' and state <> 'rejected' limit 1) near),
    placed as (
      select f.*, from_date > $4::int + max(until_date) over (
               partition by f.employee_id order by from_date, until_date, correction_id rows between unbounded preceding and 1 preceding
             ) as apart
      from concerned c cross join lateral (
        select * from fact where fact.employee_id = c.employee_id and kind = 'leave' and state <> 'rejected' offset 0) f),
    counted as (
      select *, count(*) filter (where apart) over (
               partition by employee_id order by from_date, until_date, correction_id rows unbounded preceding) as row_number
      from placed),
    in_rows as (
      select *, min(from_date) over whole as row_from, max(until_date) over whole as row_until
      from counted window whole as (partition by employee_id, row_number))"""
"""$1 people, $2 and $3 first and last date, $4 the days that may lie between. A row as told here may be several by the rules, which
also ask for kind, reason and duties: it is never too short. `limit 1` and `offset 0` have each person's leaves looked up: joined, the
planner reads everybody's once the people are many."""

NEAR: Final = "row_until >= $2::date - $4::int and row_from <= $3::date + $4::int"


async def rows_of_leaves(connection: Connection, employee_ids: Collection[UUID], first: dt.date, last: dt.date) -> list[Span]:
    """From first to last leave of each row of leaves of these people that touches these dates, or nearly does.

    A holiday, another week, roster or leave there may change where each day of such a row stands within it.
    """
    # a date near the ends of the calendar stands for "ever": there is nothing before or after it to look at
    first, last = max(first, _EARLIEST), min(last, _LATEST)
    rows = await connection.fetch(
        f"with {IN_ROWS} select distinct employee_id, row_from, row_until from in_rows where {NEAR}",  # noqa: S608 (constants of ours)
        list(employee_ids), first, last, MOST_DAYS_BETWEEN,
    )
    return [Span(row["employee_id"], row["row_from"], row["row_until"]) for row in rows]


_EARLIEST: Final = dt.date(1900, 1, 1)
_LATEST: Final = dt.date(9000, 1, 1)
