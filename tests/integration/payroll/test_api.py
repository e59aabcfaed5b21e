"""The API of payroll, on months that payroll itself has folded."""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.payroll.api import create_app
from shared.events import DayAssessed
from shared.policy import Policy
from tests.calling import acting, read, refused, serving

PACK = Policy.from_content({"tk_day": "3.00"})


@pytest.fixture
async def api(fresh_database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app, "payroll", fresh_database) as client:
        yield client


async def test_months_ledger_and_ceilings_are_told_as_far_as_each_role_reaches(
    api: httpx.AsyncClient, payroll: Any, absence: Callable[..., DayAssessed]
) -> None:
    people = sorted(uuid4() for _ in range(3))
    await payroll.publish(PACK)
    for person in people:
        await payroll.set_ceiling(person, "2026-02", 4_000_000)
        await payroll.hear(absence(person, dt.date(2026, 2, 3), PACK), absence(person, dt.date(2026, 2, 4), PACK))

    months: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = await read(api, "/months", month="2026-02", limit=2, **after)
        months += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [one["employee_id"] for one in months] == [str(person) for person in people]
    assert {(one["closed"], one["days_assessed"], one["ceiling"]) for one in months} == {(False, 2, 4_000_000)}
    assert await read(api, f"/months/{people[0]}/2026-02") == months[0]

    own = acting("employee", people[1])
    entries = (await read(api, "/ledger", own))["items"]
    assert {one["employee_id"] for one in entries} == {str(people[1])}
    assert sum(one["amount"] for one in entries) == months[1]["amount"] > 0
    assert [one["number"] for one in entries] == list(range(1, len(entries) + 1))
    assert (await read(api, "/ceilings", own))["items"] == [
        {"employee_id": str(people[1]), "month": "2026-02", "version": 1, "amount": 4_000_000, "static_tkd": None, "wage": None}]
    assert await read(api, "/balance") == {
        "months": 3, "entries": sum(one["entries"] for one in months), "rupiah": sum(one["amount"] for one in months),
        "different": 0, "differences": []}

    assert refused(await api.get(f"/v1/months/{people[0]}/2026-02", headers=own)) == (403, "out-of-reach")
    assert refused(await api.get("/v1/ledger", params={"employee_id": str(people[0])}, headers=own)) == (403, "out-of-reach")
    assert refused(await api.get("/v1/balance", headers=own)) == (403, "forbidden")
    assert refused(await api.get("/v1/months", headers=acting("unit_officer", units=(uuid4(),)))) == (403, "forbidden")
    assert refused(await api.get(f"/v1/months/{uuid4()}/2026-02")) == (404, "unknown")
    assert refused(await api.get("/v1/months", params={"month": "2026-13"})) == (422, "invalid-request")
