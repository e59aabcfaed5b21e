"""The phones of the simulator against a server that is busy, forgets to answer, or refuses."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.simulator.phones import Phones, SendingFailed

Answer = Callable[[list[str]], web.Response]


class Ingest:
    """Answers what it is told to, then accepts everything; remembers the ids of every request."""

    def __init__(self) -> None:
        self.planned: list[Answer] = []
        self.asked: list[list[str]] = []

    async def batch(self, request: web.Request) -> web.Response:
        ids = [item["check_in_id"] for item in (await request.json())["check_ins"]]
        self.asked.append(ids)
        return self.planned.pop(0)(ids) if self.planned else results(207, [202] * len(ids))

    async def single(self, request: web.Request) -> web.Response:
        ids = [(await request.json())["check_in_id"]]
        self.asked.append(ids)
        return self.planned.pop(0)(ids) if self.planned else web.json_response({}, status=202)


def results(status: int, each: list[int], **headers: str) -> web.Response:
    told = [{"index": n, "status": code, "code": "some-code"} for n, code in enumerate(each)]
    return web.json_response({"results": told}, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture
async def ingest() -> AsyncIterator[tuple[Ingest, str]]:
    told = Ingest()
    app = web.Application()
    app.router.add_post("/v1/check-ins:batch", told.batch)
    app.router.add_post("/v1/check-ins", told.single)
    server = TestServer(app)
    await server.start_server()
    try:
        yield told, str(server.make_url("/"))
    finally:
        await server.close()


class Waits(list[float]):
    """Waiting takes no time here; the seconds asked for are noted."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def bodies(count: int) -> list[dict[str, Any]]:
    return [{"check_in_id": f"id-{number}"} for number in range(count)]


async def test_only_what_was_not_accepted_is_sent_again_with_the_same_ids(ingest: tuple[Ingest, str]) -> None:
    told, address = ingest
    told.planned = [lambda _ids: results(503, [202, 503, 202, 500], Retry_After="3")]
    async with Phones(address, sleep=Waits()) as sender:
        await sender.check_ins(bodies(4))

    assert told.asked == [["id-0", "id-1", "id-2", "id-3"], ["id-1", "id-3"]]
    assert (sender.tally.sent, sender.tally.accepted, sender.tally.retries) == (4, 4, 1)


async def test_a_503_is_waited_out_for_as_long_as_the_server_asks(ingest: tuple[Ingest, str]) -> None:
    told, address = ingest
    told.planned = [lambda _ids: web.json_response({}, status=503, headers={"Retry-After": "5"})] * 2
    waits = Waits()
    async with Phones(address, sleep=waits) as sender:
        await sender.check_in(bodies(1)[0])

    assert told.asked == [["id-0"]] * 3
    assert [4 <= seconds <= 6 for seconds in waits] == [True, True]


async def test_without_any_answer_the_same_batch_is_sent_again(ingest: tuple[Ingest, str]) -> None:
    told, address = ingest
    told.planned = [lambda _ids: web.Response(status=502, text="<html>bad gateway</html>")]
    async with Phones(address, sleep=Waits()) as sender:
        await sender.check_ins(bodies(2))

    assert told.asked == [["id-0", "id-1"]] * 2
    assert sender.tally.accepted == 2


async def test_a_refusal_that_repeating_cannot_change_ends_the_play_and_names_the_code(ingest: tuple[Ingest, str]) -> None:
    told, address = ingest
    told.planned = [lambda _ids: results(207, [202, 422])]
    async with Phones(address, sleep=Waits()) as sender:
        with pytest.raises(SendingFailed, match="some-code"):
            await sender.check_ins(bodies(2))

    assert sender.tally.refused == {"some-code": 1}


async def test_a_server_that_stays_away_is_given_up_on(ingest: tuple[Ingest, str]) -> None:
    told, address = ingest
    told.planned = [lambda _ids: web.json_response({}, status=503)] * 5
    async with Phones(address, patience_s=-1) as sender:
        with pytest.raises(SendingFailed, match="did not accept"):
            await sender.check_in(bodies(1)[0])
