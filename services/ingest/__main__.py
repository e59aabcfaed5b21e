"""Starts ingest: `python -m services.ingest`; with `openapi` it prints the API's description instead."""

import sys

from services.ingest.app import create_app
from shared import logs
from shared.settings import settings
from shared.web.process import Server, description


def main() -> None:
    """The process, from its settings to its exit code."""
    chosen = settings()
    if sys.argv[1:] == ["openapi"]:
        sys.stdout.buffer.write(description(create_app(chosen, lambda _error: None)))
        return
    logs.configure("ingest", chosen.log_level)
    drain_s = int(chosen.ingest_answer_within_s) + 2
    Server("ingest", chosen.host, chosen.ingest_port, "HADIR_INGEST_PORT", drain_s).run(lambda end: create_app(chosen, end))


if __name__ == "__main__":
    main()
