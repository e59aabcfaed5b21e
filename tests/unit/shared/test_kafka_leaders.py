"""A topic is made when the broker tells of a leader for each of its partitions, which on a busy machine takes its time."""

from typing import Any

import pytest
from aiokafka.errors import KafkaError

from shared import kafka
from shared.topics import TPP_MONTH


class Broker:
    """Tells of no leader at so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        self.looks -= 1
        return [{"topic": name, "error_code": 0, "partitions": [{"leader": -1 if self.looks >= 0 else 1}]} for name in names]


async def test_a_leader_is_waited_for_longer_than_ten_seconds_of_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "_LOOK_EVERY_S", 0.0)
    broker: Any = Broker(500)
    await kafka.await_leaders(broker, [TPP_MONTH])

    assert broker.looks == -1


async def test_a_topic_that_gets_no_leader_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "_LEADERS_WITHIN_S", 0.0)
    broker: Any = Broker(10**9)
    with pytest.raises(KafkaError, match=f"no leader within 0 s for .*{TPP_MONTH.name}"):
        await kafka.await_leaders(broker, [TPP_MONTH])
