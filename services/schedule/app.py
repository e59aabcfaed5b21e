"""Composition root of the schedule worker: what it consumes and which chores it does."""

from typing import Final

from services.schedule.agent import Schedule
from services.schedule.chores import Chores
from services.schedule.memory import Memory
from shared.streaming import Context, Worker
from shared.topics import CHECK_IN_LOCATED, WORK_REPORT_SUBMITTED

PAUSE_S: Final = 0.5
"""How long a command given by another process may wait before its days are assessed."""


def build(context: Context) -> Worker:
    """The schedule worker on this context's database."""
    memory = Memory()
    chores = Chores(context.lanes, memory)
    return Worker(
        service="schedule",
        consumes=(CHECK_IN_LOCATED, WORK_REPORT_SUBMITTED),
        handle=Schedule(memory).assess_arrivals,
        chores=(chores.close_due_days, chores.open_days, chores.carry_changes),
        pause=PAUSE_S,
    )
