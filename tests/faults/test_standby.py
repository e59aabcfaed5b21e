"""Why the standby must be synchronous: the same failover keeps every commit with `remote_apply`, and loses some without."""

import asyncio
import contextlib
import signal
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.faults.servers import Database


async def lost_by_failover(folder: Path, mode: str) -> int:
    """Commit, kill the primary, promote the standby: how many acknowledged rows are gone."""
    folder.chmod(0o755)
    database = Database(folder, folder)
    try:
        await database.ready()
        await database.primary.create_database()
        await database.add_standby(mode)
        assert database.standby is not None
        connection = await asyncpg.connect(database.url)
        await connection.execute("create table paid (number int primary key)")
        await connection.execute("insert into paid values (0)")
        await _has_table(database.standby.url())  # only what comes from here on may be lost
        receiver = await _receiver(database.standby.child.popen.pid)
        committed = 1
        receiver.send_signal(signal.SIGSTOP)  # a network that lags, for a moment
        try:
            for number in range(1, 50):
                await connection.execute("insert into paid values ($1)", number, timeout=60.0 if mode == "local" else 1.0)
                committed += 1
        except (TimeoutError, asyncpg.QueryCanceledError):
            pass  # not acknowledged, so never promised
        finally:
            connection.terminate()
        database.kill()
        receiver.kill()  # what is still on its way to it never arrives; the standby recovers from that by itself
        await _answers(database.standby.url("postgres"))
        await database.fail_over()
        connection = await asyncpg.connect(database.url)
        try:
            kept: int = await connection.fetchval("select count(*) from paid where number < $1", committed)
        finally:
            await connection.close()
        return committed - kept
    finally:
        await database.close()


async def _answers(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = await asyncpg.connect(url)
        except (OSError, asyncpg.PostgresError):
            assert time.monotonic() < deadline, "the standby does not come back"
            await asyncio.sleep(0.1)
        else:
            await connection.close()
            return


async def _has_table(url: str) -> None:
    deadline = time.monotonic() + 60
    connection = await asyncpg.connect(url)
    try:
        while not await connection.fetchval("select to_regclass('paid') is not null"):
            assert time.monotonic() < deadline, "the standby does not follow"
            await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def _receiver(server: int) -> psutil.Process:
    deadline = time.monotonic() + 60
    while True:
        for process in psutil.Process(server).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # others come and go
                if any("walreceiver" in part for part in process.cmdline()):
                    return process
        assert time.monotonic() < deadline, "the standby has no receiver"
        await asyncio.sleep(0.05)


@pytest.mark.timeout(300)
async def test_a_failover_to_a_synchronous_standby_loses_no_acknowledged_commit(tmp_path: Path) -> None:
    assert await lost_by_failover(tmp_path, "remote_apply") == 0


@pytest.mark.timeout(300)
async def test_the_same_failover_without_waiting_for_the_standby_does_lose_commits(tmp_path: Path) -> None:
    assert await lost_by_failover(tmp_path, "local") > 0
