"""What lies outside the looked-at days and bears on them: leaves that count on from there, and the rest of a week."""

import asyncio
import datetime as dt
from uuid import UUID, uuid4

from services.payroll.rules import Ceiling
from services.payroll.store import ceilings
from services.preview.change import Change, Window
from services.preview.result import UnitTotal
from services.schedule import commands
from services.schedule.digests import calendar_digest, policy_digest
from services.schedule.reference import CalendarState, RosterState
from shared.events import CalendarDay, Mode, RosterDay
from tests.integration.preview.town import DAY, MONDAY, PACKS, WIB, Town, with_price

TABLE = with_price(PACKS["POL-A"], leave={"sick": [{"from_day": 26, "pct": "2.00"}]})
"""From the 26th duty day of a sick leave on each costs 2 %."""


async def march(town: Town) -> dict[UUID, int]:
    async with town.payroll.pool.acquire() as connection:
        rows = await connection.fetch(
            "select employee_id, amount from month where month = '2026-03' and employee_id = any($1::uuid[])", town.people)
    return {row["employee_id"]: row["amount"] for row in rows}


async def test_a_holiday_long_before_moves_the_day_from_which_a_leave_costs_as_it_then_does(town: Town) -> None:
    town.people = town.people[:2]
    await town.set_up(days=1)
    await commands.publish_policies(town.schedule, {"tabel": TABLE}, [("tabel", MONDAY, unit) for unit in town.units])
    await commands.record_fact(
        town.schedule, correction_id=uuid4(), kind="leave", employee_id=town.people[0],
        body={"kind": "sick", "from": MONDAY, "to": dt.date(2026, 3, 20), "letter": True})
    async with town.payroll.pool.acquire() as connection, connection.transaction():
        await ceilings.accept(connection, {(person, "2026-03"): Ceiling(5_000_000) for person in town.people})
    await town.tick(dt.datetime(2026, 3, 21, 5, tzinfo=WIB))
    await town.settle()
    before = await march(town)
    holiday = CalendarState(town.calendar, 2026, (CalendarDay(date=MONDAY + 2 * DAY, name="Libur", kind="holiday", source="uji"),))
    change = Change(
        "calendar", "libur", calendar_digest([holiday]), calendars=(holiday,), touched=frozenset({MONDAY + 2 * DAY}),
        reached=frozenset(town.units))

    found = await asyncio.to_thread(town.preview, change, Window(dt.date(2026, 3, 9), dt.date(2026, 3, 13)))
    await commands.publish_calendars(town.schedule, [holiday])
    await town.settle()

    after = await march(town)
    assert {person: after[person] - before[person] for person in town.people} == {town.people[0]: -100_000, town.people[1]: 0}
    assert [(case.employee_id, case.delta) for case in found.worst] == [(town.people[0], -100_000)]


async def test_the_first_day_s_week_is_known_whole_even_where_it_began_in_another_month(town: Town) -> None:
    town.people = town.people[:1]
    await town.set_up(days=1)
    sunday = dt.date(2026, 4, 5)
    await commands.publish_rosters(town.schedule, [
        RosterState(town.people[0], dt.date(2026, 3, 1), tuple(
            RosterDay(date=dt.date(2026, 3, day), mode=Mode.OFF) for day in (30, 31))),
        RosterState(town.people[0], dt.date(2026, 4, 1), (RosterDay(date=sunday, mode=Mode.WFO, start="07:30", end="16:00"),)),
    ])
    await town.tick(dt.datetime(2026, 4, 7, 5, tzinfo=WIB))
    await town.settle()
    same = with_price(PACKS["POL-A"], note="said differently")
    scopes = tuple((unit, MONDAY, same.identity) for unit in town.units)
    change = Change("policy", "same", policy_digest(scopes), policies={same.identity: same}, scopes=scopes)

    found = await asyncio.to_thread(town.preview, change, Window(sunday, sunday + DAY))

    assert (found.judged, found.total) == (2, UnitTotal())
