"""`python -m services.reports api` serves the HTTP API of the reports."""

import sys


def main(arguments: list[str]) -> int:
    """Run the process named on the command line; 2 when there is no such process."""
    match arguments:
        case ["api", *rest] if rest in ([], ["--openapi"]):
            from services.reports.api import create_app
            from shared.web.process import run_api

            run_api(create_app, None, rest)
        case _:
            sys.stderr.write("usage: python -m services.reports api [--openapi]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
