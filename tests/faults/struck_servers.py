"""Nemeses of brokers, database, disks and network."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared import topics
from shared.reading import consuming, partitions_of, to_the_ends
from tests.faults.house import House
from tests.faults.proxy import Proxy
from tests.faults.servers import Node, fill, is_full
from tests.faults.striking import Strike, Unstruck
from tests.waiting import PATIENCE_S, until

_LONG_S = 25.0, 45.0
"""Longer than a transaction may idle (20 s), a member of a group may be silent (10 s) and a request to a broker may last (30 s)."""

_LONG_SHARE = 0.1


async def kill_broker(at: Strike) -> None:
    """kill -9 of a broker, and at once or a second later its restart."""
    async with _without(at, at.chance.choice(at.house.brokers.nodes).number):
        await at.pause(0.0, 1.0)


@contextlib.asynccontextmanager
async def _without(at: Strike, *numbers: int) -> AsyncIterator[None]:
    """These nodes die by kill -9, and are there again at the end, whether or not each of them had been running."""
    died = at.house.brokers.kill(*numbers)
    yield
    at.house.brokers.start(*numbers)
    await at.house.brokers.ready()
    if not died:
        raise Unstruck(f"not all of the nodes {numbers} ran")


async def restart_broker(at: Strike) -> None:
    """A clean stop and a start."""
    node = at.chance.choice(at.house.brokers.nodes)
    before = node.child
    await at.house.brokers.stop(node.number)
    at.house.brokers.start(node.number)
    await at.house.brokers.ready()
    if node.child is before:  # it is started only if it does not run
        raise Unstruck("the broker ran on")


async def broker_away(at: Strike) -> None:
    """No broker for a while."""
    await _away(at, 8.0, 20.0)


async def broker_away_for_long(at: Strike) -> None:
    """No broker for a minute."""
    await _away(at, 60.0, 65.0)


async def _away(at: Strike, low: float, high: float) -> None:
    async with _without(at, *(node.number for node in at.house.brokers.nodes)):
        await at.pause(low, high)


async def _partitions(at: Strike, within_s: int = 40) -> list[Mapping[str, Any]]:
    """What a living broker says of the accepted check-ins' partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=at.house.brokers.bootstrap_alive, request_timeout_ms=1000 * within_s)
    await admin.start()
    try:
        [described] = await admin.describe_topics([topics.CHECK_IN_RECORDED.name])
        told: list[Mapping[str, Any]] = described["partitions"]
        return told
    finally:
        await admin.close()


async def kill_leader(at: Strike) -> None:
    """The leader of some partition of the accepted check-ins dies, and comes back after a while."""
    number = max(1, at.chance.choice(await _partitions(at))["leader"])
    async with _without(at, number):
        await at.pause(2.0, 8.0)


async def kill_controller(at: Strike) -> None:
    """The leader of the controllers dies, so that the others elect one."""
    await at.house.until(at.house.brokers.active_controller, "the controllers have a leader", 60)
    number = at.house.brokers.active_controller()
    if number is None:
        raise Unstruck("the controllers elect a leader")
    async with _without(at, number):
        await at.pause(2.0, 6.0)


async def kill_two_brokers(at: Strike) -> None:
    """One of three brokers is left, which is below min ISR, and the controllers live and say so: nothing may be accepted."""
    async with _nothing_accepted(at, _two_of(at, at.house.brokers.nodes)):
        await at.house.until(lambda: _one_replica(at), "the controllers say that one replica is left", 60)
        await at.pause(4.0, 10.0)


async def kill_two_nodes(at: Strike) -> None:
    """The same without a quorum of controllers, so that the broker that is left cannot even learn what it has lost."""
    async with _nothing_accepted(at, [*_two_of(at, at.house.brokers.nodes), *_two_of(at, at.house.brokers.controllers)]):
        await at.pause(5.0, 12.0)


def _two_of(at: Strike, nodes: Sequence[Node]) -> list[int]:
    return at.chance.sample([node.number for node in nodes], 2)


async def _one_replica(at: Strike) -> bool:
    try:
        return all(len(partition["isr"]) < 2 for partition in await _partitions(at, 5))
    except (KafkaError, OSError, TimeoutError):  # it still names the dead ones
        return False


@contextlib.asynccontextmanager
async def _nothing_accepted(at: Strike, dying: Sequence[int]) -> AsyncIterator[None]:
    """Without these nodes. An answer may be long under way: what is told by it must have been appended while they lived."""
    accepted = set(at.house.journal.noted)
    async with _without(at, *dying):
        dead_at = time.time()
        yield
        late = at.house.journal.noted - accepted
    if late:
        [appended] = await until(lambda: _first_appended(at, late), otherwise=lambda: "the topics cannot be read")
        false = [one for one in late if appended.get(one, dead_at) >= dead_at]
        assert not false, f"{len(false)} ids were accepted below min ISR: {sorted(false)[:3]}"


