"""SQL of what schedule keeps for a while only: ingest's minutes, previews that nobody consented to, orders that nobody played."""

import datetime as dt
from typing import Final

from shared.database import Connection

_UNPLAYED: Final = "tidak dimainkan sampai batas waktunya, berkasnya sudah dihapus; pesan lagi bila masih perlu"


async def forget_minutes(connection: Connection, kept: dt.timedelta, at_most: int) -> int:
    """Deletes minutes that are older than `kept`, at most so many; returns how many."""
    tag = await connection.execute(
        "delete from ingest_minute where (minute, instance) in"
        " (select minute, instance from ingest_minute where minute < now() - $1::interval order by minute limit $2)",
        kept, at_most,
    )  # fmt: skip
    return int(tag.rpartition(" ")[2])


async def give_up_orders(connection: Connection, kept: dt.timedelta, at_most: int) -> int:
    """Ends orders of previews that nobody has played for so long, at most so many; returns how many.

    Their file, which may name people, is forgotten like that of a played one; who ordered is told to order again.
    """
    tag = await connection.execute(
        "update preview_order set state = 'failed', problem = $3, content = '' where preview_id in (select preview_id from preview_order"
        " where state in ('waiting', 'playing') and ordered_at < now() - $1::interval order by ordered_at limit $2)",
        kept, at_most, _UNPLAYED,
    )  # fmt: skip
    return int(tag.rpartition(" ")[2])


async def forget_previews(connection: Connection, kept: dt.timedelta, at_most: int) -> int:
    """Deletes previews older than `kept` that nobody consented to, at most so many; returns how many.

    One with a second person's consent is evidence of a decision and stays. That there was a preview, by whom and of what,
    stays on the audit topic in any case. Orders over HTTP that have come to their end go after the same time.
    """
    await connection.execute(
        "delete from preview_order where preview_id in (select preview_id from preview_order"
        " where state in ('done', 'failed') and ordered_at < now() - $1::interval limit $2)",
        kept, at_most,
    )  # fmt: skip
    tag = await connection.execute(
        "delete from preview where preview_id in (select preview_id from preview p where made_at < now() - $1::interval"
        " and not exists (select from preview_approval a where a.preview_id = p.preview_id) limit $2)",
        kept, at_most,
    )  # fmt: skip
    return int(tag.rpartition(" ")[2])
