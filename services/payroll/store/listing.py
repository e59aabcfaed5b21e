"""SQL of what is listed page by page of money: employee-months, ledger entries, ceilings. Each takes the last key seen, or None."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.payroll.store.months import NEEDS_CEILING
from shared.database import Connection

_NOBODY: Final = UUID(int=0)

_MONTH: Final = """
select employee_id, month, version, closed, raw_percent, percent, amount, of_wage, supplementary, ceiling, days_assessed, days_final,
       entries
from month
"""


async def months(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, month: str | None, employee_id: UUID | None,
    without_ceiling: bool,
) -> Sequence[asyncpg.Record]:  # fmt: skip
    """Employee-months by person and month; `without_ceiling`: only those that need a ceiling and have no rupiah yet."""
    return await connection.fetch(
        _MONTH + f"""
           where (employee_id, month) > ($1, $2) and ($4::text is null or month = $4) and ($5::uuid is null or employee_id = $5)
             and (not $6 or {NEEDS_CEILING})
           order by employee_id, month limit $3""",
        *(after or (_NOBODY, "")), rows, month, employee_id, without_ceiling,
    )


async def month(connection: Connection, employee_id: UUID, month: str) -> asyncpg.Record | None:
    """One employee-month."""
    return await connection.fetchrow(_MONTH + " where employee_id = $1 and month = $2", employee_id, month)


async def ledger(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, month: str | None, employee_id: UUID | None
) -> Sequence[asyncpg.Record]:
    """Ledger entries by person, month and number."""
    return await connection.fetch(
        """select employee_id, month, number, entry_id, date, code, origin, action, percent, amount, month_version, reverses,
                  policy_id, cause, correlation, entered_at, row_hash
           from ledger
           where (employee_id, month, number) > ($1, $2, $3) and ($5::text is null or month = $5)
             and ($6::uuid is null or employee_id = $6)
           order by employee_id, month, number limit $4""",
        *(after or (_NOBODY, "", 0)), rows, month, employee_id,
    )


async def ceilings(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, month: str | None, employee_id: UUID | None
) -> Sequence[asyncpg.Record]:
    """TPP ceilings in force by person and month."""
    return await connection.fetch(
        """select employee_id, month, version, amount, static_tkd, wage from ceiling
           where (employee_id, month) > ($1, $2) and ($4::text is null or month = $4) and ($5::uuid is null or employee_id = $5)
           order by employee_id, month limit $3""",
        *(after or (_NOBODY, "")), rows, month, employee_id,
    )
