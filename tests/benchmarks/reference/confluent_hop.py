"""The same loop with confluent-kafka (librdkafka, in C): what the broker and the network allow."""

import os

from confluent_kafka import Consumer, Producer


def main() -> None:
    """Runs until it is killed."""
    kafka = os.environ["HADIR_KAFKA"]
    consumer = Consumer({
        "bootstrap.servers": kafka, "group.id": "bench-confluent", "enable.auto.commit": False, "auto.offset.reset": "earliest",
    })  # fmt: skip
    producer = Producer({"bootstrap.servers": kafka, "acks": "all", "enable.idempotence": True, "linger.ms": 5})
    consumer.subscribe([os.environ["BENCH_IN"]])
    while True:
        found = consumer.consume(num_messages=2_000, timeout=0.2)
        for record in found:
            producer.produce(os.environ["BENCH_OUT"], record.value(), key=record.key(), partition=record.partition() or 0)
        if found:
            producer.flush()
            consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main()
