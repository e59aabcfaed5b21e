"""Kafka as all processes see it: topics made and checked from `shared.topics`, and the one way to produce.

Topics are created by `hadir topics apply` only; a process that finds one missing or with another number of
partitions must not start, because its lanes would no longer be the broker's partitions.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, NodeNotReadyError, TopicAlreadyExistsError, for_code
from aiokafka.helpers import create_ssl_context

from shared.events import Event
from shared.refusal import Refusal
from shared.settings import settings
from shared.topics import TOPICS, Topic

_MS: Final = timedelta(milliseconds=1)
_GOODBYE_S: Final = 2.0
_START_WITHIN_S: Final = 60.0
_LEADERS_WITHIN_S: Final = 60.0
"""Beside other work 10 s were too short for 24 partitions."""
_LOOK_EVERY_S: Final = 0.05


class TopicsUnfit(Refusal):
    """The broker's topics are not those of `shared.topics`; the text names each and says what to do."""


class BrokerAway(Refusal):
    """No broker answers at the address; the text names the address and the setting."""


def security() -> dict[str, Any]:
    """How every client of this process logs in to Kafka: aiokafka's arguments, from the process's settings.

    Made anew for each client, so that a renewed CA counts from the next connection on. Raises `Refusal` when the CA
    cannot be read or a name has no password.
    """
    chosen = settings()
    password = chosen.kafka_password.get_secret_value()
    if bool(chosen.kafka_user) != bool(password):
        raise Refusal("HADIR_KAFKA_USER and HADIR_KAFKA_PASSWORD belong together: set both, or neither.")
    protocol = ("SASL_" if chosen.kafka_user else "") + ("SSL" if chosen.kafka_ca else "PLAINTEXT")
    arguments: dict[str, Any] = {"security_protocol": protocol}
    if chosen.kafka_ca:
        try:
            arguments["ssl_context"] = create_ssl_context(
                cafile=None if chosen.kafka_ca == "system" else chosen.kafka_ca
            )
        except OSError as error:  # ssl.SSLError is one, too
            raise Refusal(
                f"The CA certificate {chosen.kafka_ca} (HADIR_KAFKA_CA) cannot be used: {error.strerror or error}."
            ) from error
    if chosen.kafka_user:
        arguments |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": chosen.kafka_user,
            "sasl_plain_password": password,
        }
    return arguments


async def let_go(consumer: AIOKafkaConsumer) -> None:
    """Stops a consumer that is done for; one that cannot end is left behind, since it waits for what never comes."""
    await _end(consumer.stop())


async def start(producer: AIOKafkaProducer) -> None:
    """Connects it; raises TimeoutError for a broker that takes connections and does not answer, which aiokafka waits for without end."""
    async with asyncio.timeout(_START_WITHIN_S):
        await producer.start()


async def drop(producer: AIOKafkaProducer) -> None:
    """Ends a producer together with all that it has not sent.

    Left behind it would go on trying, and bring an old state of something after the newer one of its successor: where only the
    latest of each key is kept, the old one would stay.
    """
    producer._closed = True  # noqa: SLF001 - aiokafka only knows a stop that first sends everything
    producer.client._conns = _NoMore(producer.client._conns)  # noqa: SLF001 - as above
    sender = producer._sender  # noqa: SLF001 - as above
    if sender is not None and sender.sender_task is not None:
        sender.sender_task.cancel()
    await _end(producer.client.close())


class _NoMore(dict[Any, Any]):
    """Connections of a client to which none is added any more; a request that was waiting for one is not sent."""

    def __setitem__(self, place: Any, connection: Any) -> None:
        connection.close()
        raise NodeNotReadyError("the producer was dropped while it connected")


async def _end(ending: Coroutine[Any, Any, None]) -> None:
    stopping = asyncio.ensure_future(ending)
    await asyncio.wait([stopping], timeout=_GOODBYE_S)
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled():  # as aiokafka's stop does to itself where its own task had not begun
        stopping.exception()


def topic_config(topic: Topic[Event], replication: int) -> dict[str, str]:
    """Broker-side configuration of a topic, everything that differs from Kafka's defaults."""
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(topic.retention // _MS) if topic.retention else "-1",
        # With three replicas one may be away and acks=all still means two copies.
        "min.insync.replicas": str(max(1, replication - 1)),
        "compression.type": "producer",
        # Of a machine whose clock is an hour ahead or more the broker takes nothing that the machine itself has dated.
        "message.timestamp.type": "LogAppendTime",
    }


async def apply_topics(bootstrap: str, replication: int = 1, topics: Sequence[Topic[Event]] = TOPICS) -> list[str]:
    """Create missing topics and set changed configurations; returns one sentence per change, [] when all was so.

    Never changes a number of partitions: raises TopicsUnfit, before changing anything, when one differs.
    """
    async with _admin(bootstrap) as admin:
        found = await _partitions(admin)
        _refuse(_differences(topics, found))
        missing = [topic for topic in topics if topic.name not in found]
        changes = [f"created {topic.name} with {topic.partitions} partitions" for topic in missing]
        if missing:
            answer = await admin.create_topics(
                [
                    NewTopic(topic.name, topic.partitions, replication, topic_configs=topic_config(topic, replication))
                    for topic in missing
                ]
            )
            for name, code, *detail in answer.topic_errors:
                # Another `apply` at the same moment is as good as ours.
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise TopicsUnfit(f"Kafka refused to create {name}: {for_code(code).__name__} {detail or ''}")
        changes += await _reconcile(admin, [t for t in topics if t.name in found], replication)
        await await_leaders(admin, topics)
        return changes


