"""Tells of the PostgreSQL server what its own statistics say; sessions of others are seen with `pg_monitor` only."""

from collections.abc import Mapping

from prometheus_client import Counter

from shared import metrics
from shared.database import connect
from shared.topics import SERVICES

_STATISTICS = """
select xact_commit as commits, xact_rollback as rollbacks, blks_read as read, blks_hit as hit, deadlocks,
       current_setting('max_connections')::int as most,
       (select coalesce(max(extract(epoch from now() - xact_start)), 0) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid())::float8 as longest,
       (select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as waiting
from pg_stat_database where datname = current_database()
"""

_SESSIONS = """
select s.state, count(a.pid) as sessions
from unnest(array['active', 'idle', 'idle in transaction', 'hidden']) s(state)
  left join pg_stat_activity a on a.datname = current_database() and pid <> pg_backend_pid()
    and case when a.state in ('active', 'idle', 'idle in transaction') then a.state else 'hidden' end = s.state
group by s.state
"""

_SIZES = """
select n.nspname as schema, sum(pg_total_relation_size(c.oid))::bigint as bytes
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1::text[]) and c.relkind in ('r', 'm') group by 1
"""

_COUNTED: Mapping[str, Counter] = {
    "commits": metrics.POSTGRES_COMMITS,
    "rollbacks": metrics.POSTGRES_ROLLBACKS,
    "read": metrics.POSTGRES_READ,
    "hit": metrics.POSTGRES_HIT,
    "deadlocks": metrics.POSTGRES_DEADLOCKS,
}


class Server:
    """The server's own counters, carried over into ours by what they grew."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    async def tell(self, database: str) -> None:
        """Look once. Raises what connecting and asking raise."""
        connection = await connect(database, None, name="hadir monitor")
        try:
            row = await connection.fetchrow(_STATISTICS)
            sessions = await connection.fetch(_SESSIONS)
            sizes = await connection.fetch(_SIZES, list(SERVICES))
        finally:
            await connection.close()
        assert row is not None  # we are connected to that database
        for name, counter in _COUNTED.items():
            counter.inc(max(0, row[name] - self._before.get(name, row[name])))
            self._before[name] = row[name]
        metrics.POSTGRES_CONNECTIONS_MOST.set(row["most"])
        metrics.POSTGRES_LONGEST_S.set(row["longest"])
        metrics.POSTGRES_WAITING.set(row["waiting"])
        metrics.replace(metrics.POSTGRES_CONNECTIONS, {(one["state"],): one["sessions"] for one in sessions})
        metrics.replace(metrics.POSTGRES_BYTES, {(one["schema"],): one["bytes"] for one in sizes})
        metrics.POSTGRES_UP.set(1)
