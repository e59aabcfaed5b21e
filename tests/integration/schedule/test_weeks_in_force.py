"""Week patterns that hold for a unit or for everybody in a period: Ramadan hours are one row, and end by themselves."""

import datetime as dt
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.schedule import commands
from services.schedule.api import create_app
from services.schedule.importer.apply import take_week_scopes
from services.schedule.in_force import WeekScope
from services.schedule.reference import OrgUnitState
from services.schedule.store import reference_rows
from services.schedule.weeks import assign_weeks
from shared.events import Mark
from shared.refusal import Refused
from tests.calling import acting, keyed, read, refused, serving
from tests.integration.schedule.office import DAY, Office, at

BEFORE, RAMADAN, LAST = dt.date(2026, 2, 18), dt.date(2026, 2, 19), dt.date(2026, 3, 20)
AFTER = dt.date(2026, 3, 23)
FASTING = "lima-hari-ramadan"


async def lateness(office: Office, *dates: dt.date) -> list[int]:
    """How late those are who come at 08:00."""
    return [(await office.the_day(date))["late"] for date in dates]


async def come_at_eight(office: Office) -> None:
    await office.tick(at(AFTER + DAY, "23:00"))
    for date in (BEFORE, RAMADAN, LAST, AFTER):
        await office.mark(Mark.IN, at(date, "08:00"))
        await office.mark(Mark.OUT, at(date, "16:30"))


async def test_the_units_week_holds_in_its_period_and_the_earlier_one_again_the_day_after(office: Office, tmp_path: Path) -> None:
    await come_at_eight(office)
    assert await lateness(office, BEFORE, RAMADAN, LAST, AFTER) == [30, 30, 30, 30]
    table = tmp_path / "ramadan.csv"
    table.write_text(f"week_pattern;since;until;org_unit\n{FASTING};{RAMADAN};{LAST};OPD-{office.unit}\n")

    report = await take_week_scopes(office.lanes, table)
    await office.work_off()

    assert (report.applied, report.new) == (True, 1)
    assert await lateness(office, BEFORE, RAMADAN, LAST, AFTER) == [30, 0, 0, 30]
    assert (await take_week_scopes(office.lanes, table)).unchanged == 1

    await assign_weeks(office.lanes, [WeekScope(None, RAMADAN, None, office.unit)])
    await office.work_off()
    assert await lateness(office, RAMADAN, LAST) == [30, 30]


async def test_a_unit_above_reaches_down_and_a_persons_own_week_goes_first(office: Office) -> None:
    agency = uuid4()
    await commands.publish_org_units(office.lanes, [
        OrgUnitState(agency, f"OPD-{agency}", "Dinas", "Asia/Jakarta", office.calendar),
        OrgUnitState(office.unit, f"OPD-{office.unit}", "UPT", "Asia/Jakarta", office.calendar, parent_id=agency)])
    await come_at_eight(office)
    await assign_weeks(office.lanes, [WeekScope(FASTING, RAMADAN, LAST, agency)])
    await office.work_off()
    assert await lateness(office, BEFORE, RAMADAN, AFTER) == [30, 0, 30]

    await commands.publish_employees(office.lanes, [office.person().working(RAMADAN, "lima-hari")])
    await office.work_off()
    assert await lateness(office, RAMADAN) == [30]


async def test_a_unit_that_gets_another_one_above_it_takes_those_below_along(office: Office) -> None:
    agency, branch = uuid4(), uuid4()

    def unit(key: UUID, parent: UUID | None = None) -> OrgUnitState:
        return OrgUnitState(key, f"OPD-{key}", "Dinas", "Asia/Jakarta", office.calendar, parent_id=parent)

    await commands.publish_org_units(office.lanes, [unit(agency), unit(branch), unit(office.unit, branch)])
    await come_at_eight(office)
    await assign_weeks(office.lanes, [WeekScope(FASTING, RAMADAN, LAST, agency)])
    await office.work_off()
    assert await lateness(office, RAMADAN) == [30]

    await commands.publish_org_units(office.lanes, [unit(branch, agency)])
    await office.work_off()
    assert await lateness(office, BEFORE, RAMADAN, AFTER) == [30, 0, 30]


