"""Enrols the canaries with the importers that officers use: once their unit, rule pack and office, then each generation."""

import asyncio
import csv
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.canaries.truth import FIRST_DAY, FLOCK, OFFICE, PACK, RADIUS_M, UNIT, clock_of, identity, nip_of
from services.geofence.importer import import_sites
from services.preview.gate import sites_gate
from services.reports.invented import CANARY_CLOCKS
from services.schedule.importer import import_employees, import_org_units, import_policies
from shared.database import connect
from shared.imports import Report
from shared.refusal import Refusal

KNOWN_WITHIN_S: Final = 60.0
"""So long an operator's command waits for geofence to learn of the canaries' unit."""

_UNIT_HEADER: Final = ("code", "name", "timezone", "public_service")
_PEOPLE_HEADER: Final = ("nip", "name", "kind", "group", "org_unit", "since", "employee_id", "played_clock")


async def is_enrolled(database: str) -> bool:
    """Whether the canaries' unit is there, with its rule pack in force."""
    connection = await connect(database, "schedule", name="hadir canaries")
    try:
        return bool(await connection.fetchval(
            "select exists (select from org_unit u join policy_in_force p using (org_unit_id) where u.code = $1)", UNIT
        ))
    finally:
        await connection.close()


async def may_enrol(database: str) -> bool:
    """Whether this login may act for both services that own what is imported."""
    connection = await connect(database, None, name="hadir canaries")
    try:
        return bool(await connection.fetchval(
            "select pg_has_role(current_user, 'hadir_schedule', 'member') and pg_has_role(current_user, 'hadir_geofence', 'member')"
        ))
    finally:
        await connection.close()


async def enrol(database: str, within_s: float = KNOWN_WITHIN_S) -> None:
    """Import unit, office and rule pack; the pack last, since it makes the enrolment whole. Twice changes nothing.

    `within_s`: so long may geofence take to learn of the unit. Raises `Refusal` with the importer's words when one refuses.
    """
    with tempfile.TemporaryDirectory(prefix="hadir-canaries-") as folder:
        units, sites, packs = (Path(folder) / name for name in ("units.csv", "sites.geojson", "packs.yaml"))
        _write(units, [_UNIT_HEADER, (UNIT, "Kenari (pegawai buatan, bukan OPD)", "WIB", "tidak")])
        properties = {
            "code": f"{UNIT}-KANTOR", "name": "Kantor kenari (buatan)", "kind": "office", "radius_m": RADIUS_M, "org_units": [UNIT],
        }  # fmt: skip
        office = {"type": "Feature", "geometry": {"type": "Point", "coordinates": OFFICE}, "properties": properties}
        sites.write_text(json.dumps({"type": "FeatureCollection", "features": [office]}))
        packs.write_text(PACK)
        _applied(await import_org_units(database, units))
        await _import_office(database, sites, within_s)
        _applied(await import_policies(database, packs, [("KENARI", FIRST_DAY, UNIT)]))


async def _import_office(database: str, sites: Path, within_s: float) -> None:
    """Geofence learns of a unit from its topic: until it has, its importer knows none, and is asked again."""
    deadline = time.monotonic() + within_s
    report = await import_sites(database, sites, gate=sites_gate(database, "canaries"))
    while not report.applied and time.monotonic() < deadline:
        await asyncio.sleep(1)
        report = await import_sites(database, sites, gate=sites_gate(database, "canaries"))
    _applied(report)


async def newest_generation(database: str) -> int:
    """The generation that lives, or is to be the first."""
    connection = await connect(database, "schedule", name="hadir canaries")
    try:
        names = await connection.fetch("select name from clock where starts_with(name, $1)", CANARY_CLOCKS)
    finally:
        await connection.close()
    return max((int(row["name"].removeprefix(CANARY_CLOCKS)) for row in names), default=1)


async def hatch(database: str, generation: int) -> None:
    """Import the people of a generation. Twice changes nothing. Raises `Refusal` when the importer refuses."""
    with tempfile.TemporaryDirectory(prefix="hadir-canaries-") as folder:
        people = Path(folder) / "people.csv"
        _write(people, [_PEOPLE_HEADER, *(
            (nip_of(generation, canary), f"Kenari {generation} {canary.name} (buatan)", "PNS", "pelaksana", UNIT, FIRST_DAY,
             identity(generation, canary), clock_of(generation))
            for canary in FLOCK
        )])  # fmt: skip
        _applied(await import_employees(database, people))


def _write(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _applied(report: Report) -> None:
    if not report.applied:
        raise Refusal("\n".join(["The canaries could not be enrolled:", *report.lines()]))
