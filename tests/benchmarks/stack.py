"""A stack of a benchmark's own: durable Kafka and PostgreSQL on free ports, and services that are started one by one.

Unlike `hadir run` it lets a service be stopped while a topic fills in front of it, and nobody restarts what ends: a
worker that dies in a benchmark must be noticed. A stack that runs on this machine is not touched.
"""

import asyncio
import contextlib
import datetime as dt
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil

from services.local.kafka import Kafka, start_kafka
from services.local.postgres import Postgres, start_postgres
from services.local.process import Child, free_port, spawn
from services.local.supervisor import COMMANDS
from services.schedule.commands import move_clock
from services.simulator import files
from services.simulator.importing import import_province
from services.simulator.province import Province
from services.simulator.settled import NotSettled, Observer
from shared.database import open_pool
from shared.kafka import apply_topics
from shared.lanes import Lanes
from shared.schemas import apply_schemas
from shared.settings import Settings, settings
from tests.benchmarks.telling import progress

WORKERS = ("geofence", "schedule", "payroll")
SERVICES = ("ingest", *WORKERS)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Stack:
    """Servers and what runs on them; made by `running`."""

    home: Path
    kafka: Kafka
    postgres: Postgres
    database: str
    ports: dict[str, int]
    more: dict[str, str]
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """The settings of every process of this stack."""
        return {
            "HADIR_KAFKA": self.kafka.bootstrap, "HADIR_DATABASE": self.database, "HADIR_HOME": str(self.home),
            **{f"HADIR_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}, **self.more,
        }  # fmt: skip

    @property
    def settings(self) -> Settings:
        """The same as a value; it does not look at the environment of this process."""
        return Settings(
            kafka=self.kafka.bootstrap, database=self.database, home=self.home, ingest_port=self.ports["ingest"],
        )  # fmt: skip

    def url(self, service: str) -> str:
        """Where a service answers over HTTP."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def start(self, *names: str) -> None:
        """Start services and return when all of them are ready."""
        for name in names:
            log = self.home / "logs" / f"{name}.log"
            self.children[name] = spawn(name, [sys.executable, "-m", *COMMANDS[name]], log, environment=self.env)
        deadline = time.monotonic() + 180
        for name in names:
            while not _ready(self.url(name)):
                assert self.children[name].alive(), f"{name} ended: {self.children[name].last_words()}"
                assert time.monotonic() < deadline, f"{name} is not ready: {self.children[name].last_words()}"
                time.sleep(0.02)

    def spawn(self, name: str, module: str, **environment: str) -> Child:
        """Start a program of tests/benchmarks on this stack's servers."""
        log = self.home / "logs" / f"{name}.log"
        scratch = {"APP_DATADIR": str(self.home / f"{name}-data")}  # Faust's; it would be made where the bench was called
        env = {**self.env, "PYTHONPATH": str(Path(__file__).parents[2]), **scratch, **environment}
        self.children[name] = spawn(name, [sys.executable, "-m", module], log, environment=env)
        return self.children[name]

    def stop(self, *names: str) -> None:
        """Stop these, politely."""
        for name in names:
            self.children[name].ask_to_end()
        for name in names:
            self.children.pop(name).stop(30)

    def check(self) -> None:
        """Fail if anything has ended by itself."""
        for child in (self.kafka.child, self.postgres.child, *self.children.values()):
            assert child.alive(), f"{child.name} ended (code {child.popen.returncode}): {child.last_words()}"

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds so far, by part: broker, database and every started process, with their children."""
        parts = {"Kafka": self.kafka.child, "PostgreSQL": self.postgres.child, **self.children}
        return {name: cpu_s_of(child.popen.pid) for name, child in parts.items()}

    async def execute(self, *statements: str) -> None:
        """Run statements as the database's owner."""
        await _tell(self.database, *statements)


@contextlib.contextmanager
def running(*, services: bool = True, statements: bool = False, **more: str) -> Iterator[Stack]:
    """A fresh stack, all stopped and removed at the end; without `services` it has servers and topics only.

    With `statements` PostgreSQL counts what it does (pg_stat_statements).
    """
    home = Path(tempfile.mkdtemp(prefix="hadir-bench-"))
    home.chmod(0o755)  # PostgreSQL may run as another user
    servers: list[Kafka | Postgres] = []
    children: dict[str, Child] = {}
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        postgres = start_postgres(home / "postgres", log=home / "logs/postgres.log")
        if statements:  # a library that is loaded at the start of a server that has to be there to be told
            postgres.wait_ready()
            asyncio.run(_tell(postgres.url("postgres"), "alter system set shared_preload_libraries = 'pg_stat_statements'"))
            postgres.stop(15)
            postgres = start_postgres(home / "postgres", log=home / "logs/postgres.log")
        servers.append(postgres)
        kafka = start_kafka(home / "kafka", log=home / "logs/kafka.log")
        servers.append(kafka)
        postgres.wait_ready()
        database = asyncio.run(postgres.create_database())
        asyncio.run(apply_schemas(database))
        kafka.wait_ready()
        asyncio.run(apply_topics(kafka.bootstrap))
        stack = Stack(home, kafka, postgres, database, {name: free_port() for name in COMMANDS}, more, children)
        # Code of ours that runs in this process reads its settings from the environment.
        os.environ.update(stack.env)
        settings.cache_clear()
        if services:
            stack.start(*SERVICES)
        progress(f"the stack runs after {time.monotonic() - began:.0f} s")
        yield stack
    finally:
        for child in children.values():
            child.ask_to_end()
        for child in children.values():
            child.stop(15)
        for server in reversed(servers):
            server.stop(15)
        shutil.rmtree(home, ignore_errors=True)


@contextlib.asynccontextmanager
async def watching(stack: Stack) -> AsyncIterator[Observer]:
    """The simulator's own observer of this stack; where it waits in vain, what has ended and the last words of all are told."""
    async with Observer(stack.database, stack.kafka.bootstrap) as observer:
        try:
            yield observer
        except NotSettled:
            for child in (stack.kafka.child, stack.postgres.child, *stack.children.values()):
                progress(f"{child.name}: {'alive' if child.alive() else f'ended, code {child.popen.returncode}'}; {child.last_words()}")
            raise


async def receipts(observer: Observer) -> int:
    """Check-ins taken in so far."""
    return int(await observer.connection.fetchval("select count(*) from ingest.receipt"))


async def import_people(stack: Stack, province: Province, observer: Observer) -> None:
    """Import a province as officers do, and wait until ingest and geofence know its people."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hadir-province-") as folder:
        written = await asyncio.to_thread(files.write, province, Path(folder))
        await import_province(stack.database, province, written, lambda _what, _done, _whole: None)
    last = [person.employee_id for person in province.people()]
    await observer.until_known(last, patience_s=60 + len(last) / 1_000)
    progress(f"{province.employees:,} people imported in {time.monotonic() - began:.0f} s")


async def set_clock(stack: Stack, province: Province, at: dt.datetime) -> None:
    """Move the province's clock; what falls due by it is the workers' affair."""
    pool = await open_pool(stack.database, "schedule", max_size=2)
    try:
        await move_clock(Lanes(pool, "schedule"), province.label, at)
    finally:
        await pool.close()


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it that still live."""
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def pss_mib(processes: list[psutil.Process]) -> float:
    """Memory of these processes in MiB; what several share is counted once, in equal parts."""
    found = 0
    for process in processes:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    found += int(line.split()[1])
    return found / 1_024


def rss_of_all_mib(processes: list[psutil.Process]) -> float:
    """Resident memory of these processes in MiB; what several share is counted for each."""
    found = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found += process.memory_info().rss
    return found / 2**20


def rss_mib(pid: int) -> float:
    """Resident memory of one process in MiB."""
    return psutil.Process(pid).memory_info().rss / 2**20


def forget_peak(pid: int) -> bool:
    """Let the kernel measure the most memory of a process from now on; False where it cannot be told to."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_mib(pid: int) -> float:
    """The most resident memory of a process since `forget_peak`, in MiB."""
    [kib] = [line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(kib) / 1_024


def cpu_s_of(pid: int) -> float:
    """Processor seconds of a process, of all below it, and of those below that have ended."""
    ticks = 0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            # Own time of each living process, and of each one's ended children.
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


async def _tell(database: str, *statements: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _ready(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
        return int(answer.status) == 200
    return False


def _interrupt(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt
