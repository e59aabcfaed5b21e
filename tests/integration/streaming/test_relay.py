"""What becomes of records that the relay's producer has not sent."""

from typing import Any

from aiokafka import TopicPartition

from shared.kafka import drop, new_producer


async def test_a_producer_that_is_dropped_brings_nothing_after_its_successor(trial: Any) -> None:
    old, new = (new_producer(trial.kafka, client_id=name) for name in ("old", "new"))
    await old.start()
    await new.start()
    topic, _, _ = trial.topics
    old._sender._muted_partitions.add(TopicPartition(topic.name, 0))
    await old.send(topic.name, b"old", partition=0)

    await drop(old)
    await new.send_and_wait(topic.name, b"new", partition=0)
    await new.stop()

    assert old._sender.sender_task.done()
    assert [record.value for record in await trial.published(topic.name)] == [b"new"]
