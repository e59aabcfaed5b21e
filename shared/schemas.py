"""The database's roles, schemas and tables: the one place that creates them, by migrations that each run once.

A service's tables are made by `shared/migrations/*.sql` (what the runtime keeps in every service's schema) and then
`services/<service>/migrations/*.sql`, in the order of their numbers. What has run is recorded in the schema's own table
`migration`, with the hash of its text. There is no way back but a new migration: while pods of the version before are
still at work, they share the tables, so a step only adds, and what nobody uses any more goes in a later release.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.database import AUDIT_ROLE, Connection, Pool, add_outbox_days
from shared.failures import Unready
from shared.refusal import Refusal
from shared.topics import LANES, SERVICES, Service

_ROOT: Final = Path(__file__).parent.parent
_SCHEMA_LOCK: Final = 0x4841_4449
_NAME: Final = re.compile(r"\d{4}_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a service's schema: its name, as recorded in the database, and its SQL."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations_of(service: Service, root: Path = _ROOT) -> tuple[Migration, ...]:
    """Every step of a service's schema in the order in which they run: the runtime's first, then its own.

    Raises Refusal if a file's name does not begin with a number of four digits, or two begin with the same.
    """
    found: list[Migration] = []
    for prefix, folder in (("runtime/", root / "shared" / "migrations"), ("", root / "services" / service / "migrations")):
        numbers: dict[str, str] = {}
        for path in sorted(folder.glob("*.sql")):
            if not _NAME.fullmatch(path.name):
                raise Refusal(f"{path.relative_to(root)}: a migration is called like 0002_what_it_adds.sql.")
            other = numbers.setdefault(path.name[:4], path.name)
            if other != path.name:
                raise Refusal(f"{path.relative_to(root)}: {other} has the same number; give the newer one the next.")
            found.append(Migration(prefix + path.stem, path.read_text().replace(":lanes", str(LANES))))
    return tuple(found)


def pending(known: Sequence[Migration], applied: Mapping[str, str]) -> tuple[Migration, ...]:
    """Steps that a database has not seen; `applied` maps the names it has seen to the hash of their text.

    Steps that only the database knows are those of a newer version and no concern of this one. Raises Refusal if a step
    was changed after it ran: the tables would not be what the file says.
    """
    for step in known:
        if applied.get(step.name, step.digest) != step.digest:
            raise Refusal(
                f"The migration {step.name} was changed after it had been applied to this database. Take the change back "
                "and put it into a new migration; data nobody needs can be made afresh (make run ARGS=--fresh)."
            )
    return tuple(step for step in known if step.name not in applied)


async def apply_schemas(url: str) -> dict[Service, tuple[str, ...]]:
    """Brings a database to the present shape and returns the names of the migrations that ran, by service.

    Idempotent, and safe to run from several processes at once: they take turns. The login needs the right to create
    roles and schemas; the database itself is created when the login may do that and it does not exist. Each migration is
    a transaction of its own; a lock that cannot be had within 10 s (the version before is at work) ends the run, and the
    next one goes on from there.
    """
    await _create_database_if_missing(url)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1)", _SCHEMA_LOCK)
        await create_roles(connection)
        return {service: await _migrate(connection, service) for service in SERVICES}
    finally:
        await connection.close()


async def pending_in(url: str) -> dict[Service, tuple[str, ...]]:
    """Names of the migrations that a database still lacks, by service; changes nothing."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        lacking: dict[Service, tuple[str, ...]] = {}
        for service in SERVICES:
            there = await connection.fetchval("select to_regclass($1) is not null", f"{service}.migration")
            applied = await _applied(connection, service) if there else {}
            lacking[service] = tuple(step.name for step in pending(migrations_of(service), applied))
        return lacking
    finally:
        await connection.close()


async def require_schema(pool: Pool, service: Service) -> None:
    """Makes sure that a service finds every table it knows of; raises Unready, which is waited out, until it does.

    The migrations may still be running beside the new pods; those of a newer version do not matter.
    """
    async with pool.acquire() as connection:
        lacking = pending(migrations_of(service), await _applied(connection, service))
    if lacking:
        names = ", ".join(step.name for step in lacking)
        raise Unready(f"the tables of {service} lack {names}: run `hadir schemas apply`")


async def _create_database_if_missing(url: str) -> None:
    try:
        await (await asyncpg.connect(url, timeout=10)).close()
    except asyncpg.InvalidCatalogNameError:
        address = urlsplit(url)
        connection = await asyncpg.connect(urlunsplit(address._replace(path="/postgres")), timeout=10)
        try:
            await connection.execute('create database "{}"'.format(address.path.lstrip("/").replace('"', '""')))
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            pass  # another process was faster
        finally:
            await connection.close()


async def create_roles(connection: Connection) -> None:
    """Makes the services' roles, which belong to the whole server, where they are missing; the login becomes a member of each."""
    for role in (*(f"hadir_{service}" for service in SERVICES), AUDIT_ROLE):
        # Roles belong to the whole server, so another database's applier may run at the same time.
        for attempt in range(5):
            try:
                if not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role):
                    await connection.execute(f"create role {role} nologin")
                if not await connection.fetchval("select pg_has_role(current_user, $1, 'member')", role):
                    await connection.execute(f"grant {role} to current_user")
                break
            except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError, asyncpg.InternalServerError):
                await asyncio.sleep(0.05 * (attempt + 1))


async def _applied(connection: Connection, service: Service) -> dict[str, str]:
    rows = await connection.fetch(f"select name, digest from {service}.migration")  # noqa: S608 - from a closed set
    return {row["name"]: row["digest"] for row in rows}


async def _migrate(connection: Connection, service: Service) -> tuple[str, ...]:
    role = f"hadir_{service}"
    async with connection.transaction():
        await connection.execute(f"create schema if not exists {service} authorization {role}")
        await connection.execute(f"grant usage on schema {service} to {AUDIT_ROLE}")
        await _act_as(connection, service)
        await connection.execute(f"alter default privileges in schema {service} grant select on tables to {AUDIT_ROLE}")
        await connection.execute(
            "create table if not exists migration (name text primary key, digest text not null,"
            " applied_at timestamptz not null default clock_timestamp())"
        )
    steps = pending(migrations_of(service), await _applied(connection, service))
    for step in steps:
        async with connection.transaction():
            await _act_as(connection, service)
            await connection.execute("set local lock_timeout = '10s'")
            await connection.execute(step.text)
            await connection.execute("insert into migration (name, digest) values ($1, $2)", step.name, step.digest)
    async with connection.transaction():
        await _act_as(connection, service)
        await add_outbox_days(connection)
        await connection.execute(f"grant select on all tables in schema {service} to {AUDIT_ROLE}")
    return tuple(step.name for step in steps)


async def _act_as(connection: Connection, service: Service) -> None:
    """The service's role owns its tables, so that it may add and drop the outbox's days."""
    await connection.execute(f"set local role hadir_{service}")
    await connection.execute(f"set local search_path to {service}")
