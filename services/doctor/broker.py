"""One look at Kafka's brokers: how many, how many copies of each topic, how topics are kept, and what brokers do by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.kafka import security, topic_config
from shared.topics import TOPICS


@dataclass(frozen=True, slots=True)
class Seen:
    """What the brokers told; None is what the login may not ask.

    `copies`: the fewest of any topic; `behind`: partitions with a copy that is not in sync; `otherwise`: settings of topics that
    are not as declared, in words.
    """

    brokers: int
    copies: int
    behind: int
    creates_topics: bool | None
    otherwise: tuple[str, ...] | None


async def look(bootstrap: str) -> Seen:
    """Raises what connecting raises."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="hadir-doctor", **security())
    await admin.start()
    try:
        cluster = await admin.describe_cluster()
        described = await admin.describe_topics([topic.name for topic in TOPICS])
        partitions = [partition for topic in described for partition in topic["partitions"]]
        brokers = [broker["node_id"] for broker in cluster["brokers"]]
        copies = {topic["topic"]: min(len(partition["replicas"]) for partition in topic["partitions"]) for topic in described}
        asked = [ConfigResource(ConfigResourceType.BROKER, str(brokers[0]))]
        asked += [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in TOPICS]
        answers = await admin.describe_configs(asked)
        # resource: error code, message, kind, name, entries; entry: key, value, ...
        resources = [resource for answer in answers for resource in answer.resources if not resource[0]]
        told = {resource[3]: {entry[0]: entry[1] for entry in resource[4]} for resource in resources}
        broker = told.get(str(brokers[0]))
        return Seen(
            brokers=len(brokers),
            copies=min(copies.values()),
            behind=sum(len(partition["isr"]) < len(partition["replicas"]) for partition in partitions),
            creates_topics=broker.get("auto.create.topics.enable") == "true" if broker else None,
            otherwise=_otherwise(told, copies) if all(topic.name in told for topic in TOPICS) else None,
        )
    finally:
        await admin.close()


def _otherwise(told: Mapping[str, Mapping[str, Any]], copies: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(
        f"{topic.name} has {key} {told[topic.name].get(key)} instead of {value}"
        for topic in TOPICS
        for key, value in topic_config(topic, copies[topic.name]).items()
        if told[topic.name].get(key) != value
    )
