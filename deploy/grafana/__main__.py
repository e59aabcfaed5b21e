"""`python -m deploy.grafana`: writes the JSON of all dashboards (`make dashboards`)."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.grafana.dashboards.fairness import FAIRNESS
from deploy.grafana.dashboards.money import MONEY
from deploy.grafana.dashboards.morning import MORNING
from deploy.grafana.dashboards.panel import Dashboard, as_json
from deploy.grafana.dashboards.pipeline import PIPELINE
from deploy.grafana.dashboards.places import PLACES
from deploy.grafana.dashboards.servers import SERVERS

FOLDER: Final = Path(__file__).parent / "json"
DASHBOARDS: Final[tuple[Dashboard, ...]] = (MORNING, FAIRNESS, PIPELINE, PLACES, MONEY, SERVERS)


def files() -> Mapping[Path, str]:
    """Every file of `json/` with its content."""
    return {FOLDER / f"{told.uid}.json": as_json(told) for told in DASHBOARDS}


def main() -> int:
    """Write what differs, remove what is no dashboard any more."""
    made = files()
    FOLDER.mkdir(exist_ok=True)
    for path in set(FOLDER.glob("*.json")) - made.keys():
        path.unlink()
        sys.stdout.write(f"removed {path.name}\n")
    for path, content in made.items():
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
            sys.stdout.write(f"wrote {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
