"""The consumer kits of docs/consumers on a real broker: duplicates, old duplicates behind newer records, kills, restarts."""

import asyncio
import json
import os
import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, Final
from uuid import UUID

import pytest

from services.local.downloads import locked_jars
from shared.envelope import encode
from shared.events import TppMonthChanged
from shared.kafka import new_producer
from shared.topics import TPP_MONTH, lane_of
from tests.outside.kits import BUILD, KITS, Kit, build

PEOPLE: Final = 60
KILLS: Final = 3
PATIENCE_S: Final = 180
"""A kit that follows one that was killed waits for the end of its session first, up to 45 s."""

Record = tuple[str, bytes | None]


class Months:
    """A stream of months as Kafka may deliver it, and what a right copy of it holds."""

    def __init__(self) -> None:
        self.chance = random.Random(20260206)
        self.history: dict[str, list[bytes]] = {}
        self.truth: dict[str, Any] = {}

    def next(self, count: int) -> list[Record]:
        """New versions, at times followed by a duplicate of the last or of some earlier record of the same person."""
        records: list[Record] = []
        while len(records) < count:
            key = f"{UUID(int=self.chance.randrange(PEOPLE) + (1 << 100))}|2026-02"
            past = self.history.setdefault(key, [])
            value = self._version(key, len(past) + 1)
            past.append(value)
            self.truth[key] = json.loads(value)
            records.append((key, value))
            if self.chance.random() < 0.3:
                records.append((key, value))
            if self.chance.random() < 0.3:
                records.append((key, self.chance.choice(past)))
        return records

    def erase(self, count: int) -> list[Record]:
        """Tombstones of the first few."""
        gone = sorted(self.truth)[:count]
        for key in gone:
            del self.truth[key]
        return [(key, None) for key in gone]

    def _version(self, key: str, version: int) -> bytes:
        employee, _, month = key.partition("|")
        amount = None if version == 1 else self.chance.randrange(5_000_000)
        event = TppMonthChanged(
            employee_id=UUID(employee), month=month, version=version, state="OPEN", raw_percent="25/22", percent="1.14",
            amount=amount, ceiling=None, days_assessed=version, days_final=0,
        )  # fmt: skip
        content = json.loads(encode(event))
        if version % 3 == 0:  # as an older release wrote it
            del content["supplementary"]
        if version % 5 == 0:  # as a later release may write it
            content["a_field_of_tomorrow"] = {"é": [version]}
        return json.dumps(content).encode()


async def publish(bootstrap: str, records: list[Record]) -> None:
    producer = new_producer(bootstrap, client_id="test")
    await producer.start()
    try:
        sent = [
            await producer.send(TPP_MONTH.name, value, key=key.encode(), partition=lane_of(key.partition("|")[0]))
            for key, value in records
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def kill_at_work(kits: list[Kit], kafka: str, months: Months) -> None:
    """Starts all kits while records arrive, and kills each at some moment after it has stored something."""
    before = {kit.name: kit.stored() for kit in kits}
    running = {kit.name: kit.follow() for kit in kits}
    deadline = time.monotonic() + PATIENCE_S
    try:
        while running:
            asyncio.run(publish(kafka, months.next(100)))
            for kit in kits:
                if (child := running.get(kit.name)) is None:
                    continue
                assert child.alive(), f"{kit.name} ended by itself:\n{child.last_words()}"
                assert time.monotonic() < deadline, f"{kit.name} stored nothing in {PATIENCE_S} s:\n{child.last_words()}"
                if kit.stored() > before[kit.name] and months.chance.random() < 0.7:
                    os.killpg(child.popen.pid, signal.SIGKILL)
                    child.popen.wait()
                    del running[kit.name]
    finally:
        for child in running.values():
            child.stop(5)


@pytest.fixture(scope="module")
def played(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The truth, and each kit with the copy that it has made after all it went through."""
    results: dict[str, Any] = {name: build(name, tmp_path_factory.mktemp(name), KAFKA=kafka) for name in BUILD}
    kits = [kit for kit in results.values() if isinstance(kit, Kit)]
    months = Months()
    asyncio.run(publish(kafka, months.next(1000)))
    for _ in range(KILLS):
        kill_at_work(kits, kafka, months)
    asyncio.run(publish(kafka, months.next(300)))
    asyncio.run(publish(kafka, months.erase(3)))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda kit: kit.run("once"), kits))
    return {"truth": months.truth, "all keys": set(months.history)} | results


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", BUILD)
def test_a_copy_equals_the_truth_after_duplicates_old_records_kills_and_restarts(played: dict[str, Any], name: str) -> None:
    kit = played[name]
    if not isinstance(kit, Kit):
        raise kit
    copy = kit.copy()

    assert {key: value for key, value in copy.items() if key in played["all keys"]} == played["truth"]
    assert len(played["truth"]) == len(played["all keys"]) - 3


@pytest.mark.parametrize("name", BUILD)
def test_a_copy_that_is_up_to_date_ends_at_once_and_stays_as_it_is(played: dict[str, Any], name: str) -> None:
    kit = played[name]
    if not isinstance(kit, Kit):
        raise kit
    before = kit.copy()

    assert kit.run("once") == ""
    assert kit.copy() == before


SOURCES: Final = {
    "python-aiokafka": "tpp_month.py", "python-confluent": "tpp_month.py", "java": "TppMonth.java", "node": "tpp-month.mjs",
    "go": "main.go",
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_a_kit_is_short_enough_to_be_read(name: str) -> None:
    assert len((KITS / name / SOURCES[name]).read_text().splitlines()) < 100
    assert len((KITS / name / "README.md").read_text().splitlines()) <= 12


def test_every_kit_there_is_was_tried() -> None:
    assert {path.name for path in KITS.iterdir() if path.is_dir()} == set(BUILD) == set(SOURCES)


def test_versions_are_pinned_and_no_registry_is_named() -> None:
    python = [f"python-{name}/requirements.txt" for name in ("aiokafka", "confluent")]
    for file in ("java/jars.lock", "node/package-lock.json", "go/go.sum", *python):
        text = (KITS / file).read_text()
        assert len(re.findall(r"sha256:|\b[0-9a-f]{64}\b|sha512-|h1:", text)) >= 2, file
        assert '"resolved"' not in text
        assert re.search(r"https?://(?!opencollective|github\.com/sponsors)[^\s\"]*(pypi|npmjs|maven|proxy|registry)", text) is None, file


@pytest.mark.parametrize("name", ["python-aiokafka", "python-confluent"])
def test_the_python_kits_are_tried_with_the_versions_that_they_pin(name: str) -> None:
    pinned = re.findall(r"^([\w-]+)==(\S+)", (KITS / name / "requirements.txt").read_text(), re.MULTILINE)

    assert pinned
    assert {package: version(package) for package, _ in pinned} == dict(pinned)


def test_the_jars_are_those_of_the_broker_with_the_same_checksums() -> None:
    lines = [line.split() for line in (KITS / "java" / "jars.lock").read_text().splitlines()]
    ours = {jar.coordinate: jar.sha256 for jar in locked_jars()}

    assert {coordinate: ours.get(coordinate) for coordinate, _ in lines} == dict(lines)
