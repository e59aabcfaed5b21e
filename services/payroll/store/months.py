"""Employee-months, their ledger and their closes in Postgres; everything here runs under the employees' lanes."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from services.payroll.rules import (
    Ceiling,
    EmployeeMonth,
    LedgerRow,
    Reported,
    Sanction,
    month_before,
    next_month,
    opened_closed,
)
from services.payroll.store.facts import read_facts, write_facts
from shared.database import Connection
from shared.percent import parse_percent, percent_text
from shared.topics import lane_of

Key: TypeAlias = tuple[UUID, str]
"""An employee and a month, "2026-02"."""

NEEDS_CEILING: Final = (
    "amount is null and (days_assessed > 0 or (select sum((owed ->> 2)::bigint) from json_array_elements(facts -> 'owed') owed) > 0)"
)
"""SQL of a month without rupiah that needs a ceiling: days were assessed, or closed months owe something in it."""

_LOAD = """
select k.employee_id, k.month, m.version, m.closed, m.raw_percent, m.percent, m.amount, m.supplementary,
       m.ceiling as reported_ceiling, m.days_assessed, m.days_final, m.entries, m.streak_after, m.facts, m.of_wage,
       c.amount as ceiling, c.static_tkd, c.wage, p.streak_after as streak_before, x.month is not null as close_asked,
       (select array_agg(array[s.step, s.percent, s.legal_source, s.withdrawn::text, s.date::text, s.first_month, s.last_month,
                               s.document::text] order by s.date, s.step) from sanction s
        where s.employee_id = k.employee_id and k.month >= s.first_month) as sanctions
from unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) as k (employee_id, month, before, lane)
left join month m on m.employee_id = k.employee_id and m.month = k.month
left join month p on p.employee_id = k.employee_id and p.month = k.before
left join ceiling c on c.employee_id = k.employee_id and c.month = k.month
left join employee e on e.employee_id = k.employee_id
left join closed_month x on x.lane = k.lane and x.month = k.month and x.clock = coalesce(e.played_clock, '')
"""

_SAVE = """
insert into month as m (employee_id, month, lane, version, closed, raw_percent, percent, amount, supplementary, ceiling,
                        days_assessed, days_final, entries, streak_after, facts, of_wage)
select * from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::boolean[], $6::text[], $7::text[], $8::bigint[],
                     $9::bigint[], $10::bigint[], $11::int[], $12::int[], $13::int[], $14::int[], $15::json[], $16::bigint[])
on conflict (employee_id, month) do update
set version = excluded.version, closed = excluded.closed, raw_percent = excluded.raw_percent, percent = excluded.percent,
    amount = excluded.amount, supplementary = excluded.supplementary, ceiling = excluded.ceiling,
    days_assessed = excluded.days_assessed, days_final = excluded.days_final, entries = excluded.entries,
    streak_after = excluded.streak_after, facts = excluded.facts, of_wage = excluded.of_wage
"""

_ENTER = """
insert into ledger (employee_id, month, number, entry_id, date, code, origin, action, percent, amount, month_version,
                    reverses, policy_id, cause, correlation, entered_at, row_hash)
