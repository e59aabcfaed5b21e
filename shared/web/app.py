"""Makes a service's HTTP API of its routers: `/v1`, docs, health, problems, a pool for as long as it lives.

A service has `services/<service>/api/__init__.py` with `create_app(context)`, which names its routers and calls `new_app`;
`python -m services.<service> api` serves it (`shared.web.process`). To add a capability, see docs/api.md.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from pydantic.json_schema import models_json_schema
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import health, metrics
from shared.database import PLANNED_EACH_TIME, Pool, open_audit_pool, open_pool
from shared.failures import is_infrastructure
from shared.faults import too_large
from shared.health import Readiness
from shared.retry import persist
from shared.schemas import require_schema
from shared.settings import Settings
from shared.topics import SERVICES, Service
from shared.web import problems
from shared.web.actors import verbs_of
from shared.web.api import POOL_SIZE, Api
from shared.web.commands import forget_old
from shared.web.duties import Duties, End
from shared.web.parameters import KNOWN_ONLY

_PROBE_EVERY_S: Final = 1.0
_FORGET_EVERY_S: Final = 600.0
_FORGET_AT_MOST: Final = 5_000
_PREFIX: Final = "/v1"
_REF: Final = "#/components/schemas/{model}"


Duty = Callable[[Api], Coroutine[Any, Any, None]]
"""What a process does for ever beside answering, with the collaborators of its handlers."""


@dataclass(frozen=True)
class Context:
    """What a process gives to `create_app`.

    The API acts as `service`; None: it reads the schemas of all services and commands nothing (`services.reports`).
    `end` is called with the error after which the process must not go on.
    """

    settings: Settings
    service: Service | None
    end: End

    @property
    def name(self) -> str:
        """What metrics and logs call the process: it is not the service's worker."""
        return f"{self.service or 'reports'}-api"


def new_app(
    context: Context, *, title: str, description: str, routers: Sequence[APIRouter], refusals: Collection[type[Exception]] = (),
    largest_body: int | None = None, alongside: Mapping[str, Duty] = MappingProxyType({}),
) -> FastAPI:  # fmt: skip
    """The app of a service's API; its pool is opened with the app and closed with it.

    `refusals`: exceptions of the service that say in a sentence why something cannot be done (answered 422 `refused`).
    `largest_body` in bytes, if it is not the settings' limit for one request. `alongside` by name: what the process does
    for ever beside answering.
    """
    readiness = Readiness(context.name, "database")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await _pool(context)
        app.state.api = Api(context.settings, context.service, pool)
        duties = Duties(context.end)
        duties.take_on(_probe(pool, context, readiness), "probe")
        if context.service is not None:
            duties.take_on(_forget(pool, context, readiness), "old commands")
        for name, duty in alongside.items():
            duties.take_on(duty(app.state.api), name)
        try:
            yield
        finally:
            await duties.lay_down()
            await _close(pool)

    app = FastAPIOffline(  # its pages need nothing from outside: offices' networks are often closed
        title=title, version="1", description=description, lifespan=lifespan, redirect_slashes=False, redoc_url=None,
        static_url="/docs/assets",
    )  # fmt: skip
    for router in routers:
        app.include_router(router, prefix=_PREFIX, responses=problems.ANSWERS, dependencies=[KNOWN_ONLY])
    app.include_router(health.router(readiness))
    app.add_middleware(_Limits, at_most=largest_body or context.settings.max_body_bytes)
    app.add_middleware(_Timed, name=context.name)
    problems.install(app, refusals=refusals)
    _describe(app, routers)
    return app


async def _pool(context: Context) -> Pool:
    url = context.settings.database
    if context.service is None:
        return await open_audit_pool(url, min_size=0, max_size=POOL_SIZE)
    return await open_pool(url, context.service, min_size=0, max_size=POOL_SIZE, more=PLANNED_EACH_TIME)


async def _probe(pool: Pool, context: Context, readiness: Readiness) -> None:
    """Keeps readiness true to whether the database answers, once it has all tables that this version knows."""
    for service in SERVICES if context.service is None else (context.service,):
        check = partial(require_schema, pool, service)
        await persist(check, what="tables up to date", service=context.name, readiness=readiness)
    while True:
        try:
            async with asyncio.timeout(5), pool.acquire() as connection:
                await connection.execute("select 1")
            readiness.have("database")
        except TimeoutError:
            readiness.lack("database")
        except Exception as error:
            if not is_infrastructure(error):
                raise
            readiness.lack("database")
        await asyncio.sleep(_PROBE_EVERY_S)


async def _forget(pool: Pool, context: Context, readiness: Readiness) -> None:
    """Deletes old keys of commands now and then, a few at a time."""

    async def once() -> int:
        async with pool.acquire() as connection:
            return await forget_old(connection, _FORGET_AT_MOST)

    while True:
        await asyncio.sleep(_FORGET_EVERY_S)
        forgotten = _FORGET_AT_MOST
        while forgotten == _FORGET_AT_MOST:
            forgotten = await persist(once, what="old commands deleted", service=context.name, readiness=readiness)
            await asyncio.sleep(1)


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:  # a server that no longer answers
        pool.terminate()


class _Limits:
    """ASGI middleware: a body of more than `at_most` bytes is not read to its end."""

    def __init__(self, app: ASGIApp, at_most: int) -> None:
        self._app = app
        self._at_most = at_most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or len(announced) > 15 or int(announced) > self._at_most:
            await problems.respond(problems.TOO_LARGE, [too_large(self._at_most)])(scope, receive, send)
            return
        body = bytearray()
        while scope["method"] in ("POST", "PUT", "PATCH"):
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has gone away
            body += message.get("body", b"")
            if len(body) > self._at_most:
                await problems.respond(problems.TOO_LARGE, [too_large(self._at_most)])(scope, receive, send)
                return
            if not message.get("more_body"):
                await self._app(scope, _once(bytes(body), receive), send)
                return
        await self._app(scope, receive, send)


def _once(body: bytes, receive: Receive) -> Receive:
    given = False

    async def next_message() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


class _Timed:
    """ASGI middleware: counts and times requests by operation and status; what has no operation is not counted."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app = app
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            operation = getattr(scope.get("route"), "operation_id", None)
            if operation is not None:
                metrics.API_SECONDS.labels(self._name, operation, str(status)).observe(time.perf_counter() - begun)


def _describe(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Completes the app's OpenAPI document: what a problem is, and which roles each operation takes."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _, bodies = models_json_schema([(problems.ProblemBody, "validation")], ref_template=_REF)
            schema.setdefault("components", {}).setdefault("schemas", {}).update(bodies["$defs"])
            for route in (route for router in routers for route in router.routes if isinstance(route, APIRoute)):
                for method in route.methods or ():
                    operation = schema["paths"][_PREFIX + route.path_format][method.lower()]
                    for verb, roles in verbs_of(route):
                        operation |= {"x-hadir-verb": verb, "x-hadir-roles": sorted(roles)}
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the way FastAPI documents for extending it
