"""People and rosters streamed in order of NIP, for exports; run in a transaction, since a cursor lives in one."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Final

import orjson

from services.schedule.reference import EmployeeState, RosterState
from services.schedule.store.reference_rows import EMPLOYEE_COLUMNS, employee_of
from shared.database import Connection
from shared.events import RosterDay

_AT_ONCE: Final = 2_000


async def people(connection: Connection, clock: str) -> AsyncIterator[EmployeeState]:
    """Everybody who lives by a clock ('': real people)."""
    query = f"{EMPLOYEE_COLUMNS} where played_clock = $1 order by nip, employee_id"
    async for row in connection.cursor(query, clock, prefetch=_AT_ONCE):
        yield employee_of(row)


async def rosters(connection: Connection, month: str, clock: str) -> AsyncIterator[tuple[str, RosterState]]:
    """The rosters of a month ("2026-02"), each with its person's NIP."""
    query = """select e.nip, r.employee_id, r.month, r.days::text as days from roster r join employee e using (employee_id)
               where r.month = $1 and e.played_clock = $2 order by e.nip, r.employee_id"""
    async for row in connection.cursor(query, dt.date.fromisoformat(f"{month}-01"), clock, prefetch=_AT_ONCE):
        days = tuple(RosterDay.model_validate(day) for day in orjson.loads(row["days"]))
        yield row["nip"], RosterState(row["employee_id"], row["month"], days)
