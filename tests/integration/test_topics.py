"""Topics on a real broker: created once, then left alone; another number of partitions is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.local.process import free_port
from shared.events import Event
from shared.kafka import BrokerAway, TopicsUnfit, apply_topics, check_topics, new_producer
from shared.topics import CALENDAR, CHECK_IN_RECORDED, TOPICS, Topic


@pytest.fixture
def own_topic(request: pytest.FixtureRequest) -> Topic[Event]:
    name = f"hadir.try.{request.node.name.replace('_', '-')[:60]}.v1"
    return replace(CHECK_IN_RECORDED, name=name, partitions=3, retention=timedelta(days=2))


async def test_applying_twice_changes_nothing_the_second_time(kafka: str) -> None:
    await apply_topics(kafka)
    assert await apply_topics(kafka) == []
    await check_topics(kafka, TOPICS)


async def test_a_new_topic_is_created_as_declared_and_told(kafka: str, own_topic: Topic[Event]) -> None:
    assert await apply_topics(kafka, topics=[own_topic]) == [f"created {own_topic.name} with 3 partitions"]
    await check_topics(kafka, [own_topic])


async def test_a_changed_retention_is_set_and_told(kafka: str, own_topic: Topic[Event]) -> None:
    await apply_topics(kafka, topics=[own_topic])
    longer = replace(own_topic, retention=timedelta(days=3))
    (change,) = await apply_topics(kafka, topics=[longer])
    assert change == f"set retention.ms of {own_topic.name} from 172800000 to 259200000"
    assert await apply_topics(kafka, topics=[longer]) == []


async def test_another_number_of_partitions_is_refused_before_anything_is_changed(
    kafka: str, own_topic: Topic[Event]
) -> None:
    await apply_topics(kafka, topics=[own_topic])
    other = replace(own_topic, name=own_topic.name + "-not-made")
    with pytest.raises(TopicsUnfit, match="has 3 partitions instead of 24"):
        await apply_topics(kafka, topics=[replace(own_topic, partitions=24), other])
    with pytest.raises(
        TopicsUnfit, match="not-made does not exist; run `hadir topics apply`"
    ):
        await check_topics(kafka, [other])


async def test_every_difference_is_named_at_once(kafka: str, own_topic: Topic[Event]) -> None:
    with pytest.raises(TopicsUnfit) as refusal:
        await check_topics(kafka, [own_topic, replace(CALENDAR, partitions=1)])
    assert own_topic.name in str(refusal.value)
    assert f"{CALENDAR.name} has {CALENDAR.partitions} partitions instead of 1" in str(refusal.value)


async def test_a_broker_that_is_away_is_told_with_its_address_and_the_setting() -> None:
    port = free_port()
    with pytest.raises(BrokerAway, match=rf"127\.0\.0\.1:{port} \(HADIR_KAFKA"):
        await check_topics(f"127.0.0.1:{port}", [])


async def test_nothing_can_be_sent_to_a_topic_that_nobody_declared(kafka: str, own_topic: Topic[Event]) -> None:
    with pytest.raises(TopicsUnfit):
        await check_topics(kafka, [own_topic])
    producer = new_producer(kafka, client_id="test")
    await producer.start()
    try:
        # Asking a broker with auto-creation for a topic's metadata would make it.
        await producer.client.fetch_all_metadata()
        producer.client.add_topic(own_topic.name)
        assert own_topic.name not in (await producer.client.fetch_all_metadata()).topics()
        await check_topics(kafka, TOPICS)
    finally:
        await producer.stop()
