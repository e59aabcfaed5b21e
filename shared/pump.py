"""Faust as the pump: it brings records in order and knows of rebalances; where we stand is not its business.

Faust's own offset bookkeeping loses events (it acknowledges what an agent failed on), so nothing is acknowledged
here and every assignment is answered with a seek to the positions kept in Postgres.
"""
# ruff: noqa: SLF001 - Faust has no public way to the assignor and to the consumer's thread; its version is pinned

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.structs import OffsetAndMetadata
from faust.agents import Agent
from faust.tables import TableManager
from faust.tables.recovery import Recovery
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from faust.transport.drivers.aiokafka import Transport as KafkaTransport
from faust.types import TP
from mode.services import WaitResults

from shared import failpoints
from shared.kafka import security
from shared.lanes import Position
from shared.settings import Settings
from shared.topics import Service, Topic

T = TypeVar("T")

_WEEK_S: Final = 7 * 86400.0
_BUFFERED: Final = 8192
_FETCHED: Final = 16_384
_FETCHED_BYTES: Final = 128 * 1024
"""At most so many messages are unpacked at once, and so much is fetched of a partition ahead of them. Faust unpacks all that was
fetched, by default a MiB a partition and packed: a worker behind a backlog took 400 MiB for messages that had to wait anyway.
So many that partitions take turns in a batch: with a few thousand they come one after the other, and the pipeline seemed slower.
A single message that is larger still comes (KIP-74)."""


class Owner(Protocol):
    """Who answers for the positions of the partitions that the pump was given."""

    async def take(self, generation: int, assigned: Collection[Position]) -> Mapping[Position, int]:
        """The offsets to seek to; claims the positions if the generation is new."""

    def assigned(self) -> None:
        """An assignment has come; the question where to go on follows."""

    async def give_up(self) -> None:
        """The partitions are going to others; returns when nothing of theirs is in flight."""


class Pump(faust.App):
    """A Faust application that asks its owner where to read."""

    owner: Owner
    topic_names: frozenset[str]
    declared: Mapping[str, int]
    """Number of partitions of each topic, which the worker has compared with the broker's before it started."""

    def _create_directories(self) -> None:
        """Faust keeps nothing on disk for us: no tables, no changelogs."""


class _QuietMonitor(faust.Monitor):
    """Faust's own statistics of every event cost more than our whole decoding, and nobody reads them."""

    def on_message_in(self, tp: TP, offset: int, message: Any) -> None:
        """Counts nothing."""

    def on_stream_event_in(self, tp: TP, offset: int, stream: Any, event: Any) -> dict[str, Any] | None:
        """Counts nothing."""

    def on_stream_event_out(
        self, tp: TP, offset: int, stream: Any, event: Any, state: dict[str, Any] | None = None
    ) -> None:
        """Counts nothing."""

    def on_message_out(self, tp: TP, offset: int, message: Any) -> None:
        """Counts nothing."""

    def track_tp_end_offset(self, tp: TP, offset: int) -> None:
        """Keeps nothing."""


