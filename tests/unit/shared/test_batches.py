"""What is taken for a batch, and what waits until one is done."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from shared.batches import Batches
from shared.events import Event
from shared.health import Readiness
from shared.positions import Claim
from shared.topics import Topic

IN: Topic[Any] = Topic("hadir.trial.v1", Event, "number", "ingest", "numbers")
PLACE = (IN.name, 3)


@pytest.fixture
def batches() -> Batches:
    """They stand at offset 7, by a claim of generation 2."""
    nothing: Any = None
    positions: Any = SimpleNamespace(current=Claim(2, {PLACE: 5}), next_offsets={PLACE: 7})
    return Batches(
        "geofence", (IN,), nothing, lanes=nothing, positions=positions, readiness=Readiness("geofence"), reread=nothing, most=4
    )


def message(offset: int, generation: int = 2, partition: int = 3) -> Any:
    return SimpleNamespace(
        topic=IN.name, partition=partition, offset=offset, key=None, value=None, headers=(), timestamp=0.0, generation_id=generation
    )


async def test_messages_that_were_read_before_a_rebalance_are_dropped_and_those_of_lanes_that_moved_away(batches: Batches) -> None:
    settled: list[int] = []

    async def settle(_: Claim, deliveries: Any) -> None:
        settled.extend(delivery.offset for delivery in deliveries)

    batches._settle = settle  # type: ignore[method-assign, assignment]
    await batches.process([message(7, generation=1), message(8), message(9, partition=4), message(10, generation=3)])

    assert settled == [8]


async def test_what_a_batch_under_way_brings_is_not_read_past_the_pump_beside_it(batches: Batches) -> None:
    healed: list[tuple[int, int]] = []
    committed = asyncio.Event()

    async def settle(*_: Any) -> None:
        await committed.wait()
        batches._positions.next_offsets[PLACE] = 9

    async def heal(_: Claim, _place: Any, first: int, end: int) -> None:
        healed.append((first, end))

    batches._settle, batches._heal = settle, heal  # type: ignore[method-assign, assignment]
    under_way = asyncio.create_task(batches.process([message(7), message(8)]))
    await asyncio.sleep(0)
    behind = [asyncio.create_task(batches.catch_up(PLACE, end)) for end in (9, 12)]
    await asyncio.sleep(0)
    assert healed == []
    committed.set()
    await asyncio.gather(under_way, *behind)

    assert healed == [(9, 12)]
