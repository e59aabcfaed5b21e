"""The process of an HTTP server: takes its port, serves until a signal, and says with its exit code how it ended."""

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

import orjson
import uvicorn
from fastapi import FastAPI

from shared import logs
from shared.refusal import Refusal
from shared.settings import Settings, settings
from shared.topics import Service
from shared.web.app import Context
from shared.web.duties import End

_INTERNAL_ERROR: Final = 70
_MISCONFIGURED: Final = 78
_DRAIN_S: Final = 15


class Server:
    """The process and how it ends: 0 after a signal, 78 when it refuses to start, 70 after a bug."""

    def __init__(self, name: str, host: str, port: int, variable: str, drain_s: int) -> None:
        """`variable` is the setting that names the port; requests under way have `drain_s` seconds at the end."""
        self._name = name
        self._address = (host, port)
        self._variable = variable
        self._drain_s = drain_s
        self._exit_code = 0

    def run(self, make_app: Callable[[End], FastAPI]) -> NoReturn:
        """Serves until SIGTERM or SIGINT, then finishes what is under way."""
        # uvicorn raises the signal again once it has drained; to have drained is a success.
        signal.signal(signal.SIGTERM, self._leave)
        signal.signal(signal.SIGINT, self._leave)
        try:
            listener = self._listen()
        except Refusal as error:
            sys.exit(_told(error))
        config = uvicorn.Config(
            make_app(self._end),
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nothing here depends on the client's address
            backlog=4096,
            timeout_graceful_shutdown=self._drain_s,
        )
        # Requests leave no cycles behind; frequent collections cost 15 % of ingest's throughput and find nothing.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        uvicorn.Server(config).run(sockets=[listener])
        sys.exit(self._exit_code)

    def _listen(self) -> socket.socket:
        host, port = self._address
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise Refusal(
                f"{self._name} cannot listen on {host}:{port} ({error.strerror}): stop what uses that port,"
                f" or set {self._variable} to another one."
            ) from error
        return listener

    def _end(self, error: BaseException) -> None:
        self._exit_code = _told(error) if isinstance(error, Refusal) else _INTERNAL_ERROR
        os.kill(os.getpid(), signal.SIGTERM)  # the way out that drains

    def _leave(self, _signum: int, _frame: FrameType | None) -> None:
        sys.exit(self._exit_code)


def run_api(create_app: Callable[[Context], FastAPI], service: Service | None, arguments: list[str]) -> None:
    """`python -m services.<service> api`: serves the API of a service; with `--openapi` prints its description instead.

    `service` None: the API of the reports, which reads all schemas.
    """
    configured: Settings = settings()
    context = Context(configured, service, lambda _error: None)
    if arguments == ["--openapi"]:
        sys.stdout.buffer.write(description(create_app(context)))
        return
    logs.configure(context.name, configured.log_level)
    variable = f"{context.name.replace('-', '_')}_port"
    server = Server(context.name, configured.host, getattr(configured, variable), f"HADIR_{variable.upper()}", _DRAIN_S)
    server.run(lambda end: create_app(Context(configured, service, end)))


def description(app: FastAPI) -> bytes:
    """The OpenAPI document of an app as it is committed under docs/."""
    return orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _told(error: BaseException) -> int:
    sys.stderr.write(f"{error}\n")
    return _MISCONFIGURED
