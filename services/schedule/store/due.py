"""SQL of the due days: what must be looked at again and when, which days are open, what is still to be spread, and the clocks.

A day is due when `due_at` is not after the time of its clock. Marking a day due is all that a change has to do.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

import asyncpg

from shared.database import Connection
from shared.envelope import Envelope

REAL: Final = ""
"""Name of the clock that everybody real has."""

AT_ONCE: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""The `due_at` of days that do not wait for any clock."""

EVER: Final = dt.date(9999, 12, 31)


class Priority(IntEnum):
    """Who goes first among due days; live check-ins do not queue here at all."""

    COMMAND = 1
    CLOCK = 2
    OPENING = 3
    RESTATEMENT = 4


@dataclass(frozen=True, slots=True)
class Span:
    """Business dates of one person, both inclusive."""

    employee_id: UUID
    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True)
class DueDay:
    """One day to look at, and what made it due."""

    employee_id: UUID
    date: dt.date
    lane: int
    clock: str
    cause_id: UUID | None
    correlation_id: UUID | None


@dataclass(frozen=True, slots=True)
class NextLook:
    """When an assessed day must be looked at again; `due_at` None: the clock changes nothing any more."""

    employee_id: UUID
    date: dt.date
    lane: int
    clock: str
    due_at: dt.datetime | None


def remembered_cause(cause_id: UUID | None, correlation_id: UUID | None, at: dt.datetime) -> Envelope | None:
    """The envelope of what made a day due, as far as it is kept: enough to be the cause of what follows."""
    if cause_id is None or correlation_id is None:
        return None
    return Envelope(id=cause_id, type="", source="/hadir/schedule", time=at, subject="", causation_id=None, correlation_id=correlation_id)


async def mark_spans(connection: Connection, spans: Sequence[Span], priority: Priority, cause: Envelope | None) -> int:
    """Marks the opened, assessed or already waiting days within these spans due at once; returns how many.

    `offset 0` keeps the planner from a join: it takes the days of a person for a thousand, and would read everybody's opening.
    """
    if not spans:
        return 0
    tag = await connection.execute(
        """with span as materialized (
             select s.*, e.lane, e.played_clock from unnest($1::uuid[], $2::date[], $3::date[]) s(employee_id, first, last)
               join employee e using (employee_id)),
           day as (
             select s.employee_id, greatest(s.first, o.from_date) + n as date, s.lane, s.played_clock
             from span s cross join lateral (select * from opening o where o.employee_id = s.employee_id offset 0) o
               cross join lateral generate_series(0, least(s.last, o.opened_until) - greatest(s.first, o.from_date)) n
             union
             select s.employee_id, a.date, s.lane, s.played_clock
             from span s cross join lateral (
               select a.date from assessment a where a.employee_id = s.employee_id and a.date between s.first and s.last) a
             union
             select s.employee_id, d.date, s.lane, s.played_clock
             from span s cross join lateral (
               select d.date from due_day d where d.employee_id = s.employee_id and d.date between s.first and s.last) d
           )
           insert into due_day (employee_id, date, lane, clock, priority, due_at, cause_id, correlation_id)
           select employee_id, date, lane, played_clock, $4, $5, $6, $7 from day
           on conflict (employee_id, date) do update set clock = excluded.clock, due_at = excluded.due_at,
             priority = case when due_day.due_at = excluded.due_at then least(due_day.priority, excluded.priority)
                             else excluded.priority end,
             cause_id = excluded.cause_id, correlation_id = excluded.correlation_id""",
        [s.employee_id for s in spans], [s.first for s in spans], [s.last for s in spans], int(priority), AT_ONCE,
        cause.id if cause else None, cause.correlation_id if cause else None,
    )
    return int(tag.rsplit(" ", 1)[1])


async def set_next_looks(connection: Connection, looks: Sequence[NextLook]) -> None:
    """Writes when assessed days are due next; unchanged rows are not touched, days without a next look are cleared."""
    cleared = [look for look in looks if look.due_at is None]
    if cleared:
        await connection.execute(
            """delete from due_day d using unnest($1::uuid[], $2::date[]) c(employee_id, date)
               where d.employee_id = c.employee_id and d.date = c.date""",
            [look.employee_id for look in cleared], [look.date for look in cleared],
        )
    waiting = [look for look in looks if look.due_at is not None]
    if waiting:
        await connection.execute(
            """insert into due_day (employee_id, date, lane, clock, due_at, priority)
               select w.*, $6::smallint
               from unnest($1::uuid[], $2::date[], $3::smallint[], $4::text[], $5::timestamptz[]) w(employee_id, date, lane, clock, due_at)
               where not exists (select from due_day d where (d.employee_id, d.date, d.due_at, d.clock)
                                                           = (w.employee_id, w.date, w.due_at, w.clock))
               on conflict (employee_id, date) do update set clock = excluded.clock, due_at = excluded.due_at,
                 priority = excluded.priority, cause_id = null, correlation_id = null
               where due_day.due_at <> excluded.due_at or due_day.clock <> excluded.clock""",
            [look.employee_id for look in waiting], [look.date for look in waiting], [look.lane for look in waiting],
            [look.clock for look in waiting], [look.due_at for look in waiting], int(Priority.CLOCK),
        )


