"""Chores on a real database: who goes first, what a bug costs, how far days are opened, and what caused what."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from services.schedule import assessing, commands
from services.schedule.chores import Chores
from services.schedule.reference import EmployeeState, Membership, OrgUnitState
from services.schedule.rules import Assessment, DayInputs, assess
from services.schedule.store import due
from services.schedule.store.due import AT_ONCE, Priority
from shared.events import Mark
from shared.lanes import Lanes
from shared.policy import Policy
from shared.topics import LANES, lane_of
from tests.integration.schedule.office import DAY, MONDAY, WIB, Office, at, packs, record_of

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def crowd(office: Office, count: int, **more: Any) -> list[EmployeeState]:
    return [office.person(employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}", **more) for _ in range(count)]


async def put_due(lanes: Lanes, days: Sequence[tuple[UUID, Priority]]) -> None:
    async with lanes.pool.acquire() as connection:
        await connection.executemany(
            "insert into due_day (employee_id, date, lane, clock, priority, due_at) values ($1, $2, $3, '', $4, $5)",
            [(employee, MONDAY, lane_of(employee), int(priority), AT_ONCE) for employee, priority in days])


async def test_commands_and_the_clock_go_first_and_mass_work_keeps_its_share(lanes: Lanes) -> None:
    urgent = [(uuid4(), Priority.COMMAND) for _ in range(30)]
    mass = [(uuid4(), Priority.RESTATEMENT) for _ in range(100)]
    await put_due(lanes, [*mass, *urgent])
    async with lanes.pool.acquire() as connection:
        picked = {day.employee_id for day in await due.pick_due(connection, range(LANES), LONG_AGO, 20)}
        more = {day.employee_id for day in await due.pick_due(connection, range(LANES), LONG_AGO, 60)}
        await connection.execute("delete from due_day where employee_id = any($1::uuid[])", [employee for employee, _ in (*mass, *urgent)])

    ids = {employee for employee, _ in urgent}
    assert (len(picked & ids), len(picked - ids)) == (16, 4)
    assert (len(more & ids), len(more - ids)) == (30, 30)


async def test_a_day_that_was_put_off_after_it_was_picked_is_no_longer_due(lanes: Lanes) -> None:
    put_off, gone, due_yet = people = [uuid4() for _ in range(3)]
    await put_due(lanes, [(employee, Priority.COMMAND) for employee in people])
    async with lanes.pool.acquire() as connection:
        picked = [day for day in await due.pick_due(connection, range(LANES), LONG_AGO, 500) if day.employee_id in people]
        await connection.execute("update due_day set due_at = $2 where employee_id = $1", put_off, LONG_AGO + DAY)
        await connection.execute("delete from due_day where employee_id = $1", gone)
        still = await due.still_due(connection, picked, LONG_AGO)
        await connection.execute("delete from due_day where employee_id = any($1::uuid[])", people)

    assert {day.employee_id for day in picked} == set(people)
    assert [day.employee_id for day in still] == [due_yet]


async def test_a_day_that_brings_out_a_bug_waits_and_stops_nobody_else(
    lanes: Lanes, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = crowd(office, 12)
    await commands.publish_employees(lanes, people)
    ill = people[5].employee_id

    def stumbling(inputs: DayInputs, policy: Policy, now: dt.datetime) -> Assessment:
        if inputs.person.id == ill:
            raise ZeroDivisionError
        return assess(inputs, policy, now)

    monkeypatch.setattr(assessing, "assess", stumbling)
    await office.tick(at(MONDAY, "20:00"))

    days = [await office.day(MONDAY, person.employee_id) for person in people]
    assert [day is None for day in days] == [person.employee_id == ill for person in people]
    async with lanes.pool.acquire() as connection:
        waits = await connection.fetchval("select min(due_at) > now() from due_day where employee_id = $1", ill)
    assert waits is True


async def test_a_province_wide_rule_pack_reaches_everybody_in_every_lane(lanes: Lanes, office: Office) -> None:
    people = crowd(office, 60)
    await commands.publish_employees(lanes, people)
    await office.tick(at(MONDAY, "20:00"))

    cheaper = packs()["POL-A"].model_copy(update={"legal_source": f"uji {uuid4()}"})
    await commands.publish_policies(lanes, {"POL-P": cheaper}, [("POL-P", MONDAY, office.unit)])
    await office.work_off()

    used = {(await office.the_day_of(person.employee_id, MONDAY))["policy_id"] for person in people}
    assert used == {str(cheaper.identity)}
    async with lanes.pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from restatement") == 0


@pytest.mark.parametrize("below", [3, 70])  # looked up by the index, and not
async def test_a_rule_pack_of_a_unit_with_others_below_it_is_one_change_that_reaches_all_of_them(
    lanes: Lanes, office: Office, below: int
) -> None:
    units = [
        OrgUnitState(uuid4(), f"OPD-{uuid4()}", "Bidang", "Asia/Jakarta", office.calendar, parent_id=office.unit) for _ in range(below)]
    await commands.publish_org_units(lanes, units)
    people = [one for unit in units for one in crowd(office, 1, memberships=(Membership(MONDAY, unit.org_unit_id),))]
    others = [office.person(employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}", memberships=(Membership(MONDAY, uuid4()),))]
    await commands.publish_employees(lanes, [*people, *others])
    await office.tick(at(MONDAY, "20:00"))

    cheaper = packs()["POL-A"].model_copy(update={"legal_source": f"uji {uuid4()}"})
    await commands.publish_policies(lanes, {"POL-P": cheaper}, [("POL-P", MONDAY, office.unit)])
    async with lanes.pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from restatement") == 1
    await office.work_off()

    used = {(await office.the_day_of(person.employee_id, MONDAY))["policy_id"] for person in people}
    assert used == {str(cheaper.identity)}
    async with lanes.pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from restatement") == 0


async def test_a_change_that_the_former_version_noted_for_one_unit_is_carried_through(lanes: Lanes, office: Office) -> None:
    [person] = crowd(office, 1)
    await commands.publish_employees(lanes, [person])
    await office.tick(at(MONDAY, "20:00"))
    async with lanes.pool.acquire() as connection:
        await connection.execute(
            """with noted as (
                 insert into restatement (restatement_id, org_unit_id, from_date, until_date, priority, made_at)
                 values ($1, $2, $3, $3, $4, now()) returning restatement_id)
               insert into restatement_lane (restatement_id, lane) select restatement_id, $5 from noted""",
            uuid4(), office.unit, MONDAY, int(Priority.COMMAND), lane_of(person.employee_id))

    await Chores(lanes, office.memory).carry_changes(range(LANES))

    async with lanes.pool.acquire() as connection:
        dates = await connection.fetchval(
            "select array_agg(date) from due_day where employee_id = $1 and due_at = $2", person.employee_id, AT_ONCE)
    assert dates == [MONDAY]
    await office.work_off()


async def test_somebody_real_has_days_up_to_tomorrow_by_the_real_clock(lanes: Lanes) -> None:
    # any date: once more with somebody else where midnight passes meanwhile; the unit knows no holiday
    while True:
        now = dt.datetime.now(WIB)
        today = now.date()
        office = Office(lanes, since=today - 3 * DAY)
        await office.set_up(publish_person=False)
        await commands.publish_employees(lanes, [office.person(played_clock=None)])
        await office.work_off()
        if dt.datetime.now(WIB).date() == today:
            break  # else midnight has passed meanwhile, and nobody can say what was tomorrow when the days were opened

    async with lanes.pool.acquire() as connection:
        opened = await connection.fetchval("select opened_until from opening where employee_id = $1", office.employee)
        waiting = await connection.fetchval("select count(*) from due_day where employee_id = $1 and due_at <= $2", office.employee, now)
    assert opened == today + DAY
    assert waiting == 0
    yesterday = await office.the_day(today - DAY)
    assert yesterday["status"] == ("OFF" if (today - DAY).weekday() >= 5 else "ABSENT")


async def test_what_a_command_caused_can_be_traced_back_to_it(office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    await commands.record_fact(office.lanes, correction_id=uuid4(), kind="leave", employee_id=office.employee,
                               body={"kind": "annual", "from": MONDAY, "to": MONDAY})
    await office.work_off()

    async with office.lanes.pool.acquire() as connection:
        rows = await connection.fetch(
            "select topic, headers::text as headers from outbox where key = $1 order by lane, seq", str(office.employee).encode())
    headers = [(row["topic"], orjson.loads(row["headers"])) for row in rows]
    correction = next(told["ce_id"] for topic, told in headers if topic == "hadir.correction.v1")
    day = [told for topic, told in headers if topic == "hadir.day.assessed.v1"][-1]
    retraction = [told for topic, told in headers if topic == "hadir.violation.v1"][-1]
    assert (day["ce_causationid"], day["ce_correlationid"]) == (correction, correction)
    assert (retraction["ce_causationid"], retraction["ce_correlationid"]) == (day["ce_id"], correction)


async def test_a_check_in_is_the_beginning_of_all_that_follows_from_it(office: Office) -> None:
    await office.tick(at(MONDAY, "06:00"))
    record = record_of(office.located(Mark.IN, at(MONDAY, "08:00")))
    await office.hand_over([record])

    async with office.lanes.pool.acquire() as connection:
        rows = await connection.fetch(
            "select headers->>'ce_correlationid' as origin from outbox where key = $1 and topic in ($2, $3)",
            str(office.employee).encode(), "hadir.day.assessed.v1", "hadir.violation.v1")
    assert [row["origin"] for row in rows] == [str(record.envelope.correlation_id)] * 2


async def test_a_chore_only_touches_the_lanes_that_it_owns(lanes: Lanes, office: Office) -> None:
    await commands.move_clock(lanes, office.clock, at(MONDAY, "20:00"))
    others = [lane for lane in range(LANES) if lane != lane_of(office.employee)]
    chores = Chores(lanes, office.memory)
    while sum([await chore(others) for chore in (chores.carry_changes, chores.open_days, chores.close_due_days)]):
        pass

    assert await office.day(MONDAY) is None
    await office.work_off()
    assert await office.summary(MONDAY) == ("ABSENT", ["TK"], 1)
