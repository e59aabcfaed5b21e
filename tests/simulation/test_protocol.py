"""The promise of the runtime, tried in thousands of seeded runs of its own code, where every fault has its chance.

Positions, fencing, outbox, relay and due days are the real ones; time, processes, Postgres and Kafka are simulated
(`world`). One seed again: `.venv/bin/python -m tests.simulation.trial SEED`. More of them: HADIR_SEEDS=100000 make simulation.
"""

import datetime as dt
import logging
import os
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from services.schedule import chores as chores_module
from services.schedule.chores import Chores
from shared import relay as relay_module
from shared.batches import Batches
from shared.lanes import Lanes, Work
from shared.relay import Relay
from tests.simulation.trial import replay, run
from tests.simulation.world import World

SEEDS = int(os.environ.get("HADIR_SEEDS", "400"))
CHUNK = 100
MUTANT_SEEDS = 150


def _failing(first: int) -> list[tuple[int, list[str]]]:
    logging.disable(logging.CRITICAL)
    return [(seed, wrong) for seed in range(first, first + CHUNK) if (wrong := run(seed))]


@pytest.mark.timeout(1500)
def test_no_seed_loses_doubles_or_disorders_anything() -> None:
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        failing = [found for chunk in pool.map(_failing, range(0, SEEDS, CHUNK)) for found in chunk]
    told = "\n".join(f"{replay(seed)}   # {'; '.join(wrong)}" for seed, wrong in failing[:10])
    print(f"\n{SEEDS} seeds, {len(failing)} of them found something wrong")
    assert not failing, told


def no_fencing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes whoever owns the lane by now."""
    lock = Lanes._lock

    async def unfenced(self: Lanes, connection: Any, lanes: Any, topics: Any, _: Any) -> Work:
        return await lock(self, connection, lanes, topics, {})

    monkeypatch.setattr(Lanes, "_lock", unfenced)


def no_replay_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes what it is given for new: the position it sees is that of the first message of the batch."""
    attempt = Work.__init__

    class Credulous(dict[Any, Any]):
        def __getitem__(self, key: Any) -> Any:
            return super().__getitem__(key)[0], 0

    def credulous(self: Work, connection: Any, service: Any, out_seq: Any, positions: Any) -> None:
        attempt(self, connection, service, out_seq, Credulous(positions))

    monkeypatch.setattr(Work, "__init__", credulous)


def position_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves the position at once, and not in the transaction that writes the results."""

    def advance(self: Work, position: Any, next_offset: int) -> None:
        world: World = self.connection.world  # type: ignore[union-attr]
        world.position[position] = (world.position[position][0], next_offset)

    monkeypatch.setattr(Work, "advance", advance)


def cursor_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks outbox rows as sent before the broker has acknowledged them."""
    publish = Relay._publish

    async def hasty(self: Relay, connection: Any, producer: Any, rows: Any) -> Any:
        await connection.execute(relay_module._MARK, *zip(*{row["lane"]: row["seq"] for row in rows}.items(), strict=True))
        return await publish(self, connection, producer, rows)

    monkeypatch.setattr(Relay, "_publish", hasty)


def any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishes the outbox in whatever order."""
    publish = Relay._publish

    async def careless(self: Relay, connection: Any, producer: Any, rows: Any) -> Any:
        sent, failure = await publish(self, connection, producer, random.sample(rows, len(rows)))
        return {lane: max(row["seq"] for row in rows if row["lane"] == lane) for lane in sent}, failure

    monkeypatch.setattr(Relay, "_publish", careless)


def no_lane_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets two processes write facts of one employee at once."""

    async def unlocked(*_: Any) -> None:
        """Nobody waits."""

    monkeypatch.setattr("tests.simulation.world.Session._lock", unlocked)


def no_catch_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never reads past the pump: what it leaves out at the end of a lane stays out."""

    async def trusting(*_: Any) -> None:
        """The pump will bring it."""

    monkeypatch.setattr(Batches, "catch_up", trusting)


def no_relay_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishes the lanes that it owns without asking whether another relay still does."""

    async def grasping(self: Relay, _: Any) -> None:
        self._held = set(self._owned())

    monkeypatch.setattr(Relay, "_hold_owned", grasping)


def not_looked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assesses the days that were due before the lane was locked, whoever has seen to them since."""

    async def hasty(self: Chores, picked: Any, _: Any) -> None:
        async with self._lanes.hold({day.lane for day in picked}) as work:
            causes: Any = {(day.employee_id, day.date): None for day in picked}
            await vars(chores_module)["assess_days"](work, self._memory, causes, dt.datetime.now(dt.UTC))

    monkeypatch.setattr(Chores, "_assess", hasty)


MUTANTS = (
    no_fencing, no_replay_check, position_apart, cursor_first, any_order, no_lane_lock, no_catch_up, no_relay_lock,
    not_looked_again,
)  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_runtime_without_one_of_its_guarantees_is_found_out(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    logging.disable(logging.CRITICAL)
    try:
        found = next((seed for seed in range(MUTANT_SEEDS) if run(seed)), None)
    finally:
        logging.disable(logging.NOTSET)
    print(f"\n{mutant.__name__}: {mutant.__doc__} Found out by seed {found}.")
    assert found is not None


def test_the_same_seed_gives_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    no_fencing(monkeypatch)
    logging.disable(logging.CRITICAL)
    try:
        assert [run(seed) for seed in range(30)] == [run(seed) for seed in range(30)]
    finally:
        logging.disable(logging.NOTSET)
