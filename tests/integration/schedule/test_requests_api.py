"""Requests, deputies and steps of the ladder over HTTP: the same words and refusals as at the command line, once for each key."""

import datetime as dt
from collections.abc import AsyncIterator

import httpx
import pytest

from services.schedule.api import create_app
from tests.calling import acting, keyed, read, refused, serving
from tests.integration.schedule.office import DAY, MONDAY, Office, at

PAPER = {"number": "800/3/2026", "date": "2026-02-06"}


@pytest.fixture
async def api(schedule_database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app, "schedule", schedule_database) as client:
        yield client


def by(actor: dict[str, str]) -> dict[str, str]:
    """Headers of a new command by somebody."""
    return {**actor, **keyed()}


async def test_a_leave_goes_from_request_to_day_over_http_and_a_repeated_decision_is_one(api: httpx.AsyncClient, office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    me = acting("employee", office.employee)
    asked = {
        "kind": "leave.sick", "employee_id": str(office.employee), "body": {"from": str(MONDAY), "to": str(MONDAY)}, "reason": "demam",
        "document": PAPER,
    }  # fmt: skip
    made = await api.post("/v1/requests", json=asked, headers=by(me))
    assert made.status_code == 201, made.text
    request_id = made.json()["request_id"]
    head = acting("supervisor", units=(office.unit,))
    listed = await read(api, "/requests", head, waiting_for="supervisor", employee_id=office.employee)
    assert [one["request_id"] for one in listed["items"]] == [request_id]
    word = {"action": "approve", "reason": "disetujui"}
    own = await api.post(f"/v1/requests/{request_id}/decisions", json=word, headers=by(me))
    assert refused(own) == (403, "forbidden")

    headers = by(head)
    first = await api.post(f"/v1/requests/{request_id}/decisions", json=word, headers=headers)
    again = await api.post(f"/v1/requests/{request_id}/decisions", json=word, headers=headers)
    assert (first.status_code, first.json()["state"], again.headers["hadir-replayed"]) == (200, "approved", "true")
    await office.work_off()

    assert (await office.the_day(MONDAY))["status"] == "LEAVE"
    trail = (await read(api, f"/requests/{request_id}", me))["trail"]
    assert [(one["number"], one["action"], one["document"]) for one in trail] == [
        (1, "request", {**PAPER, "sha256": None}), (2, "approve", None)]


async def test_a_refusal_over_http_is_a_sentence_in_indonesian(api: httpx.AsyncClient, office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    asked = {"kind": "duty-travel", "employee_id": str(office.employee), "reason": "rapat",
             "body": {"from": str(MONDAY), "to": str(MONDAY), "destination": "Jakarta"}}
    answer = await api.post("/v1/requests", json=asked, headers=by(acting("employee", office.employee)))
    assert refused(answer) == (422, "refused")
    assert "harus menyebut dokumennya" in answer.json()["detail"]


async def test_a_step_has_its_dossier_and_is_decided_once_by_somebody_who_may(api: httpx.AsyncClient, office: Office) -> None:
    await office.tick(at(MONDAY + 2 * DAY, "21:00"))
    path = f"/discipline/{office.employee}/ORAL_WARNING/{MONDAY + 2 * DAY}"
    dossier = await read(api, path)
    assert [(day["date"], day["version"], day["absent"]) for day in dossier["days"]] == [
        (str(MONDAY + n * DAY), 1, True) for n in range(3)]
    assert (dossier["step"]["name"], dossier["absent_now"]) == ("Teguran lisan", 3)

    body = {"document": PAPER, "reason": "hasil pemeriksaan"}
    own = await api.post(f"/v1{path}/decision", json=body, headers=by(acting("employee", office.employee)))
    assert refused(own) == (403, "forbidden")
    done = await api.post(f"/v1{path}/decision", json=body, headers=by(acting("bkd")))
    assert (done.status_code, done.json()["action"], done.json()["version"]) == (200, "decided", 2), done.text
    refusal = await api.post(f"/v1{path}/withdrawal", json={"reason": "keliru"}, headers=by(acting("bkd")))
    assert "harus menyebut dokumen" in refusal.json()["detail"]
    told = await office.published("hadir.discipline.v1")
    assert (told[-1]["action"], told[-1]["document"]["number"]) == ("decided", "800/3/2026")


async def test_a_deputy_is_appointed_by_the_principal_or_by_the_personnel_agency_only(api: httpx.AsyncClient, office: Office) -> None:
    # any date: WIB, by which deputies are asked for, is on this date or the next, and the deputy is there on both
    today = dt.datetime.now(dt.UTC).date()
    body = {"principal": "kadis-http", "deputy": "sekretaris-http", "role": "supervisor", "since": str(today), "until": str(today + DAY),
            "reason": "cuti"}
    stranger = acting("supervisor", "orang-lain", units=(office.unit,))
    assert refused(await api.post("/v1/deputies", json=body, headers=by(stranger))) == (403, "out-of-reach")
    own = acting("supervisor", "kadis-http", units=(office.unit,))
    made = await api.post("/v1/deputies", json=body, headers=by(own))
    assert (made.status_code, made.json()["units"]) == (201, [str(office.unit)]), made.text
    listed = await read(api, "/deputies", acting("bkd"), on=today)
    assert made.json()["deputy_id"] in [one["deputy_id"] for one in listed["items"]]


async def test_what_amnesty_would_turn_is_told_to_who_decides_and_changes_nothing(api: httpx.AsyncClient, office: Office) -> None:
    await office.tick(at(MONDAY, "20:00"))
    body = {"from": at(MONDAY, "07:00").isoformat(), "to": at(MONDAY, "08:00").isoformat()}
    asked = {"kind": "outage", "org_unit_id": str(office.unit), "body": body, "reason": "server mati"}
    made = await api.post("/v1/requests", json=asked, headers=by(acting("bkd", "bkd-1")))
    assert made.status_code == 201, made.text
    path = f"/requests/{made.json()['request_id']}/effect"
    await office.work_off()
    version = (await office.the_day(MONDAY))["version"]

    assert await read(api, path) == {"days": 1, "turns": [{"refused": "ABSENT TK", "granted": "PRESENT PSW4", "days": 1}]}
    assert (await office.the_day(MONDAY))["version"] == version
    assert refused(await api.get(f"/v1{path}", headers=acting("supervisor", units=(office.unit,)))) == (403, "out-of-reach")
    assert refused(await api.get("/v1/requests/00000000-0000-0000-0000-000000000001/effect")) == (422, "refused")