select * from unnest($1::uuid[], $2::text[], $3::int[], $4::uuid[], $5::date[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::bigint[], $11::int[], $12::int[], $13::uuid[], $14::uuid[],
                     $15::uuid[], $16::timestamptz[], $17::text[])
"""


async def load_months(connection: Connection, keys: Collection[Key]) -> dict[Key, tuple[EmployeeMonth, bool]]:
    """These months as they stand, new ones (version 0) where nothing is known yet.

    Beside each: whether its close was asked for but has not reached this row, so that it must be frozen first.
    """
    ordered = sorted(keys)
    rows = await connection.fetch(
        _LOAD,
        [employee for employee, _ in ordered],
        [month for _, month in ordered],
        [month_before(month) for _, month in ordered],
        [lane_of(employee) for employee, _ in ordered],
    )
    return {(row["employee_id"], row["month"]): _month(row) for row in rows}


def _month(row: asyncpg.Record) -> tuple[EmployeeMonth, bool]:
    employee_id, month = row["employee_id"], row["month"]
    ceiling = None if row["ceiling"] is None else Ceiling(row["ceiling"], row["static_tkd"], row["wage"])
    streak_before = row["streak_before"] or 0
    sanctions = tuple(
        Sanction(step, parse_percent(percent), source, withdrawn == "true", dt.date.fromisoformat(date), first, last, document)
        for step, percent, source, withdrawn, date, first, last, document in row["sanctions"] or ()
    )
    if row["version"] is None:
        new = opened_closed(employee_id, month) if row["close_asked"] else EmployeeMonth(employee_id, month)
        return replace(new, ceiling=ceiling, streak_before=streak_before, sanctions=sanctions), False
    facts = read_facts(row["facts"])
    known = EmployeeMonth(
        employee_id=employee_id,
        month=month,
        version=row["version"],
        entries=row["entries"],
        days=facts.days,
        ceiling=ceiling,
        streak_before=streak_before,
        streak_after=row["streak_after"],
        supplements=facts.supplements,
        in_force=facts.in_force,
        reported=Reported(
            raw_percent=parse_percent(row["raw_percent"]),
            percent=parse_percent(row["percent"]),
            amount=row["amount"],
            supplementary=row["supplementary"],
            ceiling=row["reported_ceiling"],
            days_assessed=row["days_assessed"],
            days_final=row["days_final"],
            closed=row["closed"],
            of_wage=row["of_wage"],
        ),
        settled=facts.settled,
        head=facts.head,
        closed_on=facts.closed_on,
        sanctions=sanctions,
    )
    return known, row["close_asked"] and not row["closed"]


async def save_months(connection: Connection, months: Iterable[EmployeeMonth]) -> None:
    """Write the months' rows, new or known."""
    rows = [
        (
            month.employee_id, month.month, lane_of(month.employee_id), month.version, month.reported.closed,
            percent_text(month.reported.raw_percent), percent_text(month.reported.percent), month.reported.amount,
            month.reported.supplementary, month.reported.ceiling, month.reported.days_assessed, month.reported.days_final,
            month.entries, month.streak_after, write_facts(month), month.reported.of_wage,
        )
        for month in months
    ]
    if rows:
        await connection.execute(_SAVE, *map(list, zip(*rows, strict=True)))


async def enter(connection: Connection, entries: Sequence[tuple[LedgerRow, str]]) -> None:
    """Append entries to the ledger, each with its hash in the chain of its employee-month."""
    rows = [
        (
            row.employee_id, row.month, row.number, row.entry_id, row.date, row.code, row.origin, row.action, row.percent, row.amount,
            row.month_version, row.reverses, row.policy_id, row.cause, row.correlation, row.entered_at, row_hash,
        )
        for row, row_hash in entries
    ]
    if rows:
        await connection.execute(_ENTER, *map(list, zip(*rows, strict=True)))


async def next_open_month(connection: Connection, employee_id: UUID, month: str) -> str:
    """The first month after this one that is not closed for the employee."""
    rows = await connection.fetch(
        "select x.month from closed_month x where x.lane = $1 and x.month > $2"
        " and x.clock = coalesce((select played_clock from employee where employee_id = $3), '')",
        lane_of(employee_id), month, employee_id,
    )
    closed = {row["month"] for row in rows}
    candidate = next_month(month)
    while candidate in closed:
        candidate = next_month(candidate)
    return candidate


async def ask_close(connection: Connection, month: str, lanes: Collection[int], clock: str) -> int:
    """Close the month on these lanes (held by the caller) for those who live by `clock`; returns on how many it was open."""
    rows = await connection.fetch(
        "insert into closed_month (month, clock, lane) select $1, $2, unnest($3::int[]) on conflict do nothing returning lane",
        month, clock, sorted(lanes),
    )
    return len(rows)


_TO_FREEZE = """
closed_month x join month m on m.lane = x.lane and m.month = x.month and not m.closed
left join employee e on e.employee_id = m.employee_id where x.clock = coalesce(e.played_clock, '')
"""


async def lanes_to_freeze(connection: Connection, lanes: Collection[int]) -> list[int]:
    """Those of the lanes on which a close has not reached all rows yet."""
    rows = await connection.fetch(
        "select distinct lane from closed_month where lane = any($1::int[]) and not frozen order by lane", sorted(lanes)
    )
    return [row["lane"] for row in rows]


async def months_to_freeze(connection: Connection, lane: int, limit: int) -> list[Key]:
    """At most `limit` months of a held lane that were closed but are not frozen yet; fewer means that these are the last.

    Rows that begin after the close begin frozen, so a lane that is through need not be looked at again.
    """
    rows = await connection.fetch(
        f"select m.employee_id, m.month from {_TO_FREEZE} and x.lane = $1 and not x.frozen limit $2",  # noqa: S608 (our own words)
        lane, limit,
    )
    if len(rows) < limit:
        await connection.execute("update closed_month set frozen = true where lane = $1 and not frozen", lane)
    return [(row["employee_id"], row["month"]) for row in rows]


async def begun(connection: Connection, keys: Collection[Key]) -> set[Key]:
    """Those of the months of which something is known already."""
    rows = await connection.fetch(
        "select m.employee_id, m.month from unnest($1::uuid[], $2::text[]) as k (employee_id, month)"
        " join month m on m.employee_id = k.employee_id and m.month = k.month",
        [employee for employee, _ in keys], [month for _, month in keys],
    )
    return {(row["employee_id"], row["month"]) for row in rows}


async def unfrozen(connection: Connection, keys: Collection[Key]) -> list[Key]:
    """Those of the months that are closed but whose rows are not frozen yet."""
    rows = await connection.fetch(
        f"select m.employee_id, m.month from {_TO_FREEZE}"  # noqa: S608 (our own words)
        " and (m.employee_id, m.month) in (select * from unnest($1::uuid[], $2::text[]))",
        [employee for employee, _ in keys], [month for _, month in keys],
    )
    return [(row["employee_id"], row["month"]) for row in rows]
