"""Describes the machine on which figures are taken, and whether it had anything else to do."""

import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

MOST_LOAD_PER_CORE: Final = 0.5
"""Above this load average per core at the start, a figure says more about the other work than about ours."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores, processor, memory (GiB), kernel, Python, and the load average of the last minute when a bench began."""

    cores: int
    model: str
    memory_gib: float
    kernel: str
    python: str
    load: float

    @classmethod
    def now(cls) -> Self:
        """The machine as it is at this moment."""
        pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        return cls(
            len(os.sched_getaffinity(0)), _model(), round(pages * page / 2**30, 1), f"{platform.system()} {platform.release()}",
            platform.python_version(), round(os.getloadavg()[0], 2),
        )

    @property
    def quiet(self) -> bool:
        """Whether it had little else to do."""
        return self.load <= MOST_LOAD_PER_CORE * self.cores

    def sentence(self) -> str:
        """The machine in one line; without the load, which is each figure's own."""
        return (
            f"{self.cores} cores of {self.model}, {self.memory_gib:.0f} GiB, {self.kernel}, Python {self.python}"
        )

    def as_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


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
    return short + ("+" if ask("status", "--porcelain", "--untracked-files=no", "--", "services", "shared") else "")


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
