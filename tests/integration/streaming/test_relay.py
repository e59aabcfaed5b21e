"""What becomes of records that the relay's producer has not sent."""

import asyncio
from typing import Any

import aiokafka.client
import pytest
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


async def test_a_producer_that_was_dropped_while_it_connected_gets_no_connection(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    old = new_producer(trial.kafka, client_id="old")
    await old.start()
    asked, answered = asyncio.Event(), asyncio.Event()
    connect = aiokafka.client.create_conn

    async def slow(*where: Any, **how: Any) -> Any:
        asked.set()
        await answered.wait()
        return await connect(*where, **how)

    monkeypatch.setattr(aiokafka.client, "create_conn", slow)
    for connection in list(old.client._conns.values()):
        await connection.close()
    old.client._conns.clear()
    waiting = asyncio.create_task(old.client.ready(old.client.get_random_node()))
    await asked.wait()

    await drop(old)
    answered.set()

    assert await waiting is False
    assert not old.client._conns
