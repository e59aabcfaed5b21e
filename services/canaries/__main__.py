"""`python -m services.canaries`: lets canaries live a day a minute until it is told to stop."""

import asyncio
import sys

from services.canaries.app import run
from shared import logs
from shared.refusal import Refusal
from shared.settings import settings


def main() -> int:
    """Run until SIGTERM or SIGINT; 78 with a sentence when it cannot start."""
    logs.configure("canaries", settings().log_level)
    try:
        asyncio.run(run(settings()))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 78
    return 0


if __name__ == "__main__":
    sys.exit(main())
