"""`python -m services.payroll worker` posts deductions until it is told to stop; `... api` serves the HTTP API."""

import sys


def main(arguments: list[str]) -> int:
    """Run the process named on the command line; 2 when there is no such process."""
    match arguments:
        case ["worker"]:
            from services.payroll.app import build
            from shared.streaming import run_worker

            run_worker(build, "payroll")
        case ["api", *rest] if rest in ([], ["--openapi"]):
            from services.payroll.api import create_app
            from shared.web.process import run_api

            run_api(create_app, "payroll", rest)
        case _:
            sys.stderr.write("usage: python -m services.payroll worker | api [--openapi]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
