"""What opening a day costs: it is paid every midnight for everybody, whatever lies behind them."""

import datetime as dt
from uuid import UUID, uuid4

from services.schedule.store.opening import Horizon, open_days
from shared.database import Connection
from shared.lanes import Lanes

TOMORROW = dt.date(2026, 3, 2)
ASSESSED = TOMORROW - dt.timedelta(days=3)
HORIZON = Horizon("a clock of its own", "Asia/Jakarta", TOMORROW)
_PUT = "insert into assessment (employee_id, date, version, state, status, content) values ($1, $2, 1, 'FINAL', 'PRESENT', '{}')"
_READ = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'assessment' and schemaname = 'schedule'"


async def put_history(connection: Connection, people: int, days: int) -> None:
    dates = [ASSESSED - dt.timedelta(days=number) for number in range(days)]
    await connection.executemany(_PUT, [(employee, date) for employee in (uuid4() for _ in range(people)) for date in dates])
    await connection.execute("analyze assessment")


async def put_openings(connection: Connection, people: list[UUID]) -> None:
    """Their days are open up to the day before the one that is assessed already."""
    await connection.executemany(
        "insert into opening (employee_id, lane, clock, timezone, from_date, opened_until) values ($1, 0, $2, $3, $4, $4)",
        [(employee, HORIZON.clock, HORIZON.timezone, ASSESSED - dt.timedelta(days=1)) for employee in people])
    await connection.execute("analyze opening")


async def test_opening_some_days_does_not_read_the_days_of_the_whole_province(lanes: Lanes) -> None:
    async with lanes.pool.acquire() as connection:
        change = connection.transaction()
        await change.start()
        people = [uuid4() for _ in range(50)]
        await put_history(connection, people=400, days=50)
        await put_openings(connection, people)
        await connection.executemany(_PUT, [(employee, ASSESSED) for employee in people])

        before = await connection.fetchval(_READ)
        moved = await open_days(connection, people, [HORIZON])
        read = await connection.fetchval(_READ) - before
        due = await connection.fetch("select employee_id, date from due_day where employee_id = any($1::uuid[])", people)
        await change.rollback()

    assert moved == len(people)
    assert {(row["employee_id"], row["date"]) for row in due} == {
        (employee, date) for employee in people for date in (TOMORROW - dt.timedelta(days=2), TOMORROW - dt.timedelta(days=1), TOMORROW)
    }
    assert read <= 4 * len(people), f"{read:,} assessed days were read to open four days of {len(people)} people"
