"""The promise of the runtime, tried in thousands of seeded runs of its own code, where every fault has its chance.

Positions, fencing, outbox, relay and due days are the real ones; time, processes, Postgres and Kafka are simulated
(`world`). One seed again: `.venv/bin/python -m tests.simulation.trial SEED`. More of them: HADIR_SEEDS=100000 make simulation.
"""

import contextlib
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
from shared.failures import Fenced
from shared.lanes import Lanes, Work
from shared.relay import Relay
from tests.chosen import whole
from tests.simulation.trial import replay, run
from tests.simulation.world import PROCESS, Crash, World


def seeds_asked_for() -> int:
    """How many seeds are run; none would find nothing."""
    return whole("HADIR_SEEDS", 400, least=1)


SEEDS = seeds_asked_for()
CHUNK = 100
MUTANT_SEEDS = 150


def _chunks(seeds: int) -> list[range]:
    """So many seeds, and no more, in pieces for several processes."""
    return [range(seeds)[first : first + CHUNK] for first in range(0, seeds, CHUNK)]


def _failing(seeds: range) -> tuple[int, list[tuple[int, list[str]]]]:
    """How many seeds were run, and those that found something wrong, with what they found."""
    logging.disable(logging.CRITICAL)
    found = {seed: _found(seed) for seed in seeds}
    return len(found), [(seed, wrong) for seed, wrong in found.items() if wrong]


def _found(seed: int) -> list[str]:
    """What is wrong with a run; one that raises is wrong too, and its seed no less worth knowing."""
    try:
        return run(seed)
    except (Exception, Crash) as error:  # noqa: BLE001 - whatever it is
        return [f"it raised {error!r}"]


def _told(failing: list[tuple[int, list[str]]]) -> str:
    """For the first of them the command that plays it again, and what it found."""
    return "\n".join(f"{replay(seed)}   # {'; '.join(wrong)}" for seed, wrong in failing[:10])


@pytest.mark.parametrize("seeds", [1, 50, 100, 101, 400])
def test_as_many_seeds_are_run_as_are_asked_for(seeds: int) -> None:
    assert [seed for chunk in _chunks(seeds) for seed in chunk] == list(range(seeds))


