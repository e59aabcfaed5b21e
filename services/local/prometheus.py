"""The local Prometheus: found on the machine, or fetched as Debian's package without any right, and started with our rules."""

import contextlib
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.local.debian import fetch_programs, find_programs
from services.local.process import Child, await_ready, spawn

RULES: Final = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules"
"""The rules of production; the local Prometheus has the same."""

EVERY_S: Final = 5
"""Seconds between two scrapes and between two evaluations of the rules, on one machine."""

_PROGRAMS: Final = ("prometheus", "promtool")


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
    found = find_programs("prometheus", _PROGRAMS)
    return Tools(*found) if found else None


def fetch_tools() -> Tools:
    """Both programs, fetched if they are not there. Raises LocalError that says how to get them otherwise."""
    return Tools(*fetch_programs("prometheus", _PROGRAMS))


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
