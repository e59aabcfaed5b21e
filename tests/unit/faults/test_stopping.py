"""A campaign that is stopped ends in order: what was found is written, and nothing that it started lives on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults import run

ROOT = Path(run.__file__).parents[2]
SECONDS = 120.0

DRIVER = """
import asyncio, os, sys
from collections import Counter
from pathlib import Path
from tests.faults import report, run

async def campaign(wanted, told, save):
    mark = Path(os.environ["MARKS"]) / f"{wanted.brokers}"
    found = run.Found(wanted.seed, cycles=Counter({"F1 kill -9 ingest": 4}))
    save(found)
    mark.with_suffix(".pid").write_text(str(os.getpid()))
    mark.with_suffix(".began").touch()
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.3)  # the house is taken down
        mark.with_suffix(".tidy").touch()

report.Begin.now = classmethod(lambda _: report.Begin("2026-11-30 00:00 UTC", "aaaaaaa", "this"))
of_a_house, run.campaign = run._command, campaign
run._command = lambda *asked: [__file__ if word == "tests.faults.run" else word for word in of_a_house(*asked) if word != "-m"]
sys.exit(run.main())
"""


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts `make faults-long` with campaigns that have struck four times and then wait for ever; returns once they do."""
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    started: list[subprocess.Popen[str]] = []

    def begin(house: str) -> subprocess.Popen[str]:
        started.append(subprocess.Popen(
            [sys.executable, driver, f"--house={house}", "--cycles=10", "--soak=1", f"--write={tmp_path / 'written'}"],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "MARKS": str(tmp_path), "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE, text=True,
        ))  # fmt: skip
        awaited(lambda: len(list(tmp_path.glob("*.began"))) == (2 if house == "both" else 1))
        return started[0]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def awaited(question: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGTERM, signal.SIGTERM)])
@pytest.mark.parametrize("house", ["one", "both"])
def test_what_was_found_is_written_and_told_and_the_house_taken_down_when_a_run_is_stopped(
    house: str, signals: Sequence[signal.Signals], begun: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    running = begun(house)
    for how in signals:
        running.send_signal(how)
        time.sleep(0.1)
    told = running.communicate(timeout=SECONDS)[0]
    assert running.returncode == 1
    assert "NOT DONE stopped from outside" in told
    assert "NOT DONE no soak was begun" in told
    houses = 2 if house == "both" else 1
    assert f"{4 * houses} faults, " in told
    assert len(json.loads((tmp_path / "written" / "faults.json").read_text())["parts"]) == houses
    assert len(list(tmp_path.glob("*.tidy"))) == houses


def test_houses_end_in_order_with_the_one_that_started_them_however_it_ends(
    begun: Callable[[str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    begun("both").kill()
    awaited(lambda: len(list(tmp_path.glob("*.tidy"))) == 2)
    for pid in tmp_path.glob("*.pid"):
        awaited(lambda: not Path("/proc", pid.read_text()).exists())  # noqa: B023 (awaited within the turn)
