"""Keeps a correct copy of hadir.tpp.month.v1 in SQLite: Kafka keeps the position, versions absorb what comes again.

    python tpp_month.py follow   # for ever; several at once share the work; kill any whenever you like
    python tpp_month.py once     # up to what the topic holds now
    python tpp_month.py show     # the copy, one line per employee-month

Environment: KAFKA (host:port), GROUP (begins with ext.<system>.), COPY (file); KAFKA_USER, KAFKA_PASSWORD, KAFKA_CA
(file) where a login is asked for.
"""

import json
import os
import sqlite3
import sys

from confluent_kafka import Consumer, KafkaError, TopicPartition

TOPIC = "hadir.tpp.month.v1"
SCHEMA = "create table if not exists month (key text primary key, version integer not null, value text not null)"
APPLY = """
insert into month values (?, ?, ?)
on conflict (key) do update set version = excluded.version, value = excluded.value where excluded.version > month.version
"""
WAIT_S = 30


def login() -> dict:
    """How this system logs in: SCRAM-SHA-512 over TLS, or not at all."""
    if "KAFKA_USER" not in os.environ:
        return {}
    return {
        "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "ssl.ca.location": os.environ["KAFKA_CA"],
        "sasl.username": os.environ["KAFKA_USER"], "sasl.password": os.environ["KAFKA_PASSWORD"],
    }


def follow(db: sqlite3.Connection, *, once: bool) -> None:
    """First the copy, then the position: what is delivered again after a crash has no greater version and changes nothing."""
    consumer = Consumer({
        "bootstrap.servers": os.environ["KAFKA"], "group.id": os.environ["GROUP"], "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "session.timeout.ms": 6000, **login(),
    })
    consumer.subscribe([TOPIC])
    try:
        behind = ends(consumer) if once else {-1: 0}
        while behind:
            records = consumer.consume(500, timeout=0.5)
            for record in records:
                if record.error():
                    refuse(record.error())
            with db:
                for record in records:
                    apply(db, record.key().decode(), record.value())
            if records:
                consumer.commit(asynchronous=False)
                print(f"stored {len(records)} records", flush=True)
            for place in consumer.committed([TopicPartition(TOPIC, number) for number in behind], WAIT_S) if once else ():
                if place.offset >= behind[place.partition]:
                    del behind[place.partition]
    finally:
        consumer.close()


def ends(consumer: Consumer) -> dict[int, int]:
    """Partitions that hold records, and where these end now."""
    told = consumer.list_topics(TOPIC, WAIT_S).topics[TOPIC]
    if told.error:
        refuse(told.error)
    marks = {number: consumer.get_watermark_offsets(TopicPartition(TOPIC, number), WAIT_S) for number in told.partitions}
    return {number: high for number, (low, high) in marks.items() if high > low}


def refuse(error: KafkaError) -> None:
    """Rights and names are for people to mend; anything else passes, librdkafka tries again by itself."""
    if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART):
        sys.exit(f"{TOPIC} or group {os.environ['GROUP']}: {error.str()}; ask for Describe and Read on both")


def apply(db: sqlite3.Connection, key: str, value: bytes | None) -> None:
    """The rule for outsiders: a version that is not greater changes nothing; no value means the key is no more."""
    if value is None:
        db.execute("delete from month where key = ?", (key,))
    else:
        db.execute(APPLY, (key, json.loads(value)["version"], value.decode()))


def main(verb: str) -> None:
    """Open the copy and do what the verb says."""
    db = sqlite3.connect(os.environ["COPY"])
    db.execute(SCHEMA)
    if verb != "show":
        follow(db, once=verb == "once")
    else:
        for key, value in db.execute("select key, value from month order by key"):
            print(key, value)


if __name__ == "__main__":
    main(sys.argv[1])
