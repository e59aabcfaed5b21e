"""`python -m services.preview geofence-api | schedule-api` serves the APIs of these services with what only previews can give them."""

import sys


def main(arguments: list[str]) -> int:
    """Run the process named on the command line; 2 when there is no such process."""
    match arguments:
        case ["geofence-api"]:
            from services.preview.serving import geofence_app
            from shared.web.process import run_api

            run_api(geofence_app, "geofence", [])
        case ["schedule-api"]:
            from services.preview.serving import schedule_app
            from shared.web.process import run_api

            run_api(schedule_app, "schedule", [])
        case _:
            sys.stderr.write("usage: python -m services.preview geofence-api | schedule-api\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
