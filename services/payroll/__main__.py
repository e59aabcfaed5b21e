"""Runs payroll: `python -m services.payroll worker`."""

import sys

from services.payroll.app import build
from shared.streaming import run_worker


def main(arguments: list[str]) -> int:
    """Run the named process; 2 when there is no such process."""
    if arguments != ["worker"]:
        sys.stderr.write("usage: python -m services.payroll worker\n")
        return 2
    run_worker(build, "payroll")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
