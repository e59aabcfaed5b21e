"""A backup is worth what its restore is worth: taken in the middle of a morning, restored, and carried on to the same truth."""

import asyncio
import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.backup import dump
from services.backup.realigning import carry_out, plan
from services.capacity.measuring import measure
from services.capacity.sizing import KAFKA_PER_CHECK_IN, TABLES_PER_CHECK_IN
from services.local.kafka import start_kafka
from services.local.process import Child, free_port, spawn
from services.replay.digest import compare, digest
from services.schedule.commands import move_clock, record_fact
from services.schedule.corrections import State
from services.simulator.play import Wanted, perform
from services.simulator.settled import Observer
from shared.database import open_pool
from shared.kafka import apply_topics
from shared.lanes import Lanes
from shared.refusal import Refusal
from shared.schemas import apply_schemas
from shared.settings import Settings
from shared.topics import SERVICES
from tests.waiting import until

PATIENCE_S = 240
ABSENT = "select employee_id, date from schedule.assessment where status = 'ABSENT'"
FIRST = dt.date(2026, 2, 4)
"""A Wednesday: on a Saturday next to nobody is absent, and the backup would come after the play."""

SEVERAL_TIMES: tuple[State, ...] = ("approved", "rejected", "approved", "rejected")


@dataclass(frozen=True)
class Rig:
    """A broker of our own, since positions are set to the ends of its topics, and the services on some database of the session's server."""

    kafka: str
    log: Path
    folder: Path

    @asynccontextmanager
    async def at_work(self, url: str) -> AsyncIterator[Settings]:
        """All four services, ready, on this database; stopped in the end as an operator stops them."""
        ports = {service: free_port() for service in SERVICES}
        children = [self.start(service, url, ports[service]) for service in SERVICES]
        try:
            for child, port in zip(children, ports.values(), strict=True):
                await _ready(child, port)
            yield Settings(kafka=self.kafka, database=url, ingest_port=ports["ingest"])
        finally:
            await asyncio.gather(*(asyncio.to_thread(child.stop, 20) for child in children))

    def start(self, service: str, url: str, port: int) -> Child:
        words = [] if service == "ingest" else ["worker"]
        return spawn(service, [sys.executable, "-m", f"services.{service}", *words], self.folder / f"{service}.log", environment={
            "HADIR_HOME": str(self.folder), "HADIR_KAFKA": self.kafka, "HADIR_DATABASE": url, f"HADIR_{service.upper()}_PORT": str(port)})


async def _ready(child: Child, port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    async with httpx.AsyncClient() as client:
        while True:
            assert child.alive(), child.last_words()
            assert time.monotonic() < deadline, child.last_words()
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).json()["ready"]:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)  # polls with the deadline above


@dataclass(frozen=True)
class Story:
    """What happened: a dump of the middle, and the live database at the end."""

    rig: Rig
    live: str
    file: Path
    paper: dump.Paper
    absent: tuple[UUID, Any]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("kafka-of-backups")
    broker = start_kafka(folder)
    try:
        broker.wait_ready()
        asyncio.run(apply_topics(broker.bootstrap))
        yield Rig(broker.bootstrap, folder / "data", tmp_path_factory.mktemp("services-of-backups"))
    finally:
        broker.stop(5)


