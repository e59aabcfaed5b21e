"""SQL of what is listed page by page of places: sites, verdicts of check-ins, suspicions. No coordinates of people."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.geofence.store.sites import COLUMNS
from shared.database import Connection
from shared.web.actors import Bounds

_NOBODY: Final = UUID(int=0)
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_SITE: Final = f"select {', '.join(COLUMNS)}, version from site"  # noqa: S608 - names of our own fields
_VERDICT: Final = """
select c.check_in_id, c.employee_id, c.version, c.mark, c.captured_at, c.received_at, c.site, c.site_id, c.site_distance_m,
       c.activity_site, c.region, c.region_id, c.quality, c.mock, c.evidence, c.reason_given
from check_in c
"""


async def sites(connection: Connection, after: str, rows: int, kind: str | None) -> Sequence[asyncpg.Record]:
    """Sites by code."""
    return await connection.fetch(
        _SITE + " where code > $1 and ($3::text is null or kind = $3) order by code limit $2", after, rows, kind)


async def site(connection: Connection, site_id: UUID) -> asyncpg.Record | None:
    """One site."""
    return await connection.fetchrow(_SITE + " where site_id = $1", site_id)


async def verdicts(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, employee_id: UUID, first: dt.datetime, last: dt.datetime
) -> Sequence[asyncpg.Record]:
    """Check-ins of one person captured from `first` until before `last`, with their newest verdict, by time and id."""
    return await connection.fetch(
        _VERDICT + """
           where c.employee_id = $4 and (c.captured_at, c.check_in_id) > ($1, $2) and c.captured_at >= $5 and c.captured_at < $6
           order by c.captured_at, c.check_in_id limit $3""",
        *(after or (_LONG_AGO, _NOBODY)), rows, employee_id, first, last,
    )


async def verdict(connection: Connection, check_in_id: UUID) -> asyncpg.Record | None:
    """One check-in with its newest verdict."""
    return await connection.fetchrow(_VERDICT + " where c.check_in_id = $1", check_in_id)


async def units_of(connection: Connection, employee_id: UUID) -> list[UUID] | None:
    """Every unit that a person belongs or has belonged to; None for nobody we know."""
    found: list[UUID] | None = await connection.fetchval("select org_unit_ids from employee where employee_id = $1", employee_id)
    return found


async def suspicions(
    connection: Connection, *, after: tuple[Any, ...] | None, rows: int, bounds: Bounds, signal: str | None,
    first: dt.datetime | None, clock: str,
) -> Sequence[asyncpg.Record]:  # fmt: skip
    """Suspicions by the time at which they were seen: of one person, or of those who live by `clock` ("": everybody real)."""
    return await connection.fetch(
        """select s.suspicion_id, s.employee_id, s.check_in_id, s.signal, s.seen_at from suspicion s
           where (s.seen_at, s.suspicion_id) > ($1, $2) and ($4::timestamptz is null or s.seen_at >= $4)
             and ($5::text is null or s.signal = $5) and ($6::uuid is null or s.employee_id = $6)
             and ($7::uuid[] is null or exists (select from member m where m.employee_id = s.employee_id and m.org_unit_id = any($7)))
             and ($6 is not null or coalesce((select e.played_clock from employee e where e.employee_id = s.employee_id), '') = $8)
           order by s.seen_at, s.suspicion_id limit $3""",
        *(after or (_LONG_AGO, _NOBODY)), rows, first, signal, *bounds, clock,
    )
