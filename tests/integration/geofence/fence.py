"""A geofence worker without its stream: what it hears is handed to it, on a real database."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.geofence.agent import Geofence
from services.geofence.app import keep_employees
from services.geofence.importer import Moving, SitesReport, parse_sites, take_over
from services.geofence.store.people import save_org_units
from services.geofence.store.sites import SiteBook
from shared.envelope import Envelope, encode
from shared.events import CheckInRecorded, EmployeePublished, Event, Mark, OrgUnitPublished, UnitMembership
from shared.lanes import Lanes, Record, Work
from shared.topics import CHECK_IN_RECORDED, EMPLOYEE, LANES, Topic, lane_of

LATITUDE, LONGITUDE = -3.7951234, 102.2656789
WIB = dt.timezone(dt.timedelta(hours=7))


def at(day: int, clock: str = "07:20") -> dt.datetime:
    return dt.datetime.combine(dt.date(2026, 2, day), dt.time.fromisoformat(clock), WIB)


def record_of(topic: Topic[Any], key: UUID, event: Event) -> Record[Any]:
    own = uuid4()
    envelope = Envelope(own, topic.ce_type, "/test", at(1), "", None, own)
    return Record(topic, lane_of(key), 0, str(key).encode(), event, envelope, encode(event))


def office(code: str, *units: UUID, **more: Any) -> dict[str, Any]:
    """An office at the place where everybody checks in."""
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [LONGITUDE, LATITUDE]},
            "properties": {"code": code, "kind": "office", "radius_m": 100, "org_units": [str(unit) for unit in units], **more}}


def region(code: str, **more: Any) -> dict[str, Any]:
    """A region for everybody, around the place where everybody checks in."""
    ring = [[102, -4], [103, -4], [103, -3], [102, -3], [102, -4]]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"code": code, "kind": "region", **more}}


async def nobody_asks(_moving: Moving) -> None:
    """Lets everything through."""


class Fence:
    """A geofence worker without its stream, and what it has to do again."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.worker = Geofence(SiteBook())

    async def employ(self, who: UUID, version: int, units: dict[str, UUID], timezone: str = "Asia/Jakarta") -> None:
        """Hear of a person with these units by the first day of each."""
        event = EmployeePublished(
            employee_id=who, version=version, nip="1" * 18, name="Siti Contoh", kind="PNS", group="pelaksana", timezone=timezone,
            memberships=tuple(UnitMembership(since=dt.date.fromisoformat(day), org_unit_id=unit) for day, unit in units.items()))
        async with self.lanes.pool.acquire() as connection, connection.transaction():
            await keep_employees(connection, [record_of(EMPLOYEE, who, event)])

    async def come(self, who: UUID, *moments: dt.datetime) -> list[UUID]:
        """Check-ins of somebody at these moments, all at the same place, judged at once."""
        async with self.lanes.hold({lane_of(who)}) as work:
            return await self.judge(work, who, *moments)

    async def judge(self, work: Work, who: UUID, *moments: dt.datetime) -> list[UUID]:
        """The same while somebody holds the lane."""
        events = [CheckInRecorded(
            check_in_id=uuid4(), employee_id=who, mark=Mark.IN, captured_at=moment, received_at=moment, latitude=LATITUDE,
            longitude=LONGITUDE, accuracy_m=5.0, device_id=f"phone-{who}", source_app="test") for moment in moments]
        await self.worker.locate_check_ins(work, [record_of(CHECK_IN_RECORDED, who, event) for event in events])
        return [event.check_in_id for event in events]

    async def due(self) -> set[UUID]:
        async with self.lanes.pool.acquire() as connection:
            return {row["check_in_id"] for row in await connection.fetch("select check_in_id from due_check_in")}

    async def settle(self, *units: UUID) -> None:
        """Know these org units, by their ids as codes."""
        async with self.lanes.pool.acquire() as connection:
            await save_org_units(connection, [
                OrgUnitPublished(org_unit_id=unit, version=1, code=str(unit), name="Dinas", timezone="Asia/Jakarta") for unit in units])

    async def move(self, *features: dict[str, Any], dry_run: bool = False) -> SitesReport:
        """Import these sites; nobody asks whether they may move."""
        read, digest = parse_sites(orjson.dumps({"type": "FeatureCollection", "features": features}))
        report = await take_over(self.lanes, read, digest, dry_run=dry_run, gate=nobody_asks, actor="operator", patience_s=0.0)
        assert report.ok, report.lines()
        return report

    async def versions(self, *check_ins: UUID) -> list[int]:
        """The newest version of the verdict of each."""
        async with self.lanes.pool.acquire() as connection:
            rows = await connection.fetch("select check_in_id, version from check_in where check_in_id = any($1::uuid[])", check_ins)
        known = {row["check_in_id"]: row["version"] for row in rows}
        return [known[one] for one in check_ins]

    async def work_off(self) -> None:
        while await self.worker.judge_due(self.lanes, range(LANES)):
            pass
