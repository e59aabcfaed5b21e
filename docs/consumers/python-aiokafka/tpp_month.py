"""Keeps a correct copy of hadir.tpp.month.v1 in SQLite: state and position in one transaction, older versions ignored.

    python tpp_month.py follow   # for ever; kill it whenever you like
    python tpp_month.py once     # up to what the topic holds now
    python tpp_month.py show     # the copy, one line per employee-month

Environment: KAFKA (host:port), COPY (file); KAFKA_USER, KAFKA_PASSWORD, KAFKA_CA (file) where a login is asked for.
"""

import asyncio
import json
import os
import sqlite3
import ssl
import sys

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import TopicAuthorizationFailedError

TOPIC = "hadir.tpp.month.v1"
SCHEMA = """
create table if not exists month (key text primary key, version integer not null, value text not null);
create table if not exists position (partition integer primary key, next_offset integer not null);
"""
APPLY = """
insert into month values (?, ?, ?)
on conflict (key) do update set version = excluded.version, value = excluded.value where excluded.version > month.version
"""
MOVE = "insert into position values (?, ?) on conflict do update set next_offset = excluded.next_offset"


def login() -> dict:
    """How this system logs in: SCRAM-SHA-512 over TLS, or not at all."""
    if "KAFKA_USER" not in os.environ:
        return {}
    return {
        "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512",
        "ssl_context": ssl.create_default_context(cafile=os.environ["KAFKA_CA"]),
        "sasl_plain_username": os.environ["KAFKA_USER"], "sasl_plain_password": os.environ["KAFKA_PASSWORD"],
    }


async def follow(db: sqlite3.Connection, *, once: bool) -> None:
    """No consumer group: the position is the one that was stored with the state, so nothing is missed or half done."""
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=os.environ["KAFKA"], auto_offset_reset="earliest", **login())
    try:
        await consumer.start()
        places = list(consumer.assignment())  # all of them
        stored = dict(db.execute("select partition, next_offset from position"))
        for place in places:
            if place.partition in stored:
                consumer.seek(place, stored[place.partition])
            else:
                await consumer.seek_to_beginning(place)
        ends = await consumer.end_offsets(places)
        while not once or any([await consumer.position(place) < ends[place] for place in places]):
            fetched = await consumer.getmany(timeout_ms=500, max_records=500)
            with db:  # one transaction for state and position
                for place, records in fetched.items():
                    for record in records:
                        apply(db, record.key.decode(), record.value)
                    db.execute(MOVE, (place.partition, records[-1].offset + 1))
            if fetched:
                print(f"stored {sum(map(len, fetched.values()))} records", flush=True)
    except TopicAuthorizationFailedError:
        sys.exit(f"{TOPIC}: {os.environ['KAFKA_USER']} has no right to read it; ask for Describe and Read on the topic")
    finally:
        await consumer.stop()


def apply(db: sqlite3.Connection, key: str, value: bytes | None) -> None:
    """The rule for outsiders: a version that is not greater changes nothing; no value means the key is no more."""
    if value is None:
        db.execute("delete from month where key = ?", (key,))
    else:
        db.execute(APPLY, (key, json.loads(value)["version"], value.decode()))


def main(verb: str) -> None:
    """Open the copy and do what the verb says."""
    db = sqlite3.connect(os.environ["COPY"])
    db.executescript(SCHEMA)
    if verb != "show":
        asyncio.run(follow(db, once=verb == "once"))
    else:
        for key, value in db.execute("select key, value from month order by key"):
            print(key, value)


if __name__ == "__main__":
    main(sys.argv[1])