@pytest.mark.parametrize("told", ["0", "-1", "x", "", "1.5"])
def test_what_is_no_number_of_seeds_is_refused_with_a_sentence(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADIR_SEEDS", told)
    with pytest.raises(pytest.Collector.CollectError, match=f"^HADIR_SEEDS={told} is not a whole number of 1 or more$"):
        seeds_asked_for()


def test_a_run_that_raises_is_told_with_the_command_that_plays_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(seed: int) -> list[str]:
        if seed % 2:
            raise (KeyError if seed == 1 else Crash)(seed)
        return []

    monkeypatch.setitem(globals(), "run", raises)
    try:
        ran, failing = _failing(range(4))
    finally:
        logging.disable(logging.NOTSET)
    assert ran == 4
    assert _told(failing) == f"{replay(1)}   # it raised KeyError(1)\n{replay(3)}   # it raised Crash(3)"


@pytest.mark.timeout(1500)
def test_no_seed_loses_doubles_or_disorders_anything() -> None:
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        done = list(pool.map(_failing, _chunks(SEEDS)))
    ran, failing = sum(many for many, _ in done), [found for _, some in done for found in some]
    print(f"\n{ran} seeds, {len(failing)} of them found something wrong")
    assert not failing, _told(failing)
    assert ran == SEEDS


def no_fencing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes whoever owns the lane by now."""
    lock = Lanes._lock

    async def unfenced(self: Lanes, connection: Any, lanes: Any, topics: Any, _: Any) -> Work:
        return await lock(self, connection, lanes, topics, {})

    monkeypatch.setattr(Lanes, "_lock", unfenced)


def fenced_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goes on after another has claimed its lanes, as if it had only been unlucky with that batch."""
    settle = Batches._settle

    async def undaunted(self: Batches, claim: Any, deliveries: Any) -> None:
        with contextlib.suppress(Fenced):
            await settle(self, claim, deliveries)

    monkeypatch.setattr(Batches, "_settle", undaunted)


def no_replay_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes what it is given for new: as if every batch began where the position stands."""
    transact, attempt = Batches._transact, Work.__init__
    begins: dict[Any, dict[Any, int]] = {}

    async def remembering(self: Batches, claim: Any, part: Any, condemned: Any, complete_from: int | None) -> None:
        begins[PROCESS.get()] = {delivery.position: delivery.offset for delivery in reversed(part)}
        try:
            await transact(self, claim, part, condemned, complete_from)
        finally:
            del begins[PROCESS.get()]

    def credulous(self: Work, connection: Any, service: Any, out_seq: Any, positions: Any, relayed: Any) -> None:
        first = begins.get(PROCESS.get(), {})
        seen = {at: (epoch, min(to, first.get(at, to))) for at, (epoch, to) in positions.items()}
        attempt(self, connection, service, out_seq, seen, relayed)

    monkeypatch.setattr(Batches, "_transact", remembering)
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
    """Publishes the outbox in whatever order; nothing counts as sent before all of a round is, so that nothing is lost by it."""
    publish = Relay._publish

    async def careless(self: Relay, connection: Any, producer: Any, rows: Any) -> Any:
        _, failure = await publish(self, connection, producer, random.sample(rows, len(rows)))
        return {} if failure else {row["lane"]: row["seq"] for row in rows}, failure  # rows are in order: the last of each lane

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


def never_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the producer of a relay that begins anew behind, with what it has not sent."""

    async def kept(_: Any) -> None:
        """It goes on trying."""

    monkeypatch.setattr(relay_module, "drop", kept)


def dropped_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives the session back, and with it the locks of the lanes, before the producer is dropped."""
    reset = Relay._reset

    async def hasty(self: Relay) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
        await reset(self)

    monkeypatch.setattr(Relay, "_reset", hasty)


def not_looked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assesses the days that were due before the lane was locked, whoever has seen to them since."""

    async def hasty(self: Chores, picked: Any, _: Any) -> None:
        async with self._lanes.hold({day.lane for day in picked}) as work:
            causes: Any = {(day.employee_id, day.date): None for day in picked}
            await vars(chores_module)["assess_days"](work, self._memory, causes, dt.datetime.now(dt.UTC))

    monkeypatch.setattr(Chores, "_assess", hasty)


def buries_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes over what it cannot read, and leaves no dead letter of it."""
    monkeypatch.setattr(Work, "bury_raw", lambda *_: None)


MUTANTS = (
    (no_fencing, "another has claimed since"), (fenced_lives_on, "had been fenced"), (no_replay_check, "doubled"),
    (position_apart, "lost"), (cursor_first, "told only"),
    (any_order, "out of order"), (no_lane_lock, "told only"), (no_lane_lock, "came to"), (no_lane_lock, "in the versions"),
    (no_catch_up, "lost"), (no_catch_up, "never came to rest"), (no_relay_lock, "at once"),
    (never_dropped, "given its lanes back"), (dropped_too_late, "given its lanes back"), (not_looked_again, "no longer due"),
    (buries_nothing, "dead letters []"),
)  # fmt: skip
"""Each with what must be said of it: a mutant that is found out for another reason proves nothing of its own guarantee. One that breaks
several promises is held to each, so that the simulation looks at each."""


@pytest.mark.parametrize(("mutant", "said"), MUTANTS, ids=lambda part: getattr(part, "__name__", None))
def test_a_runtime_without_one_of_its_guarantees_is_found_out(
    mutant: Callable[[pytest.MonkeyPatch], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    logging.disable(logging.CRITICAL)
    try:
        found = next((seed for seed in range(MUTANT_SEEDS) if any(said in wrong for wrong in run(seed))), None)
    finally:
        logging.disable(logging.NOTSET)
    print(f"\n{mutant.__name__}: {mutant.__doc__} Found out by seed {found}, by {said!r}.")
    assert found is not None


def test_the_same_seed_gives_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    no_fencing(monkeypatch)
    logging.disable(logging.CRITICAL)
    try:
        assert [run(seed) for seed in range(30)] == [run(seed) for seed in range(30)]
    finally:
        logging.disable(logging.NOTSET)
