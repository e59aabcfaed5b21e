"""What is known of a running local stack outside of it: the lock, the list of its processes, its addresses.

The lock is the kernel's (flock), so that a killed run leaves none behind; the list names each process by id
and start time, so that a recycled id is never mistaken for ours.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psutil

from services.local.process import Child, LocalError


@dataclass(frozen=True)
class Known:
    """One process of a run: its name, process id and start time (seconds since the epoch, as the kernel rounds it)."""

    name: str
    pid: int
    started: float

    @classmethod
    def of(cls, name: str, pid: int) -> "Known | None":
        """The living process `pid`, or None."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return cls(name, pid, psutil.Process(pid).create_time())
        return None

    def process(self) -> psutil.Process | None:
        """The process, if it still is the one that was meant."""
        with contextlib.suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.pid)
            if found.create_time() == self.started and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None


@dataclass(frozen=True)
class Run:
    """A run as another shell sees it."""

    supervisor: Known
    children: tuple[Known, ...]
    addresses: Mapping[str, str]


def _list(home: Path) -> Path:
    return home / "running.json"


def _addresses(home: Path) -> Path:
    from shared.settings import running_file

    return running_file(home)


@contextmanager
def sole_run(home: Path) -> Iterator[None]:
    """Hold the right to run a stack in `home`; raises LocalError that says who has it and what to do."""
    with (home / "lock").open("a") as lock:
        if not _locked(lock):
            run = read_run(home)
            who = f" (process {run.supervisor.pid})" if run else ""
            where = "".join(f"\n  {what}: {address}" for what, address in (run.addresses if run else {}).items())
            raise LocalError(
                f"Hadir is already running here{who}.{where}\nUse it as it is, or stop it with `make stop` (or "
                "Ctrl-C in its terminal) and run again. A second one beside it needs its own folder and ports:\n"
                "  HADIR_HOME=.hadir2 HADIR_KAFKA_PORT=0 HADIR_DATABASE_PORT=0 HADIR_INGEST_PORT=0 "
                "HADIR_GEOFENCE_PORT=0 HADIR_SCHEDULE_PORT=0 HADIR_PAYROLL_PORT=0 HADIR_GEOFENCE_API_PORT=0 "
                "HADIR_SCHEDULE_API_PORT=0 HADIR_PAYROLL_API_PORT=0 HADIR_REPORTS_API_PORT=0 make run"
            )
        yield


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_run(home: Path, children: Sequence[Child], addresses: Mapping[str, str]) -> None:
    """Replace the list of processes; readers see the old or the new one, never half."""
    known = [Known.of(child.name, child.popen.pid) for child in children if child.alive()]
    content = {
        "supervisor": asdict(Known.of("hadir run", os.getpid()) or Known("hadir run", os.getpid(), 0.0)),
        "children": [asdict(item) for item in known if item],
        "addresses": dict(addresses),
    }
    draft = home / ".running.json"
    draft.write_text(json.dumps(content, indent=1))
    draft.replace(_list(home))


def write_addresses(home: Path, variables: Mapping[str, str]) -> None:
    """Tell commands in other shells where everything is; for the owner's eyes, since a password is in it."""
    path = _addresses(home)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f'{name}="{value}"\n' for name, value in variables.items()))


def forget(home: Path) -> None:
    """Remove what tells of a run that has ended."""
    _list(home).unlink(missing_ok=True)
    _addresses(home).unlink(missing_ok=True)


def read_run(home: Path) -> Run | None:
    """The run that last wrote its list here, if it left one."""
    try:
        content = json.loads(_list(home).read_text())
        return Run(
            Known(**content["supervisor"]),
            tuple(Known(**item) for item in content["children"]),
            content["addresses"],
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        # Not written by us, or by another release: nothing can be concluded from it.
        return None


def sweep(home: Path, within: float = 20.0) -> list[str]:
    """End what a killed run left alive and forget it; returns the names. Only for the holder of the lock."""
    run = read_run(home)
    left = [(item, process) for item in (run.children if run else ()) if (process := item.process())]
    for _, process in left:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs([process for _, process in left], timeout=within)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    forget(home)
    return [item.name for item, _ in left]


def stop_run(home: Path, within: float = 60.0) -> list[str]:
    """Stop the stack that runs in `home`, from another shell; returns one sentence per thing done."""
    if not home.is_dir():
        return [f"Nothing runs here ({home} does not exist)."]
    done: list[str] = []
    run = read_run(home)
    with (home / "lock").open("a") as lock:
        if not _locked(lock):
            supervisor = run.supervisor.process() if run else None
            if supervisor is None:
                raise LocalError(
                    f"Something holds {home / 'lock'}, but it did not say who it is. Try again in a second."
                )
            supervisor.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + within
            while not _locked(lock):
                if time.monotonic() > deadline:
                    supervisor.kill()
                    done.append(f"Process {supervisor.pid} did not end within {within:.0f} s and was killed.")
                    supervisor.wait(5)
                    deadline = time.monotonic() + 5
                time.sleep(0.05)
            done.append(f"Stopped the run of process {supervisor.pid}.")
        done += [f"Ended {name}, left by a killed run." for name in sweep(home)]
    return done or ["Nothing runs here."]
