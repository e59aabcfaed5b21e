"""Rule packs that hold for a unit and those below it: as with weeks, the nearest one counts."""

import datetime as dt
from uuid import UUID, uuid4

from services.schedule import commands
from services.schedule.reference import EmployeeState, Membership, OrgUnitState
from services.schedule.store import listing
from shared.events import EmployeeKind, Mark
from tests.integration.schedule.office import DAY, MONDAY, Office, at, packs

NAMES = {pack.identity: name for name, pack in packs().items()}
DATES = [MONDAY + number * DAY for number in range(3)]


def unit(office: Office, key: UUID, parent: UUID | None = None) -> OrgUnitState:
    return OrgUnitState(key, f"OPD-{key}", "Dinas", "Asia/Jakarta", office.calendar, parent_id=parent)


def somebody(office: Office, unit: UUID) -> EmployeeState:
    return EmployeeState(
        uuid4(), f"{uuid4().int % 10**18:018}", "Siti Contoh", EmployeeKind.PNS, "pelaksana", "Asia/Jakarta", (Membership(MONDAY, unit),),
        played_clock=office.clock)


async def packs_of(office: Office, employee: UUID) -> list[str | None]:
    """By which pack each date was judged; None: it was not, or it is owed no more."""
    days = [await office.day(date, employee) for date in DATES]
    return [NAMES[UUID(day["policy_id"])] if day is not None and day["status"] != "OFF" else None for day in days]


async def test_the_pack_of_an_agency_reaches_the_units_below_it_until_they_have_their_own(office: Office) -> None:
    agency, branch, post = uuid4(), uuid4(), uuid4()
    await commands.publish_org_units(office.lanes, [unit(office, agency), unit(office, branch, agency), unit(office, post, branch)])
    person = somebody(office, post)
    await commands.publish_employees(office.lanes, [person])
    await office.tick(at(DATES[-1] + DAY, "12:00"))
    assert await packs_of(office, person.employee_id) == [None, None, None]

    await commands.publish_policies(office.lanes, packs(), [("POL-B", DATES[1], agency)])
    await office.work_off()
    assert await packs_of(office, person.employee_id) == [None, "POL-B", "POL-B"]

    await commands.publish_policies(office.lanes, packs(), [("POL-C", DATES[2], branch)])
    await office.work_off()
    assert await packs_of(office, person.employee_id) == [None, "POL-B", "POL-C"]
    async with office.lanes.pool.acquire() as connection:
        found = await listing.policies_in_force(connection, None, 100, post)
    assert {(row["name"], row["org_unit_id"]) for row in found if row["org_unit_id"]} == {("POL-B", agency), ("POL-C", branch)}


async def test_a_unit_that_gets_another_one_above_it_takes_the_packs_of_those_below_along(office: Office) -> None:
    branch, post = uuid4(), uuid4()
    await commands.publish_org_units(office.lanes, [unit(office, branch), unit(office, post, branch)])
    person = somebody(office, post)
    await commands.publish_employees(office.lanes, [person])
    await office.tick(at(DATES[-1] + DAY, "12:00"))

    await commands.publish_org_units(office.lanes, [unit(office, branch, office.unit)])
    await office.work_off()
    assert await packs_of(office, person.employee_id) == ["POL-A", "POL-A", "POL-A"]

    await commands.publish_org_units(office.lanes, [unit(office, branch)])
    await office.work_off()
    assert await packs_of(office, person.employee_id) == [None, None, None]


async def test_a_stamp_before_dawn_belongs_to_the_night_of_the_pack_above(office: Office) -> None:
    """The pack also says how far a duty reaches, so that a unit without one of its own must ask above for that as well."""
    below = uuid4()
    await commands.publish_org_units(office.lanes, [unit(office, below, office.unit)])
    person = somebody(office, below)
    await commands.publish_employees(office.lanes, [person])
    await office.tick(at(MONDAY + DAY, "12:00"))

    await office.mark(Mark.IN, at(MONDAY, "07:30"), employee_id=person.employee_id)
    await office.mark(Mark.OUT, at(MONDAY + DAY, "01:00"), employee_id=person.employee_id)

    day = await office.the_day_of(person.employee_id, MONDAY)
    assert (day["status"], day["early"], dt.date.fromisoformat(day["date"])) == ("PRESENT", 0, MONDAY)
