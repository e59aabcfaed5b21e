from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from shared.reading import partitions_of, to_the_ends
from shared.topics import CALENDAR, DEDUCTION

FULL, EMPTY = TopicPartition("t", 0), TopicPartition("t", 1)


class Consumer:
    """Of two partitions: one that grows by a record at each look, one whose records have all expired."""

    def __init__(self) -> None:
        self.assign: Any = [].extend
        self.at: dict[TopicPartition, int] = {}
        self.seek = self.at.__setitem__

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        assert places == [FULL, EMPTY]
        return {FULL: 5, EMPTY: 7}

    async def position(self, place: TopicPartition) -> int:
        return self.at[place]

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        at = self.at[FULL]
        self.at[FULL] += 2
        return {FULL: [SimpleNamespace(offset=at), SimpleNamespace(offset=at + 1)]}


async def test_what_comes_while_it_reads_is_left_out_and_an_empty_partition_is_at_its_end() -> None:
    read = [record.offset async for record in to_the_ends(Consumer(), {FULL: 2, EMPTY: 7})]

    assert read == [2, 3, 4]


def test_the_partitions_of_topics_are_all_those_declared() -> None:
    places = partitions_of(CALENDAR, DEDUCTION)

    assert len(set(places)) == len(places) == CALENDAR.partitions + DEDUCTION.partitions
    assert places[-1] == TopicPartition(DEDUCTION.name, DEDUCTION.partitions - 1)
