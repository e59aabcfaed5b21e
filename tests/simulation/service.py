"""The service of the simulated world: it writes numbers down, tells them on, and sees to the days that they make due.

Stand-ins, and not under trial: `write_down` for a service's rules, `assess_days` and `due_module` for those of the
schedule. What is under trial is who calls them, when, and what becomes of what they write.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from shared.events import Event
from shared.lanes import Record, Work
from shared.topics import Topic
from tests.simulation.world import PROCESS, World

LANES = 3
PICKING_S = 0.3
"""The days that are due are picked without a lock; so old they may be when it is taken."""


class Numbered(Event):
    """A number that belongs to a day."""

    number: int
    day: int


class DayTold(Event):
    """All numbers of a day."""

    day: int
    version: int
    numbers: tuple[int, ...]


IN: Topic[Any] = Topic("trial.in.v1", Numbered, "day", "ingest", "numbers", partitions=LANES)
OUT: Topic[Any] = Topic("trial.out.v1", Numbered, "number", "geofence", "numbers seen", partitions=LANES)
DAYS: Topic[Any] = Topic("trial.day.v1", DayTold, "day", "geofence", "days", partitions=LANES)


@dataclass(frozen=True)
class DueDay:
    """A day to look at; its lane stands for its employee."""

    employee_id: int
    date: int
    lane: int
    cause_id: None = None
    correlation_id: None = None


async def write_down(work: Work, records: Sequence[Record[Any]]) -> None:
    """The service: each number is noted once, told once, and its day looked at again."""
    world = PROCESS.get().world
    await work.connection.execute("insert into sink", [(r.partition, r.offset, r.event.number) for r in records])
    for record in records:
        key = (record.partition, record.event.day)
        mark_due(work, world, key, record.event.number)
        work.emit(OUT, str(record.event.number), 1, record.event, key="", lane=record.partition, cause=record.envelope)


def mark_due(work: Work, world: World, key: tuple[int, int], number: int) -> None:
    connection: Any = work.connection
    connection.later(partial(world.inputs[key].append, number))
    connection.later(partial(world.due.add, key))


def _seen_to(world: World, key: tuple[int, int]) -> None:
    if key not in world.due:
        world.trespasses.append(f"day {key} was assessed when it was no longer due")
    world.due.discard(key)


async def assess_days(work: Work, _: Any, causes: Mapping[tuple[int, int], Any], __: Any) -> None:
    world = PROCESS.get().world
    connection: Any = work.connection
    for key in causes:
        numbers = sorted(world.inputs[key])
        version, known = world.days.get(key, (0, []))
        connection.later(partial(_seen_to, world, key))
        if numbers != known:
            connection.later(lambda key=key, state=(version + 1, numbers): world.days.update({key: state}))
            event = DayTold(day=key[1], version=version + 1, numbers=tuple(numbers))
            work.emit(DAYS, f"{key[0]}/{key[1]}", version + 1, event, key="", lane=key[0], cause=None)


def due_module() -> Any:
    """services.schedule.store.due, as far as the chore that closes days needs it, on the world's tables."""

    async def pick_due(_: Any, owned: Collection[int], *__: Any) -> list[Any]:
        world = PROCESS.get().world
        picked = [DueDay(key[0], key[1], key[0]) for key in sorted(world.due) if key[0] in owned]
        await asyncio.sleep(world.chance.uniform(0, PICKING_S))
        await PROCESS.get().pause()
        return picked

    async def still_due(_: Any, days: Sequence[Any], __: Any) -> list[Any]:
        await PROCESS.get().pause()
        return [d for d in days if (d.lane, d.date) in PROCESS.get().world.due]

    async def backlog(*_: Any) -> int:
        return 0

    return SimpleNamespace(pick_due=pick_due, still_due=still_due, backlog=backlog, postpone=None, REAL="")
