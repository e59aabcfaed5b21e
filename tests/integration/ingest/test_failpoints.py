"""Ingest killed at every named boundary, over and over: what was answered 202 is in Kafka, and a retry tells the same.

HADIR_KILLS=20 kills at each point twenty times instead of once (`make failpoints`).
"""

import asyncio
import signal
from collections import Counter
from typing import Any

import httpx
import pytest

from shared.failpoints import POINTS
from shared.reading import consuming, partitions_of, to_the_ends
from shared.topics import CHECK_IN_RECORDED
from tests.chosen import whole
from tests.faults.boundaries import note
from tests.integration.ingest.conftest import CheckIn, Running, Start

KILLS = whole("HADIR_KILLS", 1, least=1)
STATEMENTS, FURTHEST = 3 * KILLS, 20
"""How many kills at statements, and after how many it begins again: a start needs some twenty statements, a request two to four."""
POINTS_OF_INGEST = sorted(point for point in POINTS if point.startswith("ingest-"))


def plan() -> list[str]:
    """Every kill of this run, as HADIR_FAILPOINT wants it."""
    kills = [f"{point}:kill@{1 + turn}" for turn in range(KILLS) for point in POINTS_OF_INGEST]
    return kills + [f"statement:kill@{24 + 5 * (turn % FURTHEST)}" for turn in range(STATEMENTS)]


async def ask(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any] | None:
    """The receipt of an accepted check-in; None when there was no answer, or another one. Raises if nobody is there."""
    try:
        answer = await client.post("/v1/check-ins", json=body)
    except httpx.ConnectError:
        raise
    except httpx.TransportError:
        return None
    said: dict[str, Any] = answer.json()
    return said if answer.status_code == 202 else None


async def values_by_id(kafka: str) -> dict[str, set[bytes | None]]:
    """Every value that stands on the topic, by the id of the check-in; other tests leave poison without one there."""
    found: dict[str, set[bytes | None]] = {}
    async with consuming(kafka, "test") as consumer:
        async for record in to_the_ends(consumer, dict.fromkeys(partitions_of(CHECK_IN_RECORDED), 0)):
            headers = dict(record.headers)
            if "ce_id" in headers:
                found.setdefault(headers["ce_id"].decode(errors="replace"), set()).add(record.value)
    return found


@pytest.mark.timeout(120 + 12 * 7 * KILLS)
async def test_ingest_that_dies_at_any_named_point_keeps_its_word(
    start: Start, shared_ingest: Running, a_check_in: CheckIn, kafka: str
) -> None:
    bodies: list[dict[str, Any]] = []
    receipts: dict[str, dict[str, Any]] = {}
    killed: Counter[str] = Counter()
    for kill in plan():
        ingest = start(failpoint=kill)
        async with ingest.client() as client:
            while ingest.child.alive():
                some = [a_check_in() for _ in range(5)]
                answers = await asyncio.gather(*(ask(client, body) for body in some), return_exceptions=True)
                heard = [pair for pair in zip(some, answers, strict=True) if not isinstance(pair[1], httpx.ConnectError)]
                bodies += [body for body, _ in heard]
                receipts |= {body["check_in_id"]: told for body, told in heard if isinstance(told, dict)}
                await asyncio.sleep(0.02)
        assert ingest.wait() == -signal.SIGKILL, ingest.child.last_words(30)
        killed[kill.partition(":")[0]] += 1
    print(f"\nkilled at each point: {dict(sorted(killed.items()))}; {len(receipts)} of {len(bodies)} were answered 202")
    assert set(killed) == {*POINTS_OF_INGEST, "statement"}
    assert receipts

    values = await values_by_id(kafka)
    assert set(receipts) <= set(values)
    async with shared_ingest.client() as client:
        for body in bodies:
            again = await ask(client, body)
            assert again
            told = receipts.get(body["check_in_id"], again)
            assert again["received_at"] == told["received_at"]
    values = await values_by_id(kafka)
    assert {body["check_in_id"] for body in bodies} <= set(values)
    ours = [values[body["check_in_id"]] for body in bodies]
    assert {len(same) for same in ours} == {1}, "the same id carries the same bytes, however often"
    note("ingest", killed)
