"""How many rows a statement fetched: whether it reads those concerned only, or everybody's."""

from shared.database import Connection


async def fetched(connection: Connection, table: str) -> int:
    """Rows of this table that the transaction under way has fetched so far."""
    count: int = await connection.fetchval(
        "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = $1::text::regclass", table)
    return count
