"""deploy/k8s/schemas/names.json has the words of the servers themselves: what the quick check takes, they know."""

import json

import asyncpg
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]  # public, but not in its __all__

from deploy.k8s.verify.shapes import SCHEMAS
from shared.topics import TPP_MONTH
from tests.integration.rights.conftest import Guarded

NAMES: dict[str, list[str]] = json.loads((SCHEMAS / "names.json").read_text())


def test_the_broker_knows_every_setting_of_brokers_and_topics_and_tells_no_other(broker: Guarded) -> None:
    admin = AdminClient({"bootstrap.servers": broker.trusted})
    [node] = admin.list_topics(timeout=60).brokers

    def told(kind: ResourceType, name: str) -> set[str]:
        [answer] = admin.describe_configs([ConfigResource(kind, name)]).values()
        return set(answer.result(60))

    # A setting of one listener only is told by its full name; super.users is the authorizer's, and Strimzi has a field for it.
    of_broker = {name for name in told(ResourceType.BROKER, str(node)) if not name.startswith("listener.name.")} - {"super.users"}
    assert of_broker <= set(NAMES["Kafka 4.3.1, broker"])
    assert told(ResourceType.TOPIC, TPP_MONTH.name) <= set(NAMES["Kafka 4.3.1, topic"])


async def test_the_database_knows_every_setting(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    try:
        known = {row["name"] for row in await connection.fetch("select name from pg_settings")}
    finally:
        await connection.close()

    assert set(NAMES["PostgreSQL 18"]) <= known
