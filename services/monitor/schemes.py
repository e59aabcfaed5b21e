"""Tells how WFO and WFA stand against the schemes, unit by unit: planned for the next day of work, as it was on the last one."""

import datetime as dt
from typing import Final

from services.reports.invented import CANARY_CLOCKS
from services.schedule.memory import Memory
from services.schedule.shares import gauges
from shared import metrics
from shared.database import Connection

_OF_CANARIES: Final = """
select distinct u.code from employee e join org_unit u on u.org_unit_id = any(e.member_unit) where starts_with(e.played_clock, $1)
"""
"""A scheme of the whole province holds for their unit too, which is no unit."""


async def tell_schemes(connection: Connection) -> None:
    """Look once, through the audit role, at the tables of schedule; on a connection that looks at nothing else.

    Not in one snapshot: thousands of units take minutes, in which PostgreSQL could clear away nothing that the stream leaves behind.
    """
    await connection.execute("set search_path = schedule")
    found = await gauges(connection, Memory(), dt.datetime.now(dt.UTC))
    canaries = {row["code"] for row in await connection.fetch(_OF_CANARIES, CANARY_CLOCKS)}
    for metric, group in ((metrics.WFA_SHARE, "share"), (metrics.SCHEME_QUOTA, "quota")):
        metrics.replace(metric, {labels: value for labels, value in found[group].items() if labels[0] not in canaries})
