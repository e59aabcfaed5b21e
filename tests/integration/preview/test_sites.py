"""A preview of fences: check-ins are judged again by the geofence's own rules, and cost what they cost when the fence moves."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.geofence.agent import Geofence
from services.geofence.importer import import_sites
from services.geofence.store.people import save_employees, save_org_units
from services.geofence.store.sites import SiteBook
from services.preview.asking import sites_change
from services.preview.change import Change
from services.preview.gate import sites_gate
from services.preview.result import UnitTotal
from services.schedule.agent import Schedule
from shared.database import AUDIT_ROLE, connect, open_pool
from shared.envelope import Envelope, encode
from shared.events import CheckInLocated, CheckInRecorded, EmployeePublished, Evidence, Mark, OrgUnitPublished
from shared.lanes import Lanes, Record
from shared.topics import CHECK_IN_LOCATED, CHECK_IN_RECORDED, EMPLOYEE, LANES, ORG_UNIT, lane_of
from tests.integration.preview.town import MONDAY, WIB, Town

LATITUDE, LONGITUDE = -3.7951234, 102.2656789
METRE = 1 / 110_574


class Fenced:
    """A town whose check-ins go through the geofence; half of its people stand 60 m from the middle of the office."""

    def __init__(self, town: Town, geofence: Lanes, folder: Path) -> None:
        self.town, self.geofence, self.folder = town, geofence, folder
        self.worker = Geofence(SiteBook())
        self.passed = 0

    async def open(self) -> None:
        await self.town.set_up(days=0)
        async with self.town.schedule.pool.acquire() as connection:
            rows = await connection.fetch(
                "select topic, convert_from(value, 'UTF8') as value from outbox where topic = any($1::text[]) order by seq",
                [EMPLOYEE.name, ORG_UNIT.name])
        async with self.geofence.pool.acquire() as connection:
            await save_org_units(connection, [
                OrgUnitPublished.model_validate(orjson.loads(row["value"])) for row in rows if row["topic"] == ORG_UNIT.name])
            await save_employees(connection, [
                EmployeePublished.model_validate(orjson.loads(row["value"])) for row in rows if row["topic"] == EMPLOYEE.name])

    def file(self, radius_m: float) -> Path:
        path = self.folder / f"sites-{radius_m:g}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [{
            "type": "Feature", "geometry": {"type": "Point", "coordinates": [LONGITUDE, LATITUDE]},
            "properties": {"code": f"KANTOR-{self.town.clock}", "name": "Kantor", "kind": "office", "radius_m": radius_m,
                           "org_units": [f"OPD-{unit}" for unit in self.town.units]},
        }]}))
        return path

    async def set_fence(self, radius_m: float) -> None:
        report = await import_sites(self.town.url, self.file(radius_m), gate=sites_gate(self.town.url, "operator"), patience_s=0.1)
        assert report.applied, report.lines()
        while await self.worker.judge_due(self.geofence, range(LANES)):
            pass
        await self.tell()

    async def come(self) -> None:
        """Everybody in time on Monday: in the middle, or 60 m north of it."""
        records: list[Record[Any]] = []
        for number, person in enumerate(self.town.people):
            for mark, clock in ((Mark.IN, "07:20"), (Mark.OUT, "16:05")):
                at = dt.datetime.combine(MONDAY, dt.time.fromisoformat(clock), WIB)
                event = CheckInRecorded(
                    check_in_id=uuid4(), employee_id=person, mark=mark, captured_at=at, received_at=at,
                    latitude=LATITUDE + (number % 2) * 60 * METRE, longitude=LONGITUDE, accuracy_m=5.0, device_id=f"p{number}",
                    source_app="test", evidence=Evidence(reference="photo", sha256="0" * 64),
                )
                own = uuid4()
                envelope = Envelope(own, CHECK_IN_RECORDED.ce_type, "/test", at, "", None, own)
                records.append(Record(CHECK_IN_RECORDED, lane_of(person), len(records), None, event, envelope, encode(event)))
        async with self.geofence.hold(range(LANES)) as work:
            await self.worker.locate_check_ins(work, records)
        await self.tell()

    async def tell(self) -> None:
        """Schedule and payroll hear all that the geofence has said."""
        async with self.geofence.pool.acquire() as connection:
            rows = await connection.fetch(
                "select convert_from(value, 'UTF8') as value from outbox where topic = $1 order by lane, seq", CHECK_IN_LOCATED.name)
        records: list[Record[Any]] = []
        for row in rows:
            event = CheckInLocated.model_validate(orjson.loads(row["value"]))
            own = uuid4()
            self.passed += 1
            envelope = Envelope(own, CHECK_IN_LOCATED.ce_type, "/test", dt.datetime.now(dt.UTC), "", None, own)
            records.append(Record(CHECK_IN_LOCATED, lane_of(event.employee_id), self.passed, None, event, envelope, encode(event)))
        async with self.town.schedule.hold(range(LANES)) as work:
            await Schedule(self.town.memory).assess_arrivals(work, records)
        await self.town.tick(dt.datetime.combine(MONDAY + dt.timedelta(days=1), dt.time(3), WIB))
        await self.town.settle()

    async def change(self, radius_m: float) -> Change:
        connection = await connect(self.town.url, None)
        try:
            await connection.execute(f"set role {AUDIT_ROLE}")
            async with connection.transaction():
                return await sites_change(connection, self.file(radius_m))
        finally:
            await connection.close()


@pytest.fixture
async def fenced(town: Town, tmp_path: Path) -> AsyncIterator[Fenced]:
    pool = await open_pool(town.url, "geofence")
    fenced = Fenced(town, Lanes(pool, "geofence"), tmp_path)
    await fenced.open()
    yield fenced
    await pool.close()


async def test_a_fence_that_shrinks_costs_what_its_preview_said(fenced: Fenced) -> None:
    town = fenced.town
    town.last = MONDAY
    await fenced.set_fence(100)
    await fenced.come()
    before = await town.amounts()
    assert set(before.values()) == {0}

    found = await asyncio.to_thread(town.preview, await fenced.change(20))
    same = await asyncio.to_thread(town.preview, await fenced.change(100))
    await fenced.set_fence(20)
    after = await town.amounts()

    assert same.total == UnitTotal()
    assert {case.employee_id: case.delta for case in found.worst} == {person: amount for person, amount in after.items() if amount}
    assert found.total.people == len(town.people) // 2