async def test_what_is_not_known_or_runs_backwards_is_refused_and_a_week_imported_again_stays_in_force(office: Office) -> None:
    backwards = WeekScope(FASTING, RAMADAN, BEFORE, office.unit)
    for scope in (WeekScope("tidak-ada", RAMADAN), backwards, WeekScope(FASTING, RAMADAN, None, uuid4())):
        with pytest.raises(Refused):
            await assign_weeks(office.lanes, [scope])
    await assign_weeks(office.lanes, [WeekScope(FASTING, RAMADAN, LAST, office.unit)])
    async with office.lanes.pool.acquire() as connection:
        known = (await reference_rows.weeks(connection))[FASTING]

    await commands.publish_weeks(office.lanes, [known.state])

    async with office.lanes.pool.acquire() as connection:
        assert (await reference_rows.weeks(connection))[FASTING] == known
        assert office.unit in {scope.org_unit_id for scope in known.state.in_force}


async def test_over_http_a_period_is_taken_over_once_and_given_as_a_file(office: Office, schedule_database: str) -> None:
    path, row = "/v1/weeks-in-force", f"{FASTING},{RAMADAN},{LAST},OPD-{office.unit}"
    body = f"week_pattern,since,until,org_unit\n{row}\n".encode()
    async with serving(create_app, "schedule", schedule_database) as api:
        dry = await api.post(f"{path}:import", content=body, params={"reason": "SE 3", "dry_run": "true"}, headers=keyed() | acting("bkd"))
        taken = await api.post(f"{path}:import", content=body, params={"reason": "SE 3"}, headers=keyed() | acting("bkd"))
        wrong = await api.post(f"{path}:import", content=body.replace(b"OPD-", b"X-"), params={"reason": "SE 3"}, headers=keyed())
        given = await api.get(f"{path}:export", headers=acting("bkd"))
        again = await api.post(f"{path}:import", content=given.content, params={"reason": "SE 3"}, headers=keyed() | acting("bkd"))
        assert refused(await api.get(f"{path}:export", headers=acting("unit_officer", units=(office.unit,)))) == (403, "forbidden")
    assert (dry.json()["applied"], taken.json()["applied"], taken.json()["new"]) == (False, True, 1)
    assert wrong.status_code == 422
    assert given.text.count(f"OPD-{office.unit}") == 1
    assert (again.json()["new"], again.json()["changed"], again.json()["unchanged"] >= 1) == (0, 0, True)


async def test_where_weeks_hold_is_listed_page_by_page_for_a_unit_with_those_above_it(office: Office, schedule_database: str) -> None:
    agency, other = uuid4(), uuid4()
    await commands.publish_org_units(office.lanes, [
        OrgUnitState(key, f"OPD-{key}", "Dinas", "Asia/Jakarta", office.calendar, parent_id=parent)
        for key, parent in ((agency, None), (other, None), (office.unit, agency))])
    scopes = [
        WeekScope(FASTING, RAMADAN, LAST, agency), WeekScope("lima-hari", RAMADAN, None, office.unit),
        WeekScope(FASTING, AFTER, AFTER + DAY, office.unit), WeekScope(FASTING, RAMADAN, LAST, other)]
    await assign_weeks(office.lanes, scopes)
    told = [
        {"week": scope.week, "since": str(scope.since), "until": str(scope.until) if scope.until else None,
         "org_unit_id": str(scope.org_unit_id)} for scope in scopes]
    async with serving(create_app, "schedule", schedule_database) as api:
        seen, after = [], None
        while True:
            page = await read(api, "/weeks-in-force", org_unit_id=office.unit, limit=1, **({"after": after} if after else {}))
            seen += page["items"]
            after = page["next"]
            if after is None:
                break
        everywhere = (await read(api, "/weeks-in-force", limit=1000))["items"]
        wrong = await api.get("/v1/weeks-in-force", params={"after": "bukan-kunci"})
    assert [one for one in seen if one["org_unit_id"]] == sorted(told[:3], key=lambda one: (one["since"], one["org_unit_id"]))
    assert [one for one in everywhere if one in told] == sorted(told, key=lambda one: (one["since"], one["org_unit_id"]))
    assert refused(wrong) == (422, "invalid-request")
