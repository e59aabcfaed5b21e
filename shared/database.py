"""Connections to Postgres, and the days of the outbox."""

import socket
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from shared import failpoints
from shared.topics import Service

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    _PlainConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:  # asyncpg's own classes take no type argument
    Connection = _PlainConnection = asyncpg.Connection
    Pool = asyncpg.Pool

AUDIT_ROLE: Final = "hadir_audit"
"""May read every schema and write none: for `hadir explain` and other reports."""

IDLE_IN_TRANSACTION_S: Final = 20
"""A frozen process must not hold its lanes for ever: Postgres ends its session after this silence."""

_DAYS_AHEAD: Final = 4

_COMMAND_TIMEOUT_S: Final = 130.0
"""Longer than the server's own statement_timeout: only a server that vanished without a word is given up on."""

_SILENT_AFTER_S: Final = 25
"""After so many seconds a peer that acknowledges nothing is gone: as long as the server waits for us, by `_SESSION`."""

_SESSION: Final[Mapping[str, str]] = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S}s",
    "lock_timeout": "30s",
    "statement_timeout": "120s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "jit": "off",
}


class _OurConnection(_PlainConnection):
    """A connection that is not reset when a pool gets it back, which would cost a round trip per batch, and whose COPY is told of.

    Nothing of ours leaves session state behind: settings are fixed at connect, locks and listeners live on
    connections of their own.
    """

    def get_reset_query(self) -> str:
        """Nothing to undo."""
        return ""

    async def copy_records_to_table(self, *table: Any, **more: Any) -> str:
        """As asyncpg has it, whose query loggers do not hear of it."""
        status = await super().copy_records_to_table(*table, **more)
        _answered()
        return status


PLANNED_EACH_TIME: Final[Mapping[str, str]] = {"plan_cache_mode": "force_custom_plan"}
"""Setting of a session whose queries serve many filters ("or $5 is null", one unit or all).

Only a plan for those that are given finds the right index.
"""


async def plan_each_time(connection: Connection) -> None:
    """The same for the rest of a transaction."""
    for name, value in PLANNED_EACH_TIME.items():
        await connection.execute(f"set local {name} = {value}")


def auditor_settings(name: str) -> dict[str, str]:
    """Settings of a session that may read every schema and write none."""
    return {**_SESSION, **PLANNED_EACH_TIME, "application_name": name, "role": AUDIT_ROLE, "default_transaction_read_only": "on"}


def session_settings(service: Service | None, name: str) -> dict[str, str]:
    """Settings of a session that acts for a service (or for the login itself); `name` shows in pg_stat_activity."""
    settings = {**_SESSION, "application_name": name}
    if service is not None:
        settings |= {"role": f"hadir_{service}", "search_path": service}
    return settings


async def connect(url: str, service: Service | None, *, name: str = "hadir") -> _PlainConnection:
    """One connection outside any pool, for listening and for advisory locks."""
    return await _connect(url, session_settings(service, name))


async def connect_auditor(url: str, name: str = "hadir report") -> _PlainConnection:
    """A connection that may read every schema and write none; `name` shows in pg_stat_activity. Raises what connecting raises."""
    return await _connect(url, auditor_settings(name))


async def _connect(url: str, settings: Mapping[str, str]) -> _PlainConnection:
    connection = await asyncpg.connect(
        url, timeout=10, command_timeout=_COMMAND_TIMEOUT_S, connection_class=_OurConnection, server_settings=dict(settings)
    )
    await _prepare(connection)
    return connection


async def _prepare(connection: Any) -> None:
    """Has the kernel notice when the server's machine is gone; makes each answered statement a place where a test may end the process."""
    opened = connection._transport.get_extra_info("socket")  # noqa: SLF001 - asyncpg has no setting for our side's keepalives
    if opened is not None and opened.family in (socket.AF_INET, socket.AF_INET6):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "linux":  # elsewhere the names differ, and so do the system's own limits
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_AFTER_S * 1000)
    if failpoints.ARMED:
        connection.add_query_logger(_answered)


def _answered(_: object = None) -> None:
    failpoints.reach("statement")


async def open_pool(
    url: str, service: Service | None, *, min_size: int = 1, max_size: int = 4, more: Mapping[str, str] | None = None
) -> Pool:
    """A pool whose sessions act as the role of `service` in its schema, in UTC, with timeouts on everything.

    `more` are further settings of the sessions. JSON columns come as text (asyncpg's default). Raises what connecting
    raises: `OSError`, `asyncpg.PostgresError`.
    """
    return await _open(url, {**session_settings(service, f"hadir {service or 'tool'}"), **(more or {})}, min_size, max_size)


async def open_audit_pool(url: str, *, min_size: int = 1, max_size: int = 4) -> Pool:
    """A pool whose sessions may read every schema and write none; otherwise as `open_pool`."""
    return await _open(url, auditor_settings("hadir reports"), min_size, max_size)


async def _open(url: str, settings: Mapping[str, str], min_size: int, max_size: int) -> Pool:
    return await asyncpg.create_pool(
        url,
        min_size=min_size,
        max_size=max_size,
        timeout=10,
        command_timeout=_COMMAND_TIMEOUT_S,
        max_inactive_connection_lifetime=0,
        connection_class=_OurConnection,
        init=_prepare,
        server_settings=dict(settings),
    )


async def add_outbox_days(connection: Connection, ahead: int = _DAYS_AHEAD) -> date:
    """Makes sure that the outbox has room from yesterday to `ahead` days from today; returns the last day.

    Run within a transaction. Days are attached rather than created in place, since that does not lock the outbox
    against writers.
    """
    today: date = await connection.fetchval("select current_date")
    days = [today + timedelta(days=n) for n in range(-1, ahead + 1)]
    there = await connection.fetch(
        "select to_regclass(name) is not null as found from unnest($1::text[]) name",
        [f"outbox_{day:%Y%m%d}" for day in days],
    )
    if not all(row["found"] for row in there):
        await connection.execute("select pg_advisory_xact_lock(hashtext(current_schema() || ' outbox days'))")
        for day in days:
            name = f"outbox_{day:%Y%m%d}"
            if await connection.fetchval("select to_regclass($1) is null", name):
                await connection.execute(f"create table {name} (like outbox including all)")
                await connection.execute(
                    f"alter table outbox attach partition {name} for values from ('{day}') to ('{day + timedelta(days=1)}')"
                )
    return days[-1]


async def drop_sent_outbox_days(connection: Connection, keep: int = 3) -> list[str]:
    """Drops the outbox's days that are older than `keep` days and published to the last row; returns their names."""
    oldest: date = await connection.fetchval("select current_date - $1::int", keep)
    names = [
        row["name"]
        for row in await connection.fetch(
            "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = 'outbox'::regclass and c.relname < $1 order by 1",
            f"outbox_{oldest:%Y%m%d}",
        )
    ]
    dropped = []
    for name in names:
        async with connection.transaction():
            if await connection.fetchval(
                f"select not exists (select from {name} o join relay_cursor c using (lane) where o.seq > c.sent_seq)"  # noqa: S608 - from the catalogue
            ):
                await connection.execute("set local lock_timeout = '2s'")
                await connection.execute(f"drop table {name}")
                dropped.append(name)
    return dropped
