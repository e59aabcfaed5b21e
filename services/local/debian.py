"""Programs out of Debian's packages, without any right: fetched by apt-get, unpacked beside the other downloads.

Nothing is installed. apt itself checks what it fetched against the distribution's signature.
"""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.local.downloads import cache_folder
from services.local.process import LocalError, make_folder

_WITHIN_S: Final = 300


def find_programs(package: str, names: Sequence[str]) -> list[Path] | None:
    """Programs by their names, if all are on the PATH or were fetched with this package before."""
    found = [shutil.which(name) or shutil.which(name, path=str(_unpacked(package))) for name in names]
    return [Path(path) for path in found if path] if all(found) else None


def fetch_programs(package: str, names: Sequence[str]) -> list[Path]:
    """Programs of a package (those in its /usr/bin), fetched if they are not there.

    Raises LocalError that says how to get them otherwise.
    """
    if (there := find_programs(package, names)) is not None:
        return there
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise LocalError(
            f"{package} is not installed, and without apt-get it cannot be fetched here. Install it "
            f"({' and '.join(names)} on the PATH is enough) and run again."
        )
    folder = make_folder(cache_folder() / package, "HADIR_CACHE")
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as work:
        unpacked = Path(work) / "unpacked"
        _run(["dpkg", "-x", str(_download(package, Path(work))), str(unpacked)], Path(work), package)
        # Whoever else fetched meanwhile has the same files: whose are kept does not matter.
        for name in names:
            _unpacked(package).mkdir(exist_ok=True)
            (unpacked / "usr" / "bin" / name).replace(_unpacked(package) / name)
    there = find_programs(package, names)
    assert there is not None  # just put there
    return there


def _unpacked(package: str) -> Path:
    return cache_folder() / package / "bin"


def _download(package: str, work: Path) -> Path:
    """The package file, with the machine's own lists of packages, else with lists fetched beside them."""
    with contextlib.suppress(LocalError):
        _run(["apt-get", "-qq", "download", package], work, package)
    if not (found := list(work.glob(f"{package}_*.deb"))):
        (work / "lists" / "partial").mkdir(parents=True)
        (work / "cache" / "archives" / "partial").mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}"]
        _run(["apt-get", "-qq", *own, "update"], work, package)
        _run(["apt-get", "-qq", *own, "download", package], work, package)
        found = list(work.glob(f"{package}_*.deb"))
    if not found:
        raise LocalError(f"apt-get gave no package `{package}`. Install it by hand and run again.")
    return found[0]


def _run(command: Sequence[str], folder: Path, package: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - commands are ours
            command, cwd=folder, capture_output=True, text=True, timeout=_WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"`{command[0]}` did not answer within {_WITHIN_S} s: is there a network?") from error
    if done.returncode:
        raise LocalError(
            f"{package} could not be fetched: `{' '.join(command[:3])} …` said: {done.stderr.strip()[-400:]} "
            "Connect to the internet, or install it by hand, and run again."
        )