class LaneAssignor(RoundRobinPartitionAssignor):  # type: ignore[misc]  # aiokafka has no types
    """Gives a lane of all topics to one member, so that two processes never wait for each other's lane lock.

    `declared` tells how many partitions a topic has. A broker that has just started may not name it yet, and a member that
    was given nothing then would ask for metadata again in five minutes only.
    """

    name = "hadir-lanes"
    declared: ClassVar[Mapping[str, int]] = {}

    @classmethod
    def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Lane n goes to the n-th of the members, in turn, that read the topic."""
        given: dict[str, dict[str, list[int]]] = {member: {} for member in members}
        for topic in sorted({topic for member in members.values() for topic in member.subscription}):
            readers = sorted(member for member, known in members.items() if topic in known.subscription)
            declared = cls.declared.get(topic)
            for partition in sorted(cluster.partitions_for_topic(topic) or ()) if declared is None else range(declared):
                given[readers[partition % len(readers)]].setdefault(topic, []).append(partition)
        return {
            member: ConsumerProtocolMemberAssignment(cls.version, sorted(lanes.items()), b"")
            for member, lanes in given.items()
        }


class _Thread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: KafkaTransport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust offers no setting for the assignor, and its own is for tables.
        declared = cast(Pump, self.app).declared
        consumer._partition_assignment_strategy = (type("DeclaredLanes", (LaneAssignor,), {"declared": declared}),)
        return consumer


class _PositionConsumer(KafkaConsumer):
    """Seeks to the positions that the owner keeps, instead of to the offsets committed in Kafka."""

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Called by Faust at every assignment before it resumes, and from its fetch loop while the flow is off."""
        # Another rebalance ends Faust's wait, and with it what is waited for; the seek must still happen.
        await asyncio.shield(asyncio.ensure_future(self._seek_to_positions()))

    async def _seek_to_positions(self) -> None:
        pump = cast(Pump, self.app)
        places = {(tp.topic, tp.partition): tp for tp in self.assignment() if tp.topic in pump.topic_names}
        generation = pump.consumer_generation_id
        offsets = {places[at]: offset for at, offset in (await pump.owner.take(generation, list(places))).items()}
        if offsets and generation == pump.consumer_generation_id:
            await self.seek_wait(offsets)
            self._read_offset.update(offsets)
            self._committed_offset.update(offsets)

    async def wait_first(self, *coros: Any, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 - as Faust has it
        """Delivers at once what cannot block.

        For every message Faust waits with four tasks for "delivered, suspended, stopped or crashed". A delivery can
        only block while the flow is off or a queue is full; only then it needs that.
        """
        if len(coros) == 2 and asyncio.iscoroutine(coros[0]) and asyncio.iscoroutine(coros[1]) and self._has_room():
            delivery, suspended = coros
            suspended.close()
            await delivery
            return WaitResults([], [], False)
        return await super().wait_first(*coros, timeout=timeout)

    def _has_room(self) -> bool:
        app = self.app
        return app.flow_control.is_active() and not any(channel.queue.full() for channel in app.topics)

    def highwater(self, tp: TP) -> int:  # noqa: ARG002 - as Faust has it
        """Faust asks it of every message, for the statistics that nobody reads."""
        return 0

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Lets the batch in flight end before the partitions go."""
        await cast(Pump, self.app).owner.give_up()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Faust does not ask for a seek when there is nothing to seek: a spare worker must hear of it too."""
        owner = cast(Pump, self.app).owner
        owner.assigned()
        if not assigned:
            await owner.take(generation_id, [])
        await super().on_partitions_assigned(assigned, generation_id)


class _Transport(KafkaTransport):
    Consumer = _PositionConsumer


class _Recovery(Recovery):
    """Waits for a seek however long it takes, unless another rebalance comes.

    Faust gives a seek as long as a request to the broker. To its helper a wait that has timed out is the end of the service: the
    task that resumes the flow ended then for good, and a worker that was just starting stood for ever (seed 20261303).
    """

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ARG002, ASYNC109 - as Faust has it
        await super()._wait(coro)


class _Tables(TableManager):
    """There are none; but whoever recovers them resumes the flow after a rebalance."""

    @property
    def recovery(self) -> Recovery:
        """Faust's own service but for its waits."""
        if self._recovery is None:
            self._recovery = _Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


class _AsTheyCame(faust.Schema[bytes, bytes]):
    """Hands messages on as they came: Faust would ask a codec for each key and value, and copy the headers."""

    def compile(self, app: Any, **_: Any) -> Any:
        """The function by which a channel makes an event of a message."""

        async def decode(message: Any, *, propagate: bool = False) -> faust.Event:  # noqa: ARG001 - nothing can go wrong
            return faust.Event(app, message.key, message.value, None, message)

        return decode


def make_pump(settings: Settings, service: Service, topics: Iterable[Topic[Any]], owner: Owner) -> Pump:
    """The Faust application of a service; bound to the running loop when it is started."""
    session = settings.session_timeout_s
    rebalance = max(30.0, 3 * session)
    pump = Pump(
        f"{settings.group}.{service}",
        broker=[f"kafka://{address.strip()}" for address in settings.kafka.split(",")],
        broker_credentials=_credentials(),
        store="memory://",
        Monitor=_QuietMonitor,
        TableManager=_Tables,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        value_serializer="raw",
        key_serializer="raw",
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=_FETCHED_BYTES,
        broker_max_poll_records=_FETCHED,
        stream_buffer_maxsize=_BUFFERED,
        stream_wait_empty=False,  # nothing is acknowledged, so there is nothing to wait for: give_up waits
        broker_session_timeout=session,
        broker_heartbeat_interval=max(0.3, session / 5),
        broker_rebalance_timeout=rebalance,
        broker_request_timeout=rebalance + 10,
        # Only the client watches this interval, and a member that leaves by it cannot come back (aiokafka #1187).
        broker_max_poll_interval=_WEEK_S,
    )
    pump.owner = owner
    pump.declared = {topic.name: topic.partitions for topic in topics}
    pump.topic_names = frozenset(pump.declared)
    pump.transport = _Transport(pump.conf.broker, pump)
    return pump


def _credentials() -> faust.SASLCredentials | faust.SSLCredentials | None:
    """The process's login to Kafka in Faust's words; None: neither login nor TLS."""
    login = security()
    if "sasl_mechanism" in login:
        return faust.SASLCredentials(
            mechanism=login["sasl_mechanism"], username=login["sasl_plain_username"],
            password=login["sasl_plain_password"], ssl_context=login.get("ssl_context"),
        )  # fmt: skip
    return faust.SSLCredentials(login["ssl_context"]) if "ssl_context" in login else None


def attach_agent(pump: Pump, carry: Callable[[Any], Awaitable[None]]) -> None:
    """Gives the stream of all the pump's topics to one agent.

    As `pump.agent(...)` does, but without its search for the caller's module among all that is loaded, which takes a
    second at every start.
    """
    source = pump.topic(*sorted(pump.topic_names), schema=_AsTheyCame(key_type=bytes, value_type=bytes), acks=False)
    agent = Agent(carry, name="batches", app=pump, channel=source, concurrency=1)
    pump.agents[agent.name] = agent
    pump.topics.beacon.add(agent)


async def batches(stream: Any, most: int, within: float) -> AsyncIterator[Sequence[Any]]:
    """Batches of Faust's messages, unacknowledged, in offset order within each partition.

    Less than a whole batch waits for the next tick, which comes every `within` seconds. Messages are taken from the stream's
    queue at once: its iterators turn the loop for each of them, and acknowledge or leave a drainer behind.
    """
    queue = aiter(stream.channel).queue
    clock = asyncio.get_running_loop().time
    while True:
        messages = [(await queue.get()).message]
        if queue.qsize() < most - 1:
            await asyncio.sleep(within - clock() % within)
        while len(messages) < most and not queue.empty():
            messages.append(queue.get_nowait().message)
        yield messages


def require_alive(pump: Pump) -> None:
    """Raises RuntimeError when Faust has crashed, or when a task of aiokafka's has ended or waits for its error to be taken.

    Faust asks for neither: a worker whom the broker had refused its group would stand for ever, also when the cause was gone,
    and one whose fetching had ended would bring nothing more.
    """
    if pump.crashed:
        raise RuntimeError("Faust crashed")
    kafka = cast(Any, pump.consumer)._thread._consumer
    if kafka is None or kafka._coordinator is None:
        return  # it has not begun
    if (refused := kafka._coordinator._pending_exception) is not None:
        raise RuntimeError("Kafka refuses this member of the group") from refused
    for task in (kafka._coordinator._coordination_task, kafka._fetcher._fetch_task, kafka._client._sync_task):
        if task is not None and task.done():
            raise RuntimeError(f"aiokafka's {task.get_coro().__name__} has ended")


async def end_offsets(pump: Pump, positions: Collection[Position]) -> dict[Position, int]:
    """Where the broker says these partitions end now. Raises what `require_alive` raises."""
    require_alive(pump)
    async with asyncio.timeout(10):
        ends = await pump.consumer.highwaters(*(TP(*position) for position in positions))
    return {(tp.topic, tp.partition): end for tp, end in ends.items()}


async def tell_lag(pump: Pump, offsets: Mapping[Position, int]) -> None:
    """Commits offsets to Kafka for lag exporters to see; nobody ever reads them back to go on from."""
    kafka = _kafka_consumer(pump)
    told = {TopicPartition(*at): OffsetAndMetadata(offset, "") for at, offset in offsets.items()}
    failpoints.reach("lag-telling")
    await _in_thread(pump, kafka.commit(told), 10)
    failpoints.reach("lag-told")


async def leave_group(pump: Pump) -> None:
    """Tells the broker goodbye, so that the others get the lanes now and not after the session timeout."""
    await _in_thread(pump, _kafka_consumer(pump).stop(), 5)


def _kafka_consumer(pump: Pump) -> AIOKafkaConsumer:
    thread = cast(_PositionConsumer, pump.consumer)._thread
    return thread._ensure_consumer()


async def _in_thread(pump: Pump, work: Coroutine[Any, Any, T], within: float) -> T:
    """Runs something of the consumer's on the loop of the consumer's thread."""
    loop = cast(_PositionConsumer, pump.consumer)._thread.thread_loop
    async with asyncio.timeout(within):
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
