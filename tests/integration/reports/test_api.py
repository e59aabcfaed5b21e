"""The API of the reports on a real database: the same receipt as `hadir explain`, for whom it concerns, and read only."""

import datetime as dt
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.reports.api import create_app, tables
from services.reports.recap import read_recap
from shared.events import Mode
from tests.calling import acting, read, refused, serving
from tests.integration.reports.conftest import CLOCK, FEB_2, UNIT

VERIFIER = Path(__file__).parents[3] / "docs" / "verify_receipt.py"


async def test_a_receipt_is_told_to_whom_it_concerns_and_verifies(books: Any, tmp_path: Path) -> None:
    await books.told()
    path = f"/v1/receipts/{books.me}/2026-02"
    async with serving(create_app, None, books.database) as api:
        receipt = await api.get(path, headers=acting("employee", books.me))
        assert receipt.status_code == 200, receipt.text
        assert receipt.content == (await api.get(path)).content
        assert receipt.json()["employee"]["id"] == str(books.me)
        assert "9" * 18 not in receipt.text
        slip = await api.get(f"{path}/slip", headers=acting("payroll_officer"))
        assert "TK: 3,00 % × TPP Rp 1.000.000 = Rp 30.000" in slip.text
        assert "9" * 18 in slip.text
        one_day = (await api.get(path, params={"date": "2026-02-02"})).json()
        assert [day["date"] for day in one_day["days"]] == ["2026-02-02"]

        assert refused(await api.get(path, headers=acting("employee", uuid4()))) == (403, "out-of-reach")
        for role in ("admin", "supervisor", "unit_officer"):
            answer = await api.get(path, headers=acting(role, units=(uuid4(),)))
            assert refused(answer) == (403, "forbidden"), role
        assert refused(await api.get(f"/v1/receipts/{uuid4()}/2026-02")) == (404, "unknown")
        assert refused(await api.get(f"/v1/receipts/{books.me}/2025-01")) == (404, "unknown")
        assert refused(await api.get(f"/v1/receipts/{books.me}/2026-13")) == (422, "invalid-request")
        assert refused(await api.get(path, params={"date": "2026-03-01"})) == (422, "invalid-request")
    written = tmp_path / "slip.json"
    written.write_bytes(receipt.content)
    checked = subprocess.run([sys.executable, "-I", str(VERIFIER), str(written)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "accepted\n"), checked.stderr


@pytest.fixture
async def api(books: Any) -> AsyncIterator[httpx.AsyncClient]:
    await books.told()
    day = books.day.model_copy(update={"date": FEB_2 + dt.timedelta(days=1), "mode": Mode.WFA, "findings": (), "late": 4})
    content = day.model_dump_json().replace('"ABSENT"', '"PRESENT"')
    await books.connection.execute(
        "insert into schedule.assessment values ($1, $2, 1, 'FINAL', 'PRESENT', $3)", books.me, FEB_2 + dt.timedelta(days=1), content)
    async with serving(create_app, None, books.database) as client:
        yield client


RECAP = {"month": "2026-02", "clock": CLOCK}
DAY = {"date": "2026-02-03", "clock": CLOCK}


async def test_a_recap_is_told_as_json_and_as_every_file_with_the_ledger_s_sum(books: Any, api: httpx.AsyncClient, tmp_path: Path) -> None:
    told = await read(api, "/reports/recap", **RECAP)
    columns = [column["name"] for column in told["tables"][0]["columns"]]
    [row] = told["tables"][0]["rows"]
    one = dict(zip(columns, row, strict=True))
    assert (one["NIP"], one["Potongan"], one["TK"]) == ("9" * 18, 30_000, 1)
    assert dict(zip(columns, told["tables"][0]["totals"], strict=True))["Potongan"] == 30_000

    for form, media, begins in (
        ("csv", "text/csv", b"\xef\xbb\xbf"), ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("pdf", "application/pdf", b"%PDF"), ("text", "text/plain", b"REKAPITULASI"),
    ):  # fmt: skip
        asked = await api.get("/v1/reports/recap", params={**RECAP, "format": form})
        accepted = await api.get("/v1/reports/recap", params=RECAP, headers={"Accept": f"{media}, */*"})
        assert asked.status_code == accepted.status_code == 200
        assert asked.headers["content-type"].partition(";")[0] == accepted.headers["content-type"].partition(";")[0] == media
        assert asked.content.startswith(begins)
        assert form == "text" or asked.headers["content-disposition"] == f'attachment; filename="rekap-semua-2026-02.{form}"'
    written = tmp_path / "rekap.csv"
    written.write_bytes((await api.get("/v1/reports/recap", params={**RECAP, "format": "csv"})).content)
    assert read_recap(written) == ({"9" * 18: (2, 30_000)}, [])
    units = await read(api, "/reports/recap", by="unit", org_unit_id=UNIT, **RECAP)
    assert units["tables"][0]["rows"][0][0] == "DINKES"


async def test_days_from_anywhere_and_the_evaluation_are_told(api: httpx.AsyncClient) -> None:
    compliance = await read(api, "/reports/compliance", **DAY)
    assert compliance["tables"][0]["rows"][0][:5] == ["DINKES", "Dinas Contoh", 1, 0, 1]
    listed = await read(api, "/reports/wfa", **DAY)
    assert listed["tables"][0]["rows"][0][:2] == ["DINKES", "9" * 18]

    evaluated = await read(
        api, "/reports/evaluation", month="2026-02", clock=CLOCK, rating=["DINKES;2026-02;masyarakat;120;82,5"], energy="1,8;1500;rekening")
    assert "rekening" in " ".join(evaluated["notes"])
    assert any("82.50" in map(str, row) for table in evaluated["tables"] for row in table["rows"])
    ratings = ["DINKES;2026-02;masyarakat;10;80", "X;x;y;0;101"]
    wrong = await api.get("/v1/reports/evaluation", params={"month": "2026-02", "rating": ratings})
    assert refused(wrong) == (422, "invalid-request")
    assert {fault["field"] for fault in wrong.json()["errors"]} == {"rating.1"}
    assert refused(await api.get("/v1/reports/evaluation", params={"month": "2026-02", "energy": "2"})) == (422, "invalid-request")
    unknown = await api.get("/v1/reports/evaluation", params={"month": "2026-02", "rating": "TIDAKADA;2026-02;masyarakat;10;80"})
    assert refused(unknown) == (422, "refused")
    assert "TIDAKADA" in unknown.json()["detail"]


async def test_reports_are_told_to_those_who_may_see_the_people_and_no_further(api: httpx.AsyncClient) -> None:
    own, other = acting("unit_officer", units=(UNIT,)), acting("supervisor", units=(uuid4(),))
    told = await read(api, "/reports/recap", own, **RECAP)
    assert told["head"][0] == "Unit kerja: Dinas Contoh (DINKES)"
    assert (await read(api, "/reports/wfa", own, **DAY))["tables"][0]["rows"]

    assert refused(await api.get("/v1/reports/recap", params=RECAP, headers=other)) == (403, "forbidden")
    for path in ("compliance", "wfa"):
        narrowed = DAY | {"org_unit_id": str(UNIT)}
        assert refused(await api.get(f"/v1/reports/{path}", params=narrowed, headers=other)) == (403, "out-of-reach")
        for role in ("admin", "payroll_officer"):
            assert refused(await api.get(f"/v1/reports/{path}", params=DAY, headers=acting(role))) == (403, "forbidden")
    two = acting("unit_officer", units=(UNIT, uuid4()))
    assert refused(await api.get("/v1/reports/recap", params=RECAP, headers=two)) == (403, "out-of-reach")
    assert refused(await api.get("/v1/reports/evaluation", params={"month": "2026-02"}, headers=own)) == (403, "forbidden")
    for role in ("admin", "employee"):
        answer = await api.get("/v1/reports/recap", params=RECAP, headers=acting(role, uuid4()))
        assert refused(answer) == (403, "forbidden")
    assert refused(await api.get("/v1/reports/recap", params={**RECAP, "org_unit_id": str(uuid4())})) == (404, "unknown")


async def test_a_report_that_is_too_long_for_its_form_says_what_to_do(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tables.MOST_ROWS, "pdf", 0)
    answer = await api.get("/v1/reports/recap", params={**RECAP, "format": "pdf"})

    assert refused(answer) == (422, "report-too-long")
    assert (await api.get("/v1/reports/recap", params={**RECAP, "format": "csv"})).status_code == 200
