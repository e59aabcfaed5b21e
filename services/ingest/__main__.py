"""Starts ingest: `python -m services.ingest`."""

import signal
import sys
from types import FrameType

import uvicorn

from services.ingest.app import create_app
from shared import logs
from shared.settings import settings


def _end(_signum: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way and exits 0."""
    # uvicorn raises the signal again once it has drained; to have drained is a success.
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    chosen = settings()
    logs.configure("ingest", chosen.log_level)
    uvicorn.run(
        create_app(chosen),
        host=chosen.host,
        port=chosen.ingest_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        timeout_graceful_shutdown=int(chosen.ingest_answer_within_s) + 2,
    )


if __name__ == "__main__":
    main()
