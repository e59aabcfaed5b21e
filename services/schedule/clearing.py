"""All lanes for a change of reference data, once the gate has looked at everybody whom it concerns and no event had to wait for that."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from services.schedule.store import reference_rows as rows
from services.schedule.store.reference_rows import Kept
from shared.database import Connection
from shared.lanes import Lanes, Work
from shared.topics import LANES

S = TypeVar("S")
K = TypeVar("K")


@asynccontextmanager
async def holding_cleared(
    lanes: Lanes, read: Callable[[Connection], Awaitable[Mapping[K, Kept[S]]]],
    clear: Callable[[Connection, Mapping[K, Kept[S]]], Awaitable[None]],
) -> AsyncIterator[tuple[Work, Mapping[K, Kept[S]]]]:  # fmt: skip
    """All lanes, and the states that `read` gives, once `clear` has let through what becomes of them (`Lanes.hold_cleared`).

    It is asked again if these, or any unit, week, calendar or rule pack, changed meanwhile. Of people and rosters that change at
    that very moment it knows nothing.
    """

    async def look(connection: Connection) -> tuple[int, Mapping[K, Kept[S]]]:
        return await rows.changes(connection), await read(connection)

    async def ask(connection: Connection, seen: tuple[int, Mapping[K, Kept[S]]]) -> None:
        async with connection.transaction(isolation="repeatable_read", readonly=True):  # what it reads belongs together
            await connection.execute("set local plan_cache_mode = force_custom_plan")  # for one unit another plan than for all
            await clear(connection, seen[1])

    async with lanes.hold_cleared(range(LANES), look, ask) as (work, (_, known)):
        yield work, known
