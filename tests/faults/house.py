"""A whole house under attack: its servers behind proxies, all services, restarted when they end, and its clients' journal."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psutil

from services.local.process import LAUNCH, free_port
from shared import topics
from shared.database import open_pool
from shared.failures import is_infrastructure
from shared.kafka import apply_topics
from shared.lanes import Lanes
from shared.schemas import apply_schemas
from tests.faults.clocks import Clocks
from tests.faults.journal import Journal
from tests.faults.previous import Tree
from tests.faults.proxy import Proxy
from tests.faults.servers import HOST, Brokers, Database, small_disk
from tests.faults.witness import PROCESS, post_witness
from tests.waiting import until

WORKERS = ("geofence", "schedule", "payroll")
SERVICES = ("ingest", *WORKERS)
OFFICES = ("schedule_api", "payroll_api")
"""The APIs at which officers work (officers.py), in a house that has them."""
SESSION_S = 4.0
"""Kafka's session timeout of the house: a killed worker's lanes move after it."""

_DISK_MB = 2000
"""Of memory, when it is full: room for the data of an hour or two, and no more, since the machine may run more than this."""
_ROOT = Path(__file__).parents[2]


@dataclass
class Service:
    """One running service, or one that is to run: `held` keeps it from being started again."""

    name: str
    command: str
    pid: int | None = None
    held: bool = False
    struck: bool = False
    """Whether the harness ended it; what ends otherwise ended itself, and is counted."""

    tree: Tree | None = None
    """The version that it runs; None is this one."""

    mutant: str = ""
    """Which of its guarantees is switched off (mutated.py), whenever it starts."""

    failpoint: str = ""
    """What it is told as HADIR_FAILPOINT whenever it starts; empty as soon as it has died of it."""

    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from the order to start it until its process is known."""


