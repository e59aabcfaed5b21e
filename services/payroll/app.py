"""Composition root of payroll: what the worker consumes, which references it keeps, which chores it does."""

from collections.abc import Sequence
from typing import Any

from services.payroll.agent import post_assessed_days
from services.payroll.chores import apply_due_ceilings, freeze_closed_months, tell_missing_packs
from services.payroll.sanctions import follow_decisions
from services.payroll.store.references import Policies, forget_employees, save_employees, save_policies
from shared.database import Connection
from shared.events import DayAssessed, DisciplineStepChanged
from shared.lanes import Record, Work
from shared.reference import Reference, Row, Tombstone, standing
from shared.streaming import Context, Worker
from shared.topics import DAY_ASSESSED, DISCIPLINE, EMPLOYEE, POLICY


def build(context: Context) -> Worker:
    """The payroll worker, wired to the connections of this process."""
    policies = Policies()

    async def handle(work: Work, records: Sequence[Record[Any]]) -> None:
        decided = [record for record in records if isinstance(record.event, DisciplineStepChanged)]
        if decided:
            await follow_decisions(work, decided, policies)
        await post_assessed_days(work, [record for record in records if isinstance(record.event, DayAssessed)], policies)

    async def ceilings(owned: frozenset[int]) -> int:
        return await apply_due_ceilings(context.lanes, owned, policies)

    async def closes(owned: frozenset[int]) -> int:
        return await freeze_closed_months(context.lanes, owned, policies)

    async def missing(_owned: frozenset[int]) -> int:
        return await tell_missing_packs(context.lanes, policies)

    return Worker(
        service="payroll",
        consumes=(DAY_ASSESSED, DISCIPLINE),
        handle=handle,
        references=(Reference(POLICY, keep_policies), Reference(EMPLOYEE, keep_employees)),
        chores=(ceilings, closes, missing),
    )


async def keep_policies(connection: Connection, rows: Sequence[Row]) -> None:
    """Keep rule packs. One that was withdrawn stays, since days of its time are still priced by it."""
    await save_policies(connection, [row.event for row in rows if not isinstance(row, Tombstone)])


async def keep_employees(connection: Connection, rows: Sequence[Row]) -> None:
    """Keep which NIP belongs to whom, and drop it when the employee's record is erased."""
    gone, told = standing(rows)
    await forget_employees(connection, gone)
    await save_employees(connection, told)
