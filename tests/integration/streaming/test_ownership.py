"""Who may write: one owner per lane, through joins, freezes and takeovers; and when a worker must not start."""

import asyncio
import json
import signal
from collections import defaultdict
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.database import connect
from shared.events import Event
from shared.kafka import apply_topics
from shared.topics import Topic
from tests.integration.streaming.conftest import tells


def owns(worker: Any, lanes: int) -> Any:
    """A condition: the worker owns so many lanes."""

    return tells(worker, "hadir_lanes_owned", lanes)


@pytest.mark.parametrize("mutant", ["", "no-fencing"])
async def test_a_worker_whose_lanes_another_one_claimed_ends_before_it_writes(trial: Any, mutant: str) -> None:
    worker = await trial.started(HADIR_TEST_MUTANT=mutant)
    await trial.send(range(48))
    await trial.all_in_sink()
    await trial.fetch("update position set epoch = epoch + 1")
    await trial.send(range(48, 96))

    if mutant:
        await trial.all_in_sink()
    else:
        assert await worker.ended() == 70
        assert "Fenced" in {line.get("error") for line in worker.logged()}
        assert sorted(await trial.numbers()) == list(range(48))


async def test_a_worker_that_wakes_from_a_freeze_writes_nothing_of_what_went_to_another(trial: Any) -> None:
    zombie = await trial.started(HADIR_FAILPOINT="begun:stop@3")
    await trial.send(range(120))
    await trial.send(range(120, 240))
    owner = trial.start()
    await trial.all_in_sink()
    await trial.eventually(owns(owner, 24))

    zombie.send(signal.SIGCONT)

    # It meets its fence first and ends, or hears first that it is no longer a member and leaves its batch.
    await trial.eventually(lambda: zombie.process.poll() == 70 or "left to the new owner" in zombie.log.read_text())
    await trial.send(range(240, 300))
    await trial.all_in_sink()
    await trial.assert_once_and_in_order()


async def test_a_worker_whom_kafka_refuses_the_group_ends_and_does_not_stand_for_ever(trial: Any) -> None:
    stranger = AIOKafkaConsumer(trial.name, bootstrap_servers=trial.kafka, group_id=f"{trial.name}.geofence")
    await stranger.start()  # shares lanes out by another protocol than ours
    try:
        worker = trial.start()
        assert await worker.ended() == 70
        assert "InconsistentGroupProtocolError" in {line.get("because") for line in worker.logged()}
    finally:
        await stranger.stop()

    await trial.started()


async def test_lanes_are_shared_when_a_worker_joins_and_nothing_is_lost_or_doubled(trial: Any) -> None:
    first = await trial.started()
    for part in range(20):
        await trial.send(range(part * 100, part * 100 + 100))
        if part == 5:
            second = trial.start()
        await asyncio.sleep(0.2)
    await trial.eventually(owns(second, 12))
    await trial.eventually(owns(first, 12))
    await trial.send(range(2000, 3000))

    await trial.all_in_sink()
    await trial.all_published()

    await trial.assert_once_and_in_order()
    assert [first.process.poll(), second.process.poll()] == [None, None]
    published = [orjson.loads(record.value)["number"] for record in await trial.published()]
    assert sorted(published) == list(range(3000))


async def test_a_relay_that_dies_between_sending_and_marking_repeats_but_loses_nothing(trial: Any) -> None:
    await trial.send(range(500))
    dying = trial.start(HADIR_FAILPOINT="relay-sent:kill@2")

    async def dead() -> bool:
        if dying.process.poll() is None:  # on a slow machine its first round may have taken all that there was
            await trial.send([len(trial.sent)])
        return dying.process.poll() is not None

    await trial.eventually(dead)
    assert await dying.ended() == -signal.SIGKILL

    await trial.started()
    await trial.all_in_sink()
    await trial.all_published()

    published = await trial.published()
    assert len(published) > len(trial.sent)
    ids = {dict(record.headers)["ce_id"] for record in published}
    assert len(ids) == len(trial.sent)
    lanes: dict[int, list[int]] = defaultdict(list)
    for record in published:
        number = orjson.loads(record.value)["number"]
        if number not in lanes[record.partition]:
            lanes[record.partition].append(number)
    assert all(numbers == sorted(numbers) for numbers in lanes.values())


@pytest.mark.parametrize("mutant", ["", "no-relay-lock"])
async def test_a_lane_that_another_relay_still_holds_is_published_only_once_it_is_let_go(trial: Any, mutant: str) -> None:
    still_held = 5
    behind = "select c.lane from lane l join relay_cursor c using (lane) where l.out_seq > c.sent_seq order by 1"
    other = await connect(trial.database, "geofence", name="another relay")
    try:
        await other.execute("select pg_advisory_lock(hashtext('hadir geofence relay'), $1)", still_held)
        await trial.started(HADIR_TEST_MUTANT=mutant)
        for part in range(3):  # the relay comes by again and again, and each time passes the lane by
            await trial.send(range(part * 48, part * 48 + 48))
            await trial.all_in_sink()
            if mutant:
                await trial.all_published()
            else:
                await trial.eventually(lanes_are(trial, behind, [still_held]))
    finally:
        await other.close()

    await trial.all_published()
    published = [orjson.loads(record.value)["number"] for record in await trial.published()]
    assert sorted(published) == list(range(144))


def lanes_are(trial: Any, query: str, lanes: list[int]) -> Any:
    """A condition: the query finds these lanes."""

    async def found() -> bool:
        return [row["lane"] for row in await trial.fetch(query)] == lanes

    return found


