"""Commands of payroll: what a person decides about months, written under the lanes that the stream uses too."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from services.payroll.store.months import ask_close
from services.payroll.store.references import REAL
from shared.events import AuditRecorded
from shared.lanes import Lanes
from shared.topics import AUDIT, LANES, lane_of

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")

OPERATOR: Final = "operator"
"""Actor of commands given at the command line."""


async def close_month(
    lanes: Lanes, month: str, clock: str = REAL, *, actor: str = OPERATOR, reason: str = "", detail: Mapping[str, Any] | None = None
) -> bool:
    """Close a month ("2026-02") for everybody who lives by `clock`; False if it was closed already.

    From then on its total stands, and what arrives later is owed as a supplement in the next open month. The rows
    are frozen by a chore, or when they are next touched, as they stand at this moment. The audit topic tells who
    closed it and why, with `detail`. Raises ValueError for what is not a month.
    """
    if not _MONTH.fullmatch(month):
        raise ValueError(f"{month!r} is not a month such as 2026-02")
    async with lanes.hold(range(LANES)) as work:
        if not await ask_close(work.connection, month, range(LANES), clock):
            return False
        audit_id, now = uuid4(), dt.datetime.now(dt.UTC)
        told = AuditRecorded(
            audit_id=audit_id, actor=actor, action="month.closed", subject=month, at=now,
            detail={"clock": clock, "reason": reason, **(detail or {})},
        )
        work.emit(AUDIT["payroll"], str(audit_id), 1, told, key=actor, lane=lane_of(actor), cause=None, time=now)
        return True
