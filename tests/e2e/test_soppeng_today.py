"""Soppeng 2022 again, today and by the real clock: an operator edits the start of work over HTTP while somebody checks in."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.calling import acting, keyed

PACKS = (Path(__file__).parents[2] / "services" / "schedule" / "policies" / "golden-policies.yaml").read_text()
PEOPLE = "nip;name;kind;group;org_unit;since\n{nip};Contoh Sintetis;PNS;pelaksana;{unit};{since}\n"


@pytest.mark.timeout(600)
async def test_no_edit_of_the_morning_takes_force_while_its_check_in_window_is_open(house: Any) -> None:
    code, nip = f"SOPPENG-{uuid4().hex[:8]}", f"97{uuid4().int % 10**16:016}"
    other = f"{code}-2"
    # any date: read once; the roster owes work on a free day too, and the window of a day stays open past its midnight
    now = dt.datetime.now(ZoneInfo("Asia/Makassar"))
    today, tomorrow = now.date(), now.date() + dt.timedelta(days=1)
    start, end = f"{now:%H:%M}", f"{now + dt.timedelta(hours=8):%H:%M}"
    earlier = f"{now - dt.timedelta(minutes=30):%H:%M}"
    pack = f"PAGI-{code}: {{legal_source: Perbup Contoh 7/2022, note: {code}, tk_day: '3'}}\n"

    async with httpx.AsyncClient(base_url=house.addresses["schedule_api"], timeout=120, headers=acting("bkd", "operator-soppeng")) as api:

        async def send(what: str, body: str, **query: Any) -> httpx.Response:
            params = {"reason": "mengubah jam masuk", **query}
            return await api.post(f"/v1/{what}:import", content=body.encode(), headers=keyed(), params=params)

        def roster(date: dt.date, hours: str) -> str:
            return f"nip;date;mode;start;end\n{nip};{date};WFO;{hours};{end}\n"

        async def edits(date: dt.date) -> list[httpx.Response]:
            """The same edit by each road: other rules, an earlier start, another unit."""
            return [
                await send("policies", pack, in_force=[f"PAGI-{code}@{date}@{code}"]),
                await send("rosters", roster(date, earlier)),
                await send("employees", PEOPLE.format(nip=nip, unit=other, since=date)),
            ]

        # The day as it was published: duty begins now, so that its check-in window is open for two hours.
        for what, body, query in (
            ("org-units", f"code;name;timezone\n{code};Dinas Contoh;WITA\n{other};Kecamatan Contoh;WITA\n", {}),
            ("employees", PEOPLE.format(nip=nip, unit=code, since=today), {}), ("rosters", roster(today, start), {}),
            ("policies", PACKS, {"in_force": [f"POL-A@{today}@{code}", f"POL-B@{today}@{other}"]}),
        ):  # fmt: skip
            answer = await send(what, body, **query)
            assert answer.json()["applied"], answer.text

        for answer in await edits(today):
            assert answer.status_code == 422, answer.text
            assert "jendela absen masuknya sedang terbuka" in answer.json()["detail"]
            assert "sesudah hari ini" in answer.json()["detail"]
        for answer in await edits(tomorrow):
            assert answer.json()["applied"], answer.text
        left = PEOPLE.replace("since\n", "since;active\n").rstrip() + ";tidak\n"  # nobody real stays behind in the house
        answer = await send("employees", left.format(nip=nip, unit=other, since=tomorrow))
        assert answer.json()["applied"], answer.text

    [row] = await house.fetch(
        "select r.days->0->>'start' as start, e.member_unit[1] = u.org_unit_id as mine, cardinality(e.member_unit) as units,"
        " (select count(*) from schedule.policy_in_force p where p.org_unit_id = u.org_unit_id and p.since = $3) as packs"
        " from schedule.roster r join schedule.employee e using (employee_id), schedule.org_unit u"
        " where e.nip = $1 and u.code = $2 and r.month = date_trunc('month', $3::date)::date", nip, code, today)
    assert (row["start"], row["mine"], row["units"], row["packs"]) == (start, True, 2, 1), "the morning is what it was"
