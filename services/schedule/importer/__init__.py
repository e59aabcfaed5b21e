"""Imports of reference data from officers' files: all row errors at once, a preview of the differences, nothing half-applied.

The functions here open a pool of their own on a database; `apply` has the same for whoever has lanes.
"""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from services.schedule.importer import apply
from services.schedule.publishing import OPERATOR
from shared.database import open_pool
from shared.imports import Report
from shared.lanes import Lanes

__all__ = ["import_calendar", "import_employees", "import_org_units", "import_policies", "import_roster", "import_week_scopes",
           "import_weeks"]


async def import_org_units(database_url: str, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """See `apply.take_org_units`."""
    async with _lanes(database_url) as lanes:
        return await apply.take_org_units(lanes, path, dry_run, actor)


async def import_weeks(database_url: str, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """See `apply.take_weeks`."""
    async with _lanes(database_url) as lanes:
        return await apply.take_weeks(lanes, path, dry_run, actor)


async def import_week_scopes(database_url: str, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """See `apply.take_week_scopes`."""
    async with _lanes(database_url) as lanes:
        return await apply.take_week_scopes(lanes, path, dry_run, actor)


async def import_employees(database_url: str, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """See `apply.take_employees`."""
    async with _lanes(database_url) as lanes:
        return await apply.take_employees(lanes, path, dry_run, actor)


async def import_roster(database_url: str, path: Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """See `apply.take_roster`."""
    async with _lanes(database_url) as lanes:
        return await apply.take_roster(lanes, path, dry_run, actor)


async def import_calendar(database_url: str, source: int | Path, dry_run: bool = False, actor: str = OPERATOR) -> Report:
    """See `apply.take_calendar`."""
    async with _lanes(database_url) as lanes:
        return await apply.take_calendar(lanes, source, dry_run, actor)


async def import_policies(
    database_url: str, path: Path, in_force: Sequence[tuple[str, dt.date, str | None]] = (), dry_run: bool = False,
    actor: str = OPERATOR,
) -> Report:
    """See `apply.take_policies`."""
    async with _lanes(database_url) as lanes:
        return await apply.take_policies(lanes, path, in_force, dry_run, actor)


@asynccontextmanager
async def _lanes(database_url: str) -> AsyncIterator[Lanes]:
    pool = await open_pool(database_url, "schedule", max_size=2)
    try:
        yield Lanes(pool, "schedule")
    finally:
        await pool.close()
