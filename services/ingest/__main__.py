"""Starts ingest: `python -m services.ingest`; with `openapi` it prints the API's description instead."""

import gc
import os
import signal
import socket
import sys
from types import FrameType
from typing import Final

import orjson
import uvicorn

from services.ingest.app import create_app
from shared import logs
from shared.refusal import Refusal
from shared.settings import Settings, settings

_INTERNAL_ERROR: Final = 70
_MISCONFIGURED: Final = 78


class _Process:
    """The process and how it ends: 0 after a signal, 78 when it refuses to start, 70 after a bug."""

    def __init__(self, chosen: Settings) -> None:
        self._settings = chosen
        self._exit_code = 0

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then finishes what is under way. Never returns."""
        # uvicorn raises the signal again once it has drained; to have drained is a success.
        signal.signal(signal.SIGTERM, self._leave)
        signal.signal(signal.SIGINT, self._leave)
        try:
            listener = self._listen()
        except Refusal as error:
            sys.exit(_told(error))
        config = uvicorn.Config(
            create_app(self._settings, self._end),
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nothing here depends on the client's address
            backlog=4096,
            timeout_graceful_shutdown=int(self._settings.ingest_answer_within_s) + 2,
        )
        # Requests leave no cycles behind; frequent collections cost 15 % of the throughput and find nothing.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        uvicorn.Server(config).run(sockets=[listener])
        sys.exit(self._exit_code)

    def _listen(self) -> socket.socket:
        host, port = self._settings.host, self._settings.ingest_port
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise Refusal(
                f"ingest cannot listen on {host}:{port} ({error.strerror}): stop what uses that port,"
                " or set HADIR_INGEST_PORT to another one."
            ) from error
        return listener

    def _end(self, error: BaseException) -> None:
        self._exit_code = _told(error) if isinstance(error, Refusal) else _INTERNAL_ERROR
        os.kill(os.getpid(), signal.SIGTERM)  # the way out that drains

    def _leave(self, _signum: int, _frame: FrameType | None) -> None:
        sys.exit(self._exit_code)


def _told(error: Refusal) -> int:
    sys.stderr.write(f"{error}\n")
    return _MISCONFIGURED


def main() -> None:
    """The process, from its settings to its exit code."""
    chosen = settings()
    if sys.argv[1:] == ["openapi"]:
        description = create_app(chosen, lambda _error: None).openapi()
        sys.stdout.buffer.write(orjson.dumps(description, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return
    logs.configure("ingest", chosen.log_level)
    _Process(chosen).run()


if __name__ == "__main__":
    main()