async def _first_appended(at: Strike, ids: Collection[str]) -> list[dict[str, float]]:
    """When a broker first appended these ids, in seconds of the epoch; nothing if no broker tells. Phones ask for 15 minutes at most."""
    first: dict[str, float] = {}
    try:
        async with asyncio.timeout(PATIENCE_S), consuming(at.house.brokers.bootstrap, "appended") as consumer:
            ends = await consumer.end_offsets(partitions_of(topics.CHECK_IN_RECORDED, topics.WORK_REPORT_SUBMITTED))
            begins = await consumer.offsets_for_times(dict.fromkeys(ends, int((time.time() - 900) * 1000)))
            async for record in to_the_ends(consumer, {place: begins[place].offset if begins[place] else ends[place] for place in ends}):
                subject = dict(record.headers).get("ce_subject", b"").decode()
                if subject in ids:
                    first.setdefault(subject, record.timestamp / 1000)  # the broker's own time (LogAppendTime)
    except KafkaError:
        return []
    return [first]


async def kill_postgres(at: Strike) -> None:
    """kill -9 of the whole server."""
    died = at.house.database.kill()
    await at.pause(0.0, 1.5)
    await at.house.database.start_again()
    if not died:
        raise Unstruck("PostgreSQL did not run")


async def restart_postgres(at: Strike) -> None:
    """A fast shutdown and a start."""
    await at.house.database.stop()
    stopped = not at.house.database.primary.child.alive()
    await at.house.database.start_again()
    if not stopped:
        raise Unstruck("PostgreSQL ran on")


async def terminate_sessions(at: Strike) -> None:
    """Every session of the services ends in the middle of whatever it does."""
    async with at.house.connection() as connection:
        ended = await connection.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'hadir%' and pid <> pg_backend_pid()"
        )
    if not any(row[0] for row in ended):
        raise Unstruck("no service has a session")


async def fail_over(at: Strike) -> None:
    """The primary dies for good; its synchronous standby takes over, and gets a standby of its own."""
    died = await at.house.database.fail_over()
    for proxy in at.house.database_proxies.values():
        proxy.target = ("127.0.0.1", at.house.database.primary.port)
        proxy.reset()
    await at.house.database.add_standby()
    if not died:
        raise Unstruck("the primary did not run")


async def fill_kafka(at: Strike) -> None:
    """Not a byte is left where the broker writes."""
    [node] = at.house.brokers.nodes
    full = await _filled(at, node.folder)
    await at.pause(0.2, 0.5)
    assert node.child is not None
    if node.child.alive() and not await asyncio.to_thread(_writes, at.house):
        at.house.brokers.kill(node.number)  # a broker whose only log folder went offline answers, and does nothing more
    at.house.brokers.start()
    await at.house.brokers.ready()
    if not full:
        raise Unstruck("the broker's disk had room")


async def _filled(at: Strike, folder: Path) -> bool:
    """Fill the disk of a folder for a while; whether a write was refused for want of space, once that was done."""
    ballast = fill(folder)
    try:
        full = is_full(folder)
        await at.pause(2.0, 5.0)
    finally:
        ballast.unlink(missing_ok=True)
    return full


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


async def fill_postgres(at: Strike) -> None:
    """Not a byte is left for WAL and data."""
    full = await _filled(at, at.house.database.primary.data)
    if not at.house.database.primary.child.alive():
        await at.house.database.start_again()
    await at.house.database.ready()
    if not full:
        raise Unstruck("the disk of PostgreSQL had room")


def _slow(proxy: Proxy, chance: random.Random) -> None:
    proxy.delay_s = chance.uniform(0.2, 2.0)


def _starve(proxy: Proxy, _chance: random.Random) -> None:
    proxy.bytes_per_s = 5_000.0


def _refuse(proxy: Proxy, _chance: random.Random) -> None:
    proxy.refusing = True
    proxy.reset()


WAYS: Mapping[str, Callable[[Proxy, random.Random], object]] = {
    "reset": lambda proxy, _chance: proxy.reset(),
    "stalled": lambda proxy, _chance: proxy.stall(),
    "stalled upward": lambda proxy, _chance: proxy.stall(down=False),
    "stalled downward": lambda proxy, _chance: proxy.stall(up=False),
    "slow": _slow,
    "starved": _starve,
    "refused": _refuse,
}
"""What may happen to a road."""


def network(way: str) -> Callable[[Strike], Awaitable[None]]:
    """One road between services and broker or database, or all roads to one of them, in one of the ways."""

    async def strike(at: Strike) -> None:
        roads = [*at.house.kafka_proxies, *at.house.database_proxies.values()]
        some = at.chance.choice([[at.chance.choice(roads)], at.house.kafka_proxies, list(at.house.database_proxies.values())])
        if not any(proxy.is_open for proxy in some):
            raise Unstruck("nothing goes through these roads")
        before = sum(proxy.touched for proxy in some)
        for proxy in some:
            WAYS[way](proxy, at.chance)
        await at.pause(*_LONG_S if at.chance.random() < _LONG_SHARE else (1.0, 6.0))
        touched = sum(proxy.touched for proxy in some) - before
        for proxy in some:
            if way.startswith("stalled") and at.chance.random() < 0.5:
                proxy.reset()  # a road that was gone for long: neither end knows the other any more
            proxy.heal()
        if not touched:
            raise Unstruck("nothing was sent over these roads meanwhile")

    return strike
