"""Composition root of the geofence worker: what it consumes, which references it keeps, which chores it does."""

import time
from collections.abc import Sequence
from typing import Final

from services.geofence.agent import COORDINATES_KEPT, Geofence
from services.geofence.store import check_ins as inbox
from services.geofence.store import people
from services.geofence.store.sites import SiteBook
from shared.database import Connection
from shared.events import EmployeePublished, OrgUnitPublished
from shared.lanes import Record
from shared.reference import Reference, Tombstone, standing
from shared.streaming import Context, Worker
from shared.topics import CHECK_IN_RECORDED, EMPLOYEE, ORG_UNIT

ERASED_AT_ONCE: Final = 2_000
ERASED_EVERY_S: Final = 600.0


def build(context: Context) -> Worker:
    """The geofence worker on this context's database and settings."""
    geofence = Geofence(SiteBook())
    erasing = Erasing(context)

    async def judge_due(owned: frozenset[int]) -> int:
        return await geofence.judge_due(context.lanes, owned)

    return Worker(
        service="geofence",
        consumes=(CHECK_IN_RECORDED,),
        handle=geofence.locate_check_ins,
        references=(Reference(EMPLOYEE, keep_employees), Reference(ORG_UNIT, keep_org_units)),
        chores=(judge_due, erasing.erase),
    )


class Erasing:
    """Erases coordinates when the promise to judge again ends; looks for them once in a while only."""

    def __init__(self, context: Context) -> None:
        self._pool = context.pool
        self._next_look = 0.0

    async def erase(self, owned: frozenset[int]) -> int:
        """Erase some that are old enough; returns how many check-ins lost their coordinates."""
        if time.monotonic() < self._next_look:
            return 0
        async with self._pool.acquire() as connection:
            erased = await inbox.erase(connection, owned, COORDINATES_KEPT, ERASED_AT_ONCE)
            if not erased:
                await inbox.erase_traces(connection, COORDINATES_KEPT)
                self._next_look = time.monotonic() + ERASED_EVERY_S
        return erased


async def keep_employees(
    connection: Connection, records: Sequence[Record[EmployeePublished] | Tombstone]
) -> None:
    """Take over employees; check-ins of people whose org units or zone changed become due, from the change of units on.

    The lanes are held meanwhile, so that no check-in is judged by the old membership unseen.
    """
    await people.lock_lanes(connection, {record.partition for record in records})
    gone, told = standing(records)
    if gone:
        await people.forget_employees(connection, gone)
    moved = await people.save_employees(connection, told)
    if moved or gone:
        await inbox.mark_due_of(connection, moved | dict.fromkeys(gone))


async def keep_org_units(
    connection: Connection, records: Sequence[Record[OrgUnitPublished] | Tombstone]
) -> None:
    """Take over org units: their codes are how officers name them in a file of sites."""
    gone, told = standing(records)
    if gone:
        await people.forget_org_units(connection, gone)
    await people.save_org_units(connection, told)
