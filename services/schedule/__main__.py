"""`python -m services.schedule worker`: assesses days until it is told to stop."""

import sys

from services.schedule.app import build
from shared.streaming import run_worker


def main(arguments: list[str]) -> int:
    """Run the process named on the command line; 2 when there is no such process."""
    if arguments != ["worker"]:
        sys.stderr.write("usage: python -m services.schedule worker\n")
        return 2
    run_worker(build, "schedule")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
