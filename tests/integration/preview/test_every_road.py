"""On each road by which what people owe can change, nothing takes force while they check in; the road is open again afterwards."""

import asyncio
import datetime as dt
import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.geofence.api import create_app
from services.geofence.importer import parse_sites, take_over
from services.geofence.store.people import save_org_units
from services.preview.gate import sites_gate
from services.preview.ordered import play_next
from services.preview.serving import schedule_app
from services.schedule import commands, taking_force
from services.schedule.api import create_app as schedule_alone
from services.schedule.corrections import CorrectionRefused
from services.schedule.in_force import WeekScope
from services.schedule.previewing import order_preview, set_limits
from services.schedule.reference import CalendarState, OrgUnitState, RosterState, WeekPatternState
from services.schedule.rules.taking_force import Limits
from services.schedule.store import facts, preview_orders
from services.schedule.store import reference_rows as rows
from services.schedule.store.preview_orders import Order
from services.schedule.weeks import assign_weeks
from shared.database import open_pool
from shared.events import CalendarDay, Mode, OrgUnitPublished, RosterDay
from shared.lanes import Lanes
from shared.refusal import Refused
from tests.calling import acting, keyed, read, refused, serving
from tests.integration.preview.test_gate import EARLIER, NOON, SEVEN_TEN, real
from tests.integration.preview.town import DAY, MONDAY, Town

__all__ = ["real"]

OPEN = r"jendela absen masuknya sedang terbuka.*Ulangi mulai 2026-02-03 (09:00|09:30|10:00) WIB"


async def people(town: Town) -> list[Any]:
    async with town.schedule.pool.acquire() as connection:
        return [kept.state for kept in (await rows.employees(connection, town.people)).values()]


async def on_the_road(town: Town, road: str, now: dt.datetime) -> None:
    tuesday = MONDAY + DAY
    match road:
        case "policy":
            await commands.publish_policies(town.schedule, {"baru": EARLIER}, [("baru", tuesday, town.units[0])], now=now)
        case "calendar":
            day = CalendarDay(date=tuesday, name="Libur", kind="holiday", source="uji")
            await commands.publish_calendars(town.schedule, [CalendarState(town.calendar, 2026, (day,))], now=now)
        case "calendar of a unit":
            other = f"cal-{uuid4()}"
            day = CalendarDay(date=tuesday, name="Libur", kind="holiday", source="uji")
            await commands.publish_calendars(town.schedule, [CalendarState(other, 2026, (day,))], now=now)
            unit = OrgUnitState(town.units[0], f"OPD-{town.units[0]}", "Dinas", "Asia/Jakarta", other)
            await commands.publish_org_units(town.schedule, [unit], now=now)
        case "roster":
            row = RosterDay(date=tuesday, mode=Mode.WFO, start="07:00", end="15:30")
            await commands.publish_rosters(town.schedule, [RosterState(town.people[0], tuesday.replace(day=1), (row,))], now=now)
        case "week of people":
            code = f"W-{uuid4().hex[:8]}"
            hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:00", "15:30"))
            await commands.publish_weeks(town.schedule, [WeekPatternState(code, "Pagi", hours, "uji")])
            await commands.publish_employees(town.schedule, [person.working(tuesday, code) for person in await people(town)], now=now)
        case "week of a unit":
            await assign_weeks(town.schedule, [WeekScope("lima-hari-ramadan", tuesday, None, town.units[0])], now=now)
        case "another unit above":
            above = OrgUnitState(uuid4(), f"OPD-{uuid4()}", "Sekretariat", "Asia/Jakarta", town.calendar)
            await commands.publish_org_units(town.schedule, [above])
            await assign_weeks(town.schedule, [WeekScope("lima-hari-ramadan", tuesday, None, above.org_unit_id)], now=now)
            unit = OrgUnitState(town.units[0], f"OPD-{town.units[0]}", "Dinas", "Asia/Jakarta", town.calendar, parent_id=above.org_unit_id)
            await commands.publish_org_units(town.schedule, [unit], now=now)
        case "unit of people":
            await commands.publish_employees(town.schedule, [one.joined(tuesday, town.units[1]) for one in await people(town)], now=now)
        case _:
            raise AssertionError(road)