@dataclass
class House:
    """Made by `running`."""

    home: Path
    brokers: Brokers
    database: Database
    kafka_proxies: list[Proxy]
    database_proxies: dict[str, Proxy]
    journal: Journal
    commands: Journal
    """Of what officers were answered."""

    ports: dict[str, int]
    clocks: Clocks | None = None
    """Where each service lives by a clock of its own."""

    previous: Tree | None = None
    """The version before, for faults that let it run beside this one."""

    services: dict[str, Service] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)
    """How often a service ended by itself, by name and exit code: crash-only services do so when they are fenced."""

    died_at: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a service died of its failpoint, by service and point."""

    codes: dict[int, int] = field(default_factory=dict)
    """With which code each process of a service ended, by its number; negative: the signal that ended it."""

    _zygote: asyncio.subprocess.Process | None = None
    _started: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _closing: bool = False

    @property
    def ingest(self) -> str:
        """Where ingest answers."""
        return self.address("ingest")

    def address(self, name: str) -> str:
        """Where a process answers over HTTP."""
        return f"http://{HOST}:{self.ports[name]}"

    def environment(self, service: Service) -> dict[str, str]:
        """What a service is told: every address is a proxy's."""
        parts = urlsplit(self.database.url)
        # The sessions say whose they are, for the witness of the positions.
        server = f"{HOST}:{self.database_proxies[service.command].port}"
        url = f"postgresql://{parts.username}:{parts.password}@{server}/hadir?{PROCESS}={service.name}"
        port = self.ports.get(service.name, 0)
        armed = {"HADIR_FAILPOINT": service.failpoint} if service.failpoint else {}
        return {
            "HADIR_KAFKA": ",".join(f"{HOST}:{proxy.port}" for proxy in self.kafka_proxies), "HADIR_DATABASE": url,
            "HADIR_HOME": str(self.home), f"HADIR_{service.command.upper()}_PORT": str(port),
            "HADIR_SESSION_TIMEOUT_S": str(SESSION_S), "PYTHONUNBUFFERED": "1",
            **(self.clocks.environment(service.command) if self.clocks else {}), **armed,
        }  # fmt: skip

    async def start(
        self, name: str, command: str | None = None, tree: Tree | None = None, *, mutant: str = "", failpoint: str = ""
    ) -> Service:
        """Start a service, or one more process of it under a name of its own, in this version or that of `tree`.

        `mutant` switches one of its guarantees off; `failpoint` is where its first process dies or freezes.
        """
        service = self.services.setdefault(name, Service(name, command or name))
        service.held = service.struck = False
        service.tree, service.mutant = tree, mutant
        service.failpoint = failpoint or service.failpoint
        async with service.starting:
            if service.pid is None:  # nobody else, who found it dead, has just started it
                await self._fork(service)
        return service

    def signal(self, name: str, signum: int) -> bool:
        """Send a signal to a service, and tell whether it ran; SIGKILL and SIGTERM are not counted as its own end."""
        service = self.services[name]
        if service.pid is None:
            return False
        service.struck |= signum in (signal.SIGKILL, signal.SIGTERM)
        try:
            os.kill(service.pid, signum)
        except ProcessLookupError:
            return False
        return True

    async def leave(self, name: str, *, killed: bool = False) -> None:
        """Stop a service for good, politely or by kill -9, and forget it."""
        service = self.services[name]
        service.held = True
        async with service.starting:  # of one that is just being started there is no process to stop yet
            self.signal(name, signal.SIGKILL if killed else signal.SIGTERM)
        await self.until(lambda: service.pid is None, f"{name} ends", 60)
        del self.services[name]

    async def until(self, holds: Callable[[], object], what: str, within_s: float) -> None:
        """Wait until something holds; fails with `what` otherwise."""
        await until(holds, within_s, lambda: f"not within {within_s:.0f} s: {what}")

    async def ready(self, names: Collection[str] = SERVICES, within_s: float = 120.0) -> None:
        """Return once these services say ready."""
        await self.until_all(names, within_s)

    async def until_all(self, names: Collection[str], within_s: float) -> None:
        """Wait for /readyz of every one."""
        deadline = time.monotonic() + within_s
        for name in names:
            while not await asyncio.to_thread(_says_ready, self.ports[name]):
                assert time.monotonic() < deadline, f"{name} is not ready within {within_s:.0f} s: {self.last_words(name)}"
                await asyncio.sleep(0.1)

    def last_words(self, name: str, lines: int = 8) -> str:
        """The end of a service's log."""
        log = self.home / "logs" / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection to the primary past the proxies."""
        connection = await asyncpg.connect(self.database.url, timeout=10, command_timeout=120)
        try:
            yield connection
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=5)

    def heal(self) -> None:
        """End whatever a nemesis may have left: proxies, stopped processes, full disks."""
        for proxy in (*self.kafka_proxies, *self.database_proxies.values()):
            proxy.heal()
        for name in self.services:
            self.signal(name, signal.SIGCONT)

    def processes(self) -> dict[str, psutil.Process]:
        """What runs, by name, for sampling."""
        pids = {name: service.pid for name, service in self.services.items()}
        pids |= {f"broker {node.number}": node.child.popen.pid for node in self.brokers.nodes if node.child is not None}
        pids["PostgreSQL"] = self.database.primary.child.popen.pid
        found = {}
        for name, pid in pids.items():
            if pid is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    found[name] = psutil.Process(pid)
        return found

    async def commanded(self, service: topics.Service, act: Callable[[Lanes], Awaitable[object]]) -> None:
        """Carry out a command as a program of its own does, however often that takes."""
        while True:
            try:
                pool = await open_pool(self.database.url, service, max_size=1)
                try:
                    await act(Lanes(pool, service))
                finally:
                    await asyncio.wait_for(pool.close(), 10)
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                await asyncio.sleep(0.3)
            else:
                return

    async def begin(self) -> None:
        """Start the zygote, which starts the services."""
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        log = (self.home / "logs" / "zygote.log").open("ab")
        try:
            self._zygote = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), "SIGTERM", "-", sys.executable, "-m", "tests.faults.zygote",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, env=environment, cwd=_ROOT,
            )  # fmt: skip
        finally:
            log.close()
        assert self._zygote.stdout is not None
        assert json.loads(await self._zygote.stdout.readline()) == {"ready": True}
        self._spawn(self._listen())

    async def close(self) -> None:
        """Stop the services."""
        self._closing = True
        self.heal()
        if self._zygote is not None:
            assert self._zygote.stdin is not None
            self._zygote.stdin.close()
            try:
                await asyncio.wait_for(self._zygote.wait(), 60)
            except TimeoutError:
                self._zygote.kill()
                await self._zygote.wait()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fork(self, service: Service) -> None:
        assert self._zygote is not None
        assert self._zygote.stdin is not None
        order: dict[str, Any] = {
            "name": service.name, "command": service.command, "env": self.environment(service),
            "log": str(self.home / "logs" / f"{service.name}.log"),
        }  # fmt: skip
        if service.mutant:
            order["mutant"] = service.mutant
        if service.tree is not None:
            order |= {"folder": str(service.tree.folder), "python": str(service.tree.python)}
            order["env"] |= service.tree.environment
        self._started[service.name] = asyncio.get_running_loop().create_future()
        self._zygote.stdin.write((json.dumps(order) + "\n").encode())
        await self._zygote.stdin.drain()
        await self._started[service.name]

    async def _listen(self) -> None:
        assert self._zygote is not None
        assert self._zygote.stdout is not None
        while line := await self._zygote.stdout.readline():
            told = json.loads(line)
            if name := told.get("started"):
                self.services[name].pid = told["pid"]  # before the next line, which may say that it ended
                self.codes.pop(told["pid"], None)  # of another, long ago
                self._started[name].set_result(None)
            elif name := told.get("ended"):
                self.codes[told["pid"]] = told["code"]
                if (service := self.services.get(name)) is not None:
                    self._note_end(service, told["code"])

    def _note_end(self, service: Service, code: int) -> None:
        service.pid = None
        if service.failpoint and code == -signal.SIGKILL and not service.struck:
            self.died_at[service.command, service.failpoint.partition(":")[0]] += 1
            service.failpoint = ""
        elif not service.struck and not self._closing:
            self.ended[f"{service.name} (code {code})"] += 1
        service.struck = False
        if not self._closing:
            self._spawn(self._again(service))

    async def _again(self, service: Service) -> None:
        await asyncio.sleep(0.3)
        async with service.starting:
            if not (service.held or self._closing) and service.pid is None and self.services.get(service.name) is service:
                await self._fork(service)


@contextlib.asynccontextmanager
async def running(
    *, brokers: int = 1, standby: bool = False, disks: bool = False,
    clocks: bool = False, keep: Path | None = None,
    previous: Tree | None = None, begun: Callable[[str, str], Awaitable[None]] | None = None, disk_mb: int = _DISK_MB,
    offices: bool = False,
) -> AsyncIterator[House]:
    """A fresh house on free ports, all of it gone afterwards; `disks` puts the data on a tmpfs that can be filled (root).

    `clocks` gives each service a clock of its own (clocks.py); `offices`: with APIs for officers. With `begun` the house is still one of
    the `previous` version: it is given the database's URL and the brokers' address to lay out tables and topics.
    """
    home = Path(tempfile.mkdtemp(prefix="hadir-faults-"))
    home.chmod(0o755)  # PostgreSQL may run as another user
    logs = home / "logs"
    logs.mkdir()
    async with contextlib.AsyncExitStack() as held:
        held.callback(shutil.rmtree, home, ignore_errors=True)
        if keep is not None:
            held.callback(lambda: shutil.copytree(logs, keep, dirs_exist_ok=True))
        if disks:
            held.enter_context(small_disk(home / "disk-kafka", disk_mb))
            held.enter_context(small_disk(home / "disk-postgres", disk_mb))
        database = Database(home / ("disk-postgres" if disks else "postgres"), logs)
        held.push_async_callback(database.close)
        proxies = [Proxy((HOST, 0), free_port()) for _ in range(brokers)]
        at = home / ("disk-kafka" if disks else "kafka")
        cluster = await asyncio.to_thread(
            Brokers, [at / f"broker-{n + 1}" for n in range(brokers)], [proxy.port for proxy in proxies], logs
        )
        for proxy, node in zip(proxies, cluster.nodes, strict=True):
            proxy.target = (HOST, node.port)
            await proxy.start()
            held.push_async_callback(proxy.stop)
        held.callback(cluster.close)
        cluster.start()
        await database.ready()
        url = await database.primary.create_database()
        if begun is None:
            await apply_schemas(url)
        if standby:
            await database.add_standby()
        await cluster.ready()
        if begun is None:
            await apply_topics(cluster.bootstrap, brokers)
        else:
            await begun(url, cluster.bootstrap)
        await post_witness(url)
        names = (*SERVICES, *OFFICES) if offices else SERVICES
        database_proxies = {name: Proxy((HOST, database.primary.port), free_port()) for name in names}
        for proxy in database_proxies.values():
            await proxy.start()
            held.push_async_callback(proxy.stop)
        journal, commands = Journal(home / "journal"), Journal(home / "commands")
        held.callback(journal.close)
        held.callback(commands.close)
        house = House(
            home, cluster, database, proxies, database_proxies, journal, commands, {name: free_port() for name in names},
            Clocks() if clocks else None, previous,
        )  # fmt: skip
        held.push_async_callback(house.close)
        await house.begin()
        for name in names:
            await house.start(name, tree=None if begun is None else previous)
        await house.ready(names)
        yield house


def _says_ready(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=2) as answer:
        return int(answer.status) == 200
    return False
