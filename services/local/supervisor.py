"""Keeps the local stack up: starts servers and services, restarts services that end, stops everything in order."""

import contextlib
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.local.fork import fork, may_fork
from services.local.process import Child, LocalError, spawn
from services.local.state import forget, write_addresses, write_run

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ingest": ("services.ingest",),
    "geofence": ("services.geofence", "worker"),
    "schedule": ("services.schedule", "worker"),
    "payroll": ("services.payroll", "worker"),
    "geofence_api": ("services.preview", "geofence-api"),
    "schedule_api": ("services.preview", "schedule-api"),
    "payroll_api": ("services.payroll", "api"),
    "reports_api": ("services.reports", "api"),
}
"""How each service is started: the arguments of `python -m`."""

WATCHERS: Final[Mapping[str, tuple[str, ...]]] = {"monitor": ("services.monitor",), "canaries": ("services.canaries",)}
"""What may be started beside the services: figures for Prometheus, and canaries."""

HEAVY: Final = (
    *(f"services.{name}.app" for name in ("ingest", "geofence", "schedule", "payroll")),
    *(f"services.{name}.api" for name in ("geofence", "schedule", "payroll", "reports")),
    "services.preview.serving",
    "shared.web.process",
)
"""What takes long to import in the services."""

REFUSED: Final = 78
"""Exit code (EX_CONFIG) of a service that refuses to start: starting it again would not help."""

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0
_CALM_AFTER_S: Final = 60.0
"""A service that ran so long before it ended starts again with the shortest pause."""


@dataclass
class Watched:
    """A service that is to stay up, and what is known of its restarts."""

    name: str
    child: Child
    started: float
    pause: float = _FIRST_PAUSE_S
    again_at: float | None = None
    restarts: int = 0
    refused: bool = False


