"""The local Prometheus: found on the machine, or fetched as Debian's package without any right, and started with our rules.

The package comes by `apt-get download` and is unpacked by `dpkg -x` into the folder of downloads, where its two programs
run as they are: nothing is installed. apt itself checks what it fetched against the distribution's signature.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.local.downloads import cache_folder
from services.local.process import Child, LocalError, await_ready, make_folder, spawn

RULES: Final = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules"
"""The rules of production; the local Prometheus has the same."""

EVERY_S: Final = 5
"""Seconds between two scrapes and between two evaluations of the rules, on one machine."""

_FETCH_WITHIN_S: Final = 300


@dataclass(frozen=True)
class Tools:
    """Where the two programs are."""

    prometheus: Path
    promtool: Path


@dataclass(frozen=True)
class Prometheus:
    """A started Prometheus."""

    child: Child
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


def find_tools() -> Tools | None:
    """Both programs, if this machine or the folder of downloads has them."""
    unpacked = _unpacked()
    found = [shutil.which(name) or shutil.which(name, path=str(unpacked)) for name in ("prometheus", "promtool")]
    return Tools(*map(Path, found)) if all(found) else None  # type: ignore[arg-type]


def fetch_tools() -> Tools:
    """Both programs, fetched if they are not there. Raises LocalError that says how to get them otherwise."""
    if (tools := find_tools()) is not None:
        return tools
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise LocalError(
            "Prometheus is not installed, and without apt-get it cannot be fetched here. Install it (its two programs "
            "`prometheus` and `promtool` on the PATH are enough) and run again."
        )
    folder = make_folder(cache_folder() / "prometheus", "HADIR_CACHE")
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as work:
        package = _download(Path(work))
        unpacked = Path(work) / "unpacked"
        _run(["dpkg", "-x", str(package), str(unpacked)], Path(work))
        # Whoever else fetched meanwhile has the same files: whose are kept does not matter.
        for name in ("prometheus", "promtool"):
            _unpacked().mkdir(exist_ok=True)
            (unpacked / "usr" / "bin" / name).replace(_unpacked() / name)
    tools = find_tools()
    assert tools is not None  # just put there
    return tools


def _unpacked() -> Path:
    return cache_folder() / "prometheus" / "bin"


def _download(work: Path) -> Path:
    """The package file, with the machine's own lists of packages, else with lists fetched beside them."""
    with contextlib.suppress(LocalError):
        _run(["apt-get", "-qq", "download", "prometheus"], work)
    if not (found := list(work.glob("prometheus_*.deb"))):
        (work / "lists" / "partial").mkdir(parents=True)
        (work / "cache" / "archives" / "partial").mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}"]
        _run(["apt-get", "-qq", *own, "update"], work)
        _run(["apt-get", "-qq", *own, "download", "prometheus"], work)
        found = list(work.glob("prometheus_*.deb"))
    if not found:
        raise LocalError("apt-get gave no package `prometheus`. Install Prometheus by hand and run again.")
    return found[0]


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - commands are ours
            command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"`{command[0]}` did not answer within {_FETCH_WITHIN_S} s: is there a network?") from error
    if done.returncode:
        raise LocalError(
            f"Prometheus could not be fetched: `{' '.join(command[:3])} …` said: {done.stderr.strip()[-400:]} "
            "Connect to the internet, or install Prometheus by hand, and run again."
        )


def configuration(targets: Mapping[str, str], rules: Path = RULES) -> str:
    """What Prometheus is to do: one job for each process, named as the process; `targets` are "host:port"."""
    jobs = "".join(
        f"  - job_name: {name}\n    static_configs:\n      - targets: ['{target}']\n" for name, target in targets.items()
    )
    return (
        f"global:\n  scrape_interval: {EVERY_S}s\n  scrape_timeout: {EVERY_S - 1}s\n  evaluation_interval: {EVERY_S}s\n"
        f"rule_files:\n  - '{rules}/*.yml'\nscrape_configs:\n{jobs}"
    )


def start_prometheus(tools: Tools, folder: Path, port: int, targets: Mapping[str, str], log: Path) -> Prometheus:
    """Start it on 127.0.0.1 with its data in `folder`; returns when it answers. Raises LocalError with its last words."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "prometheus.yml"
    settings.write_text(configuration(targets))
    child = spawn(
        "prometheus",
        [
            tools.prometheus, f"--config.file={settings}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=30d", "--log.level=warn",
        ],
        log,
    )  # fmt: skip
    started = Prometheus(child, port)
    await_ready(child, lambda: _answers(started.url), 30)
    return started


def _answers(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url + "/-/ready", timeout=2) as answer:  # noqa: S310
        return int(answer.status) == 200
    return False


if __name__ == "__main__":
    sys.stdout.write(f"{fetch_tools().prometheus}\n")
