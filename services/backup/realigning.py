"""Makes a database of an earlier moment fit topics that know more than it does, before any worker starts on it.

What the services told each other after that moment will be told anew, under versions that count from the restored rows.
So nobody may read the old telling: every position in a topic that a service of ours derives goes to the topic's end, and
what its reader had not read by that moment is told once more from the outbox. Topics that only ingest writes are the
truth: they are read on from where the restored position stands, unless Kafka has lost that place.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.database import connect
from shared.reading import consuming, partitions_of
from shared.refusal import Refusal
from shared.topics import LANES, SERVICES, TOPICS, Service

_TOPICS: Final = {topic.name: topic for topic in TOPICS}
_SOURCE: Final[Service] = "ingest"
"""What it publishes is never derived anew: check-ins and work reports are what people did."""

_TABLES: Final = {"position": "lane", "reference_position": "partition"}
"""Tables of positions, and what they call a partition."""


@dataclass(frozen=True)
class Move:
    """A position that is not where it must be."""

    service: Service
    table: str
    place: TopicPartition
    old: int
    new: int

    @property
    def lost(self) -> bool:
        """Whether Kafka no longer has what lies before the old position: it was older than the database."""
        return self.new < self.old


@dataclass
class Plan:
    """What is to be done: positions to move, and by owner and lane the sequence from which the outbox is told again."""

    moves: list[Move] = field(default_factory=list)
    again: dict[tuple[Service, int], int] = field(default_factory=dict)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    """Where every topic of ours ended: outside systems read on from here."""


async def plan(url: str, bootstrap: str) -> Plan:
    """Compares the positions of a restored database with the topics; changes nothing.

    Raises Refusal when a worker is at work on that database, or when something that a reader still needs is no longer in
    the outbox.
    """
    await _refuse_if_at_work(url)
    found = Plan()
    async with consuming(bootstrap, "hadir-realign") as consumer:
        found.ends = await consumer.end_offsets(partitions_of(*TOPICS))
        unread: dict[TopicPartition, int] = {}
        for service, table, place, old in await _positions(url):
            end = found.ends.get(place)
            if end is None:
                continue  # of a topic that a newer or older version knows
            derived = _TOPICS[place.topic].owner != _SOURCE
            if derived and old < end:
                unread[place] = min(old, unread.get(place, old))
            new = end if derived else min(old, end)
            if new != old:
                found.moves.append(Move(service, table, place, old, new))
        first = await _first_unread(consumer, unread, found.ends)
    await _tell_again(url, found, first)
    return found


async def carry_out(url: str, found: Plan) -> None:
    """Sets the relays back and then moves the positions, service by service.

    In this order, so that a run that was interrupted has told twice and never passed over anything; repeat it then.
    """
    for service in SERVICES:
        again = {lane: seq for (owner, lane), seq in found.again.items() if owner == service}
        connection = await connect(url, service, name="hadir realign")
        try:
            await connection.execute(
                "update relay_cursor c set sent_seq = least(c.sent_seq, v.seq - 1)"
                " from unnest($1::int[], $2::bigint[]) v(lane, seq) where c.lane = v.lane",
                list(again), list(again.values()),
            )  # fmt: skip
        finally:
            await connection.close()
    for service in SERVICES:
        connection = await connect(url, service, name="hadir realign")
        try:
            for table, part in _TABLES.items():
                moves = [move for move in found.moves if (move.service, move.table) == (service, table)]
                await connection.execute(
                    f"update {table} p set next_offset = v.next_offset"  # noqa: S608 - from a closed set
                    " from unnest($1::text[], $2::int[], $3::bigint[]) v(topic, part, next_offset)"
                    f" where p.topic = v.topic and p.{part} = v.part",
                    [move.place.topic for move in moves], [move.place.partition for move in moves], [move.new for move in moves],
                )  # fmt: skip
        finally:
            await connection.close()


async def _refuse_if_at_work(url: str) -> None:
    """A worker holds the advisory locks of the lanes that it relays, for as long as it lives."""
    connection = await connect(url, None, name="hadir realign")
    try:
        for service in SERVICES:
            held = await connection.fetchval(
                "select count(*) from pg_locks where locktype = 'advisory' and objsubid = 2"
                " and database = (select oid from pg_database where datname = current_database())"
                " and classid = (hashtext($1)::bigint & 4294967295)::oid", f"hadir {service} relay",
            )  # fmt: skip
            if held:
                raise Refusal(
                    f"A worker of {service} is at work on this database. Stop all workers first: positions are set before they start."
                )
    finally:
        await connection.close()


async def _positions(url: str) -> list[tuple[Service, str, TopicPartition, int]]:
    found = []
    for service in SERVICES:
        connection = await connect(url, service, name="hadir realign")
        try:
            for table, part in _TABLES.items():
                rows = await connection.fetch(f"select topic, {part} as part, next_offset from {table}")  # noqa: S608 - from a closed set
                found += [(service, table, TopicPartition(row["topic"], row["part"]), int(row["next_offset"])) for row in rows]
        finally:
            await connection.close()
    return found


async def _first_unread(
    consumer: AIOKafkaConsumer, unread: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Any]:
    """The first record at or after each of these offsets, where there still is one."""
    if not unread:
        return {}
    consumer.assign(list(unread))
    for place, offset in unread.items():
        consumer.seek(place, offset)
    first: dict[TopicPartition, Any] = {}
    waiting = set(unread)
    while waiting:
        for place, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
            first.setdefault(place, records[0])
        waiting = {place for place in waiting if place not in first and await consumer.position(place) < ends[place]}
        consumer.pause(*(set(unread) - waiting))
    return first


async def _tell_again(url: str, found: Plan, first: Mapping[TopicPartition, Any]) -> None:
    """Looks up each first unread record in its owner's outbox: if it is not there, its reader had read all that was told."""
    by_owner: dict[Service, dict[str, dt.datetime]] = {}
    for place, record in first.items():
        headers = {name: value.decode(errors="replace") for name, value in record.headers or ()}
        told_at = dt.datetime.fromtimestamp(record.timestamp / 1000, dt.UTC)
        by_owner.setdefault(_TOPICS[place.topic].owner, {})[headers.get("ce_id", "")] = told_at
    for owner, ids in by_owner.items():
        connection = await connect(url, owner, name="hadir realign")
        try:
            rows: Sequence[Any] = await connection.fetch(
                "select headers->>'ce_id' as id, lane, seq from outbox where headers->>'ce_id' = any($1::text[])", list(ids),
                timeout=3600,
            )  # fmt: skip
            kept_from: dt.date | None = await connection.fetchval("select min(made_on) from outbox")
            told: int = await connection.fetchval("select sum(out_seq)::bigint from lane")
        finally:
            await connection.close()
        known = {row["id"] for row in rows}
        gone = [at for name, at in ids.items() if name not in known and told and kept_from and at.date() < kept_from]
        if gone:
            raise Refusal(
                f"Readers of {owner} had not read what it told on {min(gone):%Y-%m-%d}, and its outbox only reaches back to"
                f" {kept_from}. Restore a later moment, or rebuild from the topics: hadir replay."
            )
        for row in rows:
            at = (owner, row["lane"] % LANES)
            found.again[at] = min(row["seq"], found.again.get(at, row["seq"]))