@dataclass
class Supervisor:
    """The processes of one run. `servers` are stopped after `services`; `say` gets one line per event.

    `bystanders` are programs that nothing depends on (Prometheus): they are stopped first, and missed by nobody.

    Services are crash-only: a worker that lost its lanes or met a bug ends itself, and is started anew here,
    after a pause that doubles up to 15 s. A server that ends is not restarted: its data may be the reason.
    """

    home: Path
    say: Callable[[str], None]
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: COMMANDS)
    environment: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    servers: list[Child] = field(default_factory=list)
    bystanders: list[Child] = field(default_factory=list)
    services: dict[str, Watched] = field(default_factory=dict)
    broken: threading.Event = field(default_factory=threading.Event)
    _fault: str = ""
    _stopping: threading.Event = field(default_factory=threading.Event)
    _guard: threading.RLock = field(default_factory=threading.RLock)
    _thread: threading.Thread | None = None

    def log_of(self, name: str) -> Path:
        """Log file of a process; the former run's is kept beside it as `.log.1`."""
        return self.home / "logs" / f"{name}.log"

    def fresh_log(self, name: str) -> Path:
        """Log file of a process for a new run."""
        log = self.log_of(name)
        with contextlib.suppress(FileNotFoundError):
            log.replace(log.with_suffix(".log.1"))
        return log

    def add_server(self, child: Child) -> None:
        """Take over a started server."""
        with self._guard:
            self.servers.append(child)
            self._publish()

    def add_bystander(self, child: Child) -> None:
        """Take over a started program that the rest works without."""
        with self._guard:
            self.bystanders.append(child)
            self._publish()

    def start_services(self) -> None:
        """Start all services with `environment` and begin to watch them."""
        write_addresses(self.home, self.environment)
        with self._guard:
            start = self._fork if may_fork() else self._spawn
            for name in self.commands:
                self.fresh_log(name)
                self.services[name] = Watched(name, start(name), time.monotonic())
            self._publish()
        # Not a daemon: the kernel ends what this thread restarted when the thread ends (see process.spawn).
        self._thread = threading.Thread(target=self._watch, name="hadir-supervisor")
        self._thread.start()

    def await_services(self, within: float = 180.0) -> None:
        """Return once every service says ready; raises LocalError that names the one that does not.

        Those that only watch are not waited for.
        """
        deadline = time.monotonic() + within
        waiting = {name: watched for name, watched in self.services.items() if name not in WATCHERS}
        while waiting:
            for name in list(waiting):
                if _says_ready(self.addresses[name] + "/readyz"):
                    del waiting[name]
                elif waiting[name].refused or waiting[name].restarts >= 3 or time.monotonic() > deadline:
                    child = waiting[name].child
                    raise LocalError(
                        f"{name} does not become ready. Its log, {child.log}, ends with:\n{child.last_words()}"
                    )
            if self.broken.is_set():
                raise LocalError(self.broken_reason())
            time.sleep(0.05)

    def broken_reason(self) -> str:
        """What to tell when a server has ended under us, or services can no longer be looked after."""
        ended = [
            f"{child.name} ended by itself (code {child.popen.returncode}). Its log, {child.log}, ends with:\n"
            f"{child.last_words()}"
            for child in self.servers
            if not child.alive()
        ]
        return "\n".join(ended or [self._fault])

    def stop(self) -> None:
        """Stop services, then servers; returns when nothing of ours is left. May be called at any time, twice too."""
        self._stopping.set()
        with self._guard:
            children = [watched.child for watched in self.services.values()]
            _stop_together([*self.bystanders, *children], within=15.0)
            _stop_together(self.servers, within=20.0)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        forget(self.home)

    def _spawn(self, name: str) -> Child:
        return spawn(
            name,
            [sys.executable, "-m", *self.commands[name]],
            self.log_of(name),
            environment={**self.environment, "PYTHONUNBUFFERED": "1"},
        )

    def _fork(self, name: str) -> Child:
        return fork(name, self.commands[name], self.log_of(name), self.environment)

    def _publish(self) -> None:
        write_run(self.home, [*self.servers, *self.bystanders, *(item.child for item in self.services.values())], self.addresses)

    def _watch(self) -> None:
        while not self._stopping.wait(0.2):
            with self._guard:
                if self._stopping.is_set():
                    return
                if not all(child.alive() for child in self.servers):
                    self.broken.set()
                    continue
                try:
                    for watched in self.services.values():
                        self._look_after(watched, time.monotonic())
                except Exception as error:  # noqa: BLE001 - whatever it is, a run that restarts nothing must end
                    self._fault = f"Services can no longer be started again ({type(error).__name__}: {error})."
                    self.broken.set()
        # Children restarted here live as long as this thread: `stop` has ended them before it joins us.

    def _look_after(self, watched: Watched, now: float) -> None:
        if watched.refused:
            return
        if watched.again_at is None:
            if watched.child.alive():
                return
            if watched.child.popen.returncode == REFUSED:
                watched.refused = True
                self._tell(f"{watched.name} refuses to start: {watched.child.last_words(1)}")
                return
            if now - watched.started > _CALM_AFTER_S:
                watched.pause = _FIRST_PAUSE_S
            self._start_later(watched, now, f"ended (code {watched.child.popen.returncode})")
        elif now >= watched.again_at:
            try:
                watched.child = self._spawn(watched.name)
            except OSError as error:  # no process or no room to be had at this moment
                self._start_later(watched, now, f"could not be started ({error.strerror})")
                return
            watched.again_at = None
            watched.restarts += 1
            watched.started = now
            with contextlib.suppress(OSError):  # the former list stays; without it the kernel still ends them with us
                self._publish()

    def _start_later(self, watched: Watched, now: float, why: str) -> None:
        self._tell(f"{watched.name} {why}; starting it again in {watched.pause:.1f} s, see {watched.child.log}")
        watched.again_at = now + watched.pause
        watched.pause = min(2 * watched.pause, _LONGEST_PAUSE_S)

    def _tell(self, line: str) -> None:
        """Say it if anybody can hear it; rich makes a SystemExit of a pipe that nobody reads any more."""
        with contextlib.suppress(OSError, SystemExit):
            self.say(line)


def _stop_together(children: list[Child], within: float) -> None:
    for child in children:
        child.ask_to_end()
    deadline = time.monotonic() + within
    for child in children:
        child.stop(max(0.1, deadline - time.monotonic()))


def _says_ready(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
        return int(answer.status) == 200
    return False


class LogTail(threading.Thread):
    """Prints what the processes log, each line after the name of its process (`hadir run --verbose`)."""

    def __init__(self, folder: Path, show: Callable[[str, str], None]) -> None:
        """`show(name, line)` is called for each new line of each log in `folder`."""
        super().__init__(name="hadir-log-tail", daemon=True)
        self._folder, self._show = folder, show
        self._read: dict[Path, tuple[int, int]] = {}

    def run(self) -> None:
        """Follow the logs until the process ends."""
        while True:
            for log in sorted(self._folder.glob("*.log")):
                with contextlib.suppress(OSError):
                    self._follow(log)
            time.sleep(0.2)

    def _follow(self, log: Path) -> None:
        inode = log.stat().st_ino
        known, offset = self._read.get(log, (inode, 0))
        if known != inode:
            offset = 0
        with log.open("rb") as content:
            content.seek(offset)
            # A line without its end is left for the next look.
            lines = content.read().rpartition(b"\n")[0]
        if lines:
            offset += len(lines) + 1
            for line in lines.decode(errors="replace").splitlines():
                self._show(log.stem, line)
        self._read[log] = (inode, offset)


def inherited_environment() -> dict[str, str]:
    """Hadir's own settings in the environment, which services started by us share."""
    return {name: value for name, value in os.environ.items() if name.startswith("HADIR_")}
