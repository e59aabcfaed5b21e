"""Every Kafka login of the manifests, tried: the broker grants it, topic by topic, what is written there and nothing else."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from deploy.k8s.verify.__main__ import OVERLAYS
from deploy.k8s.verify.kustomization import build
from services.canaries.ears import Ears
from services.canaries.enrolment import hatch, newest_generation
from services.local.process import free_port, spawn
from services.schedule.importer import import_org_units
from services.sink.worker import choose
from shared.reading import consuming
from shared.topics import CHECK_IN_LOCATED, SERVICES, TOPICS, lane_of
from tests.integration.rights.conftest import PASSWORD, PATIENCE_S, Guarded, gets_ready_and_ends, kafka_users

SAMPLES = Path(__file__).parents[2] / "contract" / "samples"
USERS = kafka_users()
GROUPS = [f"hadir.{service}" for service in SERVICES]
NOT_YET = (KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR)
IMPLIED = {"Read": {"Describe"}, "Write": {"Describe"}}
"""What Kafka lets whoever may read or write do besides."""


def admin(broker: Guarded, user: str) -> AdminClient:
    return AdminClient({
        "bootstrap.servers": broker.guarded, "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user, "sasl.password": PASSWORD, "ssl.ca.location": str(broker.certificate),
    })  # fmt: skip


def granted(ask: Callable[[], dict[str, Any]]) -> dict[str, set[str]]:
    """What the broker says that who asks may do; nothing where it will not even tell. Asked again while it is not ready to say."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return {name: told(future) for name, future in ask().items()}
        except KafkaException as error:
            # The first to ask for a group has the broker make its topic of offsets, which takes a moment.
            if error.args[0].code() not in NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.2)  # polls with the deadline above


def told(future: Any) -> set[str]:
    try:
        return {operation.name for operation in future.result(60).authorized_operations}
    except KafkaException as error:
        if error.args[0].code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
            return set()
        raise


