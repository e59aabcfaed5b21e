"""`python -m services.sink worker --folder FOLDER`: writes facts into Parquet files until it is told to stop."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from services.sink.worker import SERVICE, Orders, choose, run
from shared import logs
from shared.refusal import Refusal
from shared.settings import settings

_log = logging.getLogger(__name__)

def main(arguments: list[str]) -> int:
    """Run until SIGTERM or SIGINT; 78 with a sentence when it cannot start, 1 after a crash, 2 for wrong arguments."""
    parser = argparse.ArgumentParser("python -m services.sink", description="Keep every fact in Parquet files, exactly once.")
    parser.add_argument("process", choices=["worker"], help="the only process of this service")
    parser.add_argument("--folder", required=True, type=Path, help="where the files go; one sink at a time")
    parser.add_argument("--topic", action="append", default=[], help="a topic of facts; default: all that are pseudonymous")
    parser.add_argument("--every", type=float, default=600.0, metavar="S", help="seconds after which a file is written (default 600)")
    parser.add_argument("--records", type=int, default=200_000, metavar="N", help="most records in memory (default 200000)")
    parser.add_argument("--port", type=int, default=8807, help="metrics and health (default 8807)")
    given = parser.parse_args(arguments)
    logs.configure(SERVICE, settings().log_level)
    try:
        orders = Orders(given.folder, choose(given.topic), given.every, given.records, given.port)
        asyncio.run(run(settings(), orders))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 78
    except Exception as error:  # noqa: BLE001 - crash-only: whoever watches starts it again, and the files say where it goes on
        logs.event(_log, "The sink ends", level=logging.CRITICAL, exc_info=error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
