"""Brings cuts that a person decided, or annulled, into the months they bear on; closed months owe the difference as a supplement."""

from collections.abc import Sequence

from services.payroll.posting import Change, post
from services.payroll.store import months
from services.payroll.store import sanctions as rows
from services.payroll.store.references import Policies
from shared.cuts import months_later
from shared.events import DisciplineStepChanged
from shared.lanes import Record, Work


async def follow_decisions(work: Work, records: Sequence[Record[DisciplineStepChanged]], policies: Policies) -> None:
    """Keep what these records say of cuts and restate the months; steps that are no cut, and old versions, change nothing.

    Raises Unready while the rule pack of a month's day has not arrived.
    """
    for record in records:
        event = record.event
        if event.action == "proposed" or (event.action == "decided" and (event.cut_percent is None or event.effective_from is None)):
            continue
        first = event.effective_from or ""
        last = months_later(first, (event.cut_months or 1) - 1) if first else ""
        reach = await rows.newer(work.connection, event, first, last)
        if reach is None:
            continue
        keys = await rows.begun_within(work.connection, reach)
        # A month whose close has not reached its row yet is frozen first, without the cut that it was closed without.
        unfrozen = await months.unfrozen(work.connection, keys)
        if unfrozen:
            await post(work, {key: Change() for key in unfrozen}, policies)
        await rows.keep(work.connection, event, first, last)
        await post(work, {key: Change(cause=record.envelope) for key in keys}, policies)
