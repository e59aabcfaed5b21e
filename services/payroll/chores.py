"""Work that no single event asks for: accepted ceilings are put in force, rows of closed months are frozen.

Both go lane by lane in small transactions, so that a province's ceilings never hold up the live stream.
"""

from collections.abc import Collection
from typing import Final

from services.payroll.posting import Change, post
from services.payroll.store import ceilings, months
from services.payroll.store.references import Policies
from shared.events import CeilingPublished
from shared.lanes import Lanes, Work
from shared.topics import CEILING

BATCH: Final = 500
"""Employee-months in one transaction: some 0.2 s, which a live event of the same lane may have to wait."""


async def apply_due_ceilings(lanes: Lanes, owned: Collection[int], policies: Policies) -> int:
    """Put accepted ceilings of these lanes in force and restate their months; returns how many rows were done."""
    done = 0
    async with lanes.pool.acquire() as connection:
        waiting = await ceilings.lanes_with_due(connection, owned)
    for lane in waiting:
        async with lanes.hold([lane]) as work:
            done += await _apply(work, lane, policies)
    return done


async def _apply(work: Work, lane: int, policies: Policies) -> int:
    due = await ceilings.due_ceilings(work.connection, lane, BATCH)
    # A month whose close has not reached its row yet is frozen first, by the ceiling that it was closed with.
    unfrozen = await months.unfrozen(work.connection, due)
    await post(work, {key: Change() for key in unfrozen}, policies)
    begun = await months.begun(work.connection, due)
    changes = {}
    for applied in await ceilings.put_in_force(work.connection, due):
        employee, month = applied.key
        entity = f"{employee}|{month}"
        envelope = work.emit(
            CEILING, entity, applied.version,
            CeilingPublished(
                employee_id=employee,
                month=month,
                version=applied.version,
                amount=applied.ceiling.amount,
                static_tkd=applied.ceiling.static_tkd,
            ),
            key=entity, lane=lane, cause=None,
        )  # fmt: skip
        if applied.key in begun:
            changes[applied.key] = Change(cause=envelope)
    await post(work, changes, policies)
    return len(due)


async def freeze_closed_months(lanes: Lanes, owned: Collection[int], policies: Policies) -> int:
    """Freeze rows of closed months on these lanes and tell that they are closed; returns how many were done."""
    done = 0
    async with lanes.pool.acquire() as connection:
        waiting = await months.lanes_to_freeze(connection, owned)
    for lane in waiting:
        async with lanes.hold([lane]) as work:
            keys = await months.months_to_freeze(work.connection, lane, BATCH)
            await post(work, {key: Change() for key in keys}, policies)
            done += len(keys)
    return done
