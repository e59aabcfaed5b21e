"""The faults, by the names of the matrix: each strikes a running house once, at a random moment, and leaves it healed."""

import asyncio
import contextlib
import random
import resource
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.reports.flow import CONSUMED
from shared import topics
from tests.faults.house import SERVICES, SESSION_S, WORKERS, House
from tests.faults.invariants import Poison
from tests.faults.servers import fill

CORPUS = (
    b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe{\x00}\x00", b'{"check_in_id": 1}', b"[" * 20_000, b"{}" * 3, b"\x00",
    b'{"version": 1e308}', b'{"version": NaN}', b'{"date": "2026-02-30"}', b'{"employee_id": "\xed\xa0\x80"}', b"9" * 400,
)
"""What nobody can process; each placed record gets a number of its own, so that none is taken for another."""

POISONED = (topics.CHECK_IN_RECORDED, topics.CHECK_IN_LOCATED, topics.WORK_REPORT_SUBMITTED, topics.DAY_ASSESSED)


@dataclass
class Strike:
    """What a nemesis needs: the house, chance, and where it writes down the poison that it placed."""

    house: House
    chance: random.Random
    poison: Poison

    async def pause(self, low: float, high: float) -> None:
        """A random while."""
        await asyncio.sleep(self.chance.uniform(low, high))


@dataclass(frozen=True)
class Fault:
    """One fault: its number in the matrix, what it does, how often it is chosen, and what house it needs."""

    code: str
    what: str
    strike: Callable[[Strike], Awaitable[None]]
    weight: int = 4
    needs: str = ""

    @property
    def name(self) -> str:
        """As it stands in the report."""
        return f"{self.code} {self.what}"


def _kills(name: str) -> Callable[[Strike], Awaitable[None]]:
    async def strike(at: Strike) -> None:
        at.house.signal(name, signal.SIGKILL)
        await asyncio.sleep(0)

    return strike


async def _kill_two(at: Strike) -> None:
    for name in at.chance.sample(SERVICES, 2):
        at.house.signal(name, signal.SIGKILL)
    await asyncio.sleep(0)


async def _terminate(at: Strike) -> None:
    at.house.signal(at.chance.choice(SERVICES), signal.SIGTERM)
    await asyncio.sleep(0)


async def _freeze_worker(at: Strike) -> None:
    name = at.chance.choice(WORKERS)
    at.house.signal(name, signal.SIGSTOP)
    await at.pause(1.2 * SESSION_S, 1.8 * SESSION_S)
    at.house.signal(name, signal.SIGCONT)


async def _usurp(at: Strike) -> None:
    """A frozen worker comes back when another has taken its lanes and worked on."""
    name = at.chance.choice(WORKERS)
    second = f"{name}-2"
    await at.house.start(second, name)
    await at.pause(1.0, 2.0)
    at.house.signal(name, signal.SIGSTOP)
    await at.pause(1.5 * SESSION_S, 2.0 * SESSION_S)
    at.house.signal(name, signal.SIGCONT)
    await at.pause(0.5, 1.5)
    at.house.services[second].held = True
    at.house.signal(second, signal.SIGKILL)
    await at.house.until(lambda: at.house.services[second].pid is None, f"{second} ends", 30)
    del at.house.services[second]


async def _kill_broker(at: Strike) -> None:
    node = at.chance.choice(at.house.brokers.nodes)
    at.house.brokers.kill(node.number)
    await at.pause(0.0, 1.0)
    at.house.brokers.start(node.number)
    await at.house.brokers.ready()


async def _restart_broker(at: Strike) -> None:
    node = at.chance.choice(at.house.brokers.nodes)
    await at.house.brokers.stop(node.number)
    at.house.brokers.start(node.number)
    await at.house.brokers.ready()


async def _broker_away(at: Strike) -> None:
    for node in at.house.brokers.nodes:
        at.house.brokers.kill(node.number)
    await at.pause(8.0, 20.0)
    at.house.brokers.start()
    await at.house.brokers.ready()


async def _leader_of(at: Strike, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=at.house.brokers.bootstrap)
    await admin.start()
    try:
        [described] = await admin.describe_topics([topic])
        leader: int = at.chance.choice(described["partitions"])["leader"]
        return leader if leader > 0 else 1
    finally:
        await admin.close()


async def _kill_leader(at: Strike) -> None:
    number = await _leader_of(at, topics.CHECK_IN_RECORDED.name)
    at.house.brokers.kill(number)
    await at.pause(2.0, 8.0)
    at.house.brokers.start(number)
    await at.house.brokers.ready()


async def _kill_controller(at: Strike) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=at.house.brokers.bootstrap)
    await admin.start()
    try:
        number = int((await admin.describe_cluster())["controller_id"])
    finally:
        await admin.close()
    at.house.brokers.kill(number)
    await at.pause(2.0, 6.0)
    at.house.brokers.start(number)
    await at.house.brokers.ready()


