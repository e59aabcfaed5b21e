"""The supervisor with small stand-in services: waits for readiness, restarts what ends, leaves nothing behind."""

import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from services.local.process import LocalError, free_port, spawn
from services.local.supervisor import Supervisor

SERVICE = """
import http.server, os, sys, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(70)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def eventually(holds: Callable[[], bool], within: float = 120.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "standin.py").write_text(SERVICE)
    # One for services that are started anew, one for those that are forked from here.
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "standin"


def answer(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return int(response.read())
    except OSError:
        return 0


def test_a_service_that_ends_is_started_again_and_told(tmp_path: Path, program: str) -> None:
    said: list[str] = []
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    supervisor = Supervisor(tmp_path, said.append, {"geofence": (program, str(port))}, addresses={"geofence": home})
    try:
        supervisor.start_services()
        supervisor.await_services()
        first = answer(home)
        answer(f"{home}/die")
        eventually(lambda: answer(home) not in {0, first})
        assert said[0].startswith("geofence ended (code 70); starting it again in 0.5 s")
        # The pause doubles as long as it does not stay up.
        answer(f"{home}/die")
        eventually(lambda: len(said) == 2)
        assert "in 1.0 s" in said[1]
    finally:
        supervisor.stop()
    assert answer(home) == 0


def test_a_service_that_never_becomes_ready_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor(
        tmp_path,
        lambda _line: None,
        {"payroll": ("no_such_module",)},
        addresses={"payroll": f"http://127.0.0.1:{free_port()}"},
    )
    try:
        supervisor.start_services()
        with pytest.raises(LocalError, match=r"(?s)payroll does not become ready.*No module named no_such_module"):
            supervisor.await_services(2.0)
    finally:
        supervisor.stop()


def test_a_server_that_ends_breaks_the_run_with_its_name_and_log(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, lambda _line: None, {})
    server = spawn("Kafka", [sys.executable, "-c", "print('disk full', flush=True)"], supervisor.fresh_log("kafka"))
    try:
        supervisor.add_server(server)
        supervisor.start_services()
        assert supervisor.broken.wait(120)
        assert "Kafka ended by itself (code 0)" in supervisor.broken_reason()
        assert "disk full" in supervisor.broken_reason()
    finally:
        supervisor.stop()


def test_stopping_leaves_no_process_and_no_trace_of_the_run(tmp_path: Path, program: str) -> None:
    ports = {name: free_port() for name in ("ingest", "payroll")}
    supervisor = Supervisor(
        tmp_path,
        lambda _line: None,
        {name: (program, str(port)) for name, port in ports.items()},
        addresses={name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
    )
    supervisor.start_services()
    supervisor.await_services()
    pids = [watched.child.popen.pid for watched in supervisor.services.values()]
    supervisor.stop()
    supervisor.stop()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert not list(tmp_path.glob("running.*"))
