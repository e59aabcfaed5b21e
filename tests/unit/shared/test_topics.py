"""Which lane an event belongs to."""

import uuid

from aiokafka.partitioner import murmur2
from hypothesis import example, given
from hypothesis import strategies as st

from shared.topics import LANES, lane_of


@given(st.uuids() | st.text(max_size=40))
@example(uuid.UUID(int=0))
@example(uuid.UUID(int=2**128 - 1))
@example("é" * 18)  # 36 bytes that are no id
def test_a_lane_is_the_partition_that_kafkas_own_hash_names(key: object) -> None:
    assert lane_of(key) == (murmur2(str(key).encode()) & 0x7FFFFFFF) % LANES
