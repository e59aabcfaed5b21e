"""Several ingests share one truth, and none of them forgets it when it ends."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from aiokafka import ConsumerRecord

from shared.envelope import decode
from shared.topics import CHECK_IN_RECORDED

CheckIn = Callable[..., dict[str, Any]]
Records = Callable[..., Awaitable[list[ConsumerRecord[bytes, bytes]]]]
Start = Callable[..., Any]
Audits = Callable[[dict[str, Any]], Awaitable[list[dict[str, Any]]]]


async def test_of_two_statements_that_race_for_an_id_one_wins_everywhere(
    shared_ingest: Any, start: Start, a_check_in: CheckIn, records: Records, audits: Audits
) -> None:
    other_pod = await start().until_ready()
    races = [a_check_in() for _ in range(30)]

    async with shared_ingest.client() as one, other_pod.client() as two:

        async def race(body: dict[str, Any]) -> tuple[httpx.Response, httpx.Response]:
            first, second = await asyncio.gather(
                one.post("/v1/check-ins", json=body), two.post("/v1/check-ins", json={**body, "mark": "out"})
            )
            return first, second

        outcomes = await asyncio.gather(*(race(body) for body in races))
        won = ["in" if first.status_code == 202 else "out" for first, _ in outcomes]
        # Whoever is asked later says the same.
        for body, mark in zip(races, won, strict=True):
            for client in (one, two):
                assert (await client.post("/v1/check-ins", json={**body, "mark": mark})).status_code == 202
                lost = "out" if mark == "in" else "in"
                assert (await client.post("/v1/check-ins", json={**body, "mark": lost})).status_code == 409

    assert [sorted(answer.status_code for answer in answers) for answers in outcomes] == [[202, 409]] * len(races)
    assert {len(await audits(body)) for body in races} == {1}
    for body, mark in zip(races[:5], won[:5], strict=True):
        assert {decode(CHECK_IN_RECORDED, record.value).mark for record in await records(body)} == {mark}


async def test_overlapping_batches_at_two_pods_neither_lock_each_other_nor_differ(
    shared_ingest: Any, start: Start, a_check_in: CheckIn
) -> None:
    other_pod = await start().until_ready()
    items = [a_check_in() for _ in range(200)]

    async with shared_ingest.client() as one, other_pod.client() as two:
        answers = await asyncio.gather(*(
            client.post("/v1/check-ins:batch", json={"check_ins": order})
            for client in (one, two) for order in (items, items[::-1], items[50:], items[::2])
        ))  # fmt: skip

    told: dict[str, set[str]] = {}
    for answer in answers:
        assert answer.status_code == 207
        for result in answer.json()["results"]:
            assert result["status"] == 202
            told.setdefault(result["check_in_id"], set()).add(result["received_at"])
    assert len(told) == 200
    assert all(len(times) == 1 for times in told.values())


async def test_a_restart_forgets_nothing(start: Start, shared_ingest: Any, a_check_in: CheckIn) -> None:
    body = a_check_in()
    before = await start().until_ready()
    async with before.client() as client:
        first = await client.post("/v1/check-ins", json=body)
    before.send(signal.SIGTERM)
    assert before.wait() == 0

    after = await start().until_ready()
    async with after.client() as client:
        again = await client.post("/v1/check-ins", json=body)
        conflict = await client.post("/v1/check-ins", json={**body, "mark": "break"})

    assert first.content == again.content
    assert conflict.status_code == 409


async def test_sigterm_under_load_answers_what_was_taken_and_exits_0(
    start: Start, a_check_in: CheckIn, records: Records
) -> None:
    ingest = await start().until_ready()
    accepted: list[dict[str, Any]] = []
    outcomes: Counter[str] = Counter()
    stopping = asyncio.Event()

    async with ingest.client() as client:

        async def keep_asking() -> None:
            while True:
                body = a_check_in()
                try:
                    answer = await client.post("/v1/check-ins", json=body)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    outcomes[type(error).__name__] += 1
                    return
                outcomes[str(answer.status_code)] += 1
                if answer.status_code == 202:
                    accepted.append(body)
                if len(accepted) > 100:
                    stopping.set()

        asking = [asyncio.create_task(keep_asking()) for _ in range(20)]
        await asyncio.wait_for(stopping.wait(), 120)
        ingest.send(signal.SIGTERM)
        await asyncio.gather(*asking)

    assert await asyncio.to_thread(ingest.wait) == 0
    assert outcomes.keys() <= {"202", "ReadError", "RemoteProtocolError", "WriteError"}, outcomes
    for body in accepted[-5:]:
        assert len(await records(body)) == 1


async def test_a_taken_port_is_told_in_a_sentence(start: Start, shared_ingest: Any) -> None:
    port = shared_ingest.url.rpartition(":")[2]
    second = start(ingest_port=port)

    assert await asyncio.to_thread(second.wait) == 78
    assert f"cannot listen on 127.0.0.1:{port}" in second.child.log.read_text()


async def test_without_a_broker_the_process_lives_and_says_what_is_missing(
    start_anywhere: Start, fresh_database: str, eventually: Callable[..., Awaitable[None]]
) -> None:
    alone = start_anywhere("127.0.0.1:1", fresh_database)
    async with alone.client() as client:

        async def alive() -> bool:
            try:
                return bool((await client.get("/healthz")).status_code == 200)
            except httpx.TransportError:
                return False

        await eventually(alive)
        ready = await client.get("/readyz")

    assert ready.status_code == 503
    assert {"broker", "topics checked"} <= set(ready.json()["missing"])
