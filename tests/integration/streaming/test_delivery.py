"""Every record is processed once in effect and in order: through kills, freezes, holes, and a log that was cut."""

import asyncio
import random
import signal
from collections import defaultdict
from typing import Any

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.integration.streaming.conftest import tells


async def test_records_are_processed_once_in_order_and_published_with_their_cause(trial: Any) -> None:
    await trial.send(range(2000))
    await trial.started()

    await trial.all_in_sink()
    await trial.all_published()

    await trial.assert_once_and_in_order()
    published = await trial.published()
    assert len(published) == 2000
    lanes: dict[int, list[int]] = defaultdict(list)
    for record in published:
        headers = {name: value.decode() for name, value in record.headers}
        number = orjson.loads(record.value)["number"]
        assert record.partition == number % 24
        assert record.key == headers["ce_subject"].encode() == str(number).encode()
        # A foreign first record has no id of its own: the story begins with the derived one.
        assert headers["ce_causationid"] == headers["ce_correlationid"] != headers["ce_id"]
        lanes[record.partition].append(number)
    assert all(numbers == sorted(numbers) for numbers in lanes.values())


async def test_sigterm_ends_the_worker_with_nothing_in_flight_and_exit_code_0(trial: Any) -> None:
    worker = await trial.started()
    sending = asyncio.create_task(trial.send(range(3000)))
    await trial.all_in_sink(100)

    worker.send(signal.SIGTERM)

    assert await worker.ended() == 0
    await sending
    await trial.started()
    await trial.all_in_sink()
    await trial.assert_once_and_in_order()
    await trial.all_published()
    assert len(await trial.published()) == 3000


async def test_two_workers_under_random_kills_terms_and_freezes(trial: Any) -> None:
    chance = random.Random(7)
    workers = [await trial.started(), await trial.started()]
    codes = []
    sent = 0
    for _ in range(6):
        for _ in range(chance.randint(5, 20)):
            await trial.send(range(sent, sent + 50))
            sent += 50
            await asyncio.sleep(0.2)
        victim = chance.randrange(2)
        worker = workers[victim]
        fault = chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
        worker.send(fault)
        if fault is signal.SIGSTOP:
            await asyncio.sleep(9)  # longer than the session: the other one takes over
            worker.send(signal.SIGCONT)
        else:
            codes.append((fault, await worker.ended()))
        for which in range(2):
            if workers[which].process.poll() is not None:
                assert workers[which].process.returncode in (0, 70, -9), workers[which].log.read_text()
                workers[which] = await trial.started()

    for which in range(2):
        if workers[which].process.poll() is not None:
            workers[which] = trial.start()
    await trial.all_in_sink()
    await trial.all_published()
    await trial.assert_once_and_in_order()
    assert all(code == (0 if fault is signal.SIGTERM else -9) for fault, code in codes)
    assert {orjson.loads(record.value)["number"] for record in await trial.published()} == set(range(sent))


@pytest.mark.parametrize("mutant", ["", "no-replay-check"])
async def test_a_commit_whose_answer_was_lost_is_not_done_twice(trial: Any, mutant: str) -> None:
    await trial.started(HADIR_TEST_FAULT="lost-commit-answer", HADIR_TEST_MUTANT=mutant)
    await trial.send(range(500))
    await trial.all_in_sink()

    if mutant:
        with pytest.raises(AssertionError):
            await trial.assert_once_and_in_order()
    else:
        await trial.assert_once_and_in_order()


