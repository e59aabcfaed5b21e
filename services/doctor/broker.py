"""One look at Kafka's brokers: how many, how many copies of each topic, and what they do by themselves."""

from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.kafka import security
from shared.topics import TOPICS


@dataclass(frozen=True, slots=True)
class Seen:
    """`copies`: the fewest of any topic; `behind`: partitions with a copy that is not in sync."""

    brokers: int
    copies: int
    behind: int
    creates_topics: bool


async def look(bootstrap: str) -> Seen:
    """Raises what connecting raises."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="hadir-doctor", **security())
    await admin.start()
    try:
        cluster = await admin.describe_cluster()
        described = await admin.describe_topics([topic.name for topic in TOPICS])
        partitions = [partition for topic in described for partition in topic["partitions"]]
        brokers = [broker["node_id"] for broker in cluster["brokers"]]
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, str(brokers[0]))])
        values = {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}
        return Seen(
            brokers=len(brokers),
            copies=min(len(partition["replicas"]) for partition in partitions),
            behind=sum(len(partition["isr"]) < len(partition["replicas"]) for partition in partitions),
            creates_topics=values.get("auto.create.topics.enable", "true") == "true",
        )
    finally:
        await admin.close()
