"""Nemeses of what flows: repeated, reordered, contradicted and bad records, and offsets that tell another story."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.reports.flow import CONSUMED
from shared import topics
from shared.failures import NOT_JSON, SCHEMA
from shared.reading import consuming, partitions_of
from shared.topics import Topic
from tests.faults.house import WORKERS
from tests.faults.records import put_again
from tests.faults.striking import Strike, Unstruck

CORPUS: Mapping[bytes, str] = {
    b"": NOT_JSON, b"{": NOT_JSON, b"null": SCHEMA, b"[]": SCHEMA, b'"x"': SCHEMA, b"\xff\xfe{\x00}\x00": NOT_JSON,
    b'{"check_in_id": 1}': SCHEMA, b"[" * 20_000: NOT_JSON, b"{}" * 3: NOT_JSON, b"\x00": NOT_JSON, b'{"version": 1e308}': SCHEMA,
    b'{"version": NaN}': NOT_JSON, b'{"date": "2026-02-30"}': SCHEMA, b'{"employee_id": "\xed\xa0\x80"}': NOT_JSON, b"9" * 400: NOT_JSON,
}  # fmt: skip
"""What nobody can process, and why. Four of five placed records get blanks of their own behind them, so that none is taken for another:
they change no JSON, and what is wrong with a record stays what it is. The fifth is as bad as it stands here."""

POISONED = (topics.CHECK_IN_RECORDED, topics.CHECK_IN_LOCATED, topics.WORK_REPORT_SUBMITTED, topics.DAY_ASSESSED)


async def repeat(at: Strike) -> None:
    """Records once more, each up to ten times, in another order, as an edge gone wrong might."""
    await repeat_of(at, topics.CHECK_IN_RECORDED)


async def repeat_old(at: Strike) -> None:
    """As `repeat`, but from anywhere between the first record and the last: of rounds whose days were judged long ago."""
    await repeat_of(at, topics.CHECK_IN_RECORDED, of_any_age=True)


async def repeat_of(at: Strike, topic: Topic[Any], *, of_any_age: bool = False) -> None:
    """Three records of each partition, the last unless `of_any_age`; of a compacted topic one, since its order is what stays."""
    async with consuming(at.house.brokers.bootstrap, "repeat") as consumer:
        places = partitions_of(topic)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        consumer.assign(places)
        many = 1 if topic.compacted else 3
        for place in places:
            last = max(begins[place], ends[place] - many)
            consumer.seek(place, at.chance.randint(begins[place], last) if of_any_age else last)
        fetched = (await consumer.getmany(timeout_ms=2000)).values()
    found = [record for records in fetched for record in records[:many] if record.headers]
    if not found:
        raise Unstruck("no record to repeat")
    again = [record for record in found for _ in range(at.chance.randint(1, 10))]
    at.chance.shuffle(again)
    await put_again(at.house.brokers.bootstrap, again)


async def other_body(at: Strike) -> None:
    """An id that was accepted, with another statement: refused with 409, the first one stands, and the audit topic is told once."""
    async with at.house.connection() as connection:
        row = await connection.fetchrow(
            "select check_in_id, employee_id, mark, captured_at from geofence.check_in order by received_at desc limit 1"
        )
    if row is None:
        raise Unstruck("no check-in is known yet")
    body = {
        "check_in_id": str(row["check_in_id"]), "employee_id": str(row["employee_id"]), "mark": row["mark"],
        "captured_at": row["captured_at"].isoformat(), "latitude": -1.5, "longitude": 110.5, "accuracy_m": 7.5,
        "device_id": "contoh-lain", "source_app": "simulator",
    }  # fmt: skip
    try:
        async with (
            aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session,
            session.post(f"{at.house.ingest}/v1/check-ins", data=orjson.dumps(body)) as answer,
        ):
            assert answer.status in (409, 503), f"another body under a known id was answered {answer.status}: {await answer.text()}"
            refused = answer.status == 409
    except (aiohttp.ClientError, TimeoutError) as away:
        raise Unstruck("ingest may be starting again just now") from away
    if not refused:
        raise Unstruck("ingest takes nothing just now")
    async with at.house.connection() as connection:
        told = await connection.fetchval(
            "select count(*) from ingest.outbox where topic = $1 and convert_from(value, 'UTF8')::jsonb ->> 'subject' = $2",
            topics.AUDIT["ingest"].name, body["check_in_id"],
        )  # fmt: skip
    assert told == 1, f"{told} audit records of {body['check_in_id']}, under which another body came"
    at.poison.contested.add(body["check_in_id"])  # whether it comes to lie on the topic, I1 looks at when all has come to rest


async def poison(at: Strike) -> None:
    """Bad records, written down with where they came to lie."""
    await poison_on(at, POISONED)


async def poison_on(at: Strike, places: Sequence[Topic[Any]]) -> None:
    """Bad records on some of these topics."""
    producer = AIOKafkaProducer(bootstrap_servers=at.house.brokers.bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        for _ in range(3):
            topic = at.chance.choice(places)
            number = len(at.poison.placed) + len(at.poison.doubtful)
            bad = at.chance.choice(list(CORPUS))
            raw = bad + b" " * (number if number % 5 else 0)
            at.poison.doubtful.add(raw)
            sent = await producer.send_and_wait(topic.name, raw, partition=at.chance.randrange(topic.partitions))
            place = sent.topic, sent.partition, sent.offset
            at.poison.placed[place], at.poison.reasons[place] = raw, CORPUS[bad]
    finally:
        await producer.stop()


async def forget_group(at: Strike) -> None:
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
        places = partitions_of(*read)
        consumer.assign(places)
        deadline = asyncio.get_running_loop().time() + 20
        while True:
            try:
                ends = await consumer.end_offsets(places)
                await consumer.commit(ends)
            except KafkaError:  # until its dead member's session is over
                if asyncio.get_running_loop().time() > deadline:
                    raise  # it died while it joined, and the broker waits for it for minutes: nothing was struck
                await asyncio.sleep(0.5)
            else:
                break
        if [await consumer.committed(place) for place in ends] != [*ends.values()]:
            raise Unstruck(f"the group of {name} does not say that all was read")
    finally:
        await consumer.stop()
        await at.house.start(name)
