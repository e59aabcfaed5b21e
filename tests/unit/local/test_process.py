"""Children of the local stack: started, asked to end, ended for sure, and dead with their parent."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from services.local.process import LocalError, await_ready, claim_port, make_folder, require_space, spawn

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def wait_until_gone(pid: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_a_child_writes_to_its_log_and_ends_politely_when_asked(tmp_path: Path) -> None:
    child = spawn(
        "child", [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"], tmp_path / "log"
    )
    await_ready(child, lambda: "up" in child.last_words(), 20)
    assert child.stop(10)
    assert child.popen.returncode == -signal.SIGTERM


def test_a_child_that_ignores_the_request_is_killed_with_all_its_group(tmp_path: Path) -> None:
    child = spawn(
        "child", ["/bin/sh", "-c", f'"{sys.executable}" -c "{STUBBORN}" & trap "" TERM; wait; wait'], tmp_path / "log"
    )
    await_ready(child, lambda: "up" in child.last_words(), 20)
    grandchildren = psutil.Process(child.popen.pid).children(recursive=True)
    assert grandchildren
    assert not child.stop(0.3)
    assert all(wait_until_gone(process.pid) for process in grandchildren)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell a process of its parent's death")
@pytest.mark.parametrize(
    ("code", "how"), [("import time; print('up', flush=True); time.sleep(60)", ""), (STUBBORN, ", orphaned=signal.SIGKILL")]
)
def test_a_child_ends_when_its_parent_is_killed(code: str, how: str, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", (
            "import signal, sys, time, pathlib\n"
            "from services.local.process import spawn\n"
            f"child = spawn('child', [sys.executable, '-c', sys.argv[2]], pathlib.Path(sys.argv[1]){how})\n"
            "print(child.popen.pid, flush=True)\n"
            "time.sleep(60)\n"
        ), str(tmp_path / "log"), code],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    deadline = time.monotonic() + 20
    while "up" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_until_gone(pid)


def test_a_child_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = spawn("Kafka", [sys.executable, "-c", "raise SystemExit('no such folder')"], tmp_path / "log")
    with pytest.raises(LocalError, match=r"(?s)Kafka ended at once \(code 1\).*no such folder"):
        await_ready(child, lambda: False, 20)


def test_a_taken_port_is_refused_with_its_number_and_the_setting_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(LocalError, match=rf"Port {port} .* Kafka.*HADIR_KAFKA_PORT=0"):
            claim_port(port, "Kafka", "HADIR_KAFKA_PORT")


def test_port_zero_means_any_free_one() -> None:
    assert claim_port(0, "Kafka", "HADIR_KAFKA_PORT") > 1024


def test_a_folder_that_cannot_be_written_is_refused_with_the_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="HADIR_HOME"):
        make_folder(tmp_path / "file" / "home", "HADIR_HOME")


def test_a_folder_that_nobody_may_write_is_refused() -> None:
    # Modes do not stop root, who runs the tests in CI; the kernel's own tree stops everybody.
    with pytest.raises(LocalError, match="HADIR_HOME"):
        make_folder(Path("/proc/hadir"), "HADIR_HOME")


def test_a_full_disk_is_refused_before_a_server_meets_it(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="MB are needed"):
        require_space(tmp_path, 10**9, "HADIR_HOME")
