"""What a stack uses is what all its processes use, with all below them, living or ended."""

import os
import subprocess
import sys

import pytest

from tests.benchmarks import footprint
from tests.benchmarks.stack import cpu_s_of

BUSY = "import time\nwhile time.process_time() < 0.3: pass\n"
NAMES = ("Kafka", "PostgreSQL", "ingest", "geofence", "schedule", "payroll", "reports_api")


def test_processor_time_counts_children_that_have_ended_and_those_that_live() -> None:
    before = cpu_s_of(os.getpid())
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    ended = cpu_s_of(os.getpid())
    command = [sys.executable, "-c", BUSY + "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        living = cpu_s_of(os.getpid())
        child.communicate(b"\n")

    assert ended - before >= 0.25
    assert living - ended >= 0.25


def test_the_memory_of_a_stack_is_that_of_all_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint, "tree", lambda pid: [pid])
    monkeypatch.setattr(footprint, "pss_mib", lambda processes: float(sum(processes)))
    monkeypatch.setattr(footprint, "rss_of_all_mib", lambda processes: 10.0 * sum(processes))
    pss, rss = footprint.memory([{"name": name, "pid": 2**number} for number, name in enumerate(NAMES)], 50)

    assert (pss["value"], pss["reference_value"]) == (127, 3)
    assert (rss["value"], rss["reference_value"]) == (1_270, 30)
