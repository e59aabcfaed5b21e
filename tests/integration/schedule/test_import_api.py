"""Files over HTTP: the same importers as the command line, with a dry run, every row error at once, and once for each key."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.schedule import commands
from services.schedule.api import create_app
from services.schedule.approvals import SHIPPED
from shared import workbook
from shared.sheets import Column, write_xlsx
from tests.calling import acting, keyed, read, refused, serving
from tests.integration.schedule.office import MONDAY, Office

PACK = "BARU: {legal_source: Perbup Contoh 1/2026, tk_day: '3'}\n"
WEEK = "code;name;source;mon\n{code};Pagi;SK 1/2026;07:00-15:30\n"


@pytest.fixture
async def api(schedule_database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app, "schedule", schedule_database) as client:
        yield client


async def send(api: httpx.AsyncClient, what: str, body: str | bytes, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
    return await api.post(
        f"/v1/{what}:import", content=body.encode() if isinstance(body, str) else body, headers=keyed() | (headers or {}),
        params={"reason": "SK 800/1/2026", **query})  # fmt: skip


def nip() -> str:
    return f"{uuid4().int % 10**18:018}"


def people(office: Office, *nips: str, unit: str = "") -> str:
    rows = [f"{one};Budi Contoh;PNS;pelaksana;{unit or f'OPD-{office.unit}'};{MONDAY}" for one in nips]
    return "\n".join(["NIP;Nama;Jenis;Kelompok;OPD;TMT", *rows, ""])


async def test_people_are_shown_before_they_are_taken_over_and_taken_over_once(api: httpx.AsyncClient, office: Office) -> None:
    file = people(office, nip(), nip())

    shown = (await send(api, "employees", file, dry_run=True)).json()
    assert (shown["applied"], shown["rows"], shown["new"]) == (False, 2, 2)
    assert len(shown["preview"]) == 2
    assert (await read(api, "/employees", org_unit_id=office.unit))["items"][1:] == []

    key = keyed()
    done = await send(api, "employees", file, key)
    again = await send(api, "employees", file, key)
    assert (done.status_code, done.json()["applied"], done.json()["new"]) == (200, True, 2)
    assert (again.json(), again.headers["Hadir-Replayed"]) == (done.json(), "true")
    assert (await send(api, "employees", file)).json()["unchanged"] == 2
    assert len((await read(api, "/employees", org_unit_id=office.unit))["items"]) == 3


async def test_everything_wrong_with_a_file_is_a_problem_that_names_line_and_column_in_indonesian(
    api: httpx.AsyncClient, office: Office
) -> None:
    file = people(office, nip(), "1,99001E+17", unit="TIDAK-ADA")

    answer = await send(api, "employees", file)

    assert refused(answer) == (422, "invalid-file")
    told = {fault["field"]: fault["detail"] for fault in answer.json()["errors"]}
    assert set(told) == {"rows.2.org_unit", "rows.3.org_unit", "rows.3.nip"}
    assert told["rows.3.nip"].startswith("NIP rusak oleh Excel")
    assert answer.json()["detail"].startswith("3 kesalahan; tidak ada yang diterapkan")
    assert len((await read(api, "/employees", org_unit_id=office.unit))["items"]) == 1
    assert refused(await send(api, "employees", b"\xff\xfe\x00x")) == (422, "invalid-file")


async def test_a_workbook_is_taken_over_like_a_csv_and_a_trap_is_not_unpacked(
    api: httpx.AsyncClient, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = tuple(Column(name, "text", 20) for name in ("nip", "name", "kind", "group", "org_unit", "since"))
    file = tmp_path / "pegawai.xlsx"
    write_xlsx(file, columns, [(nip(), "Budi Contoh", "PNS", "pelaksana", f"OPD-{office.unit}", str(MONDAY))])
    assert (await send(api, "employees", file.read_bytes())).json()["new"] == 1
    assert refused(await send(api, "employees", file.read_bytes()[:2000])) == (422, "invalid-file")
    monkeypatch.setattr(workbook, "MOST_UNPACKED", 1000)
    trap = await send(api, "employees", file.read_bytes())
    assert refused(trap) == (422, "invalid-file")
    assert "terlalu besar bila dibuka" in trap.json()["detail"]


async def test_units_weeks_rosters_calendars_and_packs_come_by_the_same_door(api: httpx.AsyncClient, office: Office) -> None:
    code, week, calendar = f"UPT-{uuid4()}", f"W-{uuid4().hex[:8]}", f"cal-{uuid4()}"
    units = f"code;name;timezone;calendar;parent\n{code};UPT Contoh;WIT;{calendar};OPD-{office.unit}\n"
    roster = f"nip;date;mode;start;end\n{office.nip};2027-03-01;WFA;07:00;14:00\n"
    holidays = f"date;kind;name;source;calendar\n2027-03-02;holiday;Libur Daerah;SK 1;{calendar}\n"
    files: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("calendars", holidays, {}), ("org-units", units, {}), ("weeks", WEEK.format(code=week), {}), ("rosters", roster, {}),
        ("policies", PACK, {"in_force": [f"BARU@2027-03-01@{code}"]}),
    )  # fmt: skip
    for what, body, query in files:
        shown = await send(api, what, body, dry_run=True, **query)
        assert (shown.status_code, shown.json()["applied"]) == (200, False), (what, shown.text)
        done = await send(api, what, body, **query)
        assert (done.status_code, done.json()["applied"]) == (200, True), (what, done.text)
        if what == "policies":
            assert "berlaku: BARU sejak 2027-03-01" in done.json()["preview"][0]
    days = (await read(api, "/rosters", employee_id=office.employee))["items"]
    assert [day["mode"] for day in days[0]["days"]] == ["WFA"]


async def test_a_year_is_seeded_without_a_file_and_not_beside_one(api: httpx.AsyncClient) -> None:
    seeded = await send(api, "calendars", "", year=2031)
    assert seeded.json()["rows"] > 10
    assert refused(await send(api, "calendars", "date;kind;name\n", year=2031)) == (422, "invalid-request")
    assert refused(await send(api, "calendars", "")) == (422, "invalid-request")
    assert refused(await send(api, "calendars", "", year=1800)) == (422, "invalid-file")
    assert refused(await send(api, "policies", PACK, in_force="BARU@besok")) == (422, "invalid-request")


async def test_hours_in_use_are_refused_with_a_sentence(api: httpx.AsyncClient) -> None:
    answer = await send(api, "weeks", WEEK.format(code="lima-hari"))

    assert refused(answer) == (422, "refused")
    assert "sudah dipakai; buat kode baru" in answer.json()["detail"]


@pytest.mark.parametrize("what", ["employees", "org-units", "weeks", "rosters", "calendars", "policies"])
async def test_nobody_but_bkd_takes_files_over_and_nobody_without_a_reason(api: httpx.AsyncClient, office: Office, what: str) -> None:
    for who in (acting("admin"), acting("unit_officer", units=(office.unit,)), acting("inspectorate"), acting("employee", office.employee)):
        assert refused(await send(api, what, "x", who)) == (403, "forbidden")
    assert refused(await api.post(f"/v1/{what}:import", content=b"x", headers=keyed())) == (422, "invalid-request")
    assert refused(await api.post(f"/v1/{what}:import", content=b"x", params={"reason": "SK"})) == (400, "idempotency-key-missing")


async def test_the_audit_topic_is_told_who_and_why(api: httpx.AsyncClient, office: Office) -> None:
    actor = f"bkd-{uuid4()}"
    await send(api, "weeks", WEEK.format(code=f"W-{uuid4().hex[:8]}"), acting("bkd", actor))

    async with office.lanes.pool.acquire() as connection:
        rows = await connection.fetch(
            "select convert_from(value, 'UTF8')::jsonb->>'action' as action, convert_from(value, 'UTF8')::jsonb->'detail'->>'reason' as why"
            " from outbox where topic = 'hadir.schedule.audit.v1' and key = $1", actor.encode())
    assert {(row["action"], row["why"]) for row in rows} == {("weeks.import", "SK 800/1/2026"), ("publish-weeks", None)}


async def test_rules_of_approval_are_shown_and_put_in_force_from_a_file(api: httpx.AsyncClient) -> None:
    shipped = SHIPPED.read_text()
    own = shipped.replace("paper: optional", "paper: required", 1)
    assert refused(await send(api, "approval-rules", own, acting("supervisor", units=(uuid4(),)))) == (403, "forbidden")
    wrong = await send(api, "approval-rules", shipped.replace("requests:", "request:", 1))
    assert refused(wrong) == (422, "refused")
    assert "persetujuan.yaml:" in wrong.json()["detail"]

    before = (await read(api, "/approval-rules"))["rules"]
    done = await send(api, "approval-rules", own)
    assert done.status_code == 200, done.text
    assert done.json()["version"] >= 1
    assert (await read(api, "/approval-rules", acting("employee", uuid4())))["rules"] == done.json()["rules"] != before
    assert (await send(api, "approval-rules", shipped)).json()["rules"] == before


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_what_is_exported_is_imported_again_and_changes_nothing(api: httpx.AsyncClient, office: Office, form: str) -> None:
    await commands.publish_employees(office.lanes, [Office(office.lanes, unit=office.unit).person(played_clock=None)])
    month = f"{MONDAY:%Y-%m}"
    for what, query in (("employees", {}), ("org-units", {}), ("rosters", {"month": month})):
        given = await api.get(f"/v1/{what}:export", params={"format": form, **query})
        assert given.status_code == 200, given.text
        assert given.headers["content-disposition"].endswith(f'.{form}"')
        again = (await send(api, what, given.content)).json()
        assert (again["new"], again["changed"]) == (0, 0), (what, again)
        assert what == "rosters" or again["unchanged"] >= 1
        refusing = await api.get(f"/v1/{what}:export", params=query, headers=acting("admin"))
        assert refused(refusing) == (403, "forbidden")
