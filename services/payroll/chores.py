"""Work that no single event asks for: accepted ceilings are put in force, rows of closed months are frozen.

Both go lane by lane in small transactions, so that a province's ceilings never hold up the live stream.
"""

import logging
from collections.abc import Collection
from typing import Final

from services.payroll.posting import Change, post
from services.payroll.store import ceilings, months
from services.payroll.store.references import Policies, tell_waited_for
from shared import logs, metrics
from shared.events import CeilingPublished
from shared.lanes import Lanes, Work
from shared.topics import CEILING

_log = logging.getLogger(__name__)

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
                wage=applied.ceiling.wage,
            ),
            key=entity, lane=lane, cause=None,
        )  # fmt: skip
        if applied.key in begun:
            changes[applied.key] = Change(cause=envelope)
    await post(work, changes, policies)
    return len(due)


async def tell_missing_packs(lanes: Lanes, policies: Policies) -> int:
    """Name the rule packs that payroll waits for: in a table for `hadir policy waiting`, as a metric, and in the log.

    Days are priced by the pack under which they were judged and by no other, so that their lanes wait; nobody is to
    find that out from a silence. Always returns 0: there is never more to do at once.
    """
    waited_for = policies.waited_for
    if waited_for or policies.told_waiting:
        async with lanes.pool.acquire() as connection:
            for policy_id in await tell_waited_for(connection, waited_for):
                logs.event(_log, "Payroll waits for a rule pack that days were judged under", level=logging.WARNING, policy_id=policy_id)
    policies.told_waiting = bool(waited_for)
    metrics.PAYROLL_WAITING_PACKS.set(len(waited_for))
    return 0


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
