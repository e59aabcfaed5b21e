"""What a process tells of itself over HTTP: `/healthz` (it lives), `/readyz` (it can work), `/metrics`."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse

from shared import metrics
from shared.refusal import Refusal


class Readiness:
    """The set of things a process still lacks; it is ready when the set is empty."""

    def __init__(self, service: str, *lacking: str) -> None:
        self._lacking = dict.fromkeys(lacking)
        metrics.begin(service)
        self._gauge = metrics.READY.labels(service)
        self._tell()

    @property
    def missing(self) -> tuple[str, ...]:
        """What is lacking, in the order in which it went missing."""
        return tuple(self._lacking)

    def lack(self, what: str) -> None:
        """From now on this is missing (again)."""
        self._lacking[what] = None
        self._tell()

    def have(self, what: str) -> None:
        """From now on this is there."""
        self._lacking.pop(what, None)
        self._tell()

    def _tell(self) -> None:
        self._gauge.set(0 if self._lacking else 1)


def router(readiness: Readiness) -> APIRouter:
    """The three paths, for a process that has an HTTP API of its own."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    async def readyz() -> Response:
        missing = readiness.missing
        content = {"ready": not missing, "missing": list(missing)}
        return JSONResponse(content, status_code=503 if missing else 200)

    @routes.get("/metrics")
    async def exposition() -> Response:
        return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    return routes


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals to the process that it is only a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures nothing."""
        yield


class HealthServer:
    """Serves the router on the running loop for as long as the process lives."""

    def __init__(self, service: str, readiness: Readiness, host: str, port: int) -> None:
        self._service: Final = service
        self._readiness = readiness
        self._address = (host, port)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Binds and begins to serve; raises `Refusal` when the port is taken."""
        host, port = self._address
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # only now is the port ours: two sockets may bind it, one may listen
        except OSError as error:
            listener.close()
            raise Refusal(
                f"{self._service} cannot listen on {host}:{port} ({error.strerror}): stop what uses that port,"
                f" or set HADIR_{self._service.upper()}_PORT to another one."
            ) from error
        app = FastAPI(title=f"Hadir {self._service}", docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(router(self._readiness))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
        self._task = asyncio.create_task(_Server(config).serve(sockets=[listener]), name="health server")
