"""Describes the machine on which figures are taken, and whether it had anything else to do."""

import os
import platform
import resource
import shutil
import statistics
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import psutil

MOST_BUSY: Final = 0.15
"""Above this share of the cores busy with other work before, during or after a bench its figures say more about that than about ours."""

MOST_LOAD_PER_CORE: Final = 0.5
"""The same of the load average, for figures that were taken before the busy cores were looked at."""

_LOOK_S: Final = 2.0
_FSYNCS: Final = 21

_GUIDED_BY_DEBIAN: Final = frozenset({"x86_64", "aarch64", "i686", "armv7l", "ppc64", "ppc64le", "s390x"})
"""Where Debian builds Python with both optimisations, says debian/rules of its packages; elsewhere it builds it with neither."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores, processor, memory (GiB), kernel, Python, and what else it had to do while a bench ran.

    `load` is the load average of the last minute, in which the bench before may still be felt; `busy` how many cores were
    busy in the two seconds before the beginning, or with other work until the end, or in the two seconds after it, whichever is
    most (`busier`). `built` is how the
    interpreter was, and `disk` what the temporary files of a bench lie on and how fast that is ("" in figures that are older than these).
    """

    cores: int
    model: str
    memory_gib: float
    kernel: str
    python: str
    load: float
    busy: float | None = None
    built: str = ""
    disk: str = ""

    @classmethod
    def now(cls) -> Self:
        """The machine as it is at this moment; takes two seconds."""
        pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        return cls(
            len(os.sched_getaffinity(0)), _model(), round(pages * page / 2**30, 1), f"{platform.system()} {platform.release()}",
            platform.python_version(), round(os.getloadavg()[0], 2),
            round(psutil.cpu_percent(_LOOK_S) / 100 * (psutil.cpu_count() or 1), 2),
            how_built(sysconfig.get_config_vars(), platform.machine()), disk(Path(tempfile.gettempdir())),
        )

    def busier(self, *cores: float | None) -> Self:
        """The same machine, as busy as at its busiest: so many cores were at other times."""
        return replace(self, busy=max(self.busy or 0.0, *(busy or 0.0 for busy in cores)))

    @property
    def quiet(self) -> bool:
        """Whether it had little else to do."""
        return self.load <= MOST_LOAD_PER_CORE * self.cores if self.busy is None else self.busy <= MOST_BUSY * self.cores

    def occupied(self) -> str:
        """What it had to do, in a few words."""
        return f"load {self.load:g}" if self.busy is None else f"{self.busy:g} cores busy"

    def sentence(self) -> str:
        """The machine in one line; without the load, and without how fast its disk was, which are each figure's own."""
        return (
            f"{self.cores} cores of {self.model}, {self.memory_gib:.0f} GiB, {self.kernel}, Python {self.python} "
            f"({f'built {self.built}' if self.built else 'not noted how built'})"
        )

    def as_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


class OtherWork:
    """From its beginning on, how busy the machine is with others than this process and whatever it starts and waits for.

    Of children that have ended the kernel knows the processor time, with that of theirs; so their own parents must have waited for
    them, as a bench does for its servers and those for their processes. A child that nobody waited for counts as other work. What
    the hypervisor gives to others does, too. Interrupts count for nobody: the packets of a bench on this machine are among them.
    """

    def __init__(self) -> None:
        self._began, self._all_s, self._own_s = time.monotonic(), _busy_s(), _own_s()

    def cores(self) -> float:
        """How many cores were busy so since the beginning; to be asked when all that was started has ended."""
        others_s = _busy_s() - self._all_s - (_own_s() - self._own_s)
        return round(max(0.0, others_s) / max(time.monotonic() - self._began, 0.001), 2)


def _busy_s() -> float:
    """Processor seconds that all processes took so far, and that the hypervisor did."""
    times = psutil.cpu_times()
    return sum(float(getattr(times, kind, 0.0)) for kind in ("user", "nice", "system", "steal"))


def _own_s() -> float:
    """Processor seconds of this process and of its children that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def how_built(settings: Mapping[str, object], architecture: str) -> str:
    """Whether an interpreter was compiled by a profile of its own work: the same program is then a tenth or more faster.

    `settings` are its `sysconfig.get_config_vars()`. Debian, and Ubuntu with it, names the goal of make instead of the switch, and
    afterwards removes the flag by which a profile is used; the one by which it is made stays, and gives such a build away.
    """
    if "CONFIG_ARGS" not in settings:  # an interpreter that no `configure` has made
        return "nobody knows how"
    if settings.get("PGO_PROF_GEN_FLAG") and not settings.get("PGO_PROF_USE_FLAG"):
        guided = linked = architecture in _GUIDED_BY_DEBIAN
        by = "by Debian "
    else:
        said = " ".join(str(settings.get(name, "")) for name in ("CONFIG_ARGS", "PY_CFLAGS_NODIST", "PY_CORE_CFLAGS"))
        guided = any(sign in said for sign in ("--enable-optimizations", "-fprofile-use", "-fprofile-instr-use"))
        linked = any(sign in said for sign in ("--with-lto", "-flto"))
        by = ""
    return f"{by}with{'' if guided else 'out'} profile-guided optimisation" + (", with link-time optimisation" if linked else "")


def disk(folder: Path) -> str:
    """What a folder lies on: its file system, the device, and how long 8 KiB take until they are safe, as a commit of PostgreSQL does."""
    mounted = max(
        (one for one in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(one.mountpoint)),
        key=lambda one: len(one.mountpoint), default=None,
    )  # fmt: skip
    device = folder.stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    queues = [folder / "queue/rotational" for folder in (block, block.parent)]  # a partition has its disk's
    turns = next((queue.read_text().strip() for queue in queues if queue.exists()), "")
    kind = {"0": f"on {block.name}, which says that it does not rotate", "1": f"on {block.name}, which says that it rotates"}
    system = mounted.fstype if mounted else "an unknown file system"
    return f"{system} {kind.get(turns, 'on no disk that is known')}; fsync of 8 KiB {_fsync_s(folder) * 1_000:.2f} ms"


def _fsync_s(folder: Path) -> float:
    """Seconds, the median of some."""
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_FSYNCS):
            began = time.perf_counter()
            file.write(bytes(8_192))
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def commit(folder: Path) -> str:
    """Short hash of the checked-out commit, with `+` if files differ from it; `unknown` outside a clone."""
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def ask(*arguments: str) -> str:
        done = subprocess.run([git, "-C", str(folder), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
        return done.stdout.strip() if done.returncode == 0 else ""

    short = ask("rev-parse", "--short", "HEAD")
    if not short:
        return "unknown"
    changed = ask("status", "--porcelain", "--untracked-files=no", "--", "services", "shared", "tests", "requirements.lock")
    return short + ("+" if changed else "")


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
