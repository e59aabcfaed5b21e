"""A worker killed at every named boundary, over and over: nothing is lost, nothing counts twice.

HADIR_KILLS=20 kills at each point twenty times instead of once (`make failpoints`). Geofence, schedule and payroll
stand on the same runtime, whose worker here writes each record down and publishes it.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from itertools import count
from typing import Any

import pytest

from shared.failpoints import POINTS
from tests.chosen import whole
from tests.faults.boundaries import note

KILLS = whole("HADIR_KILLS", 1, least=1)
RUNTIME = sorted(point for point in POINTS if not point.startswith("ingest-"))
AT_THE_START = 13
OF_A_BATCH = 5
FIRST_STATEMENT, STATEMENTS_APART, FURTHEST = 20, 7, 15
"""A start needs some eighteen statements, a batch five: one kill falls into the start, all others into batches, at each statement of
one in turn; after so many it begins again."""


def plan(times: int) -> list[str]:
    """Every kill of a run, as HADIR_FAILPOINT wants it: each point in each round, later in later rounds; then statements.

    One of the start, and each of a batch as often as every named point.
    """
    kills = [f"{point}:kill@{1 + (turn + 1) % 3}" for turn in range(times) for point in RUNTIME if point != "statement"]
    of_batches = [FIRST_STATEMENT + STATEMENTS_APART * (turn % FURTHEST) for turn in range(OF_A_BATCH * times)]
    return kills + [f"statement:kill@{number}" for number in (AT_THE_START, *of_batches)]


@pytest.mark.parametrize("times", [1, 2, 3, 4, 20, 100])
def test_each_statement_of_a_batch_is_planned_as_often_as_a_named_point_and_the_start_besides(times: int) -> None:
    numbers = [int(kill.rpartition("@")[2]) for kill in plan(times) if kill.startswith("statement")]
    start, batches = numbers[0], numbers[1:]
    assert start < 18 < min(batches)
    assert Counter(number % OF_A_BATCH for number in batches) == dict.fromkeys(range(OF_A_BATCH), times)


@pytest.mark.timeout(300 + 300 * KILLS)
async def test_a_worker_that_dies_at_any_named_point_loses_nothing_and_doubles_nothing(trial: Any) -> None:
    numbers = count()
    killed: Counter[str] = Counter()
    for life, kill in enumerate(plan(KILLS)):
        # A group of its own, so that nobody waits for the dead member's session; the position is in Postgres.
        worker = trial.start(
            HADIR_FAILPOINT=kill, HADIR_TEST_REFERENCE="1", HADIR_GROUP=f"{trial.name}-{life}", HADIR_BATCH_SIZE="7"
        )
        lane = life % 24
        while worker.process.poll() is None:
            await trial.send([next(numbers) for _ in range(20)])
            await trial.send_raw([(lane, "bad", b"{")])
            await trial.send_raw([(life % 3, f"k{life}", b'{"key": "k%d", "version": 1}' % life)],
                                 f"{trial.name}.settings")  # fmt: skip
            await asyncio.sleep(0.1)
        assert worker.process.returncode == -signal.SIGKILL, worker.log.read_text()
        killed[kill.partition(":")[0]] += 1
    print(f"\nkilled at each point: {dict(sorted(killed.items()))}")
    assert set(killed) == set(RUNTIME)
    assert min(killed.values()) >= KILLS

    await trial.started(HADIR_TEST_REFERENCE="1")
    await trial.all_in_sink()
    await trial.all_published()

    await trial.assert_once_and_in_order()
    published = Counter(dict(record.headers)["ce_id"] for record in await trial.published())
    assert len(published) == len(trial.sent)  # repeats after a takeover carry the same id
    assert await trial.value("select count(*) from setting") == len(plan(KILLS))
    assert {row["reason"] for row in await trial.fetch("select distinct reason from dead_letter")} == {"not-json"}
    ends = await trial.value("select sum(next_offset)::bigint from position where topic = $1", trial.name)
    assert ends == len(trial.sent) + await trial.value("select count(*) from dead_letter")
    note("runtime", killed)


COPIES = """
import asyncio, sys
from shared.database import connect, open_pool

async def copy(connection):
    await connection.execute("create temp table copied (number int)")
    await connection.copy_records_to_table("copied", records=[(1,), (2,)])
    print("went on")

async def main(url, where):
    if where == "pool":
        async with await open_pool(url, None) as pool, pool.acquire() as connection:
            await copy(connection)
    else:
        await copy(await connect(url, None))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("where", ["pool", "connection"])
def test_a_copy_is_a_statement_at_which_a_process_dies(where: str, fresh_database: str) -> None:
    command = [sys.executable, "-c", COPIES, fresh_database, where]
    died = subprocess.run(command, env={**os.environ, "HADIR_FAILPOINT": "statement:kill@2"}, capture_output=True, check=False)
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, b""), died.stderr
