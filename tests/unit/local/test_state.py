"""What another shell can know and do about a run: one at a time, stale ones swept, processes never mistaken."""

import json
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from services.local.process import Child, LocalError, spawn
from services.local.state import Known, read_run, sole_run, stop_run, sweep, write_addresses, write_run
from shared.settings import Settings, running_file


@pytest.fixture
def sleeper(tmp_path: Path) -> Child:
    return spawn("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log")


def test_a_second_run_in_the_same_folder_is_told_of_the_first_and_what_to_do(tmp_path: Path) -> None:
    with sole_run(tmp_path):
        write_run(tmp_path, [], {"API": "http://127.0.0.1:8801"})
        with (
            pytest.raises(LocalError, match=rf"(?s)already running.*{os.getpid()}.*127\.0\.0\.1:8801.*make stop"),
            sole_run(tmp_path),
        ):
            pass
    with sole_run(tmp_path):
        pass


def test_what_a_killed_run_left_alive_is_ended_and_forgotten(tmp_path: Path, sleeper: Child) -> None:
    write_run(tmp_path, [sleeper], {})
    write_addresses(tmp_path, {"HADIR_KAFKA": "127.0.0.1:1"})
    with sole_run(tmp_path):
        assert sweep(tmp_path) == ["sleeper"]
    assert not sleeper.alive()
    assert read_run(tmp_path) is None
    assert not running_file(tmp_path).exists()


def test_a_recycled_process_id_is_not_taken_for_ours(tmp_path: Path, sleeper: Child) -> None:
    write_run(tmp_path, [sleeper], {})
    file = tmp_path / "running.json"
    content = json.loads(file.read_text())
    content["children"][0]["started"] -= 100
    file.write_text(json.dumps(content))
    with sole_run(tmp_path):
        assert sweep(tmp_path) == []
    assert sleeper.alive()
    sleeper.stop(5)


def test_a_list_that_cannot_be_read_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text('{"supervisor": 7}')
    assert read_run(tmp_path) is None


def test_stop_ends_what_a_killed_run_left_and_says_so(tmp_path: Path, sleeper: Child) -> None:
    write_run(tmp_path, [sleeper], {})
    assert stop_run(tmp_path) == ["Ended sleeper, left by a killed run."]
    assert stop_run(tmp_path) == ["Nothing runs here."]
    sleeper.popen.wait(10)


def test_stop_where_nothing_ever_ran_says_so(tmp_path: Path) -> None:
    (sentence,) = stop_run(tmp_path / "absent")
    assert "Nothing runs here" in sentence


def test_stop_asks_a_living_run_and_waits_until_it_has_gone(tmp_path: Path) -> None:
    holder = spawn(
        "run",
        [sys.executable, "-c", (
            "import pathlib, signal, sys, time\n"
            "from services.local.state import sole_run, write_run\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
            "home = pathlib.Path(sys.argv[1])\n"
            "with sole_run(home):\n"
            "    write_run(home, [], {})\n"
            "    time.sleep(60)\n"
        ), str(tmp_path)],
        tmp_path / "log",
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while read_run(tmp_path) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stop_run(tmp_path) == [f"Stopped the run of process {holder.popen.pid}."]
    assert holder.popen.wait(5) == 0


def test_addresses_are_for_the_owner_only_and_are_read_as_settings(tmp_path: Path) -> None:
    url = "postgresql://postgres:p#w@127.0.0.1:1/hadir"
    write_addresses(tmp_path, {"HADIR_KAFKA": "127.0.0.1:7", "HADIR_DATABASE": url})
    assert running_file(tmp_path).stat().st_mode & 0o777 == 0o600
    read = Settings(_env_file=running_file(tmp_path))
    assert (read.kafka, read.database) == ("127.0.0.1:7", url)


def test_a_process_is_known_by_its_start_time_too() -> None:
    own = Known.of("me", os.getpid())
    assert own is not None
    assert own.process() == psutil.Process()
    assert Known("me", own.pid, own.started + 1).process() is None
