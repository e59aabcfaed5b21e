"""Looking after services where nobody hears what is said, no room is left, and no process can be had."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.local import supervisor as module
from services.local.process import Child, spawn
from services.local.supervisor import Supervisor, Watched

FULL = OSError(errno.ENOSPC, "No space left on device")


def raising(error: BaseException) -> Callable[..., Any]:
    def strike(*_: Any, **__: Any) -> None:
        raise error

    return strike


def a_child(code: int | None) -> Child:
    """One that ended with this code, or goes on."""
    process: Any = SimpleNamespace(poll=lambda: code, returncode=code, pid=os.getpid())
    return Child("payroll", process, Path("payroll.log"), signal.SIGTERM)


@pytest.mark.parametrize("deaf", [BrokenPipeError(errno.EPIPE, "Broken pipe"), SystemExit(1), FULL], ids=repr)
def test_a_service_is_started_again_though_nobody_hears_of_it_and_its_process_cannot_be_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: BaseException
) -> None:
    supervisor = Supervisor(tmp_path, raising(deaf))
    watched = Watched("payroll", a_child(1), started=0.0)
    anew = a_child(None)
    monkeypatch.setattr(module, "spawn", lambda *_, **__: anew)
    monkeypatch.setattr(module, "write_run", raising(FULL))

    supervisor._look_after(watched, 1.0)
    supervisor._look_after(watched, 2.0)

    assert watched.child is anew
    assert (watched.restarts, watched.again_at) == (1, None)


def test_a_service_that_cannot_be_started_now_is_started_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    supervisor = Supervisor(tmp_path, said.append)
    watched = Watched("payroll", a_child(1), started=0.0)
    anew = a_child(None)

    monkeypatch.setattr(module, "spawn", raising(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")))
    supervisor._look_after(watched, 1.0)
    supervisor._look_after(watched, 2.0)
    assert watched.restarts == 0
    monkeypatch.setattr(module, "spawn", lambda *_, **__: anew)
    supervisor._look_after(watched, 2.5)
    assert watched.restarts == 0
    supervisor._look_after(watched, 3.0)

    assert watched.child is anew
    assert [line.partition(", see")[0] for line in said] == [
        "payroll ended (code 1); starting it again in 0.5 s",
        "payroll could not be started (Resource temporarily unavailable); starting it again in 1.0 s",
    ]


def test_a_run_that_can_start_nothing_again_breaks_with_the_reason_and_ends_what_it_started(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, raising(RuntimeError("a bug")), {})
    lasting = spawn("ingest", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "ingest.log")
    ended = spawn("payroll", [sys.executable, "-c", ""], tmp_path / "payroll.log")
    supervisor.services |= {child.name: Watched(child.name, child, 0.0) for child in (lasting, ended)}
    try:
        supervisor.start_services()

        assert supervisor.broken.wait(60)
        assert supervisor.broken_reason() == "Services can no longer be started again (RuntimeError: a bug)."
    finally:
        supervisor.stop()
    assert not lasting.alive()
