"""Tells how WFO and WFA stand against the schemes, unit by unit: planned for the next day of work, as it was on the last one."""

import datetime as dt

from services.schedule.memory import Memory
from services.schedule.shares import gauges
from shared import metrics
from shared.database import Connection


async def tell_schemes(connection: Connection) -> None:
    """Look once, through the audit role, at the tables of schedule."""
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        await connection.execute("set local search_path = schedule")
        found = await gauges(connection, Memory(), dt.datetime.now(dt.UTC))
    metrics.replace(metrics.WFA_SHARE, found["share"])
    metrics.replace(metrics.SCHEME_QUOTA, found["quota"])
