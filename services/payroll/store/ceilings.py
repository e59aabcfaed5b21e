"""TPP ceilings in Postgres: accepted at once by an import, then applied lane by lane."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from services.payroll.rules import Ceiling
from services.payroll.store.months import Key
from shared.database import Connection
from shared.topics import lane_of

_CHUNK: Final = 20_000

Ceilings: TypeAlias = Mapping[Key, Ceiling]


@dataclass(frozen=True, slots=True)
class Applied:
    """A ceiling that is in force now; `version` counts its changes."""

    key: Key
    version: int
    ceiling: Ceiling


async def accept(connection: Connection, ceilings: Ceilings) -> None:
    """Take ceilings over to be applied; a later one for the same employee-month replaces one still waiting.

    Run in one transaction: after it the import stands, whoever applies it.
    """
    # In one order, so that two imports at once wait for each other instead of in a circle.
    rows = [
        (lane_of(employee), employee, month, ceiling.amount, ceiling.static_tkd, ceiling.wage)
        for (employee, month), ceiling in sorted(ceilings.items(), key=_key)
    ]
    for start in range(0, len(rows), _CHUNK):
        await connection.execute(
            "insert into due_ceiling (lane, employee_id, month, amount, static_tkd, wage)"
            " select * from unnest($1::int[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])"
            " on conflict (employee_id, month) do update"
            " set amount = excluded.amount, static_tkd = excluded.static_tkd, wage = excluded.wage",
            *map(list, zip(*rows[start : start + _CHUNK], strict=True)),
        )


async def lanes_with_due(connection: Connection, lanes: Collection[int]) -> list[int]:
    """Those of the lanes for which accepted ceilings wait."""
    rows = await connection.fetch(
        "select lane from unnest($1::int[]) lane where exists (select from due_ceiling d where d.lane = lane.lane) order by 1",
        sorted(lanes),
    )
    return [row["lane"] for row in rows]


async def due_ceilings(connection: Connection, lane: int, limit: int) -> dict[Key, Ceiling]:
    """At most `limit` accepted ceilings of a held lane, taken from the waiting list."""
    rows = await connection.fetch(
        # Rows that an import is replacing at this moment are left to the next round.
        "with taken as (select employee_id, month from due_ceiling where lane = $1 limit $2 for update skip locked)"
        " delete from due_ceiling d using taken t"
        " where d.employee_id = t.employee_id and d.month = t.month"
        " returning d.employee_id, d.month, d.amount, d.static_tkd, d.wage",
        lane, limit,
    )
    return {(row["employee_id"], row["month"]): _ceiling(row) for row in rows}


async def put_in_force(connection: Connection, ceilings: Ceilings) -> list[Applied]:
    """Store these ceilings; returns those that are new or differ from before."""
    rows = await connection.fetch(
        "insert into ceiling as c (employee_id, month, version, amount, static_tkd, wage)"
        " select e, m, 1, a, s, w from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) as u (e, m, a, s, w)"
        " on conflict (employee_id, month) do update"
        " set version = c.version + 1, amount = excluded.amount, static_tkd = excluded.static_tkd, wage = excluded.wage"
        " where (c.amount, c.static_tkd, c.wage) is distinct from (excluded.amount, excluded.static_tkd, excluded.wage)"
        " returning employee_id, month, version, amount, static_tkd, wage",
        *_columns(ceilings),
    )
    return [Applied((row["employee_id"], row["month"]), row["version"], _ceiling(row)) for row in rows]


async def known_ceilings(connection: Connection, keys: Sequence[Key]) -> dict[Key, Ceiling]:
    """Ceilings of these employee-months as they will be once everything accepted is applied."""
    rows = await connection.fetch(
        "select e as employee_id, m as month, coalesce(d.amount, c.amount) as amount,"
        " case when d.employee_id is null then c.static_tkd else d.static_tkd end as static_tkd,"
        " case when d.employee_id is null then c.wage else d.wage end as wage"
        " from unnest($1::uuid[], $2::text[]) as u (e, m)"
        " left join ceiling c on c.employee_id = e and c.month = m"
        " left join due_ceiling d on d.employee_id = e and d.month = m"
        " where coalesce(d.amount, c.amount) is not null",
        [employee for employee, _ in keys],
        [month for _, month in keys],
    )
    return {(row["employee_id"], row["month"]): _ceiling(row) for row in rows}


async def employees_by_nip(connection: Connection, nips: Collection[str]) -> dict[str, UUID]:
    """The employees that these NIPs belong to, as far as payroll has heard of them."""
    rows = await connection.fetch("select nip, employee_id from employee where nip = any($1::text[])", list(nips))
    return {row["nip"]: row["employee_id"] for row in rows}


async def known_employees(connection: Connection, employee_ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that payroll has heard of."""
    rows = await connection.fetch(
        "select employee_id from employee where employee_id = any($1::uuid[])", list(employee_ids)
    )
    return {row["employee_id"] for row in rows}


async def ceilings_of(connection: Connection, month: str, clock: str) -> AsyncIterator[tuple[str, Applied]]:
    """The ceilings in force of a month for those who live by `clock`, each with its NIP, in its order; run in a transaction."""
    query = """select e.nip, c.employee_id, c.version, c.amount, c.static_tkd, c.wage from ceiling c join employee e using (employee_id)
               where c.month = $1 and e.played_clock = $2 order by e.nip, c.employee_id"""
    async for row in connection.cursor(query, month, clock, prefetch=2_000):
        yield row["nip"], Applied((row["employee_id"], month), row["version"], _ceiling(row))


def _ceiling(row: asyncpg.Record) -> Ceiling:
    return Ceiling(row["amount"], row["static_tkd"], row["wage"])


def _key(item: tuple[Key, Ceiling]) -> Key:
    return item[0]


def _columns(ceilings: Ceilings) -> tuple[list[UUID], list[str], list[int], list[int | None], list[int | None]]:
    return (
        [employee for employee, _ in ceilings],
        [month for _, month in ceilings],
        [ceiling.amount for ceiling in ceilings.values()],
        [ceiling.static_tkd for ceiling in ceilings.values()],
        [ceiling.wage for ceiling in ceilings.values()],
    )
