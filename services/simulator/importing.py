"""Imports a written province through the very importers that officers use, and stops at the first that refuses."""

import datetime as dt
from collections.abc import Awaitable, Callable

from services.geofence.importer import import_sites
from services.payroll.importer import import_ceilings
from services.preview.gate import sites_gate
from services.schedule.importer import (
    import_calendar,
    import_employees,
    import_org_units,
    import_policies,
    import_roster,
)
from services.simulator.files import Files
from services.simulator.province import Province
from shared.imports import Report
from shared.refusal import Refused


async def import_province(database: str, province: Province, files: Files, told: Callable[[str, int, int], None]) -> None:
    """Import all files of the province. Rule packs come into force for its units alone, not for the whole stack."""
    in_force: list[tuple[str, dt.date, str | None]] = [(unit.pack, province.first_day, unit.code) for unit in province.units]
    steps: list[tuple[str, Callable[[], Awaitable[Report]]]] = [
        ("calendar", lambda: import_calendar(database, files.calendar)),
        ("org units", lambda: import_org_units(database, files.org_units)),
        ("rule packs", lambda: import_policies(database, files.policies, in_force)),
        ("employees", lambda: import_employees(database, files.employees)),
        ("roster", lambda: import_roster(database, files.roster)),
        ("sites", lambda: import_sites(database, files.sites, gate=sites_gate(database, "simulator"))),
        ("ceilings", lambda: import_ceilings(database, files.ceilings)),
    ]
    for number, (what, step) in enumerate(steps):
        told(f"importing {what}", number, len(steps))
        report = await step()
        if not report.applied:
            raise Refused("\n".join(report.lines()))
    told("importing", len(steps), len(steps))