@pytest.mark.parametrize("mutant", ["", "no-hole-check"])
async def test_what_the_pump_leaves_out_is_read_again(trial: Any, mutant: str) -> None:
    worker = await trial.started(HADIR_TEST_FAULT="leaky-pump", HADIR_TEST_MUTANT=mutant)
    await trial.send(range(24 * 20))
    kept = [number for number in range(24 * 20) if (number // 24) % 7 != 3]
    await trial.all_in_sink(len(kept))

    if mutant:
        assert sorted(await trial.numbers()) == kept
    else:
        await trial.all_in_sink()
        await trial.assert_once_and_in_order()
        assert await worker.metric("hadir_holes_total") > 0
        assert await worker.metric("hadir_gaps_total") == 0


async def test_a_record_that_the_pump_never_brings_is_read_past_it(trial: Any) -> None:
    await trial.started(HADIR_TEST_FAULT="leaky-pump")
    await trial.send(range(24 * 4))  # offset 3, the last of every lane, is left out and nothing follows

    await trial.all_in_sink()

    await trial.assert_once_and_in_order()


async def test_records_that_the_broker_no_longer_has_are_an_alarm_and_the_rest_goes_on(trial: Any) -> None:
    first = await trial.started()
    await trial.send(range(48))
    await trial.all_in_sink()
    first.send(signal.SIGTERM)
    await first.ended()
    await trial.send(range(48, 240))
    admin = AIOKafkaAdminClient(bootstrap_servers=trial.kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(trial.name, 5): RecordsToDelete(before_offset=6)})
    await admin.close()

    worker = await trial.started()
    await trial.all_in_sink(236)

    gaps = [tuple(row) for row in await trial.fetch("select topic, partition, first_offset, next_offset from gap")]
    assert gaps == [(trial.name, 5, 2, 6)]
    await trial.eventually(tells(worker, "hadir_gaps_total", 4))
    await trial.eventually(lambda: any(line.get("level") == "ERROR" for line in worker.logged()))
    lost = {5 + 24 * offset for offset in range(2, 6)}
    assert sorted(await trial.numbers()) == [number for number in range(240) if number not in lost]


@pytest.mark.parametrize("mutant", ["", "kafka-position", "noack-off"])
async def test_offsets_that_kafka_was_told_too_far_ahead_lose_nothing(trial: Any, mutant: str) -> None:
    """As Faust's own acknowledging does when a batch fails or is killed: the offset of what was not done is committed.

    Our position stands in Postgres (""), and even a worker that believed Kafka would find the hole ("kafka-position").
    Only one that has neither, as a textbook agent without `noack`, loses ("noack-off").
    """
    worker = await trial.started(HADIR_TEST_FAULT="boastful", HADIR_TEST_MUTANT=mutant)
    await trial.send(range(24 * 10))
    await trial.all_in_sink()
    group = f"{trial.name}.geofence"
    admin = AIOKafkaAdminClient(bootstrap_servers=trial.kafka)
    await admin.start()

    async def boasted() -> bool:
        told = await admin.list_consumer_group_offsets(group)
        return bool(told) and min(known.offset for known in told.values()) == 15 and len(told) == 24

    try:
        await trial.eventually(boasted)
        worker.send(signal.SIGKILL)
        await worker.ended()
        await trial.send(range(24 * 10, 24 * 30))
        await trial.started(HADIR_TEST_MUTANT=mutant)
        skipped = {number for number in trial.sent if 10 <= number // 24 < 15} if mutant == "noack-off" else set()
        await trial.all_in_sink(len(trial.sent) - len(skipped))
    finally:
        await admin.close()

    if skipped:
        assert set(await trial.numbers()) == trial.sent.keys() - skipped
    else:
        await trial.assert_once_and_in_order()


async def test_a_group_that_kafka_has_forgotten_goes_on_where_it_stood(trial: Any) -> None:
    worker = await trial.started()
    await trial.send(range(240))
    await trial.all_in_sink()
    worker.send(signal.SIGTERM)
    assert await worker.ended() == 0
    group = f"{trial.name}.geofence"
    admin = AdminClient({"bootstrap.servers": trial.kafka})
    await asyncio.to_thread(admin.delete_consumer_groups([group])[group].result, 30)
    await trial.send(range(240, 480))

    await trial.started()
    await trial.all_in_sink()
    await trial.all_published()

    await trial.assert_once_and_in_order()
    assert len(await trial.published()) == 480


@pytest.mark.parametrize("mutant", ["", "greedy-pump"])
async def test_a_backlog_stays_with_the_broker_and_does_not_fill_the_memory_of_a_worker(trial: Any, mutant: str) -> None:
    idle = await trial.started()
    at_rest = idle.peak_mib()
    idle.send(signal.SIGTERM)
    await idle.ended()
    backlog = 120_000
    padding = b" " * 2_000  # white space is JSON, and packed by the producer to next to nothing
    await trial.send_raw((number % 24, str(number), orjson.dumps({"number": number}) + padding) for number in range(backlog))

    worker = await trial.started(HADIR_BATCH_SIZE="500", HADIR_TEST_MUTANT=mutant)
    await trial.all_in_sink(backlog)

    risen = worker.peak_mib() - at_rest
    assert (risen > 200) if mutant else (risen < 130), risen
