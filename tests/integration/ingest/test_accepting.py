"""What is answered 202 stands in Kafka, once; what is asked again gets the same answer."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import ConsumerRecord

from shared.database import Connection
from shared.envelope import decode, derived_id
from shared.topics import AUDIT, CHECK_IN_RECORDED, WORK_REPORT_SUBMITTED

CheckIn = Callable[..., dict[str, Any]]
Records = Callable[..., Awaitable[list[ConsumerRecord[bytes, bytes]]]]
Audits = Callable[[dict[str, Any]], Awaitable[list[dict[str, Any]]]]


async def test_an_accepted_check_in_stands_in_kafka_with_its_envelope(
    shared_ingest: Any, a_check_in: CheckIn, records: Records
) -> None:
    body = a_check_in(evidence={"reference": "foto/1.jpg", "sha256": "0" * 64})

    async with shared_ingest.client() as client:
        answer = await client.post("/v1/check-ins", json=body)

    assert answer.status_code == 202
    assert answer.json()["check_in_id"] == body["check_in_id"]
    (record,) = await records(body)
    headers = {name: value.decode() for name, value in record.headers}
    assert record.key == body["employee_id"].encode()
    assert headers["ce_id"] == headers["ce_correlationid"] == body["check_in_id"]
    assert headers["ce_type"] == CHECK_IN_RECORDED.ce_type
    event = decode(CHECK_IN_RECORDED, record.value)
    assert str(event.check_in_id) == body["check_in_id"]
    assert event.received_at == datetime.fromisoformat(answer.json()["received_at"])


async def test_a_work_report_is_accepted_in_the_same_way(
    shared_ingest: Any, employees: list[UUID], records: Records
) -> None:
    body = {"report_id": str(uuid4()), "employee_id": str(employees[0]), "work_date": "2026-01-05",
            "submitted_at": "2026-01-05T16:20:00+07:00", "reference": "laporan/1.pdf"}

    async with shared_ingest.client() as client:
        first = await client.post("/v1/work-reports", json=body)
        again = await client.post("/v1/work-reports", json=body)
        other = await client.post("/v1/work-reports", json={**body, "reference": "laporan/2.pdf"})

    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert first.content == again.content
    record = (await records(body, WORK_REPORT_SUBMITTED))[0]
    assert decode(WORK_REPORT_SUBMITTED, record.value).reference == "laporan/1.pdf"


async def test_the_same_statement_gets_the_same_receipt_and_is_published_once(
    shared_ingest: Any, a_check_in: CheckIn, records: Records, receipts: Connection,
    eventually: Callable[..., Awaitable[None]],
) -> None:  # fmt: skip
    body = a_check_in()

    async def published() -> bool:
        return bool(await receipts.fetchval("select published from receipt where id = $1", UUID(body["check_in_id"])))

    async with shared_ingest.client() as client:
        first = await client.post("/v1/check-ins", json=body)
        await eventually(published)
        retold = dict(reversed({**body, "captured_at": "2026-01-05T00:24:10Z", "mock": False}.items()))
        again = await client.post("/v1/check-ins", json=retold)

    assert first.content == again.content
    assert "Hadir-Replayed" not in first.headers
    assert again.headers["Hadir-Replayed"] == "true"
    assert len(await records(body)) == 1


async def test_another_statement_under_the_same_id_is_a_conflict(shared_ingest: Any, a_check_in: CheckIn) -> None:
    body = a_check_in()

    async with shared_ingest.client() as client:
        await client.post("/v1/check-ins", json=body)
        answer = await client.post("/v1/check-ins", json={**body, "mark": "out"})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "id-conflict"


async def test_an_id_with_many_other_statements_stands_on_the_audit_topic_once_and_nothing_of_what_they_said(
    shared_ingest: Any, a_check_in: CheckIn, audits: Audits, records: Records, eventually: Callable[..., Awaitable[Any]]
) -> None:
    body, untouched = a_check_in(), a_check_in()
    others = [{**body, "accuracy_m": 100 + number} for number in range(30)]

    async with shared_ingest.client() as client:
        first = await client.post("/v1/check-ins:batch", json={"check_ins": [body, others[0], untouched]})
        assert await audits(body)  # it was there before its 409
        answers = await asyncio.gather(*(client.post("/v1/check-ins", json=other) for other in others))
        again = await client.post("/v1/check-ins", json=body)

    results = first.json()["results"]
    assert [result["status"] for result in results] == [202, 409, 202]
    assert {answer.status_code for answer in answers} == {409}
    assert again.json()["received_at"] == results[0]["received_at"]
    [told] = await audits(body)
    at = datetime.fromisoformat(told.pop("at"))
    assert at == datetime.fromisoformat(told["detail"].pop("accepted_at")) == datetime.fromisoformat(results[0]["received_at"])
    assert told == {
        "audit_id": told["audit_id"], "actor": body["employee_id"], "action": "id.contested", "subject": body["check_in_id"],
        "detail": {"topic": CHECK_IN_RECORDED.name},
    }  # fmt: skip
    assert await audits(untouched) == []
    event_id = str(derived_id(AUDIT["ingest"], told["audit_id"], 1))
    on_topic = await eventually(lambda: records({**body, "check_in_id": event_id}, AUDIT["ingest"]))
    assert [decode(AUDIT["ingest"], record.value).subject for record in on_topic] == [body["check_in_id"]]


async def test_a_hundred_impatient_retries_at_once_get_one_receipt(shared_ingest: Any, a_check_in: CheckIn) -> None:
    body = a_check_in()

    async with shared_ingest.client() as client:
        answers = await asyncio.gather(*(client.post("/v1/check-ins", json=body) for _ in range(100)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1


async def test_one_bad_item_of_a_batch_does_not_spoil_the_others(
    shared_ingest: Any, a_check_in: CheckIn, records: Records
) -> None:
    good, twin = a_check_in(), a_check_in()
    items = [good, a_check_in(latitude=91), a_check_in(employee_id=str(uuid4())), 7, twin, twin, {**twin, "mark": "out"}]

    async with shared_ingest.client() as client:
        answer = await client.post("/v1/check-ins:batch", json={"check_ins": items})

    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(7))
    assert [result["status"] for result in results] == [202, 422, 422, 422, 202, 202, 409]
    assert [result.get("code") for result in results[1:4]] == ["invalid-body", "unknown-employee", "invalid-body"]
    assert results[1]["errors"][0]["field"] == "latitude"
    assert results[1]["check_in_id"] == items[1]["check_in_id"]  # type: ignore[index]  # a dict, as made above
    assert results[4]["received_at"] == results[5]["received_at"]
    assert len(await records(good)) == 1
    assert len(await records(twin)) == 1


async def test_a_batch_of_five_hundred_is_accepted_whole(shared_ingest: Any, a_check_in: CheckIn) -> None:
    items = [a_check_in() for _ in range(500)]

    async with shared_ingest.client() as client:
        answer = await client.post("/v1/check-ins:batch", json={"check_ins": items})
        more = await client.post("/v1/check-ins:batch", json={"check_ins": [*items, a_check_in()]})

    assert answer.status_code == 207
    assert {result["status"] for result in answer.json()["results"]} == {202}
    assert (more.status_code, more.json()["code"]) == (422, "batch-size")


async def test_an_employee_becomes_known_while_ingest_runs(
    shared_ingest: Any, a_check_in: CheckIn, publish_employee: Callable[..., Awaitable[UUID]],
    eventually: Callable[..., Awaitable[None]], now: Callable[..., str],
) -> None:  # fmt: skip
    newcomer = uuid4()
    body = a_check_in(employee_id=str(newcomer), captured_at=now())

    async with shared_ingest.client() as client:
        before = await client.post("/v1/check-ins", json=body)
        await publish_employee(employee_id=newcomer)

        async def accepted() -> bool:
            return bool((await client.post("/v1/check-ins", json=body)).status_code == 202)

        await eventually(accepted)
        early = await client.post("/v1/check-ins", json=a_check_in(employee_id=str(newcomer), captured_at=now(minutes=20)))
        stranger = await client.post("/v1/check-ins", json=a_check_in(org_unit_id=str(uuid4())))
        await publish_employee(employee_id=newcomer, version=2, active=False)

        async def refused() -> bool:
            answer = await client.post("/v1/check-ins", json=a_check_in(employee_id=str(newcomer), captured_at=now()))
            return str(answer.json().get("code")) == "inactive-employee"

        await eventually(refused)
        replayed = await client.post("/v1/check-ins", json=body)

    assert (before.status_code, before.json()["code"]) == (422, "unknown-employee")
    assert before.json()["errors"][0]["field"] == "employee_id"
    assert early.json()["code"] == "captured-in-future"
    assert stranger.json()["code"] == "org-unit-mismatch"
    assert replayed.status_code == 202, "what was once accepted keeps its answer, whatever became of the employee"


async def test_the_logs_hold_no_personal_data(shared_ingest: Any, a_check_in: CheckIn) -> None:
    body = a_check_in(reason="alasan-rahasia")
    async with shared_ingest.client() as client:
        for changed in ({}, {"mark": "out"}, {"latitude": 91}, {"mark": "rahasia"}):
            await client.post("/v1/check-ins", json={**body, **changed})

    log = shared_ingest.child.log.read_text()
    for secret in ("perangkat-rahasia", "alasan-rahasia", "-3.79565", "102.2595", "199001012015011001", "Nama Rahasia"):
        assert secret not in log
