"""SQL of previews that were asked for and are to be played: one player takes each, and says now and then that it is at work."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from services.schedule.store.reference_rows import as_json
from shared.database import Connection

LOST_AFTER: Final = dt.timedelta(minutes=2)
"""An order whose player has said nothing for so long is taken by another one."""

_COLUMNS: Final = (
    "preview_id, kind, content, asked::text as asked, first_date, last_date, actor, ordered_at, state, done, everybody, problem"
)


@dataclass(frozen=True, slots=True)
class Order:
    """A preview that was asked for: the file's content, what belongs to it, and how far it has come.

    `done` of `everybody` (None: not yet known) employees have been looked at. `problem` tells why it failed.
    """

    preview_id: UUID
    kind: str
    content: str
    asked: Mapping[str, Any]
    first: dt.date
    last: dt.date
    actor: str
    ordered_at: dt.datetime
    state: str = "waiting"
    done: int = 0
    everybody: int | None = None
    problem: str | None = None


async def put_order(connection: Connection, order: Order) -> bool:
    """Keeps an order; False if it is there already."""
    tag = await connection.execute(
        """insert into preview_order (preview_id, kind, content, asked, first_date, last_date, actor, ordered_at)
           values ($1, $2, $3, $4::text::jsonb, $5, $6, $7, $8) on conflict (preview_id) do nothing""",
        order.preview_id, order.kind, order.content, as_json(dict(order.asked)), order.first, order.last, order.actor, order.ordered_at,
    )
    return str(tag).endswith(" 1")


async def order(connection: Connection, preview_id: UUID) -> Order | None:
    """An order by its id."""
    row = await connection.fetchrow(f"select {_COLUMNS} from preview_order where preview_id = $1", preview_id)  # noqa: S608 - our own words
    return _order(row) if row else None


async def waiting(connection: Connection) -> int:
    """How many orders are not finished."""
    return int(await connection.fetchval("select count(*) from preview_order where state in ('waiting', 'playing')"))


async def take(connection: Connection) -> Order | None:
    """Takes the oldest order that nobody plays; None if there is none."""
    row = await connection.fetchrow(
        f"""update preview_order set state = 'playing', seen_at = clock_timestamp(), done = 0 where preview_id = (
              select preview_id from preview_order
              where state = 'waiting' or (state = 'playing' and seen_at < clock_timestamp() - $1::interval)
              order by ordered_at limit 1 for update skip locked)
            returning {_COLUMNS}""", LOST_AFTER,  # noqa: S608 - our own words
    )
    return _order(row) if row else None


async def at_work(connection: Connection, preview_id: UUID, done: int, everybody: int | None) -> None:
    """Says that the order is being played, and how far it is."""
    await connection.execute(
        "update preview_order set seen_at = clock_timestamp(), done = $2, everybody = $3 where preview_id = $1 and state = 'playing'",
        preview_id, done, everybody)


async def finish(connection: Connection, preview_id: UUID, problem: str | None = None) -> None:
    """Ends an order: done, or failed for this reason. Its file, which may name people, is forgotten."""
    await connection.execute(
        "update preview_order set state = $2, problem = $3, content = '' where preview_id = $1",
        preview_id, "failed" if problem else "done", problem)


def _order(row: asyncpg.Record) -> Order:
    return Order(
        row["preview_id"], row["kind"], row["content"], orjson.loads(row["asked"]), row["first_date"], row["last_date"], row["actor"],
        row["ordered_at"], row["state"], row["done"], row["everybody"], row["problem"],
    )