@pytest.mark.parametrize("road", [
    "policy", "calendar", "calendar of a unit", "roster", "week of people", "week of a unit", "another unit above", "unit of people"])
async def test_a_road_is_closed_while_people_check_in_and_open_at_noon(real: Town, road: str) -> None:
    with pytest.raises(Refused, match=OPEN):
        await on_the_road(real, road, SEVEN_TEN)
    await on_the_road(real, road, NOON)


@pytest.mark.parametrize("road", [
    "policy", "calendar", "calendar of a unit", "roster", "week of people", "week of a unit", "another unit above", "unit of people"])
async def test_no_event_waits_while_the_gate_looks_at_everybody(real: Town, road: str, asked_freely: list[str]) -> None:
    await on_the_road(real, road, NOON)

    assert asked_freely


async def test_hours_of_a_week_in_use_change_at_no_time(real: Town) -> None:
    code, hours = f"W-{uuid4().hex[:8]}", {"mon": ("07:30", "16:00")}
    await commands.publish_weeks(real.schedule, [WeekPatternState(code, "Pagi", hours, "uji")])
    await commands.publish_employees(real.schedule, [one.working(MONDAY, code) for one in await people(real)], now=NOON)

    with pytest.raises(Refused, match="sudah dipakai"):
        await commands.publish_weeks(real.schedule, [WeekPatternState(code, "Pagi", {"mon": ("07:00", "16:00")}, "uji")])


async def test_what_a_person_s_record_says_beside_hours_changes_at_any_time(real: Town) -> None:
    changed = [replace(person, name="Nama Lain", job_class=7) for person in await people(real)]

    assert (await commands.publish_employees(real.schedule, changed, now=SEVEN_TEN)).changed == len(real.people)
    assert (await commands.publish_employees(real.schedule, [one.joined(MONDAY + 2 * DAY, real.units[1]) for one in changed],
                                             now=SEVEN_TEN)).changed == len(real.people)


async def test_a_move_that_is_a_correction_meets_the_gate_too(real: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def shut(*_: Any) -> taking_force.Cleared:
        raise Refused("jendela absen masuknya sedang terbuka")

    monkeypatch.setattr(taking_force, "allow_people", shut)
    correction, body = uuid4(), {"since": str(MONDAY + DAY), "to_unit": str(real.units[1])}

    with pytest.raises(CorrectionRefused, match="sedang terbuka"):
        await commands.record_fact(real.schedule, correction_id=correction, kind="move", body=body, employee_id=real.people[0])
    async with real.schedule.pool.acquire() as connection:
        assert await facts.correction(connection, correction) is None


def fence(town: Town, radius_m: float, code: str = "") -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": [{
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [102.2656789, -3.7951234]},
        "properties": {"code": code or f"KANTOR-{town.calendar}", "name": "Kantor", "kind": "office", "radius_m": radius_m,
                       "org_units": [f"OPD-{town.units[0]}"]}}]}).encode()


async def known_to_geofence(town: Town) -> Lanes:
    pool = await open_pool(town.url, "geofence", max_size=3)
    async with pool.acquire() as connection:
        await save_org_units(connection, [
            OrgUnitPublished(org_unit_id=unit, version=1, code=f"OPD-{unit}", name="Dinas", timezone="Asia/Jakarta")
            for unit in town.units])
    return Lanes(pool, "geofence")


async def test_a_first_fence_and_a_moved_one_wait_and_one_more_place_does_not(real: Town) -> None:
    lanes = await known_to_geofence(real)

    async def put(radius_m: float, now: dt.datetime, code: str = "") -> None:
        read, digest = parse_sites(fence(real, radius_m, code))
        report = await take_over(
            lanes, read, digest, dry_run=False, gate=sites_gate(real.url, "operator", now), actor="operator", patience_s=0.0)
        assert report.applied

    with pytest.raises(Refused, match="sedang terbuka") as first:
        await put(100, SEVEN_TEN)
    assert "sesudah hari ini" not in str(first.value)  # a fence has no date from which it holds: waiting is all there is
    await put(100, NOON)
    with pytest.raises(Refused, match="sedang terbuka"):
        await put(15, SEVEN_TEN)
    await put(500, SEVEN_TEN, f"CABANG-{real.calendar}")
    await lanes.pool.close()


