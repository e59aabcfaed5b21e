"""`hadir run` as a person meets it: plays a day, stays up, is found from another shell, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import asyncpg
import psutil
import pytest

from services.local.state import read_run
from services.local.supervisor import COMMANDS
from shared.kafka import check_topics
from shared.topics import TOPICS

PATIENCE_S = 280.0
pytestmark = pytest.mark.timeout(900)  # several starts of everything in one test
ANY_PORT = {f"HADIR_{name}_PORT": "0" for name in ("KAFKA", "DATABASE", *map(str.upper, COMMANDS))}


class Terminal:
    """A started `hadir ...` with everything it has printed so far."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.output = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(home),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def await_text(self, pattern: str) -> re.Match[str]:
        eventually(lambda: re.search(pattern, self.output) or self.process.poll() is not None, lambda: self.output)
        found = re.search(pattern, self.output)
        assert found, self.output
        return found

    def await_end(self) -> int:
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(self.output)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def environment(home: Path) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HADIR_") or name == "HADIR_CACHE"}
    return {**kept, **ANY_PORT, "HADIR_HOME": str(home)}


def eventually(holds: Callable[[], object], tell: Callable[[], str] = lambda: "") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.1)


def processes(home: Path) -> list[psutil.Process]:
    """Living processes of the run: whoever is listed, and whoever has the folder on its command line."""
    run = read_run(home)
    found = [process for child in (run.children if run else ()) if (process := child.process())]
    found += [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(home) in word for word in process.info["cmdline"] or ())
    ]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hadir") / "home"
    yield folder
    subprocess.run([sys.executable, "-m", "services", "stop"], env=environment(folder), check=True, timeout=PATIENCE_S)


def test_one_command_plays_a_day_that_equals_the_known_truth_and_ends_cleanly(home: Path) -> None:
    # any date: the play takes a day of work that is over everywhere, and holds against the truth of whichever
    terminal = Terminal(home, "run", "--once", "--employees", "120")
    assert terminal.await_end() == 0, terminal.output
    for phase in (
        "Kafka's jars",
        "PostgreSQL 18",
        "schemas",
        "Kafka 4.3.1",
        rf"topics \({len(TOPICS)} changes\)",
        "services: ingest",
    ):
        assert re.search(rf"{phase}.* \d+\.\d s", terminal.output), phase
    for told in (
        r"check-ins sent +\d",
        r"located +\d",
        r"days assessed +120 ",
        "violations",
        "deducted +Rp ",
        "lag +0",
    ):
        assert re.search(told, terminal.output), told
    assert "equal to the truth yes" in terminal.output
    assert re.search(r"API +http://127\.0\.0\.1:\d+/docs", terminal.output)
    assert processes(home) == []


def test_a_run_stays_up_is_found_from_another_shell_heals_and_is_stopped_from_there(home: Path) -> None:
    terminal = Terminal(home, "run", "--no-play")
    terminal.await_text("Everything stays up")

    def elsewhere(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services", *arguments],
            env=environment(home), capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip

    assert "The broker has them all as declared." in elsewhere("topics", "list", "--check").stdout
    again = elsewhere("run")
    assert again.returncode == 1
    assert "already running" in again.stderr
    assert "make stop" in again.stderr

    run = read_run(home)
    assert run is not None
    worker = next(child for child in run.children if child.name == "schedule")
    os.kill(worker.pid, signal.SIGKILL)
    terminal.await_text(r"schedule ended \(code -9\); starting it again in 0\.5 s")
    eventually(
        lambda: any(child.name == "schedule" and child != worker for child in getattr(read_run(home), "children", ()))
    )

    stopped = elsewhere("stop")
    assert re.fullmatch(r"Stopped the run of process \d+\.\n", stopped.stdout)
    assert terminal.await_end() == 0
    assert "Everything is stopped." in terminal.output
    assert processes(home) == []


def test_a_killed_run_takes_its_children_along_and_the_next_one_starts_and_obeys_ctrl_c(home: Path) -> None:
    first = Terminal(home, "run", "--no-play")
    first.await_text("Ready after")
    assert len(processes(home)) >= 6
    first.process.kill()
    first.await_end()
    eventually(lambda: not processes(home), lambda: str(processes(home)))

    second = Terminal(home, "run", "--no-play")
    second.await_text("Ready after")
    second.process.send_signal(signal.SIGINT)
    assert second.await_end() == 0, second.output
    assert processes(home) == []


def test_an_interrupted_run_says_with_its_code_that_nothing_was_compared(home: Path) -> None:
    terminal = Terminal(home, "run", "--employees", "120")
    terminal.await_text("Hadir starts in")
    terminal.process.send_signal(signal.SIGINT)

    assert terminal.await_end() == 128 + signal.SIGINT, terminal.output
    assert "ended before it was known" in terminal.output
    assert processes(home) == []


async def test_servers_of_the_users_own_are_used_and_left_running(
    tmp_path: Path, kafka: str, fresh_database: str
) -> None:
    terminal = Terminal(tmp_path / "home", "run", "--once", "--no-play", "--kafka", kafka, "--database", fresh_database)
    assert terminal.await_end() == 0, terminal.output
    assert "PostgreSQL 18 on port" not in terminal.output
    assert "Kafka 4.3.1 on port" not in terminal.output
    assert fresh_database.partition("//")[2].partition("@")[0].rpartition(":")[2] not in terminal.output
    await check_topics(kafka)
    connection = await asyncpg.connect(fresh_database)
    assert await connection.fetchval("select count(*) from pg_namespace where nspname = 'payroll'") == 1
    await connection.close()


def test_half_of_the_data_is_refused_with_the_way_out(home: Path) -> None:
    kept = (home / "kafka").rename(home / "elsewhere")
    try:
        terminal = Terminal(home, "run", "--no-play", "--once")
        assert terminal.await_end() == 1
        assert "they belong together" in terminal.output
        assert "--fresh" in terminal.output
    finally:
        kept.rename(home / "kafka")
