"""Bad messages, bugs, bad builds and outages: what is buried, what is retried, and that the rest goes on."""

import asyncio
import base64
from typing import Any

import asyncpg
import orjson

from shared.dead_letter import INTERNAL_PER_HOUR
from shared.isolation import MOST_CONDEMNED
from tests.integration.streaming.conftest import tells

FAUST_WAITS_S = 42.0
"""A little longer than Faust waits for a seek: pump.py's `broker_request_timeout`, with sessions as short as here."""

POISON: dict[int, tuple[bytes | None, str]] = {
    1: (None, "null-value"),
    2: (b"", "not-json"),
    3: (b'{"number": NaN}', "not-json"),
    4: (b"[" * 100_000, "not-json"),
    5: (b'{"number": 1, "trouble": "\\ud800"}', "not-json"),
    6: (b'{"number": 1, "trouble": "\\u0000"}', "schema"),
    7: (b'{"number": "seven"}', "schema"),
    8: (b'{"number": 1, "x": "' + b"x" * 1_000_000 + b'"}', "too-large"),
}


async def letters(trial: Any) -> dict[int, tuple[str, bytes | None]]:
    """Reason and bytes of every dead letter, by lane."""
    rows = await trial.fetch("select partition, reason, value from dead_letter")
    return {row["partition"]: (row["reason"], row["value"]) for row in rows}


async def told(trial: Any, service: str = "geofence") -> list[dict[str, Any]]:
    """Dead letters of this trial as the topic tells them."""
    records = await trial.published(f"hadir.{service}.dead-letter.v1", 6)
    events: list[dict[str, Any]] = [orjson.loads(record.value) for record in records]
    return [event for event in events if event["topic"].startswith(trial.name)]


async def test_poison_is_buried_with_its_reason_and_bytes_and_the_rest_goes_on(trial: Any) -> None:
    worker = await trial.started()
    await trial.send(range(240))
    await trial.send_raw((lane, "k", raw) for lane, (raw, _) in POISON.items())
    await trial.send(range(240, 480))

    await trial.all_in_sink()
    await trial.all_published()

    await trial.assert_once_and_in_order()
    assert await letters(trial) == {lane: (reason, raw) for lane, (raw, reason) in POISON.items()}
    await trial.eventually(tells(worker, "hadir_dead_letters_total", len(POISON)))
    events = {event["partition"]: event for event in await told(trial)}
    assert {lane: event["reason"] for lane, event in events.items()} == {at: why for at, (_, why) in POISON.items()}
    assert base64.b64decode(events[7]["value_base64"]) == POISON[7][0]
    assert events[8]["value_base64"] is None  # too large to tell; the table has it
    assert "seven" not in worker.log.read_text()


async def test_a_bug_is_isolated_to_its_messages_and_all_others_are_done_once(trial: Any) -> None:
    worker = await trial.started()
    await trial.send(range(100))
    await trial.send([100, 101], trouble="bug")
    await trial.send([102], trouble="refused")
    await trial.send([103], trouble="poison")
    await trial.send([104], trouble="bury")
    await trial.send(range(105, 300))

    await trial.all_in_sink()
    await trial.all_published()

    await trial.assert_once_and_in_order()
    found = {row["partition"]: (row["reason"], row["detail"]) for row in await trial.fetch("select * from dead_letter")}
    assert found == {
        100 % 24: ("internal", "ZeroDivisionError in 3 attempts"),
        101 % 24: ("internal", "ZeroDivisionError in 3 attempts"),
        102 % 24: ("internal", "DivisionByZeroError in 3 attempts"),
        103 % 24: ("schema", "number: told to be poison"),
        104 % 24: ("schema", "number: buried by the service"),
    }
    assert worker.process.poll() is None


async def test_a_build_that_fails_at_every_message_stops_before_it_buries_many(trial: Any) -> None:
    await trial.send(range(MOST_CONDEMNED * 24), trouble="bug")

    worker = trial.start()

    assert await worker.ended() == 70
    assert "BadDeploy" in {line.get("error") for line in worker.logged()}
    assert len(await letters(trial)) <= MOST_CONDEMNED


async def test_bugs_that_trickle_in_stop_the_worker_too_and_a_restart_does_not_forget(trial: Any) -> None:
    def one_lane(_: int) -> int:  # over several, a batch might hold all bugs in a row, which stops the worker at once
        return 7

    worker = await trial.started()
    for number in range(INTERNAL_PER_HOUR):
        await trial.send([number], trouble="bug", lane=one_lane)
        await trial.send([1000 + number], lane=one_lane)
    await trial.all_in_sink()
    assert worker.process.poll() is None
    await trial.send([5000], trouble="bug", lane=one_lane)

    assert await worker.ended() == 70
    assert await trial.start().ended() == 70

    assert await trial.value("select count(*) from dead_letter") == INTERNAL_PER_HOUR


async def test_what_is_not_ready_holds_the_batch_back_and_says_so(trial: Any) -> None:
    worker = await trial.started()
    await trial.send(range(100), trouble="")
    await trial.send([100], trouble="unready")
    await trial.send(range(101, 124))

    async def held_back() -> bool:
        return "batches committed" in (await worker.readiness()).get("missing", ())

    await trial.eventually(held_back)
    assert await worker.metric("hadir_retries_total") > 0
    assert await worker.metric("hadir_ready") == 0
    assert (await trial.numbers())[100] == 0
    await trial.fetch("insert into gate values (true)")
    trial.sent[100] = ""
    await trial.all_in_sink()

    await trial.assert_once_and_in_order()
    await trial.eventually(worker.is_ready)


async def test_a_worker_that_is_told_where_to_go_on_later_than_faust_waits_for_it_still_begins(trial: Any) -> None:
    await trial.send(range(48))
    clock = asyncio.get_running_loop().time
    holder = await asyncpg.connect(trial.database)  # no service's session: those may not idle in a transaction
    try:
        async with holder.transaction():
            await holder.execute("lock table geofence.position in exclusive mode")
            worker = trial.start()
            await trial.eventually(lambda: "LockNotAvailableError" in worker.log.read_text())  # after 30 s, by our own sessions' setting
            since = clock()
            await trial.eventually(lambda: clock() > since + FAUST_WAITS_S - 30)
    finally:
        await holder.close()

    await trial.all_in_sink()

    await trial.assert_once_and_in_order()
    assert "reading past it" not in worker.log.read_text()  # the pump brought it
    await trial.eventually(lambda: "The worker runs" in worker.log.read_text())


async def test_while_the_database_is_away_the_work_waits_and_then_nothing_is_lost(trial: Any, postgres: str) -> None:
    worker = await trial.started()
    await trial.send(range(200))
    await trial.all_in_sink(50)
    name = trial.database.rpartition("/")[2]
    admin = await asyncpg.connect(postgres)
    await admin.execute(f"alter database {name} with allow_connections false")
    await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
    await trial.send(range(200, 400))

    async def unready() -> bool:
        return not (await worker.readiness()).get("ready", True)

    await trial.eventually(unready)
    await asyncio.sleep(2)
    await admin.execute(f"alter database {name} with allow_connections true")
    await admin.close()

    await trial.all_in_sink()
    await trial.all_published()
    await trial.assert_once_and_in_order()
    assert worker.process.poll() is None
