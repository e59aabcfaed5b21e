"""SQL that opens days and spreads mass changes: so that absence is noticed without any event, and no change is lost half-way."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from services.schedule.store import due
from services.schedule.store.belonging import FEW_UNITS
from services.schedule.store.due import AT_ONCE, Priority, Span
from services.schedule.store.leaves import rows_of_leaves
from shared.database import Connection
from shared.envelope import Envelope
from shared.topics import LANES

_DAYS_A_PASS: Final = 62
_ROWS_A_PASS: Final = 20_000
_PEOPLE_A_PASS: Final = 2_000
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Horizon:
    """All days of people with this clock and zone are to be open up to and with this date."""

    clock: str
    timezone: str
    until: dt.date


@dataclass(frozen=True, slots=True)
class Spread:
    """A change that concerns many people, on its way through one lane."""

    restatement_id: UUID
    lane: int


async def refresh_openings(connection: Connection, employee_ids: Collection[UUID]) -> None:
    """Sets from which date these people's days are opened: their first membership, but no earlier than any rule pack for them.

    A pack is for them if it is in force in one of their units, in one above, or everywhere. Inactive people
    get no new days. When the date moves back, the earlier days are opened by the next pass.
    """
    await connection.execute(
        """delete from opening o using employee e
           where e.employee_id = o.employee_id and not e.active and e.employee_id = any($1::uuid[])""", list(employee_ids))
    await connection.execute(
        """with recursive ruled as (
             select org_unit_id as unit, since from policy_in_force where org_unit_id is not null
             union select u.org_unit_id, r.since from ruled r join org_unit u on u.parent_id = r.unit),
           first as (select unit, min(since) as since from ruled group by unit),
           person as (
             select e.employee_id, e.lane, e.played_clock, e.timezone, e.member_since[1] as joined, (
               select min(since) from policy_in_force where org_unit_id is null) as everywhere, min(f.since) as there
             from employee e cross join lateral unnest(e.member_unit) m(unit) left join first f on f.unit = m.unit
             where e.employee_id = any($1::uuid[]) and e.active group by e.employee_id)
           insert into opening (employee_id, lane, clock, timezone, from_date, opened_until)
           select p.employee_id, p.lane, p.played_clock, p.timezone, o.since, o.since - 1
           from person p cross join lateral (select greatest(p.joined, least(p.everywhere, p.there)) as since) o
           where coalesce(p.everywhere, p.there) is not null
           on conflict (employee_id) do update set clock = excluded.clock, timezone = excluded.timezone,
             from_date = excluded.from_date,
             opened_until = case when excluded.from_date < opening.from_date then excluded.opened_until
                                 else opening.opened_until end
           where (opening.clock, opening.timezone, opening.from_date)
             is distinct from (excluded.clock, excluded.timezone, excluded.from_date)""",
        list(employee_ids),
    )


async def clocks_in_use(connection: Connection) -> list[tuple[str, str, dt.datetime | None]]:
    """(clock, zone, its time) of people whose days are opened; the real clock, and one never set, have no time."""
    rows = await connection.fetch(
        """with recursive used as (
             (select clock, timezone from opening order by clock, timezone limit 1)
             union all
             select n.clock, n.timezone from used cross join lateral (
               select o.clock, o.timezone from opening o where (o.clock, o.timezone) > (used.clock, used.timezone)
               order by o.clock, o.timezone limit 1) n)
           select used.clock, used.timezone, c.at from used left join clock c on c.name = used.clock""")
    return [(row["clock"], row["timezone"], row["at"]) for row in rows]


async def behind(connection: Connection, lanes: Collection[int], horizons: Sequence[Horizon], most: int) -> dict[UUID, int]:
    """People of these lanes whose days are not open up to their horizon, with their lanes; few lanes at a time."""
    rows = await connection.fetch(
        """select o.employee_id, o.lane
           from unnest($2::text[], $3::text[], $4::date[]) h(clock, timezone, until) cross join lateral (
             select employee_id, lane from opening where clock = h.clock and timezone = h.timezone and lane = any($1::smallint[])
               and opened_until < h.until order by lane limit $5) o
           limit $5""",
        list(lanes), [h.clock for h in horizons], [h.timezone for h in horizons], [h.until for h in horizons], most,
    )
    return {row["employee_id"]: row["lane"] for row in rows}


async def open_days(connection: Connection, employee_ids: Collection[UUID], horizons: Sequence[Horizon]) -> int:
    """Marks the next days of these people due, two months at most in one pass; returns how many people moved on.

    Whether a day was assessed is asked day by day: of `not exists` the planner makes a join, takes the days of a person for a
    thousand, and reads the index of all assessments of the province for each pass.
    """
    return int(await connection.fetchval(
        """with person as (
             select o.employee_id, o.lane, o.clock, o.opened_until + 1 as first, least(h.until, o.opened_until + $5::int) as last
             from opening o join unnest($2::text[], $3::text[], $4::date[]) h(clock, timezone, until) using (clock, timezone)
             where o.employee_id = any($1::uuid[]) and o.opened_until < h.until),
           opened as (
             insert into due_day (employee_id, date, lane, clock, priority, due_at)
             select p.employee_id, p.first + n, p.lane, p.clock, $6::smallint, $7::timestamptz
             from person p cross join lateral generate_series(0, p.last - p.first) n
             where (select true from assessment a where a.employee_id = p.employee_id and a.date = p.first + n) is null
             on conflict (employee_id, date) do nothing),
           moved as (
             update opening o set opened_until = p.last from person p where o.employee_id = p.employee_id returning 1)
           select count(*) from moved""",
        list(employee_ids), [h.clock for h in horizons], [h.timezone for h in horizons], [h.until for h in horizons],
        _DAYS_A_PASS, int(Priority.OPENING), AT_ONCE,
    ))


async def spread(
    connection: Connection, units: Collection[UUID] | None, first: dt.date, last: dt.date, priority: Priority, cause: Envelope
) -> None:
    """Notes that these dates of the people of some units (None: of everybody) must be looked at again; chores carry it through the lanes.

    For few units only the lanes of their people are visited: the caller holds all lanes, so that nobody joins unseen.
    """
    lanes = list(range(LANES))
    if units is not None and len(units) <= FEW_UNITS:
        found = await connection.fetch("select distinct lane from employee where member_unit && $1::uuid[]", list(units))
        lanes = [row["lane"] for row in found]
    if not lanes:
        return
    await connection.execute(
        """with noted as (
             insert into restatement (restatement_id, org_unit_ids, from_date, until_date, priority, cause_id, correlation_id, made_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8) returning restatement_id)
           insert into restatement_lane (restatement_id, lane) select restatement_id, l.lane from noted, unnest($9::smallint[]) l(lane)""",
        uuid4(), None if units is None else list(units), first, last, int(priority), cause.id, cause.correlation_id, cause.time, lanes,
    )


async def spreads(connection: Connection, lanes: Collection[int]) -> list[Spread]:
    """What is still to be carried through these lanes: the most urgent for each lane."""
    rows = await connection.fetch(
        """select distinct on (l.lane) l.restatement_id, l.lane from restatement_lane l join restatement r using (restatement_id)
           where l.lane = any($1::smallint[]) order by l.lane, r.priority, r.made_at""", list(lanes))
    return [Spread(row["restatement_id"], row["lane"]) for row in rows]


async def carry_on(connection: Connection, piece: Spread, today: dt.date) -> int:
    """Marks the next people of a lane due for a mass change, and forgets the change when the lane is done; returns how many days.

    `today` only serves to guess how many days of each person that will be: later ones are not open yet.
    """
    row = await connection.fetchrow(
        """select coalesce(r.org_unit_ids, array[r.org_unit_id]) as units, r.from_date, r.until_date, r.priority, r.cause_id,
             r.correlation_id, r.made_at, l.after_employee
           from restatement_lane l join restatement r using (restatement_id)
           where l.restatement_id = $1 and l.lane = $2 for update of l, r""",
        piece.restatement_id, piece.lane)
    if row is None:
        return 0
    days = (min(row["until_date"], today + 2 * _DAY) - row["from_date"]).days + 1
    most = max(20, min(_PEOPLE_A_PASS, _ROWS_A_PASS // max(days, 1)))
    ids = await _next_people(connection, piece.lane, row["after_employee"], row["units"], most)
    marked = 0
    if ids:
        await refresh_openings(connection, ids)
        spans = [Span(employee_id, row["from_date"], row["until_date"]) for employee_id in ids]
        spans += await rows_of_leaves(connection, ids, row["from_date"], row["until_date"])
        cause = due.remembered_cause(row["cause_id"], row["correlation_id"], row["made_at"])
        marked = await due.mark_spans(connection, spans, Priority(row["priority"]), cause)
    if len(ids) < most:
        await connection.execute(
            "delete from restatement_lane where restatement_id = $1 and lane = $2", piece.restatement_id, piece.lane)
        await connection.execute(
            """delete from restatement where restatement_id = $1
               and not exists (select from restatement_lane where restatement_id = $1)""", piece.restatement_id)
    else:
        await connection.execute("update restatement_lane set after_employee = $3 where restatement_id = $1 and lane = $2",
                                 piece.restatement_id, piece.lane, ids[-1])
    return max(marked, 1)


async def _next_people(connection: Connection, lane: int, after: UUID, units: Sequence[UUID | None], most: int) -> list[UUID]:
    """The next people of a lane, in order of id, who ever belong to one of these units; a None among them: all."""
    if None in units:
        rows = await connection.fetch(
            "select employee_id from employee where lane = $1 and employee_id > $2 order by employee_id limit $3", lane, after, most)
    else:  # a join, since it hashes thousands of units where `&&` would compare each with each; the people of few are in an index
        few = "and e.member_unit && $4::uuid[]" if len(units) <= FEW_UNITS else ""
        rows = await connection.fetch(
            f"""select distinct e.employee_id from employee e cross join lateral unnest(e.member_unit) m(unit)
                 join unnest($4::uuid[]) wanted(unit) using (unit)
               where e.lane = $1 and e.employee_id > $2 {few} order by e.employee_id limit $3""",  # noqa: S608 (one of two texts)
            lane, after, most, list(units))
    return [row["employee_id"] for row in rows]
