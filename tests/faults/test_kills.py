"""Workers killed at random under load: nothing is lost, nothing counts twice, and every rupiah is as the truth says."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from shared import topics
from shared.events import Event
from shared.reading import consuming, partitions_of, to_the_ends
from shared.topics import Topic
from tests.chosen import whole
from tests.waiting import PATIENCE_S

CYCLES = whole("HADIR_FAULT_CYCLES", 20, least=1)
SEED = whole("HADIR_FAULT_SEED", 20261123)
WORKERS = ("geofence", "schedule", "payroll")
SECONDS_PER_CYCLE = 5.0
RATE = 40


class SecondWorkers:
    """A second worker of every service beside the supervised one, so that each kill moves lanes to somebody else."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env, self.folder = env, folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        with (self.folder / f"{name}-2.log").open("ab") as log:
            env = {**self.env, f"HADIR_{name.upper()}_PORT": "0"}
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"services.{name}", "worker"], env=env, stdout=log, stderr=log
            )

    def process(self, name: str) -> psutil.Process | None:
        """The worker of this name, if it was not reaped yet."""
        popen = self.processes[name]
        return psutil.Process(popen.pid) if popen.poll() is None else None

    def tend(self) -> None:
        """Start again whatever has ended."""
        for name in WORKERS:
            if name not in self.processes or self.processes[name].poll() is not None:
                self.start(name)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def supervised(home: Path, name: str) -> psutil.Process | None:
    """The worker that `hadir run` watches, if it is up."""
    children = json.loads((home / "running.json").read_text())["children"]
    for child in children:
        if child["name"] == name:
            try:
                return psutil.Process(child["pid"])
            except psutil.NoSuchProcess:
                return None
    return None


def killed_now(process: psutil.Process) -> bool:
    """kill -9; false if it had ended by itself (it was fenced), though nobody may have reaped it yet."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True


async def versions_of(house: Any, topic: Topic[Event]) -> dict[str, list[int]]:
    """Versions by entity, in the order of the topic."""
    found: dict[str, list[int]] = {}
    async with asyncio.timeout(PATIENCE_S), consuming(house.addresses["kafka"], "versions") as consumer:
        async for message in to_the_ends(consumer, await consumer.beginning_offsets(partitions_of(topic))):
            subject = dict(message.headers)["ce_subject"].decode()
            found.setdefault(subject, []).append(orjson.loads(message.value)["version"])
    return found


@pytest.mark.timeout(1800 + CYCLES * SECONDS_PER_CYCLE)
async def test_killing_workers_at_random_under_load_neither_loses_nor_doubles_anything(house: Any, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    seconds = CYCLES * SECONDS_PER_CYCLE
    second = SecondWorkers(house.env, tmp_path)
    second.tend()
    play = subprocess.Popen(
        # any date: all that is asked holds of every day of work, the kind of day that the play takes
        [sys.executable, "-m", "services", "simulate", "--rate", str(RATE), "--seconds", str(seconds), "--seed", "7", "--json"],
        env=house.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    killed, names = Counter[str](), list[str]()
    try:
        # The load begins once the province is imported: the first check-in is known to ingest.
        while not (await house.fetch("select count(*) as n from ingest.receipt"))[0]["n"]:
            assert play.poll() is None, play.communicate()
            time.sleep(0.2)  # polls; the test's own timeout is the deadline
        while killed.total() < CYCLES and play.poll() is None:
            second.tend()
            time.sleep(chance.uniform(0.5, 1.5) * SECONDS_PER_CYCLE * 0.8)  # the random moment is the point
            names = names or chance.sample(WORKERS, len(WORKERS))  # each has its turn, however few kills there are
            name = names[0]
            victims = chance.sample([supervised(house.home, name), second.process(name)], 2)
            if any(victim is not None and killed_now(victim) for victim in victims):  # the first that runs, and no other
                killed[names.pop(0)] += 1
        output, errors = play.communicate(timeout=900)
    finally:
        play.kill()
        second.stop()

    report = json.loads(output) if output else {}
    print(f"\n{killed.total()} kills ({dict(killed)}), seed {SEED}: {report.get('accepted')} check-ins accepted,"
          f" {report.get('assessed')} days assessed, Rp {report.get('rupiah')}, equal {report.get('equal')},"
          f" 95 % bound of a violation per kill: {3 / max(killed.total(), 1):.3f}")
    assert killed.total() == CYCLES, killed
    assert len(killed) == min(CYCLES, len(WORKERS))
    assert report, errors
    assert report["equal"], report["differences"]
    assert report["accepted"] == report["sent"]
    # Each accepted check-in stands exactly once behind every hop, and so does each work report that has a receipt.
    [counts] = await house.fetch(
        "select (select count(*) from ingest.receipt where id in (select check_in_id from geofence.check_in)) as located,"
        " (select count(*) from geofence.check_in) as known, (select count(*) from schedule.mark) as marks,"
        " (select count(*) from ingest.receipt r where not exists (select from geofence.check_in c where c.check_in_id = r.id)"
        "   and not exists (select from schedule.work_report w where w.report_id = r.id)) as lost,"
        " (select count(*) from (select from payroll.ledger l group by l.employee_id, l.month"
        "   having sum(l.amount) <> (select coalesce(m.amount, 0) + m.supplementary from payroll.month m"
        "     where m.employee_id = l.employee_id and m.month = l.month)) x) as unbalanced"
    )
    assert counts["known"] == counts["marks"] == counts["located"]
    assert counts["lost"] == 0
    assert counts["unbalanced"] == 0
    # Versions on the topics: repeats are allowed after a takeover, holes never.
    for topic in (topics.DAY_ASSESSED, topics.VIOLATION, topics.CHECK_IN_LOCATED):
        for entity, versions in (await versions_of(house, topic)).items():
            assert sorted(set(versions)) == list(range(1, max(versions) + 1)), (topic.name, entity, versions)
