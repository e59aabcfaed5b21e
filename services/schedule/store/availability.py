"""SQL of ingest's minutes as schedule heard of them, and of the outages that were proposed for them."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.schedule.rules.outages import Minute
from services.schedule.rules.workflow import SYSTEM
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


class Told(NamedTuple):
    """A time at which ingest did not serve, as Hadir has proposed it; `untouched`: nobody has said a word about it yet."""

    proposal: UUID
    since: dt.datetime
    until: dt.datetime
    untouched: bool


async def told_outages(connection: Connection, since: dt.date) -> list[Told]:
    """What Hadir has proposed that reaches that date or a later one, but for what it has taken back itself.

    In a database that was rebuilt from the topics the fact is there without its request: somebody may have said a word.
    """
    rows = await connection.fetch(
        """select f.correction_id, f.body->>'from' as since, f.body->>'to' as until, coalesce(r.state = 'requested', false) and not exists (
             select from correction_trail t where t.request_id = r.request_id and t.action = 'approve') as untouched
           from fact f left join correction_request r on r.request_id = f.correction_id
           where f.employee_id is null and f.kind = 'outage' and (f.body->>'real_clock_only')::boolean and f.until_date >= $1
             and not (f.state = 'rejected' and f.actor = $2)""", since, SYSTEM)
    return [
        Told(row["correction_id"], dt.datetime.fromisoformat(row["since"]), dt.datetime.fromisoformat(row["until"]), row["untouched"])
        for row in rows
    ]
