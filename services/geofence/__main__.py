"""`python -m services.geofence worker` judges check-ins until it is told to stop; `... api` serves the HTTP API."""

import sys


def main(arguments: list[str]) -> int:
    """Run the process named on the command line; 2 when there is no such process."""
    match arguments:
        case ["worker"]:
            from services.geofence.app import build
            from shared.streaming import run_worker

            run_worker(build, "geofence")
        case ["api", *rest] if rest in ([], ["--openapi"]):
            from services.geofence.api import create_app
            from shared.web.process import run_api

            run_api(create_app, "geofence", rest)
        case _:
            sys.stderr.write("usage: python -m services.geofence worker | api [--openapi]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
