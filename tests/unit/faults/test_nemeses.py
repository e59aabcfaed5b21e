"""Each nemesis does to a real process, disk or road what its name says; one that did nothing says so, and is not counted."""

import asyncio
import contextlib
import errno
import os
import random
import resource
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from services.local.process import Child, spawn
from tests import outside
from tests.faults import nemeses, servers, struck_servers
from tests.faults.house import SESSION_S, House
from tests.faults.invariants import Poison
from tests.faults.proxy import Proxy
from tests.faults.servers import Brokers, fill, is_full, may_mount, small_disk
from tests.faults.striking import Strike, Unstruck
from tests.unit.faults.conftest import NAMES, named, strike_on
from tests.waiting import PATIENCE_S, until

BEGUN = "print('begun', flush=True)\n"
OPENS = "import sys, time\nwhile True:\n time.sleep(0.01)\n try: open('/dev/null').close()\n except OSError as no: print(no, flush=True)"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def endings(house: House) -> list[int]:
    return list(house.codes.values())


@pytest.mark.parametrize(
    ("what", "codes"),
    [
        *((f"kill -9 {name}", [-signal.SIGKILL]) for name in NAMES), ("SIGTERM, restart", [-signal.SIGTERM]),
        ("kill -9 two services at once", [-signal.SIGKILL] * 2),
    ],
)  # fmt: skip
async def test_who_is_killed_or_asked_to_end_has_ended_of_it_when_the_strike_is_over(what: str, codes: list[int], house: House) -> None:
    pids = {name: service.pid for name, service in house.services.items()}
    await named(what)(strike_on(house))
    assert endings(house) == codes
    if what.startswith("kill -9 ") and len(codes) == 1:
        assert [*house.codes] == [pids[what.removeprefix("kill -9 ")]]


async def test_a_signal_that_does_not_end_a_service_is_no_kill(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "signal", lambda name, _: House.signal(house, name, signal.SIGCONT))

    async def until(holds: Callable[[], object], what: str, _within_s: float) -> None:
        await asyncio.sleep(0.2)
        assert holds(), what

    monkeypatch.setattr(house, "until", until)
    with pytest.raises(AssertionError, match="ingest: the end by signal 9"):
        await named("kill -9 ingest")(strike_on(house))


async def test_a_kill_of_what_does_not_run_or_ended_otherwise_is_not_counted(house: House) -> None:
    house.services["ingest"].pid = None
    with pytest.raises(Unstruck):
        await named("kill -9 ingest")(strike_on(house))
    pid = house.services["geofence"].pid
    assert pid is not None
    house.codes[pid] = 1  # it gave up at the same moment
    with pytest.raises(Unstruck):
        await named("kill -9 geofence")(strike_on(house))


def statuses(house: House) -> set[str]:
    return {psutil.Process(service.pid).status() for service in house.services.values() if service.pid}


