"""The proof of balance says yes when the books are right and names what is wrong when they are not."""

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg
from typer.testing import CliRunner

from services.__main__ import app
from services.payroll.store.balance import balance
from shared.events import DayAssessed
from shared.policy import Policy

Made: TypeAlias = Callable[..., DayAssessed]
A = Policy.from_content({"tk_day": "3.00"})
FEB_2 = dt.date(2026, 2, 2)


async def test_books_balance_after_postings_reversals_and_supplements(payroll: Any, day: Made, absence: Made, fresh_database: str) -> None:
    me, other = uuid4(), uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    await payroll.hear(absence(me, FEB_2, A), absence(other, FEB_2, A))
    await payroll.close("2026-02")
    await payroll.hear(day(me, FEB_2, A, version=2))
    auditor = await asyncpg.connect(fresh_database, server_settings={"role": "hadir_audit"})
    try:
        found = await balance(auditor)
    finally:
        await auditor.close()
    assert (found.months, found.entries, found.rupiah, found.different) == (3, 2, 0, 0)


async def test_a_row_changed_behind_payrolls_back_is_named(payroll: Any, absence: Made) -> None:
    me = uuid4()
    await payroll.publish(A)
    await payroll.set_ceiling(me, "2026-02", 1_000_000)
    await payroll.hear(absence(me, FEB_2, A))
    await payroll.fetch("update month set amount = amount - 1")
    async with payroll.lanes.pool.acquire() as connection:
        found = await balance(connection)
    (difference,) = found.differences
    assert (difference.employee_id, difference.told, difference.found) == (me, 29_999, 30_000)


def test_the_command_says_what_it_compared(fresh_database: str) -> None:
    answer = CliRunner().invoke(app, ["verify", "balance", "--database", fresh_database])
    assert answer.exit_code == 0
    assert "0 employee-months, 0 ledger entries, Rp 0" in answer.output