async def check_topics(bootstrap: str, topics: Sequence[Topic[Event]] = TOPICS) -> None:
    """Raise TopicsUnfit when a topic is missing or has another number of partitions than declared."""
    async with _admin(bootstrap) as admin:
        found = await _partitions(admin)
    user = settings().kafka_user
    remedy = f", or {user} has no right on it: see its KafkaUser or ACLs" if user else "; run `hadir topics apply`"
    missing = [f"topic {topic.name} does not exist{remedy}" for topic in topics if topic.name not in found]
    _refuse(missing + _differences(topics, found))


def new_producer(bootstrap: str, *, client_id: str, linger_ms: int = 5) -> AIOKafkaProducer:
    """An idempotent producer (acks=all, lz4): the only kind in this system. Start and stop are the caller's.

    Partitions are always given by the caller (`lane % topic.partitions`), so it has no partitioner of its own.
    """
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        linger_ms=linger_ms,
        max_batch_size=131_072,
        request_timeout_ms=30_000,
        **security(),
    )


def topics_markdown(topics: Iterable[Topic[Event]] = TOPICS) -> str:
    """The README's table of topics."""
    rows = [
        f"| `{topic.name}` | {topic.owner} | {topic.key.replace('|', '&#124;')} | {topic.partitions} | {kept(topic)} "
        f"| {topic.data} | {topic.what} |"
        for topic in topics
    ]
    return "\n".join(
        ["| topic | owner | key | partitions | kept | personal data | what |", "|---|---|---|---|---|---|---|", *rows]
    )


def kept(topic: Topic[Event]) -> str:
    """How long the topic keeps its records, in words."""
    if topic.compacted:
        return "latest per key"
    return f"{topic.retention.days} days" if topic.retention else "for ever"


def _differences(topics: Iterable[Topic[Event]], found: dict[str, int]) -> list[str]:
    return [
        f"topic {topic.name} has {found[topic.name]} partitions instead of {topic.partitions}; the number is fixed for "
        "ever, so this is another cluster's topic or one made by hand: use another cluster or delete that topic"
        for topic in topics
        if found.get(topic.name, topic.partitions) != topic.partitions
    ]


def _refuse(reasons: list[str]) -> None:
    if reasons:
        raise TopicsUnfit("; ".join(reasons))


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, client_id="hadir-topics", request_timeout_ms=30_000, **security()
    )
    try:
        await admin.start()
    except (KafkaConnectionError, OSError) as error:
        await admin.close()
        raise BrokerAway(f"No Kafka answers at {bootstrap} (HADIR_KAFKA or --kafka): {error}") from error
    try:
        yield admin
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Number of partitions of every topic there is."""
    return {item["topic"]: len(item["partitions"]) for item in await admin.describe_topics()}


async def _reconcile(admin: AIOKafkaAdminClient, topics: Sequence[Topic[Event]], replication: int) -> list[str]:
    """Set what differs in the configuration of existing topics; returns once the broker itself shows it."""
    changes: list[str] = []
    for topic in topics:
        config = topic_config(topic, replication)
        current = await _config(admin, topic.name)
        differing = {key: value for key, value in config.items() if current.get(key) != value}
        if differing:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=config)])
            changes += [
                f"set {key} of {topic.name} from {current.get(key)} to {value}" for key, value in differing.items()
            ]
            for _ in range(200):
                current = await _config(admin, topic.name)
                if all(current.get(key) == value for key, value in config.items()):
                    break
                await asyncio.sleep(0.05)
            else:
                raise TopicsUnfit(f"Kafka does not take the configuration of {topic.name}: {differing}")
    return changes


async def _config(admin: AIOKafkaAdminClient, name: str) -> dict[str, Any]:
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    # resource: error code, message, kind, name, entries; entry: key, value, ...
    return {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}


async def await_leaders(admin: AIOKafkaAdminClient, topics: Sequence[Topic[Event]]) -> None:
    """Wait until the broker itself tells of every topic with a leader; creation is asynchronous."""
    wanted = {topic.name for topic in topics}
    deadline = asyncio.get_running_loop().time() + _LEADERS_WITHIN_S
    while True:
        ready = {
            item["topic"]
            for item in await admin.describe_topics(sorted(wanted))
            if not item["error_code"] and all(part["leader"] >= 0 for part in item["partitions"])
        }
        if wanted <= ready:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise KafkaError(f"no leader within {_LEADERS_WITHIN_S:.0f} s for {sorted(wanted - ready)}")
        await asyncio.sleep(_LOOK_EVERY_S)
