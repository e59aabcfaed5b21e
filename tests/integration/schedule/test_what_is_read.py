"""What is read at night and for commands: the rows of those concerned, however many others there are and whatever lies behind them.

PostgreSQL's planner takes a person's days for a thousand, and once the people are some hundreds a join that reads everybody's rows
looks cheap to it. Each test plans anew, as the APIs do, and counts the rows that its statement fetched.
"""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from random import Random
from uuid import UUID, uuid4

import pytest

from services.schedule.store import days, due, leaves, opening
from services.schedule.store.availability import told_outages
from services.schedule.store.due import Priority, Span
from services.schedule.store.opening import Horizon, open_days
from shared.database import PLANNED_EACH_TIME, Connection
from shared.lanes import Lanes
from tests.fetched import fetched

TOMORROW = dt.date(2026, 3, 2)
ASSESSED = TOMORROW - dt.timedelta(days=3)
HORIZON = Horizon("a clock of its own", "Asia/Jakarta", TOMORROW)
UNIT, OTHER_UNIT = uuid4(), uuid4()
OTHERS = 20_000


@pytest.fixture
async def connection(lanes: Lanes) -> AsyncIterator[Connection]:
    """In a transaction that is taken back, with many others in the tables."""
    async with lanes.pool.acquire() as connection:
        change = connection.transaction()
        await change.start()
        for name, value in PLANNED_EACH_TIME.items():
            await connection.execute(f"set local {name} = {value}")
        yield connection
        await change.rollback()


def some(count: int, chance: Random) -> list[UUID]:
    return [UUID(int=chance.getrandbits(128)) for _ in range(count)]


async def put_people(connection: Connection, people: Sequence[UUID], unit: UUID) -> None:
    await connection.executemany(
        "insert into employee (employee_id, lane, version, nip, name, kind, grp, timezone, active, member_since, member_unit, week_since,"
        " week_code) values ($1, 0, 1, $2, 'Contoh', 'PNS', 'pelaksana', 'Asia/Jakarta', true, array['2026-01-01'::date], array[$3::uuid],"
        " '{}', '{}')",
        [(employee, f"{number:018}", unit) for number, employee in enumerate(people, int(unit.hex[:6], 16) * 1_000_000)])
    await connection.execute("analyze employee")


async def put_openings(connection: Connection, people: Sequence[UUID]) -> None:
    """Their days are open up to the day before the one that is assessed already."""
    await connection.executemany(
        "insert into opening (employee_id, lane, clock, timezone, from_date, opened_until) values ($1, 0, $2, $3, $4, $4)",
        [(employee, HORIZON.clock, HORIZON.timezone, ASSESSED - dt.timedelta(days=1)) for employee in people])
    await connection.execute("analyze opening")


async def put_days(connection: Connection, people: Sequence[UUID], dates: Sequence[dt.date], unit: UUID) -> None:
    await connection.executemany(
        "insert into assessment (employee_id, date, version, state, status, content) values ($1, $2, 1, 'FINAL', 'HELD', $3::jsonb)",
        [(employee, date, f'{{"org_unit_id": "{unit}", "findings": []}}') for employee in people for date in dates])
    await connection.execute("analyze assessment")


async def put_leaves(connection: Connection, people: Sequence[UUID]) -> None:
    await connection.executemany(
        "insert into fact (correction_id, version, kind, state, employee_id, from_date, until_date, actor, decided_at, body)"
        " values ($1, 1, 'leave', 'approved', $2, $3, $3, 'somebody', now(), '{}')",
        [(uuid4(), employee, ASSESSED) for employee in people])
    await connection.execute("analyze fact")


