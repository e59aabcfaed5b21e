"""Brings the local stack up phase by phase: servers, topics, schemas, services; each phase is told with its time."""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from services.local.downloads import Progress, kafka_jars
from services.local.fork import preload
from services.local.kafka import Kafka, start_kafka
from services.local.postgres import Postgres, start_postgres
from services.local.process import LocalError, claim_port, free_port, require_space
from services.local.prometheus import find_tools, start_prometheus
from services.local.supervisor import COMMANDS, HEAVY, WATCHERS, Supervisor, inherited_environment
from shared.kafka import apply_topics
from shared.schemas import apply_schemas
from shared.settings import Settings

Fetching = Callable[[], AbstractContextManager[Progress]]


@dataclass
class Phases:
    """Tells each finished phase once, with how long it took; `total` counts from the beginning."""

    tell: Callable[[str, float], None]
    begun: float
    last: float

    @classmethod
    def begin(cls, tell: Callable[[str, float], None]) -> "Phases":
        """Phases that begin now."""
        now = time.monotonic()
        return cls(tell, now, now)

    def done(self, what: str) -> None:
        """The phase that ran since the last call is over."""
        now = time.monotonic()
        self.tell(what, now - self.last)
        self.last = now

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.begun


@dataclass(frozen=True)
class Wanted:
    """What a run is asked for: its settings, and the user's own servers where ours are not wanted."""

    settings: Settings
    home: Path
    kafka: str | None
    database: str | None
    fresh: bool = False
    monitor: bool = False
    canaries: bool = False

    @property
    def watchers(self) -> tuple[str, ...]:
        """Which processes are to run beside the services."""
        return tuple(name for name in WATCHERS if getattr(self, name))


def bring_up(wanted: Wanted, supervisor: Supervisor, phases: Phases, fetching: Fetching) -> Settings:
    """Start everything and return when all services are ready: the settings with which to reach them.

    What was started is in `supervisor`, to be stopped, however this ends.
    """
    settings = wanted.settings
    ports = {
        name: claim_port(getattr(settings, f"{name}_port"), name, f"HADIR_{name.upper()}_PORT", settings.host)
        for name in COMMANDS
    }
    ports |= {name: _port_or_another(getattr(settings, f"{name}_port"), settings.host) for name in wanted.watchers}
    if wanted.kafka is None and wanted.database is None:
        _fit_data(wanted)
    if wanted.kafka is None or wanted.database is None:
        require_space(wanted.home, 500, "HADIR_HOME")
    if wanted.kafka is None:
        # Its bar lives in a thread; the services are forked later, when that has gone.
        with fetching() as progress:
            kafka_jars(progress)
        phases.done("Kafka's jars")
    postgres = _start_postgres(wanted, supervisor)
    kafka = _start_kafka(wanted, supervisor)
    database = _await_postgres(postgres) if postgres else str(wanted.database)
    if postgres:
        phases.done(f"PostgreSQL 18 on port {postgres.port}")
    asyncio.run(_apply_schemas(database))
    phases.done("schemas")
    preload(HEAVY)
    phases.done("the services' modules, while Kafka starts" if kafka else "the services' modules")
    if kafka:
        kafka.wait_ready()
        phases.done(f"Kafka 4.3.1 on port {kafka.port}")
    bootstrap = kafka.bootstrap if kafka else str(wanted.kafka)
    changes = asyncio.run(apply_topics(bootstrap, settings.replication))
    phases.done(f"topics ({len(changes)} changes)" if changes else "topics")
    supervisor.environment = {
        **inherited_environment(),
        "HADIR_KAFKA": bootstrap,
        "HADIR_DATABASE": database,
        "HADIR_HOME": str(wanted.home),
        **{f"HADIR_{name.upper()}_PORT": str(port) for name, port in ports.items()},
    }
    supervisor.addresses = {name: f"http://{settings.host}:{port}" for name, port in ports.items()}
    supervisor.addresses |= {"kafka": bootstrap, "database": _without_password(database)}
    supervisor.commands = {**COMMANDS, **{name: WATCHERS[name] for name in wanted.watchers}}
    supervisor.start_services()
    supervisor.await_services()
    workers = [name for name in supervisor.commands if not name.endswith("_api")]
    phases.done(f"services: {', '.join(workers)}; their APIs")
    if wanted.monitor:
        _start_prometheus(wanted, supervisor, {name: f"{settings.host}:{port}" for name, port in ports.items()})
        phases.done("Prometheus")
    reached = {"kafka": bootstrap, "database": database} | {f"{name}_port": port for name, port in ports.items()}
    return settings.model_copy(update=reached)


def _fit_data(wanted: Wanted) -> None:
    """Make sure that the data in `home` is whole: made anew on request, refused when a half is missing.

    Positions in Postgres belong to the topics in Kafka, so both are kept or removed together.
    """
    data = [wanted.home / "postgres", wanted.home / "kafka"]
    if wanted.fresh:
        for folder in data:
            shutil.rmtree(folder, ignore_errors=True)
    if any(folder.exists() for folder in data) and not all(folder.exists() for folder in data):
        raise LocalError(
            f"Only one of {data[0]} and {data[1]} exists, but they belong together. Start with empty data:  "
            "make run ARGS=--fresh"
        )
    for folder in data:
        folder.mkdir(exist_ok=True)  # both at once: a start that is interrupted now goes on from here next time


def _start_prometheus(wanted: Wanted, supervisor: Supervisor, targets: Mapping[str, str]) -> None:
    """Start Prometheus on all of the run's processes, if this machine has it; what it cannot do is told, not fatal."""
    tools = find_tools()
    if tools is None:
        return
    folder = wanted.home / "prometheus"
    if wanted.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    port = _port_or_another(wanted.settings.prometheus_port, "127.0.0.1")
    try:
        started = start_prometheus(tools, folder, port, targets, supervisor.fresh_log("prometheus"))
    except LocalError as problem:
        supervisor.say(f"Prometheus does not start; the rest does without it. {problem}")
        return
    supervisor.addresses["prometheus"] = started.url
    supervisor.add_bystander(started.child)


def _port_or_another(port: int, host: str) -> int:
    """The port if nobody has it, else a free one: what only watches must not keep a run from starting."""
    try:
        return claim_port(port, "", "", host)
    except LocalError:
        return free_port(host)


def _start_postgres(wanted: Wanted, supervisor: Supervisor) -> Postgres | None:
    if wanted.database is not None:
        return None
    server = start_postgres(
        wanted.home / "postgres", wanted.settings.database_port, log=supervisor.fresh_log("postgres")
    )
    supervisor.add_server(server.child)
    return server


def _start_kafka(wanted: Wanted, supervisor: Supervisor) -> Kafka | None:
    if wanted.kafka is not None:
        return None
    server = start_kafka(wanted.home / "kafka", wanted.settings.kafka_port, log=supervisor.fresh_log("kafka"))
    supervisor.add_server(server.child)
    return server


def _await_postgres(server: Postgres) -> str:
    server.wait_ready()
    return asyncio.run(server.create_database())


async def _apply_schemas(url: str) -> None:
    try:
        await apply_schemas(url)
    except (OSError, asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise LocalError(
            f"Cannot work with the database {_without_password(url)} (--database or HADIR_DATABASE): {error}"
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise LocalError(
            f"The login of {_without_password(url)} may not create roles and schemas: {error}. Use a login with "
            "CREATEROLE that owns the database, or let an administrator run `hadir schemas apply` once."
        ) from error


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url
