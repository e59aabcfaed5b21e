"""SQL of ingest's minutes as schedule heard of them, and of the outages that were proposed for them."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from services.schedule.rules.outages import Minute
from shared.database import Connection
from shared.events import AvailabilityCounted


async def put_minutes(connection: Connection, told: Sequence[AvailabilityCounted]) -> None:
    """Keeps minutes; told again they change nothing."""
    await connection.execute(
        """insert into ingest_minute (minute, instance, accepted, refused, unavailable)
           select * from unnest($1::timestamptz[], $2::uuid[], $3::int[], $4::int[], $5::int[]) on conflict do nothing""",
        [one.minute for one in told], [one.instance for one in told], [one.accepted for one in told], [one.refused for one in told],
        [one.unavailable for one in told],
    )


async def minutes_since(connection: Connection, since: dt.datetime) -> list[Minute]:
    """Minutes from then on, all processes together, and the last one before, if it is known."""
    rows = await connection.fetch(
        """select minute, sum(accepted + refused)::int as answered, sum(unavailable)::int as unavailable from ingest_minute
           where minute >= coalesce((select max(minute) from ingest_minute where minute < $1), $1) group by minute""", since)
    return [Minute(row["minute"], row["answered"], row["unavailable"]) for row in rows]


async def waiting_proposals(connection: Connection, since: dt.date) -> list[UUID]:
    """Proposals of outages from that date on that nobody has said a word about."""
    rows = await connection.fetch(
        """select request_id from correction_request r where kind = 'outage-proposed' and state = 'requested' and until_date >= $1
           and not exists (select from correction_trail t where t.request_id = r.request_id and t.action = 'approve')""", since)
    return [row["request_id"] for row in rows]