async def _kill_two_brokers(at: Strike) -> None:
    """Below min ISR: nothing may be accepted."""
    numbers = at.chance.sample([node.number for node in at.house.brokers.nodes], 2)
    for number in numbers:
        at.house.brokers.kill(number)
    await at.pause(4.0, 10.0)
    at.house.brokers.start(*numbers)
    await at.house.brokers.ready()


async def _kill_postgres(at: Strike) -> None:
    at.house.database.kill()
    await at.pause(0.0, 1.5)
    await at.house.database.start_again()


async def _restart_postgres(at: Strike) -> None:
    await at.house.database.stop()
    await at.house.database.start_again()


async def _terminate_sessions(at: Strike) -> None:
    async with at.house.connection() as connection:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'hadir%' and pid <> pg_backend_pid()"
        )


async def _fail_over(at: Strike) -> None:
    await at.house.database.fail_over()
    for proxy in at.house.database_proxies.values():
        proxy.target = ("127.0.0.1", at.house.database.primary.port)
        proxy.reset()
    await at.house.database.add_standby()


async def _fill_kafka(at: Strike) -> None:
    [node] = at.house.brokers.nodes
    ballast = fill(node.folder)
    try:
        await at.pause(2.0, 5.0)
    finally:
        ballast.unlink()
    await at.pause(0.2, 0.5)
    assert node.child is not None
    if node.child.alive() and not await asyncio.to_thread(_writes, at.house):
        at.house.brokers.kill(node.number)  # a broker whose only log folder went offline answers, and does nothing more
    at.house.brokers.start()
    await at.house.brokers.ready()


def _writes(house: House) -> bool:
    return asyncio.run(_produces(house))


async def _produces(house: House) -> bool:
    producer = AIOKafkaProducer(bootstrap_servers=house.brokers.bootstrap, acks="all", request_timeout_ms=3000)
    try:
        await producer.start()
        # On a topic that nobody of ours reads or folds.
        for partition in range(3):
            await asyncio.wait_for(producer.send_and_wait(topics.AUDIT["ingest"].name, b"{}", partition=partition), 4)
    except (KafkaError, TimeoutError):
        return False
    else:
        return True
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.stop(), 5)


async def _fill_postgres(at: Strike) -> None:
    ballast = fill(at.house.database.primary.data)
    try:
        await at.pause(2.0, 5.0)
    finally:
        ballast.unlink()
    if not at.house.database.primary.child.alive():
        await at.house.database.start_again()
    await at.house.database.ready()