async def clocks(connection: Connection, names: Collection[str]) -> dict[str, dt.datetime]:
    """The time on these hand-moved clocks; a clock nobody has set yet is missing."""
    rows = await connection.fetch("select name, at from clock where name = any($1::text[])", list(names))
    return {row["name"]: row["at"] for row in rows}


async def move_clock(connection: Connection, name: str, at: dt.datetime) -> bool:
    """Sets a clock forward; False if it already stands at that time or later."""
    moved = await connection.fetchval(
        """insert into clock (name, at) values ($1, $2)
           on conflict (name) do update set at = excluded.at where clock.at < excluded.at returning true""", name, at)
    return bool(moved)


async def pick_due(connection: Connection, lanes: Collection[int], now: dt.datetime, most: int) -> list[DueDay]:
    """Days of these lanes that are due: real ones by priority with a share kept for mass work, then played ones in time order.

    Without a lock: look again under the lane (`still_due`) before acting.
    """
    share = max(1, most // 5)
    rows = await connection.fetch(
        """select d.* from (values (1), (2), (3), (4)) p(priority)
           cross join lateral (
             select d.* from unnest($1::smallint[]) l(lane) cross join lateral (
               select employee_id, date, lane, clock, priority, due_at, cause_id, correlation_id from due_day
               where clock = '' and lane = l.lane and priority = p.priority and due_at <= $2 order by due_at limit $4) d
             order by d.due_at limit $3) d
           order by d.priority""",
        list(lanes), now, most, max(50, most // 4),
    )
    urgent = [row for row in rows if row["priority"] <= Priority.CLOCK]
    mass = [row for row in rows if row["priority"] > Priority.CLOCK]
    picked = urgent[: most - min(share, len(mass))]
    picked += mass[: most - len(picked)]
    if len(picked) < most:
        picked += await connection.fetch(
            """select d.employee_id, d.date, d.lane, d.clock, d.priority, d.cause_id, d.correlation_id
               from clock c cross join lateral (
                 select * from due_day  -- the second condition on clock lets the planner use the partial index
                 where clock = c.name and clock <> '' and due_at <= c.at and lane = any($1::smallint[])
                 order by due_at limit $2) d
               limit $2""",
            list(lanes), most - len(picked),
        )
    return [_due_day(row) for row in picked]


async def still_due(connection: Connection, days: Sequence[DueDay], now: dt.datetime) -> list[DueDay]:
    """Those of the picked days that are due yet, now that their lanes are held."""
    rows = await connection.fetch(
        """select d.employee_id, d.date, d.lane, d.clock, d.cause_id, d.correlation_id
           from unnest($1::uuid[], $2::date[]) k(employee_id, date) join due_day d using (employee_id, date)
             left join clock c on c.name = d.clock
           where d.due_at <= case when d.clock = '' then $3 else coalesce(c.at, 'epoch') end""",
        [day.employee_id for day in days], [day.date for day in days], now,
    )
    return [_due_day(row) for row in rows]


async def postpone(connection: Connection, days: Sequence[DueDay], until: dt.datetime) -> None:
    """Lets these days wait until `until` by the real clock, whichever clock they go by."""
    await connection.execute(
        """update due_day d set due_at = $3, clock = '', priority = $4
           from unnest($1::uuid[], $2::date[]) k(employee_id, date) where d.employee_id = k.employee_id and d.date = k.date""",
        [day.employee_id for day in days], [day.date for day in days], until, int(Priority.RESTATEMENT),
    )


async def backlog(connection: Connection, lanes: Collection[int], now: dt.datetime, most: int = 100_000) -> int:
    """How many days of these lanes are due now by the real clock, counted up to `most`."""
    return int(await connection.fetchval(
        """select count(*) from (
             select from (values (1), (2), (3), (4)) p(priority) cross join unnest($1::smallint[]) l(lane) cross join lateral (
               select from due_day d where d.clock = '' and d.lane = l.lane and d.priority = p.priority and d.due_at <= $2) d
             limit $3) counted""", list(lanes), now, most))


def _due_day(row: asyncpg.Record) -> DueDay:
    return DueDay(row["employee_id"], row["date"], row["lane"], row["clock"], row["cause_id"], row["correlation_id"])
