"""The API of geofence, in the test's process on a real database."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from services.geofence.rules.locate import Judgement
from services.geofence.store.check_ins import CheckIn, insert_check_ins
from services.geofence.store.evidence import Suspicion, new_suspicions
from services.geofence.store.people import people, save_employees, save_org_units
from services.preview.serving import geofence_app
from shared.database import open_pool
from shared.events import EmployeePublished, OrgUnitPublished, UnitMembership, Verdict, ZoneAssignment
from shared.topics import lane_of
from tests.calling import acting, keyed, read, refused, serving

MORNING = dt.datetime(2026, 2, 2, 0, 25, tzinfo=dt.UTC)
UNIT, ME = uuid4(), uuid4()
DAY = {"from": "2026-02-02T00:00:00+07:00", "until": "2026-02-03T00:00:00+07:00"}


def located(employee: UUID, minute: int) -> CheckIn:
    judgement = Judgement(Verdict.OUTSIDE, None, 940, False, Verdict.INSIDE, None, "good")
    at = MORNING + dt.timedelta(minutes=minute)
    return CheckIn(
        uuid4(), employee, lane_of(employee), b"", uuid4(), uuid4(), "in", at, at, -3.7951234, 102.2656789, 8.0, False, True, False, 1,
        judgement,
    )


@pytest.fixture
async def known(fresh_database: str) -> tuple[str, list[CheckIn]]:
    """A database in which geofence knows a unit, a person, three check-ins and a suspicion."""
    check_ins = [located(ME, minute) for minute in range(3)]
    pool = await open_pool(fresh_database, "geofence")
    async with pool.acquire() as connection, connection.transaction():
        await save_org_units(connection, [OrgUnitPublished(
            org_unit_id=UNIT, version=1, code="OPD-1", name="Dinas", timezone="Asia/Jakarta")])
        await save_employees(connection, [EmployeePublished(
            employee_id=ME, version=1, nip="198001012005011001", name="Siti Contoh", kind="PNS", group="pelaksana",
            memberships=(UnitMembership(since=dt.date(2026, 1, 1), org_unit_id=UNIT),), timezone="Asia/Jakarta")])
        await insert_check_ins(connection, check_ins)
        await new_suspicions(connection, [
            Suspicion(uuid4(), ME, one.check_in_id, "mock-location", one.captured_at) for one in check_ins])
    await pool.close()
    return fresh_database, check_ins


@pytest.fixture
async def api(known: tuple[str, list[CheckIn]]) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(geofence_app, "geofence", known[0]) as client:
        yield client


def collection(*features: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def office(code: str, **more: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [102.2656789, -3.7951234]},
            "properties": {"code": code, "kind": "office", "radius_m": 100, "org_units": ["OPD-1"], **more}}


async def test_verdicts_are_told_without_coordinates_and_as_far_as_each_role_reaches(
    api: httpx.AsyncClient, known: tuple[str, list[CheckIn]]
) -> None:
    check_ins = [str(one.check_in_id) for one in known[1]]
    first = await read(api, "/check-ins", employee_id=ME, limit=2, **DAY)
    rest = await read(api, "/check-ins", employee_id=ME, limit=2, after=first["next"], **DAY)
    assert [one["check_in_id"] for one in first["items"] + rest["items"]] == check_ins
    assert rest["next"] is None
    one = await read(api, f"/check-ins/{check_ins[0]}", acting("employee", ME))
    assert one == first["items"][0]
    assert (one["site"], one["site_distance_m"], one["region"]) == ("outside", 940, "inside")
    assert not {"latitude", "longitude", "accuracy_m"} & one.keys()
    assert "102.26" not in (await api.get("/v1/check-ins", params={**DAY, "employee_id": str(ME)})).text

    for headers in (acting("employee", uuid4()), acting("supervisor", units=(uuid4(),))):
        assert refused(await api.get(f"/v1/check-ins/{check_ins[0]}", headers=headers)) == (403, "out-of-reach")
    assert (await read(api, f"/check-ins/{check_ins[0]}", acting("supervisor", units=(UNIT,)))) == one
    assert refused(await api.get(f"/v1/check-ins/{uuid4()}")) == (404, "unknown")
    without_zone = {"employee_id": str(ME), "from": "2026-02-02T00:00:00", "until": "2026-02-03T00:00:00"}
    answer = await api.get("/v1/check-ins", params=without_zone)
    assert refused(answer) == (422, "invalid-request")
    assert {fault["code"] for fault in answer.json()["errors"]} == {"zone-missing"}


async def test_suspicions_wait_in_order_of_time_for_those_who_decide(api: httpx.AsyncClient) -> None:
    seen: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = await read(api, "/suspicions", limit=1, **after)
        seen += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [one["seen_at"] for one in seen] == sorted(one["seen_at"] for one in seen)
    assert {one["signal"] for one in seen} == {"mock-location"}
    assert len(seen) == 3
    assert (await read(api, "/suspicions", org_unit_id=uuid4()))["items"] == []
    assert refused(await api.get("/v1/suspicions", headers=acting("employee", ME))) == (403, "forbidden")


async def test_days_and_units_of_somebody_who_moved_begin_at_midnight_in_the_zone_of_their_date(known: tuple[str, list[CheckIn]]) -> None:
    papua, moved = uuid4(), dt.date(2026, 3, 1)
    zones = tuple(ZoneAssignment(since=since, timezone=zone) for since, zone in (
        (dt.date(2026, 1, 1), "Asia/Jakarta"), (moved, "Asia/Jayapura")))
    pool = await open_pool(known[0], "geofence")
    async with pool.acquire() as connection, connection.transaction():
        [again] = await save_employees(connection, [EmployeePublished(
            employee_id=ME, version=2, nip="198001012005011001", name="Siti Contoh", kind="PNS", group="pelaksana",
            memberships=(UnitMembership(since=dt.date(2026, 1, 1), org_unit_id=UNIT), UnitMembership(since=moved, org_unit_id=papua)),
            timezone="Asia/Jayapura", zones=zones)])
        person = (await people(connection, [ME]))[ME]
    await pool.close()

    turn = dt.datetime(2026, 2, 28, 15, tzinfo=dt.UTC)  # midnight in Jayapura
    moments = turn - dt.timedelta(seconds=1), turn
    assert again == ME
    assert [str(person.zone(moment)) for moment in moments] == ["Asia/Jakarta", "Asia/Jayapura"]
    assert [person.org_unit_at(moment) for moment in moments] == [UNIT, papua]
    assert person.org_unit_at(dt.datetime(2025, 12, 31, 17, tzinfo=dt.UTC)) == UNIT, "midnight in Jakarta"
    assert person.org_unit_at(dt.datetime(2025, 12, 31, 16, 59, tzinfo=dt.UTC)) is None


async def test_suspicions_of_invented_people_are_told_only_to_whom_asks_for_them(
    api: httpx.AsyncClient, known: tuple[str, list[CheckIn]]
) -> None:
    pool = await open_pool(known[0], "geofence", max_size=1)
    invented, stranger = uuid4(), uuid4()
    async with pool.acquire() as connection, connection.transaction():
        await save_employees(connection, [EmployeePublished(
            employee_id=invented, version=1, nip="999901012005011001", name="Contoh e1 Sintetis", kind="PNS", group="pelaksana",
            memberships=(UnitMembership(since=dt.date(2026, 1, 1), org_unit_id=UNIT),), timezone="Asia/Jakarta",
            played_clock="scenario-1")])  # fmt: skip
        await new_suspicions(connection, [Suspicion(uuid4(), who, uuid4(), "mock-location", MORNING) for who in (invented, stranger)])
    await pool.close()

    async def about(**asked: Any) -> list[str]:
        return [one["employee_id"] for one in (await read(api, "/suspicions", **asked))["items"]]

    assert sorted(await about()) == sorted([str(stranger), *[str(ME)] * 3]), "whom no record describes yet may be real"
    assert await about(clock="scenario-1") == [str(invented)]
    assert await about(employee_id=invented) == [str(invented)]


async def test_sites_are_imported_whole_or_not_at_all_and_listed(api: httpx.AsyncClient) -> None:
    async def post(raw: bytes, key: dict[str, str], **query: Any) -> httpx.Response:
        return await api.post("/v1/sites:import", content=raw, headers=key, params={"reason": "SK 1/2026", **query})

    good, key = collection(office("KANTOR-1"), office("KANTOR-2", name="Kantor Dua")), keyed()
    tried = await post(good, keyed(), dry_run="true")
    assert (tried.json()["applied"], tried.json()["new"], tried.json()["judged_again"]) == (False, 2, 3)
    assert (await read(api, "/sites"))["items"] == []

    wrong = await post(collection(office("KANTOR-1"), office("KANTOR-3", org_units=["OPD-9"], radius_m=0)), key)
    assert refused(wrong) == (422, "invalid-sites")
    assert {error["field"] for error in wrong.json()["errors"]} >= {"features.1.radius_m"}
    assert (await read(api, "/sites"))["items"] == []
    assert refused(await post(b"{", keyed())) == (422, "invalid-sites")

    done = await post(good, key)
    assert (done.status_code, done.json()["applied"], done.json()["judged_again"]) == (200, True, 3)
    again = await post(good, key)
    assert (again.content, again.headers["hadir-replayed"]) == (done.content, "true")
    assert refused(await post(good, key, dry_run="true")) == (409, "idempotency-key-reused")
    sites = (await read(api, "/sites", limit=1000, kind="office"))["items"]
    assert [(site["code"], site["version"]) for site in sites] == [("KANTOR-1", 1), ("KANTOR-2", 1)]
    assert await read(api, f"/sites/{sites[1]['site_id']}", acting("employee", ME)) == sites[1]
    officer = acting("unit_officer", units=(UNIT,))
    answer = await api.post("/v1/sites:import", content=good, headers=keyed() | officer, params={"reason": "x"})
    assert refused(answer) == (403, "forbidden")