async def test_opening_some_days_does_not_read_the_days_of_the_whole_province(connection: Connection) -> None:
    chance = Random(1)
    people, others = some(50, chance), some(400, chance)
    await put_days(connection, others, [ASSESSED - dt.timedelta(days=number) for number in range(50)], OTHER_UNIT)
    await put_openings(connection, people)
    await put_days(connection, people, [ASSESSED], UNIT)

    before = await fetched(connection, "assessment")
    moved = await open_days(connection, people, [HORIZON])
    read = await fetched(connection, "assessment") - before
    marked = await connection.fetch("select employee_id, date from due_day where employee_id = any($1::uuid[])", people)

    assert moved == len(people)
    assert {(row["employee_id"], row["date"]) for row in marked} == {
        (employee, date) for employee in people for date in (TOMORROW - dt.timedelta(days=2), TOMORROW - dt.timedelta(days=1), TOMORROW)
    }
    assert read <= 4 * len(people), f"{read:,} assessed days were read to open four days of {len(people)} people"


async def test_marking_some_peoples_days_due_does_not_read_everybodys_opening(connection: Connection) -> None:
    chance = Random(2)
    people, others = some(300, chance), some(OTHERS, chance)
    await put_people(connection, [*people, *others], UNIT)
    await put_openings(connection, [*people, *others])

    before = await fetched(connection, "opening")
    spans = [Span(employee, ASSESSED - dt.timedelta(days=1), TOMORROW) for employee in people]
    marked = await due.mark_spans(connection, spans, Priority.COMMAND, None)
    read = await fetched(connection, "opening") - before

    assert marked == len(people)
    assert read <= 2 * len(people), f"{read:,} openings were read for {len(people)} people"


async def test_rows_of_leaves_of_some_people_are_found_without_everybodys_leaves(connection: Connection) -> None:
    chance = Random(3)
    people, others = some(2_000, chance), some(OTHERS, chance)
    await put_leaves(connection, [*people[:100], *others])

    before = await fetched(connection, "fact")
    spans = await leaves.rows_of_leaves(connection, people, ASSESSED, TOMORROW)
    read = await fetched(connection, "fact") - before

    assert {span.employee_id for span in spans} == set(people[:100])
    assert read <= 300, f"{read:,} corrections were read, of 100 leaves"


async def test_outages_are_looked_for_without_reading_everybodys_leaves(connection: Connection) -> None:
    await put_leaves(connection, some(OTHERS, Random(4)))

    before = await fetched(connection, "fact")
    await told_outages(connection, ASSESSED)
    read = await fetched(connection, "fact") - before

    assert read <= 100, f"{read:,} corrections were read to find outages"


async def test_the_days_of_a_unit_that_an_outage_touches_are_found_by_its_people(connection: Connection) -> None:
    chance = Random(5)
    people, others = some(30, chance), some(2_000, chance)
    dates = [ASSESSED - dt.timedelta(days=number) for number in range(5)]
    await put_people(connection, people, UNIT)
    await put_people(connection, others, OTHER_UNIT)
    await put_days(connection, people, dates, UNIT)
    await put_days(connection, others, dates, OTHER_UNIT)
    elsewhere = people[0], dates[0]
    await connection.execute("update assessment set content = '{\"findings\": []}' where employee_id = $1 and date = $2", *elsewhere)

    before = await fetched(connection, "assessment")
    found = await days.touchable(connection, dates[2], dates[0], UNIT)
    read = await fetched(connection, "assessment") - before

    assert found == sorted((employee, date) for employee in people for date in dates[:3] if (employee, date) != elsewhere)
    assert set(await days.touchable(connection, dates[2], dates[0], None)) >= {*found, elsewhere}
    assert read <= 5 * len(people), f"{read:,} days were read for the three of {len(people)} people"


async def test_the_people_of_one_unit_in_a_lane_are_found_without_all_others_of_the_lane(connection: Connection) -> None:
    chance = Random(6)
    people, others = some(30, chance), some(OTHERS, chance)
    await put_people(connection, people, UNIT)
    await put_people(connection, others, OTHER_UNIT)

    before = await fetched(connection, "employee")
    found = await opening._next_people(connection, 0, UUID(int=0), [UNIT], 100)
    read = await fetched(connection, "employee") - before

    assert found == sorted(people)
    assert read <= 2 * len(people), f"{read:,} people were read to find {len(people)}"