async def _network(at: Strike) -> None:
    """One road between services and broker or database, or all roads to one of them, in one of seven ways."""
    roads = [*at.house.kafka_proxies, *at.house.database_proxies.values()]
    some = at.chance.choice([[at.chance.choice(roads)], at.house.kafka_proxies, list(at.house.database_proxies.values())])
    way = at.chance.choice(["reset", "stall", "upward", "downward", "slow", "starved", "refused"])
    for proxy in some:
        match way:
            case "reset":
                proxy.reset()
            case "stall":
                proxy.stall()
            case "upward":
                proxy.stall(down=False)
            case "downward":
                proxy.stall(up=False)
            case "slow":
                proxy.delay_s = at.chance.uniform(0.2, 2.0)
            case "starved":
                proxy.bytes_per_s = 5_000.0
            case _:
                proxy.refusing = True
                proxy.reset()
    await at.pause(1.0, 6.0)
    for proxy in some:
        if way in ("stall", "upward", "downward") and at.chance.random() < 0.5:
            proxy.reset()  # a road that was gone for long: neither end knows the other any more
        proxy.heal()


async def _repeat(at: Strike) -> None:
    """Records once more, each up to ten times, in another order, as an edge gone wrong might."""
    consumer = AIOKafkaConsumer(bootstrap_servers=at.house.brokers.bootstrap, enable_auto_commit=False)
    producer = AIOKafkaProducer(bootstrap_servers=at.house.brokers.bootstrap, acks="all")
    await consumer.start()
    try:
        await producer.start()
        topic = topics.CHECK_IN_RECORDED
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            consumer.seek(place, max(0, ends[place] - 3))
        found = [record for records in (await consumer.getmany(timeout_ms=2000)).values() for record in records if record.headers]
        again = [record for record in found for _ in range(at.chance.randint(1, 10))]
        at.chance.shuffle(again)
        for record in again:
            await producer.send(record.topic, record.value, record.key, record.partition, headers=list(record.headers))
        await producer.flush()
    finally:
        await producer.stop()
        await consumer.stop()


async def _other_body(at: Strike) -> None:
    """An id that was accepted, with another statement: refused with 409, and the first one stands."""
    async with at.house.connection() as connection:
        row = await connection.fetchrow(
            "select check_in_id, employee_id, mark, captured_at from geofence.check_in order by received_at desc limit 1"
        )
    if row is None:
        return
    body = {
        "check_in_id": str(row["check_in_id"]), "employee_id": str(row["employee_id"]), "mark": row["mark"],
        "captured_at": row["captured_at"].isoformat(), "latitude": -1.5, "longitude": 110.5, "accuracy_m": 7.5,
        "device_id": "contoh-lain", "source_app": "simulator",
    }  # fmt: skip
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):  # it may be starting again just now
        async with (
            aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session,
            session.post(f"{at.house.ingest}/v1/check-ins", data=orjson.dumps(body)) as answer,
        ):
            assert answer.status in (409, 503), f"another body under a known id was answered {answer.status}: {await answer.text()}"


async def _poison(at: Strike) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=at.house.brokers.bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        for _ in range(3):
            topic = at.chance.choice(POISONED)
            number = len(at.poison.placed) + len(at.poison.doubtful)
            raw = at.chance.choice(CORPUS) + (f" {number}".encode() if number % 5 else b"")
            at.poison.doubtful.add(raw)
            placed = await producer.send_and_wait(topic.name, raw, partition=at.chance.randrange(topic.partitions))
            at.poison.placed[placed.topic, placed.partition, placed.offset] = raw
    finally:
        await producer.stop()


async def _rebalance_storm(at: Strike) -> None:
    """Second and third workers that come and go."""
    name = at.chance.choice(WORKERS)
    for number in (2, 3):
        await at.house.start(f"{name}-{number}", name)
        await at.pause(0.5, 2.0)
    await at.pause(1.0, 3.0)
    for number in (2, 3):
        at.house.services[f"{name}-{number}"].held = True
        at.house.signal(f"{name}-{number}", at.chance.choice((signal.SIGKILL, signal.SIGTERM)))
    for number in (2, 3):
        other = f"{name}-{number}"
        await at.house.until(lambda: at.house.services[other].pid is None, f"{other} ends", 60)  # noqa: B023 (awaited within the turn)
        del at.house.services[other]


