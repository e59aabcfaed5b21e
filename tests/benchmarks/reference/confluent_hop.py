"""The same loop with confluent-kafka (librdkafka, in C), as often over the same topic: what the broker and the network allow."""

import os

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition


def main() -> None:
    """Runs until it is killed."""
    kafka, whole, read = os.environ["HADIR_KAFKA"], int(os.environ["BENCH_EVENTS"]), 0
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
            ends = {record.partition(): record for record in found}
            places = [TopicPartition(os.environ["BENCH_IN"], place or 0, (last.offset() or 0) + 1) for place, last in ends.items()]
            consumer.commit(offsets=places, asynchronous=False)  # named, since after a seek it has stored none
        read += len(found)
        if read >= whole:
            for place in consumer.assignment():
                consumer.seek(TopicPartition(place.topic, place.partition, OFFSET_BEGINNING))
            read = 0


if __name__ == "__main__":
    main()