async def test_the_lag_that_kafka_knows_of_goes_to_nothing(trial: Any) -> None:
    worker = await trial.started()
    await trial.send(range(240))
    await trial.all_in_sink()
    admin = AIOKafkaAdminClient(bootstrap_servers=trial.kafka)
    await admin.start()

    async def told() -> bool:
        offsets = await admin.list_consumer_group_offsets(f"{trial.name}.geofence")
        return len(offsets) == 24 and all(known.offset == 10 for known in offsets.values())

    await trial.eventually(told)
    await admin.close()
    await trial.eventually(owns(worker, 24))
    await trial.eventually(tells(worker, "hadir_lag_events", 0))


async def test_a_worker_refuses_to_start_on_a_topic_with_other_partitions(trial: Any) -> None:
    wrong = f"{trial.name}.wrong"
    admin = AIOKafkaAdminClient(bootstrap_servers=trial.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(wrong, 12, 1)])
    await admin.close()

    worker = trial.start(HADIR_TEST_TOPIC=wrong)

    assert await worker.ended() == 78
    assert f"{wrong} has 12 partitions instead of 24" in worker.log.read_text()


async def test_a_worker_refuses_to_start_without_its_topic(trial: Any) -> None:
    worker = trial.start(HADIR_TEST_TOPIC=f"{trial.name}.nowhere")

    assert await worker.ended() == 78
    assert "does not exist; run `hadir topics apply`" in worker.log.read_text()


async def test_a_worker_refuses_to_go_on_in_a_topic_that_was_made_anew(trial: Any) -> None:
    first = await trial.started()
    await trial.send(range(240))
    await trial.all_in_sink()
    first.send(signal.SIGTERM)
    await first.ended()
    admin = AIOKafkaAdminClient(bootstrap_servers=trial.kafka)
    await admin.start()
    await admin.delete_topics([trial.name])

    async def gone() -> bool:
        return trial.name not in await admin.list_topics()

    await trial.eventually(gone)
    await apply_topics(trial.kafka, 1, [Topic(trial.name, Event, "number", "ingest", "in")])
    await admin.close()

    worker = trial.start()

    assert await worker.ended() == 78
    assert "made anew" in worker.log.read_text()


async def test_a_port_in_use_is_told_with_the_setting_to_change(trial: Any) -> None:
    worker = await trial.started()

    other = trial.start(HADIR_GEOFENCE_PORT=str(worker.port))

    assert await other.ended() == 78
    assert "HADIR_GEOFENCE_PORT" in other.log.read_text()


async def test_references_are_loaded_before_anything_is_decided_and_followed_afterwards(trial: Any) -> None:
    topic = f"{trial.name}.settings"

    def row(key: str, version: int) -> tuple[int, str, bytes]:
        return hash_of(key), key, json.dumps({"key": key, "version": version}).encode()

    await trial.send_raw([row(f"k{n % 30}", n // 30 + 1) for n in range(300)], topic)
    await trial.send_raw([row("k0", 3)], topic)  # an old version that comes late
    worker = await trial.started(HADIR_TEST_REFERENCE="1")

    rows = {found["key"]: found["version"] for found in await trial.fetch("select key, version from setting")}
    assert rows == {f"k{n}": 10 for n in range(30)}

    await trial.send_raw([row("k1", 11), (0, "k2", None), (1, "bad", b"{"), row("k3", -1), row("k4", 12)], topic)
    await trial.send_raw([(hash_of("k2"), "k2", None)], topic)

    async def followed() -> bool:
        found = {known["key"]: known["version"] for known in await trial.fetch("select key, version from setting")}
        return found.get("k1") == 11 and "k2" not in found and found.get("k4") == 12

    async def buried() -> bool:
        return len(await trial.fetch("select 1 from dead_letter")) >= 2

    await trial.eventually(followed)
    await trial.eventually(buried)
    letters = sorted(found["reason"] for found in await trial.fetch("select reason from dead_letter"))
    assert letters == ["internal", "not-json"]
    await trial.eventually(worker.is_ready)


async def test_a_consumer_of_references_that_has_gone_deaf_is_replaced_though_it_cannot_end(trial: Any) -> None:
    topic = f"{trial.name}.settings"

    def row(key: str) -> tuple[int, str, bytes]:
        return hash_of(key), key, json.dumps({"key": key, "version": 1}).encode()

    await trial.send_raw([row(f"k{n}") for n in range(5)], topic)
    worker = await trial.started(HADIR_TEST_REFERENCE="1", HADIR_TEST_FAULT="deaf-references")
    await trial.send_raw([row("late")], topic)

    async def followed() -> bool:
        return bool(await trial.fetch("select 1 from setting where key = 'late'"))

    await trial.eventually(followed)
    assert "ConnectionError" in worker.log.read_text()


def hash_of(key: str) -> int:
    """The partition of a key on the reference topic."""
    return sum(key.encode()) % 3


async def test_chores_run_over_the_lanes_that_the_worker_owns(trial: Any) -> None:
    first = await trial.started(HADIR_TEST_CHORE="1")
    second = await trial.started(HADIR_TEST_CHORE="1")
    await trial.eventually(owns(first, 12))
    await trial.eventually(owns(second, 12))
    last = await trial.value("select coalesce(max(id), 0) from chore_log")

    async def both() -> bool:
        rows = await trial.fetch("select distinct lanes from chore_log where id > $1", last + 2)
        return sorted(lane for row in rows for lane in row["lanes"]) == list(range(24))

    await trial.eventually(both)
