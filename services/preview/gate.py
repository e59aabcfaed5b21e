"""The gate for sites: geofence knows no hours of duty, so who imports sites on a machine asks here whether they may move now."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from services.geofence.store.sites import SiteRow
from services.preview.asking import reached_by, sites_digest
from services.schedule.memory import Memory
from services.schedule.store import previews
from services.schedule.taking_force import Refused, allow_moment, require
from shared.database import open_pool


def sites_gate(
    url: str, actor: str, now: dt.datetime | None = None
) -> Callable[[Sequence[SiteRow], Sequence[SiteRow]], Awaitable[str | None]]:
    """What `import_sites(allowed=...)` asks: whether these sites may take force now.

    New sites may come at any time. Where known ones change, no check-in window of the people they are for may be open,
    and the change must have been previewed (and approved) where it concerns many.
    """

    async def allowed(after: Sequence[SiteRow], replaced: Sequence[SiteRow]) -> str | None:
        if not replaced:
            return None
        moment = now or dt.datetime.now(dt.UTC)
        units: frozenset[UUID] | None = reached_by([*after, *replaced])
        pool = await open_pool(url, "schedule", max_size=1)
        try:
            async with pool.acquire() as connection:
                reference = await Memory().current(connection)
                await allow_moment(connection, reference, units, "situs", moment)
                await require(connection, "sites", sites_digest(after), await previews.real_people(connection, units), actor, moment)
        except Refused as refused:
            return str(refused)
        finally:
            await pool.close()
        return None

    return allowed
