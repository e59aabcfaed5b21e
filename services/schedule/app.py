"""Composition root of the schedule worker: what it consumes and which chores it does."""

from collections.abc import Sequence
from typing import Any, Final

from services.schedule.agent import Schedule
from services.schedule.chores import Chores, Forgetting
from services.schedule.memory import Memory
from services.schedule.outages import Watch, keep_minutes
from shared.events import AvailabilityCounted
from shared.lanes import Record, Work
from shared.streaming import Context, Worker
from shared.topics import CHECK_IN_LOCATED, INGEST_AVAILABILITY, WORK_REPORT_SUBMITTED

PAUSE_S: Final = 0.5
"""How long a command given by another process may wait before its days are assessed."""


def build(context: Context) -> Worker:
    """The schedule worker on this context's database."""
    memory = Memory()
    chores = Chores(context.lanes, memory)
    schedule = Schedule(memory)

    async def handle(work: Work, records: Sequence[Record[Any]]) -> None:
        minutes = [record for record in records if isinstance(record.event, AvailabilityCounted)]
        if minutes:
            await keep_minutes(work, minutes)
        await schedule.assess_arrivals(work, records)

    return Worker(
        service="schedule",
        consumes=(CHECK_IN_LOCATED, WORK_REPORT_SUBMITTED, INGEST_AVAILABILITY),
        handle=handle,
        chores=(
            chores.close_due_days, chores.open_days, chores.carry_changes, Watch(context.lanes).propose_outages,
            Forgetting(context.lanes, context.settings).forget,
        ),
        pause=PAUSE_S,
    )
