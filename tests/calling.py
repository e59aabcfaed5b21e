"""An HTTP API in the test's own process on a real database; requests go to it without a socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI

from shared.settings import Settings
from shared.topics import Service
from shared.web.app import Context


@asynccontextmanager
async def serving(
    create_app: Callable[[Context], FastAPI], service: Service | None, database: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API of a service on this database; requests come from BKD unless they say otherwise."""

    def end(error: BaseException) -> None:
        raise AssertionError("the API gave up") from error

    app = create_app(Context(Settings(database=database), service, end))
    transport: httpx.AsyncBaseTransport = httpx.ASGITransport(app)
    if service is not None:  # else it takes no commands
        transport = GivenAgain(transport, service, database)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api", headers=acting("bkd")) as client,
    ):
        yield client


class GivenAgain(httpx.AsyncBaseTransport):
    """Gives every command that was carried out once more, as if the process had died before it kept its answer: it is not refused."""

    def __init__(self, inner: httpx.AsyncBaseTransport, service: Service, database: str) -> None:
        self._inner, self._service, self._database = inner, service, database

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        key, actor = request.headers.get("Idempotency-Key"), request.headers.get("Hadir-Actor")
        if request.method == "GET" or key is None or answer.status_code >= 300 or "Hadir-Replayed" in answer.headers:
            return answer
        told = await answer.aread()
        await self._keeps(actor, key, None)
        again = await self._inner.handle_async_request(request)
        said = (await again.aread()).decode()
        assert again.status_code == answer.status_code, f"{request.method} {request.url.path} whose answer was lost: {said}"
        await self._keeps(actor, key, told)
        return answer

    async def _keeps(self, actor: str | None, key: str, told: bytes | None) -> None:
        """What is kept as the answer to a command."""
        connection = await asyncpg.connect(self._database)
        try:
            kept = f"update {self._service}.command set answer = $3 where (actor, key) = ($1, $2)"
            assert await connection.execute(kept, actor, key, told) == "UPDATE 1", "the command is not known by its key"
        finally:
            await connection.close()


def acting(role: str, actor: UUID | str = "", *, units: tuple[UUID, ...] = ()) -> dict[str, str]:
    """Headers of somebody who has this role; somebody else each time, unless named."""
    named = {"Hadir-Units": ",".join(map(str, units))} if units else {}
    return {"Hadir-Actor": str(actor or f"{role}-{uuid4()}"), "Hadir-Role": role, **named}


def keyed(key: str = "") -> dict[str, str]:
    """The header that makes a command safe to repeat."""
    return {"Idempotency-Key": key or str(uuid4())}


async def read(client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None, /, **query: Any) -> Any:
    """The JSON of an answer that must be 200."""
    answer = await client.get(f"/v1{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer that must be a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["code"]
