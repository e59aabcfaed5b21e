"""How often a process was killed at each named boundary by `make failpoints`: failpoints.json, and a table in faults.md beside it."""

import datetime as dt
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.bench.machine import Machine, commit
from shared.failpoints import POINTS

_ROOT = Path(__file__).parents[2]
NAME = "failpoints.json"


def note(of: str, killed: Mapping[str, int]) -> None:
    """Write down a run in which nothing was lost or doubled, in the folder HADIR_FAILPOINTS if it is set; the run before it gives way."""
    if not (folder := os.environ.get("HADIR_FAILPOINTS")):
        return
    run = {  # any date: it is told, and nothing is made of it
        "at": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC", "commit": commit(_ROOT), "machine": Machine.now().sentence(),
        "killed": dict(sorted(killed.items())),
    }  # fmt: skip
    file = Path(folder) / NAME
    file.write_text(json.dumps(read(Path(folder)) | {of: run}, ensure_ascii=False, indent=1) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """The last run of each part; none where nothing was written yet."""
    file = folder / NAME
    told: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return told


def table(told: Mapping[str, Any]) -> list[str]:
    """Kills by point, with the commit and the day of each run, in Markdown; a point at which nobody was killed is told, too."""
    if not told:
        return []
    runs = [
        f"- {of}: {sum(run['killed'].values())} kills, {run['at']}, commit {run['commit']}; {run['machine']}." for of, run in told.items()
    ]
    met = {*POINTS, *(point for run in told.values() for point in run["killed"])}
    rows = [f"| {point} | {' | '.join(str(run['killed'].get(point, '–')) for run in told.values())} |" for point in sorted(met)]
    return [
        "## Kills at named boundaries", "",
        "By `make failpoints`, of a worker on the runtime and of ingest; nothing was lost or doubled, else there would be no such figure.",
        "", *runs, "", f"| point | {' | '.join(told)} |", f"|---|{'---:|' * len(told)}", *rows, "",
    ]  # fmt: skip
