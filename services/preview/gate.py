"""The gate for sites: geofence knows no hours of duty, so whoever imports sites is given this to ask whether they may move now."""

import datetime as dt

from services.geofence.importer import Gate, Moving
from services.preview.asking import reached_by, sites_digest
from services.preview.people import look_at
from services.schedule.taking_force import allow_sites
from shared.database import connect_auditor


def sites_gate(url: str, actor: str, now: dt.datetime | None = None) -> Gate:
    """What an import of sites asks; `url` is of a login that may act as the audit role, `now` (aware) defaults to the real time.

    Where fences that held are replaced, or somebody is fenced in for the first time, no check-in window of the people
    they are for may be open. A replaced fence must also have been previewed (and approved) where it concerns many.
    """

    async def gate(moving: Moving) -> None:
        if not moving.replaced and not moving.exposing:
            return
        units = reached_by([*moving.rows, *moving.replaced] if moving.replaced else moving.exposing)
        digest = sites_digest(moving.rows) if moving.replaced else None
        connection = await connect_auditor(url, "hadir gate")
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await look_at(connection, "schedule")
                await allow_sites(connection, units, digest, actor, now or dt.datetime.now(dt.UTC))
        finally:
            await connection.close()

    return gate
