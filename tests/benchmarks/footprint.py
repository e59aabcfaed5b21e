"""Measures how long a warm start of `hadir run` takes and how much memory the whole stack has after a played day.

    python -m tests.benchmarks.footprint

The references: how long Kafka and PostgreSQL alone take within that start, and what they hold.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.local.supervisor import COMMANDS, WATCHERS
from tests.benchmarks.stack import pss_mib, rss_of_all_mib, tree
from tests.benchmarks.telling import figure, progress, tell


@contextmanager
def started(home: Path, env: dict[str, str]) -> Iterator[str]:
    """`hadir run` in a folder; its output up to ready."""
    log = home / "run.log"
    with log.open("w") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "services", "run", "--no-play", "--no-monitor"], env=env, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 300
        while "Ready after" not in log.read_text():
            assert run.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield log.read_text()
    finally:
        run.send_signal(signal.SIGINT)
        try:
            run.wait(60)
        except subprocess.TimeoutExpired:
            run.kill()


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--employees", type=int, default=2_000)
    given = ask.parse_args()
    free = {f"HADIR_{name}_PORT": "0" for name in ("KAFKA", "DATABASE", "PROMETHEUS", *map(str.upper, (*COMMANDS, *WATCHERS)))}
    with tempfile.TemporaryDirectory(prefix="hadir-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # PostgreSQL may run as another user
        env = {**os.environ, **free, "HADIR_HOME": folder}
        with started(home, env) as said:
            progress(f"first start: {_ready_after(said):.1f} s")
        with started(home, env) as said:
            warm = _ready_after(said)
            servers_s = sum(float(found) for found in re.findall(r"(?:PostgreSQL|Kafka) [\d.]+ on port \d+ +([\d.]+) s", said))
            progress(f"warm start: {warm:.1f} s")
            children = json.loads((home / "running.json").read_text())["children"]
            plain = {name: value for name, value in env.items() if name not in free}
            subprocess.run(
                [sys.executable, "-m", "services", "simulate", "--employees", str(given.employees)], env=plain, check=True,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
            told = memory(children, given.employees)
    tell(figure("warm-start", warm, reference="waiting for Kafka and PostgreSQL within it", reference_value=max(servers_s, 0.1)), *told)


def memory(children: Sequence[Mapping[str, Any]], employees: int) -> list[dict[str, Any]]:
    """The figures of what all children of the stack hold now, each with all below it, after a day of so many employees."""
    sizes = {child["name"]: pss_mib(tree(child["pid"])) for child in children}
    resident = {child["name"]: rss_of_all_mib(tree(child["pid"])) for child in children}
    servers = {"Kafka", "PostgreSQL"}
    assert servers <= sizes.keys(), sizes
    parts = ", ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items(), key=lambda item: -item[1]))
    return [
        figure(
            "memory", sum(sizes.values()), reference="Kafka and PostgreSQL of it", reference_value=sum(sizes[name] for name in servers),
            note=f"after a played day of {employees:,} employees, in MiB: {parts}; without monitor, canaries and Prometheus",
        ),
        figure(
            "memory-rss", sum(resident.values()), reference="Kafka and PostgreSQL of it",
            reference_value=sum(resident[name] for name in servers),
            note="the same moment; each process of PostgreSQL counts the buffers again that all of them share: "
            f"{resident['PostgreSQL']:,.0f} MiB in sum, where it holds {sizes['PostgreSQL']:,.0f}",
        ),
    ]


def _ready_after(said: str) -> float:
    found = re.search(r"Ready after ([\d.]+) s", said)
    assert found is not None, said
    return float(found[1])


if __name__ == "__main__":
    main()
