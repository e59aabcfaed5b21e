"""An API in this process on a real database; requests go to it without a socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from shared.settings import Settings
from shared.topics import Service
from shared.web.app import Context

Opens = Callable[[Callable[[Context], FastAPI], Service], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def opened(database: str) -> Opens:
    """Opens an API on the session's database, as BKD unless a request says otherwise."""

    @asynccontextmanager
    async def opening(create_app: Callable[[Context], FastAPI], service: Service) -> AsyncIterator[httpx.AsyncClient]:
        def end(error: BaseException) -> None:
            raise AssertionError("the API gave up") from error

        app = create_app(Context(Settings(database=database), service, end))
        headers = {"Hadir-Actor": f"bkd-{uuid4()}", "Hadir-Role": "bkd"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client,
        ):
            yield client

    return opening
