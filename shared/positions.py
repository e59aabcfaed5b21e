"""Where the service stands in what it consumes, and which lanes are this process's own."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from shared import metrics
from shared.lanes import Lanes, Position
from shared.topics import Service


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """What one group generation gave to this process: the epoch of every position it may move."""

    generation: int
    epochs: Mapping[Position, int]


class Positions:
    """Claims positions once per group generation and knows the current claim; compared by identity."""

    def __init__(self, lanes: Lanes, service: Service, lane_topic: str) -> None:
        self._lanes = lanes
        self._gauge = metrics.LANES_OWNED.labels(service)
        self._lane_topic: Final = lane_topic
        self._claiming = asyncio.Lock()
        self._claimed_generation: int | None = None
        self.current: Claim | None = None
        self.next_offsets: dict[Position, int] = {}
        """Last known `next_offset` of every claimed position; the database's word counts."""

    def owned(self) -> frozenset[int]:
        """Lanes that this process owns: those whose partition of the first consumed topic it was given."""
        if self.current is None:
            return frozenset()
        return frozenset(lane for topic, lane in self.current.epochs if topic == self._lane_topic)

    async def claim(
        self, generation: int, assigned: Collection[Position], is_current: Callable[[], bool]
    ) -> Mapping[Position, int]:
        """The offsets to go on from; raises the epochs when this generation has not been claimed yet.

        Answers {} when the generation is over by the time it is its turn.

        The pump asks again within a generation. It must not claim again then: a process that was frozen and has lost
        its lanes would fence their healthy owner.
        """
        async with self._claiming:
            if not is_current():
                return {}
            if self._claimed_generation != generation:
                self.next_offsets, epochs = await self._raise_epochs(assigned)
                self._claimed_generation = generation
                self.current = Claim(generation, epochs)
                self._gauge.set(len(self.owned()))
            return {position: self.next_offsets[position] for position in assigned if position in self.next_offsets}

    def assigned(self) -> None:
        """Hears that an assignment has come: its generation is unclaimed, even if that number was claimed before.

        A coordinator that has lost its state counts from 1 again.
        """
        self._claimed_generation = None

    def release(self) -> None:
        """Gives up the current claim; work in progress notices that it was abandoned when it next fails."""
        self.current = None
        self._gauge.set(0)

    async def _raise_epochs(self, assigned: Collection[Position]) -> tuple[dict[Position, int], dict[Position, int]]:
        # Under the lanes' locks, like all that touches positions: a batch in flight ends first.
        async with self._lanes.hold({lane for _, lane in assigned}) as work:
            rows = await work.connection.fetch(
                "insert into position (topic, lane, epoch)"
                " select topic, lane, 1 from unnest($1::text[], $2::int[]) v(topic, lane) order by lane, topic"
                " on conflict (topic, lane) do update set epoch = position.epoch + 1"
                " returning topic, lane, epoch, next_offset",
                [topic for topic, _ in assigned],
                [lane for _, lane in assigned],
            )
        return (
            {(row["topic"], row["lane"]): row["next_offset"] for row in rows},
            {(row["topic"], row["lane"]): row["epoch"] for row in rows},
        )
