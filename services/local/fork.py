"""Starts Python services as forks of this process, which has imported what they all need: once instead of four times.

On two cores that is some ten seconds of a start. Only for a process with a single thread, since a fork copies
the locks of the other threads in whatever state they are; a service that is started again later is started anew.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from services.local.launch import die_with
from services.local.process import Child
from shared.settings import settings

_PR_SET_NAME = 15


class Forked:
    """A forked child, with the part of Popen's interface that `Child` uses."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Exit code, negative for a signal, or None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Exit code once it has ended; raises subprocess.TimeoutExpired after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(0.02)
        return code

    def send_signal(self, signum: int) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)


def preload(modules: Sequence[str]) -> None:
    """Import what the children will need. A module that cannot be imported is left to the child to complain about."""
    for module in modules:
        with contextlib.suppress(Exception):  # the service itself will tell, in its own log
            importlib.import_module(module)
    # What exists now stays shared: collections in the children do not touch it.
    gc.collect()
    gc.freeze()


def may_fork() -> bool:
    """Whether forking is safe here and now."""
    return sys.platform == "linux" and threading.active_count() == 1


def fork(name: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> Child:
    """Start `python -m arguments` as a fork of this process; see `process.spawn` for what a child is promised."""
    log.parent.mkdir(parents=True, exist_ok=True)
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _be(name, arguments, log, environment, parent)
    return Child(name, Forked(pid), log, signal.SIGTERM)


def _be(name: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str], parent: int) -> NoReturn:
    """The child: shed everything of the parent's but its modules, then run the service as `python -m` would."""
    code = 1
    try:
        os.setsid()
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, signal.SIG_DFL)
        die_with(parent, signal.SIGTERM)
        ctypes.CDLL(None).prctl(_PR_SET_NAME, f"hadir-{name}".encode(), 0, 0, 0)
        nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # Above all the lock of the run, which must not outlive the parent in a child's hands.
        os.closerange(3, 4096)
        os.environ.update(environment)
        settings.cache_clear()  # what the parent has read is the parent's
        sys.argv = list(arguments)
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
    finally:
        # Not sys.exit: the parent's own finally blocks are on this stack.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