def written(user: str, kind: str, names: list[str]) -> dict[str, set[str]]:
    """What the manifests give a user on each of these, with what follows from it."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for acl in USERS[user]:
        resource = acl["resource"]
        for name in names:
            same = name.startswith(resource["name"]) if resource["patternType"] == "prefix" else name == resource["name"]
            if resource["type"] == kind and same:
                for operation in acl["operations"]:
                    found[name] |= {one.upper() for one in (operation, *IMPLIED.get(operation, ()))}
    return found


def test_every_user_of_every_overlay_is_tried_here() -> None:
    for overlay in OVERLAYS.iterdir():
        made = {item["metadata"]["name"] for item in build(overlay) if item["kind"] == "KafkaUser"}
        assert made <= USERS.keys(), overlay.name
    assert {"hadir-monitor", "hadir-canaries", "hadir-observer", "hadir-sink", "ext-gaji"} < USERS.keys()


@pytest.mark.parametrize("user", USERS)
def test_the_broker_grants_each_login_what_is_written_on_every_topic_and_group_and_nothing_else(broker: Guarded, user: str) -> None:
    names = [topic.name for topic in TOPICS]
    groups = [*GROUPS, f"{user.replace('-', '.', 1)}.reader"]
    asked = admin(broker, user)

    on_topics = granted(lambda: asked.describe_topics(TopicCollection(names), include_authorized_operations=True))
    assert on_topics == written(user, "topic", names)
    on_groups = granted(lambda: asked.describe_consumer_groups(groups, include_authorized_operations=True))
    assert on_groups == written(user, "group", groups)
    assert any(on_topics.values())


def test_nobody_may_do_anything_to_the_cluster(broker: Guarded) -> None:
    for user in USERS:
        assert not admin(broker, user).describe_cluster(include_authorized_operations=True).result(60).authorized_operations, user


def test_the_monitor_gets_ready_with_its_logins(broker: Guarded, logins: dict[str, str], tmp_path: Path) -> None:
    """Ready means that each group of figures was gathered once: ends of every topic, copies, ledger entries against their events."""
    port = free_port()
    child = spawn(
        "monitor", [sys.executable, "-m", "services.monitor"], tmp_path / "log",
        environment={
            "HADIR_HOME": str(tmp_path), "HADIR_KAFKA": broker.guarded, "HADIR_KAFKA_USER": "hadir-monitor",
            "HADIR_KAFKA_PASSWORD": PASSWORD, "HADIR_KAFKA_CA": str(broker.certificate), "HADIR_DATABASE": logins["hadir_audit"],
            "HADIR_MONITOR_PORT": str(port),
        },
    )  # fmt: skip
    gets_ready_and_ends(child, port)


def test_the_doctor_in_the_monitors_pod_sees_everything_but_what_its_logins_may_not_ask(
    broker: Guarded, logins: dict[str, str], tmp_path: Path
) -> None:
    environment = {
        "HADIR_HOME": str(tmp_path), "HADIR_KAFKA": broker.guarded, "HADIR_KAFKA_USER": "hadir-monitor", "HADIR_KAFKA_PASSWORD": PASSWORD,
        "HADIR_KAFKA_CA": str(broker.certificate), "HADIR_DATABASE": logins["hadir_audit"],
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "services", "doctor", "--json"], env=os.environ | environment,
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)  # fmt: skip
    found = json.loads(done.stdout)

    # The tests' own server has no fsync; a province's has.
    assert [one["sentence"] for one in found if one["verdict"] == "fail" and "fsync" not in one["sentence"]] == [], done.stderr
    told = [one["sentence"] for one in found]
    assert f"{len(TOPICS)} topics with the declared partitions are on 1 brokers." in told
    assert "How brokers and topics are set this login may not ask (DescribeConfigs)." in told
    assert "All migrations have run." in told
    assert not any("create topics by themselves" in sentence for sentence in told), "that it may not ask is no yes"


async def test_the_canaries_hear_of_themselves_with_their_login(broker: Guarded, login: Callable[[str], None]) -> None:
    sample = json.loads((SAMPLES / f"{CHECK_IN_LOCATED.name}.json").read_bytes())
    canary = UUID(sample["employee_id"])
    ears, listening = Ears([canary]), asyncio.Event()
    login("hadir-canaries")
    hearing = asyncio.create_task(ears.listen(broker.guarded, listening))
    producer = AIOKafkaProducer(bootstrap_servers=broker.trusted)
    await producer.start()
    try:
        await asyncio.wait([hearing, asyncio.create_task(listening.wait())], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        assert listening.is_set(), hearing
        await producer.send_and_wait(CHECK_IN_LOCATED.name, json.dumps(sample).encode(), partition=lane_of(canary))
        async with asyncio.timeout(PATIENCE_S):
            await ears.changed.wait()
    finally:
        await producer.stop()
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
    assert ears.site(sample["check_in_id"]) == sample["site"]


async def test_the_canaries_are_hatched_with_the_login_of_their_pod(logins: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("code;name;timezone\nKENARI;Kenari (uji);WIB\n")
    assert (await import_org_units(logins["hadir"], tmp_path / "units.csv")).applied

    generation = await newest_generation(logins["hadir_schedule"])
    await hatch(logins["hadir_schedule"], generation)
    assert await newest_generation(logins["hadir_schedule"]) == generation


async def test_the_sink_reads_each_topic_that_it_takes(broker: Guarded, login: Callable[[str], None]) -> None:
    login("hadir-sink")
    async with consuming(broker.guarded, "test") as consumer:
        consumer.assign([TopicPartition(topic.name, 0) for topic in choose([])])
        await consumer.seek_to_beginning()
        await consumer.getmany(timeout_ms=500)


def test_the_observer_sees_how_far_each_worker_is_as_keda_asks(broker: Guarded) -> None:
    asked = admin(broker, "hadir-observer")

    for group in GROUPS[1:]:
        [answer] = asked.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
        assert answer.result(30).group_id == group
