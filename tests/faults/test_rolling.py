"""An upgrade and a rollback while check-ins arrive: the version before and this one side by side, on one database and one broker (F13)."""

import asyncio
import re
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.local.process import free_port
from services.simulator.province import Province
from services.simulator.settled import Observer
from shared.kafka import apply_topics
from shared.schemas import apply_schemas
from tests import outside
from tests.faults import previous
from tests.faults.feed import Feed
from tests.faults.house import SERVICES, WORKERS, House, running
from tests.faults.invariants import Poison, Positions, Scene, i4_money, look_at_positions, violations
from tests.faults.load import FIRST_DAY, Load
from tests.faults.previous import Tree

SEED = 13
PEOPLE = 350
RATE = 4.0
"""Check-ins a second of each of the two loads: slow, so that there is load for as long as the roll takes on a busy machine."""

ORDER = ("schedule", "geofence", "payroll")
"""With the rollback of schedule at the end, every reader in either version meets every writer it reads from in the other."""

PATIENCE_S = 120.0
HANDLED = {
    **{name: rf'^hadir_batch_size_count{{service="{name}"}} (\S+)' for name in WORKERS},
    "ingest": r"^hadir_ingest_accepted_total\{.*\} (\S+)",
}


@pytest.mark.timeout(600)
async def test_services_of_two_versions_side_by_side_lose_nothing_and_double_nothing_through_upgrade_and_rollback(tmp_path: Path) -> None:
    try:
        before = previous.unpacked(tmp_path / "before")
    except previous.Missing as reason:
        outside.missing(str(reason), required="HADIR_REQUIRE_HISTORY")
    theirs, ours = (Province(SEED, PEOPLE, FIRST_DAY, 1, number) for number in (1, 2))

    async def begun(url: str, bootstrap: str) -> None:
        await asyncio.to_thread(before.run, "lay-out", url, bootstrap)

    async with running(previous=before, begun=begun, keep=tmp_path / "logs") as house:
        roll, url = Roll(house), house.database.url
        await asyncio.to_thread(before.run, "bring-in", url, str(SEED), str(PEOPLE), str(FIRST_DAY))
        first = Load(house, theirs, RATE)
        await first.until_known()
        async with asyncio.TaskGroup() as sending:
            roll.loads.append(sending.create_task(first.run()))
            await roll.handled(SERVICES, "the version before handles check-ins")

            # The migrations run first, under load: only this version knows them.
            ran = await apply_schemas(url)
            assert any(ran.values()), "the version before has these tables already: name one in previous.py that has not"
            roll.told(f"{sum(map(len, ran.values()))} migrations of this version are in force; all services are of the version before")
            await apply_topics(house.brokers.bootstrap)
            # What this version's importers write must be read by every service of the version before.
            await roll.start("ingest-2", None)
            second = Load(house, ours, RATE, ingest="ingest-2")
            await second.prepare()
            roll.loads.append(sending.create_task(second.run()))

            await roll.handled(["ingest", "ingest-2"], "two versions of ingest answer")
            for name in ORDER:
                await roll.replace(name, f"{name}-2", None)
            await house.leave("ingest")
            await roll.start("ingest", None)
            await roll.replace("schedule-2", "schedule", before)
            roll.told(f"rolled and rolled back; {first.delivered + second.delivered} check-ins delivered meanwhile")
            first.hurried.set()
            second.hurried.set()
        healed = time.monotonic()
        async with Observer(house.database.url, house.brokers.bootstrap) as observer:
            await observer.until_no_lag(patience_s=PATIENCE_S)
            quiet = time.monotonic() - healed
            # The version before closes one province's day on what both wrote, this version the other's.
            await first.finish()
            await observer.until_settled(theirs.label, theirs.last_day, lambda _d, _w: None, patience_s=PATIENCE_S)
            await roll.start("schedule-2", None)
            await house.leave("schedule")
            await second.finish()
            await observer.until_settled(ours.label, ours.last_day, lambda _d, _w: None, patience_s=PATIENCE_S)
            await observer.until_no_lag(patience_s=PATIENCE_S)

            assert len(house.journal.accepted()) == len(house.journal.sent) >= PEOPLE * 2
            assert await wrong(roll, observer, theirs, ours, quiet) == {}


async def wrong(roll: "Roll", observer: Observer, theirs: Province, ours: Province, quiet_after_s: float) -> dict[str, list[str]]:
    """Every invariant that does not hold now that all is at rest, the money of both provinces included."""
    house, feed = roll.house, Feed(roll.house.brokers.bootstrap)
    await feed.catch_up()
    accepted = house.journal.accepted()
    roll.told(f"at rest; {len(accepted)} ids accepted; processes that ended by themselves: {dict(house.ended) or 'none'}")
    async with house.connection() as connection:
        scene = Scene(
            connection, observer, theirs, accepted, set(house.journal.sent), feed, Poison(), roll.positions, quiet_after_s
        )  # fmt: skip
        found = await violations(scene)
        scene.province = ours
        if money := await i4_money(scene):
            found["I4 of the second province"] = money
    return found


class Roll:
    """Replaces processes of a house one at a time, and sees to it that both versions are at work in between."""

    def __init__(self, house: House) -> None:
        self.house, self.positions, self.loads = house, Positions(), list[asyncio.Task[None]]()
        self._began = time.monotonic()

    async def start(self, name: str, tree: Tree | None) -> None:
        """Start a process of that version, beside whatever runs, and wait until it is ready."""
        self.house.ports.setdefault(name, free_port())
        await self.house.start(name, name.removesuffix("-2"), tree)
        await self.house.ready([name], PATIENCE_S)

    async def replace(self, name: str, other: str, tree: Tree | None) -> None:
        """Let `other` of that version work beside `name` for a while, then on its own."""
        await self.start(other, tree)
        await self.handled([name, other], f"{name} and {other} of two versions share the lanes, and both handle records")
        await self.look()
        await self.house.leave(name)
        await self.handled([other], f"{other} handles records on its own")
        await self.look()

    async def handled(self, names: Sequence[str], what: str) -> None:
        """Return once each of these processes has handled something while all of them had lanes."""
        deadline, since = time.monotonic() + PATIENCE_S, dict[str, float]()
        while True:
            seen = {name: await asyncio.to_thread(_work_of, self.house, name) for name in names}
            if not all(seen.values()):
                since = {}
            elif not since:
                since = {name: done for name, done in seen.items() if done is not None}
            elif all(done is not None and done > since[name] for name, done in seen.items()):
                self.told(what)
                return
            assert time.monotonic() < deadline, f"not within {PATIENCE_S:.0f} s: {what}; {seen} since {since}"
            assert not all(load.done() for load in self.loads), f"the load ended before: {what}; {seen} since {since}"
            await asyncio.sleep(0.1)

    async def look(self) -> None:
        """Positions may only rise, whoever moves them."""
        async with self.house.connection() as connection:
            self.positions.take(await look_at_positions(connection))

    def told(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {what}")


def _work_of(house: House, name: str) -> float | None:
    """How much a process has handled so far; None while it has no lane, or does not answer."""
    command = name.removesuffix("-2")
    try:
        with urllib.request.urlopen(f"{house.address(name)}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    lanes = re.search(rf'^hadir_lanes_owned{{service="{command}"}} (\S+)', text, re.MULTILINE)
    if command != "ingest" and (lanes is None or not float(lanes[1])):
        return None
    return sum(float(value) for value in re.findall(HANDLED[command], text, re.MULTILINE))