@pytest.fixture(scope="module")
def story(rig: Rig, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A province is played; amid its first day a backup is taken; after it an officer changes his mind several times."""
    live = dump.named(postgres, f"hadir_backed_up_{uuid4().hex[:8]}")
    file = tmp_path_factory.mktemp("backups") / "middle.dump"

    async def tell() -> Story:
        await apply_schemas(live)
        async with rig.at_work(live) as settings:
            playing = asyncio.ensure_future(perform(settings, Wanted(employees=60, days=3, seed=31, first_day=FIRST)))
            while not playing.done() and await value(live, f"select exists ({ABSENT})") is False:
                await asyncio.sleep(0.05)  # ends with the play at the latest
            paper = await dump.take(live, file)
            report = await playing
            assert report.equal, report.differences
            person, date = await row(live, f"{ABSENT} order by date limit 1")
            async with lanes_of(live) as lanes:
                leave: dict[str, Any] = {"correction_id": uuid4(), "kind": "leave", "employee_id": person, "actor": "bkd",
                                         "body": {"kind": "annual", "from": date, "to": date}}
                for number, state in enumerate(SEVERAL_TIMES, 1):
                    await record_fact(lanes, **leave, state=state)
                    await until_it_is(live, "select max(version) from schedule.fact", number)
                    await settled(settings, live)
        return Story(rig, live, file, paper, (person, date))

    return asyncio.run(tell())


@asynccontextmanager
async def lanes_of(url: str) -> AsyncIterator[Lanes]:
    pool = await open_pool(url, "schedule", max_size=2)
    try:
        yield Lanes(pool, "schedule")
    finally:
        await pool.close()


async def row(url: str, query: str, *values: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchrow(query, *values)
    finally:
        await connection.close()


async def value(url: str, query: str, *values: Any) -> Any:
    return (await row(url, query, *values))[0]


async def until_it_is(url: str, query: str, wanted: Any) -> None:
    async def so() -> bool:
        return bool(await value(url, query) == wanted)

    await until(so, PATIENCE_S, lambda: query)


async def settled(settings: Settings, url: str) -> None:
    name, at = await row(url, "select name, at from schedule.clock")
    async with Observer(url, settings.kafka) as observer:
        await observer.until_settled(name, at.date(), lambda done, whole: None)


def hadir(rig: Rig, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HADIR_KAFKA": rig.kafka, "HADIR_HOME": str(rig.folder)}
    return subprocess.run([sys.executable, "-m", "services", "backup", *words], env=env, capture_output=True, text=True, check=False)


def test_a_drill_restores_the_live_database_and_leaves_nothing_behind(story: Story, tmp_path: Path) -> None:
    done = hadir(story.rig, "drill", "--folder", str(tmp_path), "--database", story.live)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every table, statement, total and hash chain is as it was." in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert asyncio.run(value(story.live, "select count(*) from pg_database where datname like 'hadir_trial%'")) == 0


def test_a_dump_that_was_cut_short_changed_or_is_not_there_is_refused(story: Story, tmp_path: Path) -> None:
    whole, paper = story.file.read_bytes(), dump.paper_of(story.file).read_text()
    cut = tmp_path / "cut.dump"
    cut.write_bytes(whole[:-1])
    with pytest.raises(Refusal, match="without it nobody can say"):
        dump.read_paper(cut)
    dump.paper_of(cut).write_text(paper)
    with pytest.raises(Refusal, match="cut short or changed"):
        dump.read_paper(cut)
    dump.paper_of(cut).write_text("{}")
    with pytest.raises(Refusal, match="not what `hadir backup take` writes"):
        dump.read_paper(cut)
    with pytest.raises(Refusal, match="never overwritten"):
        asyncio.run(dump.take(story.live, story.file))
    with pytest.raises(Refusal, match="holds something already"):
        asyncio.run(dump.restore(story.file, story.live))
    assert story.file.stat().st_mode & 0o077 == 0


def test_a_restore_that_lacks_one_row_of_what_was_dumped_is_told(story: Story, tmp_path: Path) -> None:
    other = tmp_path / "other.dump"
    other.write_bytes(story.file.read_bytes())
    paper = json.loads(dump.paper_of(story.file).read_text())
    paper["figures"]["tables"]["ingest.receipt"] += 1
    paper["figures"]["heads"] = "0" * 64
    dump.paper_of(other).write_text(json.dumps(paper))

    done = hadir(story.rig, "check", str(other), "--database", story.live)

    assert done.returncode == 1
    assert "DIFFERENT table ingest.receipt: " in done.stdout
    assert "DIFFERENT ledger, heads: 000" in done.stdout
    assert "do not rely on this backup" in done.stderr


async def test_a_database_of_an_earlier_moment_catches_up_to_the_same_truth_and_hears_what_comes_later(
    story: Story, postgres: str
) -> None:
    """The officer's versions after that moment are higher than those told anew; without realigning, payroll would believe the old ones."""
    earlier = dump.named(postgres, f"hadir_earlier_{uuid4().hex[:8]}")
    restored = await dump.restore(story.file, earlier)
    assert restored.differences == []
    assert (story.paper.figures.unbalanced, story.paper.figures.broken) == (0, 0)
    assert await value(earlier, "select count(*) from ingest.receipt") < await value(story.live, "select count(*) from ingest.receipt")

    found = await plan(earlier, story.rig.kafka)
    assert {move.place.topic for move in found.moves} >= {"hadir.check-in.located.v1", "hadir.day.assessed.v1"}
    assert not any(move.lost for move in found.moves)
    assert "hadir.check-in.recorded.v1" not in {move.place.topic for move in found.moves}
    await carry_out(earlier, found)
    again = await plan(earlier, story.rig.kafka)
    assert (again.moves, again.again) == ([], {})

    person, date = story.absent
    deducted = "select coalesce(sum(amount), 0)::bigint from payroll.ledger where employee_id = $1 and date = $2"
    name, at = await row(story.live, "select name, at from schedule.clock")
    async with story.rig.at_work(earlier) as settings, lanes_of(earlier) as lanes:
        with pytest.raises(Refusal, match="Stop all workers first"):
            await plan(earlier, story.rig.kafka)
        await move_clock(lanes, name, at)  # a command that came after the backup is given again
        await settled(settings, earlier)

        assert [one for one in await compare(story.live, earlier) if not one.equal] == []
        assert await value(earlier, deducted, person, date) == await value(story.live, deducted, person, date) != 0

        await record_fact(lanes, correction_id=uuid4(), kind="leave", employee_id=person, actor="bkd",
                          body={"kind": "annual", "from": date, "to": date})
        await settled(settings, earlier)
        assert await value(earlier, deducted, person, date) == 0
        version = "select version from schedule.assessment where employee_id = $1 and date = $2"
        assert await value(earlier, version, person, date) <= await value(story.live, version, person, date)

    # Kafka lost what was acknowledged: nothing is processed until somebody has found out why.
    await value(earlier, "update geofence.position set next_offset = next_offset + 7 where lane = 3 returning lane")
    worker = story.rig.start("geofence", earlier, free_port())
    deadline = time.monotonic() + PATIENCE_S
    while worker.alive():
        assert time.monotonic() < deadline, worker.last_words()
        await asyncio.sleep(0.1)  # polls with the deadline above
    assert worker.popen.returncode == 78
    assert "the broker lost acknowledged records" in worker.log.read_text()
    await until_it_is(earlier, "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'hadir%'"
                " and pid <> pg_backend_pid()", 0)  # the server hears a moment later that a process is gone
    [lost] = [move for move in (await plan(earlier, story.rig.kafka)).moves if move.lost]
    assert (lost.service, lost.place.partition, lost.old - lost.new) == ("geofence", 3, 7)


async def test_what_a_reader_had_not_read_at_the_moment_of_the_backup_is_told_again(story: Story, postgres: str) -> None:
    other = dump.named(postgres, f"hadir_behind_{uuid4().hex[:8]}")
    await dump.restore(story.file, other)
    lane, seq = await row(other, "select lane, min(seq) from schedule.outbox where topic = 'hadir.day.assessed.v1' group by lane limit 1")
    await row(other, "update payroll.position set next_offset = 0 where topic = 'hadir.day.assessed.v1' and lane = $1 returning lane", lane)
    sent = await value(other, "select sent_seq from schedule.relay_cursor where lane = $1", lane)
    assert sent >= seq

    found = await plan(other, story.rig.kafka)
    assert found.again["schedule", lane] <= seq
    would, did, again = [hadir(story.rig, "realign", "--database", other, *words) for words in (["--dry-run"], [], [])]
    assert (would.returncode, did.returncode, again.returncode) == (0, 0, 0), did.stderr
    assert re.search(r"payroll: \d+ positions in hadir.day.assessed.v1 would go over", would.stdout)
    assert re.search(r"payroll: \d+ positions in hadir.day.assessed.v1 went over", did.stdout)
    assert "tell again what had not been read" in did.stdout
    assert "Every position is where it must be." in again.stdout
    assert await value(other, "select sent_seq from schedule.relay_cursor where lane = $1", lane) < seq
    assert await digest(other) == story.paper.figures.statements


async def test_bytes_of_topics_and_tables_are_measured_for_each_check_in(story: Story) -> None:
    found = await measure(story.live, story.rig.kafka, story.rig.log)
    held = {one.name: one for one in (*found.topics, *found.tables)}

    assert found.check_ins == held["geofence.check_in"].count > 100
    assert held["hadir.check-in.recorded.v1"].count >= found.check_ins
    assert (set(KAFKA_PER_CHECK_IN) | set(TABLES_PER_CHECK_IN)) <= held.keys()
    assert all(held[name].size > 0 for name in TABLES_PER_CHECK_IN)
    # Batches of a small play compress less and indexes have a first page; the committed numbers are of a larger one.
    assert 0.5 < held["hadir.check-in.recorded.v1"].size / found.check_ins / KAFKA_PER_CHECK_IN["hadir.check-in.recorded.v1"] < 4
