"""Commands of payroll: what a person decides about months, written under the lanes that the stream uses too."""

import re
from typing import Final

from services.payroll.store.months import ask_close
from services.payroll.store.references import REAL
from shared.lanes import Lanes
from shared.topics import LANES

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


async def close_month(lanes: Lanes, month: str, clock: str = REAL) -> bool:
    """Close a month ("2026-02") for everybody who lives by `clock`; False if it was closed already.

    From then on its total stands, and what arrives later is owed as a supplement in the next open month. The rows
    are frozen by a chore, or when they are next touched, as they stand at this moment. Raises ValueError for what
    is not a month.
    """
    if not _MONTH.fullmatch(month):
        raise ValueError(f"{month!r} is not a month such as 2026-02")
    async with lanes.hold(range(LANES)) as work:
        return bool(await ask_close(work.connection, month, range(LANES), clock))