@pytest.mark.parametrize("what", ["worker frozen past its session", "API of officers frozen"])
async def test_who_is_frozen_stands_still_for_as_long_as_it_was_to_and_goes_on(
    what: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nemeses._FROZEN_S[0] >= 2 * SESSION_S
    monkeypatch.setattr(nemeses, "_FROZEN_S", (0.2, 0.3))
    seen: list[set[str]] = []
    await named(what)(strike_on(house, lambda: seen.append(statuses(house))))
    assert len(seen) == 1
    assert psutil.STATUS_STOPPED in seen[0]
    assert psutil.STATUS_STOPPED not in statuses(house)


@pytest.mark.parametrize("ill", ["too short", "not stopped"])
async def test_a_frozen_service_that_went_on_early_is_not_counted(ill: str, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nemeses, "_FROZEN_S", (0.6, 0.6) if ill == "too short" else (0.0, 0.0))
    wake = house.heal if ill == "not stopped" else lambda: None
    with pytest.raises(Unstruck, match="did not stand still"):
        await named("worker frozen past its session")(strike_on(house, wake))


@contextlib.asynccontextmanager
async def opening(house: House, program: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[psutil.Process]:
    """Every name of the house is this program, from when it says that it has begun; its road to the database can be reset."""
    (house.home / "logs").mkdir()
    log = house.home / "logs" / "program.log"
    log.touch()
    for name in NAMES:
        (house.home / "logs" / f"{name}.log").symlink_to(log)
    child = spawn("program", [sys.executable, "-c", program], log)
    await until(lambda: b"begun" in log.read_bytes())
    monkeypatch.setattr(house, "processes", lambda: dict.fromkeys(NAMES, psutil.Process(child.popen.pid)))
    proxies = {name: Proxy(("127.0.0.1", 1)) for name in NAMES}
    monkeypatch.setattr(house, "database_proxies", proxies)
    try:
        yield psutil.Process(child.popen.pid)
    finally:
        child.stop(5)


async def test_whoever_has_no_file_descriptors_is_refused_a_new_one_meanwhile_and_gets_them_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []
    async with opening(house, f"import os\nfor _ in range(9): os.dup(0)\n{BEGUN}{OPENS}", monkeypatch) as process:
        before = process.rlimit(resource.RLIMIT_NOFILE)
        reset: list[int] = []
        for proxy in house.database_proxies.values():
            monkeypatch.setattr(proxy, "reset", lambda: reset.append(1))
        await named("no file descriptors left")(strike_on(house, lambda: limits.append(process.rlimit(resource.RLIMIT_NOFILE)[0])))
        assert limits == [8]
        assert reset == [1]  # else it would need no new one
        assert process.rlimit(resource.RLIMIT_NOFILE) == before
    assert os.strerror(errno.EMFILE) in (house.home / "logs" / "ingest.log").read_text()


@pytest.mark.parametrize("said", [f"[Errno {errno.EMFILE}] Too many open files", f'{{"error":"OSError","errno":{errno.EMFILE},"at":1}}'])
def test_a_refused_descriptor_is_known_from_the_words_of_python_and_from_a_log_of_json(said: str) -> None:
    assert nemeses._REFUSED.search(said.encode())
    assert not nemeses._REFUSED.search(said.replace(f"{errno.EMFILE}", f"{errno.EMFILE}1").encode())


async def test_a_service_that_opened_nothing_while_it_had_no_descriptors_is_not_counted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opening(house, f"{BEGUN}import time\ntime.sleep(60)", monkeypatch):
        with (house.home / "logs" / "program.log").open("a") as log:
            log.write(f"[Errno {errno.EMFILE}] before\n")
        with pytest.raises(Unstruck, match="opened nothing"):
            await named("no file descriptors left")(strike_on(house))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if not may_mount():
        outside.missing("a tmpfs cannot be mounted here (root is needed)")
    with small_disk(tmp_path / "disk", 2) as folder:
        yield folder


class Full:
    """A house whose servers have a small disk, and nothing else."""

    def __init__(self, folder: Path) -> None:
        running = cast(Child, type("Running", (), {"alive": lambda _: True})())

        class Servers:
            nodes = [servers.Node(1, folder, "broker", child=running)]  # noqa: RUF012 - one house a test
            primary = type("Primary", (), {"data": folder, "child": running})()

            def start(self, *_: int) -> None:
                """It runs."""

            async def ready(self) -> None:
                """It is."""

        self.brokers = self.database = Servers()


FILLING = {"disk of the broker full": "fill_kafka", "disk of PostgreSQL full": "fill_postgres"}


@pytest.mark.parametrize("what", FILLING)
async def test_a_full_disk_refuses_every_write_meanwhile_and_has_room_afterwards(
    what: str, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(struck_servers, "_writes", lambda _: True)
    seen: list[bool] = []
    await named(what)(strike_on(Full(disk), lambda: seen.append(is_full(disk))))
    assert seen[0]
    assert not is_full(disk)


@pytest.mark.parametrize("what", FILLING)
async def test_a_disk_that_took_a_write_is_not_counted_as_full(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(struck_servers, "_writes", lambda _: True)
    monkeypatch.setattr(struck_servers, "fill", lambda folder: folder / "ballast")
    with pytest.raises(Unstruck, match="had room"):
        await named(what)(strike_on(Full(tmp_path)))


def test_what_fills_a_disk_leaves_no_byte(disk: Path) -> None:
    assert not is_full(disk)
    fill(disk).unlink()
    assert not is_full(disk)
    fill(disk)
    assert is_full(disk)


@contextlib.asynccontextmanager
async def road() -> AsyncIterator[tuple[Any, Proxy, Callable[[], Awaitable[Streams]]]]:
    """A house with one proxy, and how to connect to a server behind it that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65_536):
                writer.write(piece)
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        proxy = Proxy(server.sockets[0].getsockname())
        await proxy.start()
        house = type("Roads", (), {"kafka_proxies": [proxy], "database_proxies": {"ingest": proxy}})()
        opened: list[asyncio.StreamWriter] = []

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            opened.append(writer)
            return reader, writer

        try:
            yield house, proxy, connect
        finally:
            for writer in opened:
                writer.transport.abort()
            await proxy.stop()


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, many: int = 1, within_s: float = PATIENCE_S) -> bool:
    """Whether so many bytes come back in that time; raises OSError if the connection was reset."""
    writer.write(b"x" * many)
    try:
        async with asyncio.timeout(within_s):
            return len(await reader.readexactly(many)) == many
    except TimeoutError:
        return False
    except asyncio.IncompleteReadError as ended:
        raise ConnectionResetError from ended


@pytest.mark.parametrize("way", struck_servers.WAYS)
async def test_a_road_is_struck_in_the_way_that_is_said_and_heals(way: str) -> None:
    async with road() as (house, proxy, connect):
        reader, writer = await connect()
        assert await answered(reader, writer)
        told: list[str] = []

        class Looking(Strike):
            async def pause(self, _low: float, _high: float) -> None:
                try:
                    told.append("passes" if await answered(reader, writer, 5_000, within_s=0.15) else "held")
                    assert not way.endswith("upward") or proxy._down.is_set()
                    assert not way.endswith("downward") or proxy._up.is_set()
                except OSError:
                    told.append("reset")
                    try:
                        again = await connect()
                        told.append("passes" if await answered(*again) else "held")
                    except OSError:
                        told.append("reset")

        await struck_servers.network(way)(Looking(house, random.Random(1), Poison()))
        assert told == {"reset": ["reset", "passes"], "refused": ["reset", "reset"]}.get(way, ["held"])
        assert await answered(*await connect(), 5_000)


@pytest.mark.parametrize("way", sorted({*struck_servers.WAYS} - {"reset", "refused"}))
async def test_a_road_over_which_nothing_was_sent_is_not_counted(way: str) -> None:
    async with road() as (house, _, connect):
        await answered(*await connect())
        with pytest.raises(Unstruck, match="nothing was sent"):
            await struck_servers.network(way)(strike_on(house))


async def test_a_road_that_is_not_stalled_is_not_counted_whatever_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Proxy, "stall", lambda *_, **__: None)
    async with road() as (house, _, connect):
        reader, writer = await connect()
        assert await answered(reader, writer)
        with pytest.raises(Unstruck, match="nothing was sent"):
            await struck_servers.network("stalled")(strike_on(house, lambda: writer.write(b"x")))


@pytest.fixture
def brokers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Brokers]:
    """One broker that is a process that does nothing."""
    monkeypatch.setattr(Brokers, "_format", lambda *_: None)
    monkeypatch.setattr(Brokers, "_java", lambda *_: ["sleep", "60"])
    (tmp_path / "broker-1").mkdir()
    cluster = Brokers([tmp_path / "broker-1"], [1], tmp_path)

    async def ready(*_: Any) -> None:
        """It is."""

    monkeypatch.setattr(cluster, "ready", ready)
    monkeypatch.setattr(servers, "spawn", lambda name, _command, log, **_: spawn(name, ["sleep", "60"], log))
    cluster.start()
    yield cluster
    cluster.close()


BROKEN = ("broker kill -9", "broker restarted", "broker away for 8 to 20 s")


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broker_that_was_struck_is_another_process_afterwards(what: str, brokers: Brokers) -> None:
    before = brokers.nodes[0].child
    assert before is not None
    await named(what)(strike_on(type("House", (), {"brokers": brokers})()))
    after = brokers.nodes[0].child
    assert after is not None
    assert after.popen.pid != before.popen.pid
    assert after.alive()
    assert before.popen.returncode == (-signal.SIGTERM if what == "broker restarted" else -signal.SIGKILL)


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broker_that_did_not_run_or_ran_on_was_not_struck_and_runs_afterwards(
    what: str, brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        """It runs on."""

    if what == "broker restarted":
        monkeypatch.setattr(brokers, "stop", nothing)
    else:
        brokers.kill(1)
    with pytest.raises(Unstruck):
        await named(what)(strike_on(type("House", (), {"brokers": brokers})()))
    child = brokers.nodes[0].child
    assert child is not None
    assert child.alive()
