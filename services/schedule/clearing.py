"""Lanes for a change, once everybody whom it concerns was looked at and no event had to wait for that."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from services.schedule.store import reference_rows as rows
from shared.database import Connection, plan_each_time
from shared.lanes import Lanes, Work
from shared.topics import LANES

S = TypeVar("S")

_ALL: Final = range(LANES)


@asynccontextmanager
async def holding_cleared(
    lanes: Lanes, read: Callable[[Connection], Awaitable[S]], clear: Callable[[Connection, S], Awaitable[None]],
    held: Collection[int] = _ALL,
) -> AsyncIterator[tuple[Work, S]]:  # fmt: skip
    """All lanes (or these), and what `read` gives, once `clear` has let through what becomes of it (`Lanes.hold_cleared`).

    It is asked again if that, or any unit, week, calendar or rule pack, changed meanwhile. Of people and rosters that change at
    that very moment it knows what `read` tells.
    """

    async def look(connection: Connection) -> tuple[int, S]:
        return await rows.changes(connection), await read(connection)

    async def ask(connection: Connection, seen: tuple[int, S]) -> None:
        async with connection.transaction(isolation="repeatable_read", readonly=True):  # what it reads belongs together
            await plan_each_time(connection)
            await clear(connection, seen[1])

    async with lanes.hold_cleared(held, look, ask) as (work, (_, known)):
        yield work, known
