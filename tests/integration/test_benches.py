"""Every measuring program that needs servers, as `hadir bench NAME --quick --json` runs it: on a Kafka and a PostgreSQL of its own.

The quick size asks only whether all of it works. How fast it is says nothing about the program, so that no target is asked for.
`history-large` is the program of `history` in a size that takes hours; the programs that need no server run in tests/unit/bench.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.bench.figures import BENCHES, FIGURES, Target
from services.bench.running import ROOT
from tests.waiting import until

NEED_SERVERS = [name for name, bench in BENCHES.items() if "quick" in bench.arguments and name not in ("assessment", "geofence")]
KEPT = (ROOT / "docs/benchmarks.json", ROOT / "docs/benchmarks.md")
MUST_NOT_HAPPEN = Target("value", "≤", 0)


def living(folder: Path) -> list[str]:
    """Processes that have the folder on their command line or among their settings, as all have that a bench starts."""
    found = []
    for process in psutil.process_iter():
        words: list[str] = []
        for ask in (process.cmdline, lambda of=process: of.environ().values()):
            with contextlib.suppress(psutil.Error):  # ended meanwhile, or another user's
                words += ask()
        if any(str(folder) in word for word in words):
            found.append(f"{process.pid} {' '.join(words)[:200]}")
    return found


def wrong(figure: str, said: dict[str, Any]) -> str:
    """What is missing of a figure; nothing if it has a value and stands beside a reference."""
    value, reference = said["value"], said["reference_value"] or 0
    if said["failed"] or value is None:
        return f"{figure}: not measured, {said['failed']}"
    if MUST_NOT_HAPPEN in FIGURES[figure].targets:
        return "" if value == 0 else f"{figure}: {value}"
    return "" if value > 0 and reference > 0 and said["reference"] else f"{figure}: {value} beside {reference} {said}"


@pytest.mark.parametrize("name", NEED_SERVERS)
async def test_a_bench_tells_all_its_figures_beside_their_references_and_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    # any date: what a bench plays is a day of its own, or a day of work that is over everywhere
    kept = [file.read_bytes() for file in KEPT]

    run = subprocess.run(  # it gives a program up by itself, and stops what that has started
        [sys.executable, "-m", "services", "bench", name, "--quick", "--json"], env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stderr + run.stdout
    told = {said["figure"]: said for said in json.loads(run.stdout)}
    assert tuple(told) == BENCHES[name].figures
    assert [text for figure, said in told.items() if (text := wrong(figure, said))] == [], run.stderr
    await until(lambda: not living(tmp_path), otherwise=lambda: f"still running: {living(tmp_path)}")
    assert list(tmp_path.iterdir()) == []
    assert [file.read_bytes() for file in KEPT] == kept
