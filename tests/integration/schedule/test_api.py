"""The API of schedule, on the days of a real office."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from services.schedule.api import create_app
from services.schedule.publishing import publish_employees
from shared.events import Mark
from tests.calling import acting, keyed, read, refused, serving
from tests.integration.schedule.office import DAY, MONDAY, Office, at

FRIDAY = MONDAY + 4 * DAY
WEEK = {"from": str(MONDAY), "until": str(FRIDAY)}


@pytest.fixture
async def api(schedule_database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app, "schedule", schedule_database) as client:
        yield client


@pytest.fixture
async def worked(office: Office) -> Office:
    """Late on Monday, absent on Tuesday; Wednesday is not over."""
    await office.mark(Mark.IN, at(MONDAY, "08:10"))
    await office.mark(Mark.OUT, at(MONDAY, "16:05"))
    await office.tick(at(MONDAY + 2 * DAY, "12:00"))
    return office


def roll_call(office: Office, **more: Any) -> dict[str, Any]:
    return {"kind": "apel", "employee_id": str(office.employee), "reason": "SK 12/2026", "body": {"date": str(MONDAY)}, **more}


async def test_people_are_listed_page_by_page_without_a_hole(api: httpx.AsyncClient, office: Office) -> None:
    for number in range(6):
        other = Office(office.lanes, unit=office.unit)
        await publish_employees(office.lanes, [other.person(name=f"Orang Contoh {number}")])
    whole = await read(api, "/employees", org_unit_id=office.unit)
    assert len(whole["items"]) == 7
    assert whole["next"] is None

    seen, after = [], None
    while True:
        page = await read(api, "/employees", org_unit_id=office.unit, limit=2, **({"after": after} if after else {}))
        seen += page["items"]
        after = page["next"]
        if after is None:
            break
        assert len(page["items"]) == 2

    assert seen == whole["items"]


async def test_names_are_told_only_to_roles_that_may_see_them(api: httpx.AsyncClient, office: Office) -> None:
    path = f"/employees/{office.employee}"

    assert (await read(api, path))["nip"] == office.nip
    assert (await read(api, path, acting("unit_officer", units=(office.unit,))))["name"] == "Siti Contoh"
    assert (await read(api, path, acting("employee", office.employee)))["name"] == "Siti Contoh"
    hidden = await read(api, path, acting("admin"))
    assert (hidden["nip"], hidden["name"]) == (None, None)
    found = await read(api, "/employees", acting("admin"), search=office.nip, org_unit_id=office.unit)
    assert found["items"] == [hidden], "a search must not tell whose NIP it is"


async def test_nobody_sees_beyond_their_reach(api: httpx.AsyncClient, worked: Office) -> None:
    stranger, other_unit = uuid4(), uuid4()
    for path in (f"/employees/{worked.employee}", f"/days/{worked.employee}/{MONDAY}"):
        for headers in (acting("employee", stranger), acting("supervisor", units=(other_unit,))):
            assert refused(await api.get(f"/v1{path}", headers=headers)) == (403, "out-of-reach")
    for path in ("/days", "/violations", "/corrections"):
        asked = {**WEEK, "employee_id": str(worked.employee)}
        answer = await api.get(f"/v1{path}", params=asked, headers=acting("employee", stranger))
        assert refused(answer) == (403, "out-of-reach")
        for headers in (acting("employee", stranger), acting("unit_officer", units=(other_unit,))):
            assert (await read(api, path, headers, **WEEK))["items"] == []
    asked = {**WEEK, "org_unit_id": str(worked.unit)}
    answer = await api.get("/v1/days", params=asked, headers=acting("unit_officer", units=(other_unit,)))
    assert refused(answer) == (403, "out-of-reach")


async def test_days_violations_and_due_days_tell_what_was_concluded(api: httpx.AsyncClient, worked: Office) -> None:
    for headers in (acting("employee", worked.employee), acting("unit_officer", units=(worked.unit,))):
        days = (await read(api, "/days", headers, **WEEK))["items"]
        assert [(day["date"], day["status"]) for day in days[:2]] == [(str(MONDAY), "PRESENT"), (str(MONDAY + DAY), "ABSENT")]
    assert await read(api, f"/days/{worked.employee}/{MONDAY}") == days[0]
    assert refused(await api.get(f"/v1/days/{worked.employee}/2031-01-01")) == (404, "unknown")

    found = (await read(api, "/violations", org_unit_id=worked.unit, **WEEK))["items"]
    assert [(one["date"], one["code"]) for one in found] == [
        (day["date"], finding["code"]) for day in days for finding in day["findings"]]
    assert {one["policy_id"] for one in found} == {day["policy_id"] for day in days if day["findings"]}
    assert all(one["legal_source"] for one in found)

    due = await read(api, "/due-days")
    assert {one["why"] for one in due["waiting"]} == {"command", "clock", "opening", "restatement"}


async def test_reference_data_is_read_as_it_was_published(api: httpx.AsyncClient, office: Office) -> None:
    assert (await read(api, f"/org-units/{office.unit}"))["code"] == f"OPD-{office.unit}"
    assert f"OPD-{office.unit}" in [unit["code"] for unit in (await read(api, "/org-units", limit=1000))["items"]]
    assert "lima-hari" in [week["code"] for week in (await read(api, "/weeks"))["items"]]
    in_force = (await read(api, "/policies/in-force", org_unit_id=office.unit))["items"]
    [own] = [one for one in in_force if one["org_unit_id"] == str(office.unit)]
    assert own["since"] == str(MONDAY)
    assert (await read(api, f"/policies/{own['policy_id']}"))["name"] == own["name"] == "POL-A"
    assert own["policy_id"] in [pack["policy_id"] for pack in (await read(api, "/policies"))["items"]]
    assert (await read(api, "/rosters", org_unit_id=office.unit))["items"] == []
    assert isinstance((await read(api, "/calendars"))["items"], list)


async def test_a_recorded_roll_call_changes_the_day_and_is_on_record_once(api: httpx.AsyncClient, worked: Office) -> None:
    bkd, key = acting("bkd"), keyed()

    first = await api.post("/v1/corrections", json=roll_call(worked), headers={**bkd, **key})
    again = await api.post("/v1/corrections", json=roll_call(worked), headers={**bkd, **key})

    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again.headers["hadir-replayed"] == "true"
    await worked.work_off()
    assert "APEL" in [finding["kind"] for finding in (await read(api, f"/days/{worked.employee}/{MONDAY}"))["findings"]]
    [listed] = (await read(api, "/corrections", employee_id=worked.employee, **WEEK))["items"]
    assert listed["correction_id"] == first.json()["correction_id"]
    assert await read(api, f"/corrections/{listed['correction_id']}", acting("employee", worked.employee)) == listed
    [told] = await audited(worked, bkd["Hadir-Actor"])
    assert told["action"] == "corrections.record"
    assert told["subject"] == listed["correction_id"]
    assert told["detail"] == {"role": "bkd", "reason": "SK 12/2026", "key": key["Idempotency-Key"]}


async def test_what_is_decided_level_by_level_cannot_be_recorded_past_the_levels(api: httpx.AsyncClient, worked: Office) -> None:
    day = str(MONDAY + DAY)
    for kind, body in (
        ("leave", {"kind": "annual", "from": day, "to": day}),
        ("manual", {"date": day, "mark": "in", "time": "07:20"}),
        ("outage", {"from": f"{day}T07:00:00+07:00", "to": f"{day}T08:00:00+07:00"}),
        ("fraud", {"check_ins": [str(uuid4())], "decision": "confirmed"}),
    ):
        asked = {**roll_call(worked), "kind": kind, "body": body}
        answer = await api.post("/v1/corrections", json=asked, headers={**acting("bkd"), **keyed()})
        assert refused(answer) == (422, "refused")
        assert "/v1/requests" in answer.json()["detail"]


async def test_a_finding_about_a_date_to_come_is_refused(api: httpx.AsyncClient, worked: Office) -> None:
    tomorrow = {**roll_call(worked), "body": {"date": "2099-01-01"}}
    for kind in ("apel", "left"):
        answer = await api.post("/v1/corrections", json={**tomorrow, "kind": kind}, headers={**acting("bkd"), **keyed()})
        assert refused(answer) == (422, "refused")
        assert "belum terjadi" in answer.json()["detail"]


async def test_a_finding_on_no_duty_day_says_that_it_costs_nothing(api: httpx.AsyncClient, worked: Office) -> None:
    for date, on_duty in ((MONDAY, True), (MONDAY - DAY, False)):
        asked = {**roll_call(worked), "body": {"date": str(date)}}
        answer = await api.post("/v1/corrections", json=asked, headers={**acting("bkd"), **keyed()})
        assert (answer.status_code, answer.json()["duty_day"]) == (201, on_duty)


async def audited(office: Office, actor: str) -> list[dict[str, Any]]:
    async with office.lanes.pool.acquire() as connection:
        rows = await connection.fetch(
            """select convert_from(value, 'UTF8') as value from outbox
               where topic = 'hadir.schedule.audit.v1' and key = $1 order by lane, seq""", actor.encode())
    return [orjson.loads(row["value"]) for row in rows]


async def test_a_key_serves_one_request_only(api: httpx.AsyncClient, worked: Office) -> None:
    headers = {**acting("bkd"), **keyed()}
    assert (await api.post("/v1/corrections", json=roll_call(worked), headers=headers)).status_code == 201

    other = await api.post("/v1/corrections", json=roll_call(worked, reason="SK 13/2026"), headers=headers)

    assert refused(other) == (409, "idempotency-key-reused")
    assert len(await audited(worked, headers["Hadir-Actor"])) == 1


async def test_a_crowd_with_one_key_records_once(api: httpx.AsyncClient, worked: Office) -> None:
    headers = {**acting("bkd"), **keyed()}

    answers = await asyncio.gather(*(api.post("/v1/corrections", json=roll_call(worked), headers=headers) for _ in range(12)))

    done = {answer.content for answer in answers if answer.status_code == 201}
    assert len(done) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {"command-in-progress"}
    assert len(await audited(worked, headers["Hadir-Actor"])) == 1
    assert len(await worked.published("hadir.correction.v1")) == 1


async def test_a_refused_command_leaves_no_trace_and_its_key_may_be_used_again(api: httpx.AsyncClient, worked: Office) -> None:
    headers = {**acting("bkd"), **keyed()}
    nobody = roll_call(worked, employee_id=str(uuid4()))

    for _ in range(2):
        assert refused(await api.post("/v1/corrections", json=nobody, headers=headers)) == (422, "refused")
    assert (await api.post("/v1/corrections", json=roll_call(worked), headers=headers)).status_code == 201

    assert len(await audited(worked, headers["Hadir-Actor"])) == 1


async def test_whoever_lacks_the_verb_or_the_key_is_refused(api: httpx.AsyncClient, office: Office) -> None:
    body = roll_call(office)

    async def post(*headers: dict[str, str], content: Any = body) -> tuple[int, str]:
        merged = {name: value for part in headers for name, value in part.items()}
        return refused(await api.post("/v1/corrections", json=content, headers=merged))

    assert await post(acting("employee", office.employee), keyed()) == (403, "forbidden")
    assert await post(acting("governor"), keyed()) == (401, "unauthenticated")
    assert await post(acting("bkd")) == (400, "idempotency-key-missing")
    assert await post(keyed(), content={**body, "reason": ""}) == (422, "invalid-request")
    assert await post(keyed(), content={**body, "kind": "nonsense"}) == (422, "refused")
    assert (await post(keyed("k" * 101))) == (400, "idempotency-key-missing")


async def test_wrong_requests_are_told_field_by_field(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/days", params={"from": "kemarin", "limit": "1001"})

    assert refused(answer) == (422, "invalid-request")
    assert {(one["field"], one["code"]) for one in answer.json()["errors"]} == {
        ("from", "not-a-date"), ("until", "missing"), ("limit", "out-of-range")}
    for path in ("/org-units?after=WyJhXHUwMDAwIl0=", "/employees?search=abc%00def"):
        assert refused(await api.get(f"/v1{path}")) == (422, "invalid-request")
    nul = {"kind": "leave", "employee_id": str(UUID(int=7)), "reason": "SK", "body": {"letter": "a\x00b"}}
    assert (await api.post("/v1/corrections", json=nul, headers=keyed())).status_code == 422
    backwards = await api.get("/v1/days", params={"from": "2026-02-02", "until": "2026-02-01"})
    assert refused(backwards) == (422, "invalid-request")
    assert refused(await api.get("/v1/org-units", params={"after": "bm90LWpzb24="})) == (422, "invalid-request")
    assert refused(await api.get("/v1/nowhere")) == (404, "not-found")
    assert refused(await api.delete("/v1/org-units")) == (405, "method-not-allowed")
    assert refused(await api.post("/v1/corrections", content=b"{", headers=keyed() | {"Content-Type": "application/json"})) == (
        400, "malformed-json")
    large = await api.post("/v1/corrections", content=b" " * 9_000_000, headers=keyed())
    assert refused(large) == (413, "body-too-large")
    assert "8.388.608 byte" in large.json()["detail"]


async def test_proposed_discipline_of_invented_people_is_told_only_to_whom_asks_for_them(api: httpx.AsyncClient, office: Office) -> None:
    async with office.lanes.pool.acquire() as connection:
        clock = await connection.fetchval("select played_clock from employee where employee_id = $1", office.employee)
        await connection.execute(
            "insert into discipline_step values ($1, 'reprimand', $2, 1, 'proposed', 3, 'PP 94/2021')", office.employee, MONDAY)
    assert clock

    async def about(**asked: Any) -> int:
        return len((await read(api, "/discipline", org_unit_id=office.unit, **asked))["items"])

    assert (await about(), await about(clock=clock), await about(employee_id=office.employee)) == (0, 1, 1)


async def test_it_is_ready_once_the_tables_are_there(api: httpx.AsyncClient) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while (await api.get("/readyz")).status_code != 200:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)  # polls with the deadline above

    assert (await api.get("/healthz")).json() == {"status": "alive"}
    await api.get("/v1/weeks")
    assert 'hadir_api_seconds_count{operation="listWeeks",service="schedule-api",status="200"}' in (await api.get("/metrics")).text
    assert (await api.get("/docs")).status_code == 200
