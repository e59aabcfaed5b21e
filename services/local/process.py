"""One child process of the local stack: started in a group of its own, told to end when we end, stopped for sure."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.refusal import Refusal

LAUNCH = Path(__file__).with_name("launch.py")

_LOWEST_FREE = 10_000
_LENT_FROM = 32_768
"""Linux lends ports from here on to outgoing connections; other systems do so from higher up."""

_given: set[int] = set()


class LocalError(Refusal):
    """Something about this machine keeps the local stack from working; the text says what, and what to do."""


class Process(Protocol):
    """What is needed of a started process; `subprocess.Popen` has it."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Exit code once it has ended; raises subprocess.TimeoutExpired."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal unless it has ended."""


@dataclass
class Child:
    """A started process, its log file and the signal that asks it to end cleanly."""

    name: str
    popen: Process
    log: Path
    polite: signal.Signals

    def alive(self) -> bool:
        """Whether the process still runs; reaps it if not."""
        return self.popen.poll() is None

    def ask_to_end(self) -> None:
        """Send the polite signal; nothing happens when it has ended already."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                self.popen.send_signal(self.polite)

    def stop(self, within: float = 20.0) -> bool:
        """Ask, wait at most `within` seconds, then kill the whole group; true when it went politely."""
        self.ask_to_end()
        polite = True
        try:
            self.popen.wait(within)
        except subprocess.TimeoutExpired:
            polite = False
        # Also after a polite end: whatever the process left behind in its group goes too.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        return polite

    def last_words(self, lines: int = 15) -> str:
        """End of the log, for an error message."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


def spawn(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    polite: signal.Signals = signal.SIGTERM,
    user: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    orphaned: signal.Signals | None = None,
) -> Child:
    """Start `command` with its output appended to `log`.

    Call it from a thread that lives as long as the child may: the kernel watches the starting *thread*.
    `orphaned` is what the kernel sends it then, `polite` if it is not given.
    The child is in a session of its own, so a Ctrl-C in the terminal reaches only us and we stop it in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        popen = subprocess.Popen(  # noqa: S603 - commands are ours
            [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), (orphaned or polite).name, user or "-", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
    return Child(name, popen, log, polite)


def await_ready(child: Child, ready: Callable[[], bool], within: float) -> None:
    """Poll `ready` until it is true; raises LocalError with the end of the log if the child ends or time is up."""
    deadline = time.monotonic() + within
    while not ready():
        if not child.alive():
            raise LocalError(
                f"{child.name} ended at once (code {child.popen.returncode}). Its log, {child.log}, ends with:\n"
                f"{child.last_words()}"
            )
        if time.monotonic() > deadline:
            child.stop(5)
            raise LocalError(
                f"{child.name} was not ready within {within:.0f} s. Its log, {child.log}, ends with:\n"
                f"{child.last_words()}"
            )
        time.sleep(0.05)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on now, and that this process was not given before.

    It lies below the ports that the kernel lends to outgoing connections: one of those could be lent to somebody, or
    given out here a second time, before the server it was meant for listens.
    """
    for port in random.SystemRandom().sample(range(_LOWEST_FREE, _LENT_FROM), _LENT_FROM - _LOWEST_FREE):
        if port not in _given:
            with contextlib.suppress(OSError), socket.create_server((host, port)):
                _given.add(port)
                return port
    raise LocalError(f"No TCP port from {_LOWEST_FREE} to {_LENT_FROM} is free on {host}.")


def claim_port(port: int, what: str, setting: str, host: str = "127.0.0.1") -> int:
    """`port` if it is free (a free one for 0); raises LocalError that names the setting to change."""
    if port == 0:
        return free_port(host)
    try:
        with socket.create_server((host, port)):
            return port
    except OSError as error:
        raise LocalError(
            f"Port {port} on {host}, meant for {what}, cannot be used ({error.strerror}). Stop the program that "
            f"listens there, or choose another port: {setting}=0 takes any free one, e.g.  {setting}=0 make run"
        ) from error


def make_folder(folder: Path, setting: str) -> Path:
    """Create `folder` and prove that it can be written; raises LocalError that names the setting to change."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise LocalError(
            f"Cannot write in {folder} ({error.strerror}). Make it writable, or choose another folder with {setting}."
        ) from error
    return folder.resolve()


def require_space(folder: Path, megabytes: int, setting: str) -> None:
    """Refuse to start on an almost full disk: Kafka and PostgreSQL fail there in ways that are hard to read."""
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < megabytes:
        raise LocalError(
            f"Only {free} MB are free where {folder} is; {megabytes} MB are needed. Free some, or choose another "
            f"folder with {setting}."
        )