async def _forget_group(at: Strike) -> None:
    """The group's offsets say that all was read: only the database knows where the service stood."""
    name = at.chance.choice(WORKERS)
    at.house.services[name].held = True
    at.house.signal(name, signal.SIGKILL)
    await at.house.until(lambda: at.house.services[name].pid is None, f"{name} ends", 20)
    await at.pause(0.5, 2.0)
    read = dict(CONSUMED)[name]
    consumer = AIOKafkaConsumer(bootstrap_servers=at.house.brokers.bootstrap, group_id=f"hadir.{name}", enable_auto_commit=False)
    try:
        await consumer.start()
        places = [TopicPartition(topic.name, number) for topic in read for number in range(topic.partitions)]
        consumer.assign(places)
        deadline = asyncio.get_running_loop().time() + 60
        while True:
            try:
                await consumer.commit(await consumer.end_offsets(places))
            except KafkaError:  # until its dead member's session is over
                assert asyncio.get_running_loop().time() < deadline, f"the offsets of {name} could not be reset"
                await asyncio.sleep(0.5)
            else:
                break
    finally:
        await consumer.stop()
        await at.house.start(name)


async def _no_files(at: Strike) -> None:
    """No file descriptor is left to a service for a while."""
    name = at.chance.choice(SERVICES)
    process = at.house.processes().get(name)
    if process is None:
        return
    before = process.rlimit(resource.RLIMIT_NOFILE)
    process.rlimit(resource.RLIMIT_NOFILE, (8, before[1]))
    await at.pause(1.0, 4.0)
    with contextlib.suppress(Exception):  # it may have ended over it
        process.rlimit(resource.RLIMIT_NOFILE, before)


FAULTS: tuple[Fault, ...] = (
    *(Fault("F1", f"kill -9 {name}", _kills(name), 12) for name in SERVICES),
    Fault("F1", "kill -9 two services at once", _kill_two, 8),
    Fault("F1", "SIGTERM, restart", _terminate, 6),
    Fault("F3", "worker frozen past its session", _freeze_worker, 4),
    Fault("F3", "frozen worker returns beside its successor", _usurp, 3),
    Fault("F4", "broker kill -9", _kill_broker, 6, "one"),
    Fault("F4", "broker restarted", _restart_broker, 4, "one"),
    Fault("F4", "broker away for 8 to 20 s", _broker_away, 1, "one"),
    Fault("F5", "kill a leader of three", _kill_leader, 12, "three"),
    Fault("F5", "kill the active controller", _kill_controller, 8, "three"),
    Fault("F5", "kill two of three, below min ISR", _kill_two_brokers, 8, "three"),
    Fault("F6", "PostgreSQL kill -9", _kill_postgres, 10),
    Fault("F6", "PostgreSQL restarted", _restart_postgres, 6),
    Fault("F6", "all sessions terminated", _terminate_sessions, 10),
    Fault("F6", "failover to the synchronous standby", _fail_over, 10, "standby"),
    Fault("F7", "disk of the broker full", _fill_kafka, 3, "disks"),
    Fault("F7", "disk of PostgreSQL full", _fill_postgres, 4, "disks"),
    Fault("F8", "network: reset, stalled, one way, slow, starved, refused", _network, 24),
    Fault("F10", "records repeated and reordered", _repeat, 4),
    Fault("F11", "known id with another body", _other_body, 4),
    Fault("F12", "poison on topics", _poison, 4),
    Fault("F14", "workers come and go", _rebalance_storm, 3),
    Fault("F16", "group offsets reset to the end", _forget_group, 2),
    Fault("F22", "no file descriptors left", _no_files, 3),
)
"""All of them. F2, F13, F18 and F24 are tested elsewhere; F9 has a house of its own (clocks)."""