async def test_an_api_without_the_gate_moves_no_fence_that_holds(real: Town) -> None:
    lanes = await known_to_geofence(real)
    await lanes.pool.close()
    async with serving(create_app, "geofence", real.url) as api:
        answer = await api.post("/v1/sites:import", content=fence(real, 100), headers=keyed(), params={"reason": "SK 1/2026"})
        assert refused(answer) == (422, "refused")
        assert "services.preview geofence-api" in answer.text


async def test_a_preview_is_ordered_played_followed_and_approved_by_somebody_else_over_http(real: Town) -> None:
    await set_limits(real.schedule, Limits(people=0, rupiah=0), "kepala-bkd", "SE 1")
    pack = "BARU: {legal_source: Perbup Contoh 1/2026, tk_day: '3'}\n"
    wanted = {"kind": "policy", "content": pack, "in_force": [{"name": "BARU", "since": "2026-12-01"}], "until": "2026-02-03", "days": 2,
              "reason": "ND 800/12"}
    async with serving(schedule_app, "schedule", real.url) as api:
        key, officer = keyed(), acting("bkd", "petugas")
        ordered = await api.post("/v1/previews", json=wanted, headers=key | officer)
        assert (ordered.status_code, ordered.json()["state"]) == (202, "waiting")
        again = await api.post("/v1/previews", json=wanted, headers=key | officer)
        assert again.json()["preview_id"] == ordered.json()["preview_id"]
        path = f"/previews/{ordered.json()['preview_id']}"
        async with asyncio.timeout(120):
            while (shown := await read(api, path))["state"] not in ("done", "failed"):
                await asyncio.sleep(0.1)
        assert shown["state"] == "done", shown["problem"]
        assert shown["preview"]["whole"]
        assert shown["found"]["people_looked_at"] == shown["people_all"]
        assert shown["people_all"] >= len(real.people)
        listed = (await read(api, "/previews", limit=1))["items"]
        assert [one["preview_id"] for one in listed] == [ordered.json()["preview_id"]]

        approvals = f"/v1{path}/approvals"
        own = await api.post(approvals, json={"reason": "ya"}, headers=keyed() | officer)
        assert refused(own) == (422, "refused")
        assert "orang lain" in own.json()["detail"]
        for who in (acting("inspectorate"), acting("unit_officer", units=(real.units[0],)), acting("admin")):
            assert refused(await api.post(approvals, json={"reason": "ya"}, headers=keyed() | who)) == (403, "forbidden")
        done = await api.post(approvals, json={"reason": "ND 800/13"}, headers=keyed() | acting("bkd", "kepala-bkd"))
        assert done.json()["approved_by"] == ["kepala-bkd"]

        assert refused(await api.get(f"/v1/previews/{uuid4()}")) == (404, "unknown")
        assert refused(await api.get("/v1/previews", headers=acting("employee", real.people[0]))) == (403, "forbidden")
        limits = await api.put("/v1/preview-limits", json={"people": 7, "reason": "SE 1"}, headers=keyed())
        assert (limits.json()["people"], limits.json()["valid_days"]) == (7, 7)
        assert (await read(api, "/preview-limits"))["people"] == 7
        bad = await api.post("/v1/previews", json=wanted | {"in_force": []}, headers=keyed())
        assert refused(bad) == (422, "invalid-request")


async def test_a_file_that_is_wrong_ends_its_order_with_a_sentence(real: Town) -> None:
    async with serving(schedule_alone, "schedule", real.url) as api:
        wanted = {"kind": "calendar", "content": "x", "reason": "uji"}
        assert refused(await api.post("/v1/previews", json=wanted, headers=keyed())) == (503, "preview-unavailable")

    now = dt.datetime.now(dt.UTC)
    order = Order(uuid4(), "roster", "nip,date\n1,besok\n", {}, MONDAY, MONDAY + DAY, "petugas", now)
    await order_preview(real.schedule, order)

    assert await play_next(real.schedule, real.url, processes=1)
    async with real.schedule.pool.acquire() as connection:
        ended = await preview_orders.order(connection, order.preview_id)
    assert ended is not None
    assert (ended.state, ended.content) == ("failed", "")
    assert ended.problem
    assert not await play_next(real.schedule, real.url, processes=1)
