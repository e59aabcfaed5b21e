"""All checks, one after the other; what cannot be reached is a finding too, and the rest goes on."""

import datetime as dt
import os
from collections.abc import AsyncIterator, Callable
from zoneinfo import ZoneInfo

from services.doctor.finding import Finding
from services.doctor.reference_checks import check_calendars, check_months, check_people, check_regions, check_rosters
from services.doctor.system_checks import (
    check_balance,
    check_broker,
    check_database,
    check_flow,
    check_services,
    check_settings,
)
from shared.database import connect_auditor
from shared.failures import is_infrastructure
from shared.settings import Settings

_EASTERNMOST = ZoneInfo("Asia/Jayapura")
"""Where a business date begins first: what is missing there is missing."""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Everything that was found, as it is found."""
    today = dt.datetime.now(_EASTERNMOST).date()
    for finding in check_settings(settings, os.environ):
        yield finding
    async for finding in _reached("kafka", "Start it, or name it in HADIR_KAFKA.", lambda: check_broker(settings)):
        yield finding
    async for finding in _reached("postgres", "Start it, or name it in HADIR_DATABASE.", lambda: _ask_database(settings, today)):
        yield finding
    async for finding in check_services(settings):
        yield finding


async def _ask_database(settings: Settings, today: dt.date) -> AsyncIterator[Finding]:
    connection = await connect_auditor(settings.database, "hadir doctor")
    try:
        tables_fit = True
        async for finding in check_database(connection, settings):
            tables_fit = tables_fit and not (finding.area == "postgres" and finding.verdict == "fail")
            yield finding
        if not tables_fit:
            return
        for check in (check_flow(connection), check_balance(connection)):
            async for finding in check:
                yield finding
        for about in (check_people, check_calendars, check_rosters, check_regions, check_months):
            async for finding in about(connection, today):
                yield finding
    finally:
        await connection.close()


async def _reached(area: str, remedy: str, check: Callable[[], AsyncIterator[Finding]]) -> AsyncIterator[Finding]:
    try:
        async for finding in check():
            yield finding
    except Exception as error:
        if not is_infrastructure(error):
            raise
        yield Finding(area, "fail", f"It cannot be reached ({type(error).__name__}).", remedy)
