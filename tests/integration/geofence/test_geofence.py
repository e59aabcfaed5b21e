"""The geofence worker on a real broker and database: judged once, judged again, buried, and silent about places."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.geofence.agent import COORDINATES_KEPT
from services.geofence.importer import SitesReport, import_sites, site_id_of
from services.geofence.store.check_ins import erase
from services.local.process import free_port
from services.preview.gate import sites_gate
from shared.database import Connection
from shared.envelope import decode, derived_id, encode
from shared.events import (
    CheckInRecorded,
    EmployeePublished,
    Event,
    Mark,
    OrgUnitPublished,
    UnitMembership,
    ZoneAssignment,
)
from shared.reading import consuming
from shared.topics import CHECK_IN_LOCATED, CHECK_IN_RECORDED, EMPLOYEE, ORG_UNIT, Topic, lane_of
from tests.waiting import until

DEADLINE_S = 120.0
LATITUDE, LONGITUDE = -3.7951234, 102.2656789
MORNING = dt.datetime(2026, 2, 2, 7, 25, tzinfo=dt.timezone(dt.timedelta(hours=7)))


@dataclass
class Town:
    """A worker at work, and one org unit with one employee of its own for each test."""

    database: str
    producer: AIOKafkaProducer
    connection: Connection
    log: Path
    folder: Path
    unit: UUID = field(default_factory=uuid4)
    employee: UUID = field(default_factory=uuid4)

    @property
    def unit_code(self) -> str:
        return f"OPD-{self.unit}"

    async def publish(self, topic: Topic[Any], key: UUID, event: Event) -> None:
        await self.producer.send_and_wait(
            topic.name, encode(event), key=str(key).encode(), partition=lane_of(key) % topic.partitions
        )

    async def settle(
        self, *, employee: UUID | None = None, since: str = "2026-01-01", version: int = 1, zones: Mapping[str, str] | None = None
    ) -> None:
        """Publishes the org unit and the employee, and waits until the geofence knows both."""
        who = employee or self.employee
        await self.publish(ORG_UNIT, self.unit, OrgUnitPublished(
            org_unit_id=self.unit, version=1, code=self.unit_code, name="Dinas", timezone="Asia/Jakarta"))
        await self.publish(EMPLOYEE, who, EmployeePublished(
            employee_id=who, version=version, nip=str(who.int)[:18].zfill(18), name="Siti", kind="PNS", group="pelaksana",
            memberships=(UnitMembership(since=dt.date.fromisoformat(since), org_unit_id=self.unit),),
            timezone="Asia/Jakarta",
            zones=tuple(ZoneAssignment(since=dt.date.fromisoformat(day), timezone=zone) for day, zone in (zones or {}).items())))
        await until(lambda: self.connection.fetchval(
            "select exists (select from geofence.employee where employee_id = $1 and version = $2)"
            " and exists (select from geofence.org_unit where org_unit_id = $3)", who, version, self.unit))

    async def check_in(self, *, times: int = 1, **more: Any) -> CheckInRecorded:
        given = {"check_in_id": uuid4(), "employee_id": self.employee, "mark": Mark.IN, "captured_at": MORNING,
                 "received_at": MORNING + dt.timedelta(seconds=2), "latitude": LATITUDE, "longitude": LONGITUDE,
                 "accuracy_m": 8.0, "device_id": f"phone-{self.employee}", "source_app": "test"}
        event = CheckInRecorded(**{**given, **more})
        for _ in range(times):
            await self.publish(CHECK_IN_RECORDED, event.employee_id, event)
        return event

    async def located(self, check_in: CheckInRecorded, version: int = 1) -> dict[str, Any]:
        """The located event of this version, as it stands in the outbox."""
        value = await until(lambda: self.connection.fetchval(
            "select value from geofence.outbox where topic = 'hadir.check-in.located.v1' and headers->>'ce_subject' = $1"
            " and convert_from(value, 'UTF8')::jsonb->>'version' = $2", str(check_in.check_in_id), str(version)))
        found: dict[str, Any] = json.loads(value)
        return found

    async def versions(self, check_in: CheckInRecorded) -> list[int]:
        rows = await self.connection.fetch(
            "select convert_from(value, 'UTF8')::jsonb->>'version' as version from geofence.outbox"
            " where topic = 'hadir.check-in.located.v1' and headers->>'ce_subject' = $1 order by seq",
            str(check_in.check_in_id))
        return [int(row["version"]) for row in rows]

    async def all_read(self) -> None:
        """Waits until the worker has passed a check-in that is sent now, on this employee's lane."""
        last = await self.check_in(captured_at=MORNING - dt.timedelta(days=3))
        await self.located(last)

    async def sites(self, *features: dict[str, Any], dry_run: bool = False) -> SitesReport:
        path = self.folder / "sites.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return await import_sites(self.database, path, dry_run, gate=sites_gate(self.database, "operator"), patience_s=0.5)

    def office(self, radius_m: float = 100, **properties: Any) -> dict[str, Any]:
        return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [LONGITUDE, LATITUDE]},
                "properties": {"code": f"S-{self.unit}", "kind": "office", "radius_m": radius_m,
                               "org_units": [self.unit_code], **properties}}

    async def suspicions(self, employee: UUID) -> list[str]:
        rows = await self.connection.fetch(
            "select signal from geofence.suspicion where employee_id = $1 order by signal", employee)
        return [row["signal"] for row in rows]


@pytest.fixture(scope="module")
def worker(database: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A geofence worker as a process of its own; yields its log."""
    log = tmp_path_factory.mktemp("geofence") / "worker.log"
    settings = {"HADIR_KAFKA": kafka, "HADIR_DATABASE": database, "HADIR_GEOFENCE_PORT": str(free_port()),
                "HADIR_GROUP": f"test-{uuid4()}"}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.geofence", "worker"], env=os.environ | settings, stdout=stream, stderr=stream
        )
    try:
        yield log
        assert process.poll() is None, log.read_text()[-4000:]
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


@pytest.fixture
async def town(worker: Path, database: str, kafka: str, tmp_path: Path) -> AsyncIterator[Town]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    connection = await asyncpg.connect(database)
    try:
        yield Town(database, producer, connection, worker, tmp_path)
    finally:
        await connection.close()
        await producer.stop()


async def test_a_check_in_that_is_delivered_three_times_is_located_once(town: Town) -> None:
    await town.settle()
    await town.sites(town.office())

    check_in = await town.check_in(times=3)
    located = await town.located(check_in)
    await town.all_read()

    assert (located["site"], located["site_id"], located["site_distance_m"]) == ("inside", str(site_id_of(f"S-{town.unit}")), 0)
    assert await town.versions(check_in) == [1]
    assert await town.connection.fetchval(
        "select count(*) from geofence.dead_letter where key = $1", str(town.employee).encode()) == 0


async def test_the_verdict_reaches_kafka_under_the_employees_key_and_leads_back_to_the_check_in(town: Town, kafka: str) -> None:
    check_in = await town.check_in()
    await town.located(check_in)
    place = TopicPartition(CHECK_IN_LOCATED.name, lane_of(town.employee))
    async with consuming(kafka, "test") as consumer:
        consumer.assign([place])
        found = await until(lambda: of_employee(consumer, place, town.employee))

    headers = dict(found.headers)
    event = decode(CHECK_IN_LOCATED, found.value)
    assert (event.check_in_id, event.version) == (check_in.check_in_id, 1)
    assert headers["ce_id"].decode() == str(derived_id(CHECK_IN_LOCATED, str(check_in.check_in_id), 1))
    assert headers["ce_correlationid"] == headers["ce_causationid"]


async def of_employee(consumer: AIOKafkaConsumer, place: TopicPartition, employee: UUID) -> Any:
    fetched = await consumer.getmany(place, timeout_ms=500)
    return next((r for r in fetched.get(place, []) if r.key == str(employee).encode()), None)


async def test_a_site_that_comes_late_changes_the_verdict_of_what_was_already_judged(town: Town) -> None:
    await town.settle()
    check_in = await town.check_in()
    first = await town.located(check_in)

    report = await town.sites(town.office())
    second = await town.located(check_in, version=2)

    assert (first["site"], second["site"], report.judged_again) == ("unsure", "inside", 1)


async def test_a_site_whose_window_misses_the_check_in_changes_nothing(town: Town) -> None:
    await town.settle()
    check_in = await town.check_in()
    await town.located(check_in)

    report = await town.sites(town.office(valid_from="2026-02-03"))

    assert report.judged_again == 0
    assert await town.versions(check_in) == [1]


async def test_an_employee_who_becomes_known_late_is_judged_again(town: Town) -> None:
    other = uuid4()
    await town.settle(employee=other)
    await town.sites(town.office())
    check_in = await town.check_in()
    first = await town.located(check_in)

    await town.settle()

    assert (first["site"], (await town.located(check_in, version=2))["site"]) == ("unsure", "inside")


async def test_a_zone_that_becomes_known_late_has_check_outs_judged_again(town: Town) -> None:
    await town.settle(zones={"2026-01-01": "Asia/Jayapura"})
    await town.sites(town.office(valid_to="2026-02-01"))
    check_out = await town.check_in(mark=Mark.OUT, captured_at=MORNING.replace(hour=10, minute=30))
    first = await town.located(check_out)

    # half past twelve in Jayapura is half past ten in Jakarta, when the night before still counts
    await town.settle(version=2, zones={"2026-01-01": "Asia/Jayapura", "2026-02-02": "Asia/Jakarta"})

    assert first["site"] != "inside"
    assert (await town.located(check_out, version=2))["site"] == "inside"


async def test_an_activity_letter_that_comes_in_the_afternoon_covers_the_morning(town: Town) -> None:
    await town.settle()
    await town.sites(town.office())
    check_in = await town.check_in(latitude=LATITUDE + 0.02)
    first = await town.located(check_in)

    activity = town.office(code=f"ACARA-{town.unit}", kind="activity", org_units=None, employees=[str(town.employee)],
                           letter="800/123/BKPSDM/2026", valid_from="2026-02-02T07:00:00+07:00",
                           valid_to="2026-02-02T12:00:00+07:00")
    activity["geometry"]["coordinates"] = [LONGITUDE, LATITUDE + 0.02]
    await town.sites(activity)
    second = await town.located(check_in, version=2)

    assert (first["site"], first["activity_site"]) == ("outside", False)
    assert (second["site"], second["activity_site"]) == ("inside", True)


async def test_an_id_that_comes_again_for_another_check_in_is_buried_and_the_first_stands(town: Town) -> None:
    await town.settle()
    await town.sites(town.office())
    check_in = await town.check_in()
    await town.located(check_in)

    await town.check_in(check_in_id=check_in.check_in_id, latitude=LATITUDE + 0.5)
    reason = await until(lambda: town.connection.fetchval(
        "select reason from geofence.dead_letter where topic = $1 and key = $2",
        CHECK_IN_RECORDED.name, str(town.employee).encode()))

    assert reason == "conflict"
    assert await town.versions(check_in) == [1]


async def test_a_check_in_on_a_foreign_partition_is_buried(town: Town) -> None:
    event = CheckInRecorded(
        check_in_id=uuid4(), employee_id=town.employee, mark=Mark.IN, captured_at=MORNING, received_at=MORNING,
        latitude=LATITUDE, longitude=LONGITUDE, device_id="x", source_app="x")
    astray = (lane_of(town.employee) + 1) % CHECK_IN_RECORDED.partitions

    await town.producer.send_and_wait(CHECK_IN_RECORDED.name, encode(event), partition=astray)

    reason = await until(lambda: town.connection.fetchval(
        "select reason from geofence.dead_letter where convert_from(value, 'UTF8') like $1", f"%{event.check_in_id}%"))
    assert reason == "astray"
    assert await town.versions(event) == []


async def test_a_retry_with_another_server_stamp_is_the_same_check_in(town: Town) -> None:
    check_in = await town.check_in()
    await town.located(check_in)

    await town.check_in(check_in_id=check_in.check_in_id, received_at=check_in.received_at + dt.timedelta(seconds=9))
    await town.all_read()

    assert await town.connection.fetchval(
        "select count(*) from geofence.dead_letter where key = $1", str(town.employee).encode()) == 0


async def test_a_mocked_position_is_told_once_and_costs_nothing(town: Town) -> None:
    await town.settle()
    await town.sites(town.office())

    check_in = await town.check_in(mock=True, times=2)
    located = await town.located(check_in)
    await town.all_read()

    assert (located["site"], located["mock"], located["quality"]) == ("inside", True, "good")
    assert await town.suspicions(town.employee) == ["mock_location"]


async def test_one_phone_for_two_people_on_one_day_is_a_sign_for_the_second(town: Town) -> None:
    colleague = uuid4()
    await town.located(await town.check_in(device_id="the-phone"))

    await town.located(await town.check_in(device_id="the-phone", employee_id=colleague))

    assert await town.suspicions(colleague) == ["shared_device"]


async def test_colleagues_at_one_desk_are_not_suspected_for_the_same_position(town: Town) -> None:
    colleague = uuid4()
    for day in range(2):
        at = MORNING + dt.timedelta(days=day)
        await town.located(await town.check_in(captured_at=at))
        await town.located(await town.check_in(captured_at=at, employee_id=colleague, device_id=f"phone-{colleague}"))

    assert await town.suspicions(town.employee) + await town.suspicions(colleague) == []


async def test_the_same_position_for_three_days_is_told_once_a_day(town: Town) -> None:
    for hours in (0, 24, 48, 57):
        await town.located(await town.check_in(captured_at=MORNING + dt.timedelta(hours=hours)))

    assert await town.suspicions(town.employee) == ["frozen_coordinates"]


async def test_what_is_published_and_logged_never_tells_where_somebody_was(town: Town) -> None:
    await town.settle()
    await town.sites(town.office())
    await town.located(await town.check_in(mock=True, latitude=LATITUDE + 0.0001234))
    await town.located(await town.check_in(latitude=53.4123456, longitude=-8.2412345))

    told = await town.connection.fetch(
        "select convert_from(value, 'UTF8') as value, headers::text from geofence.outbox where topic = any($1::text[])",
        ["hadir.check-in.located.v1", "hadir.integrity.suspected.v1"])
    # Seconds look like degrees: 48.241994 once passed for a longitude of -8.241.
    texts = [re.sub(r":\d\d\.\d+", "", text) for text in [*(text for row in told for text in row.values()), town.log.read_text()]]

    assert len(texts) > 4
    for secret in ("3.795", "102.265", "53.412", "8.241", "latitude", "longitude"):
        assert not [text for text in texts if secret in text]


async def test_a_dry_run_tells_everything_and_applies_nothing(town: Town) -> None:
    await town.settle()
    await town.located(await town.check_in())

    report = await town.sites(town.office(radius_m=15), dry_run=True)

    assert (report.ok, report.applied, report.new, report.judged_again) == (True, False, 1, 1)
    assert "lebih sempit daripada galat GPS" in str(report.warnings[0])
    assert await town.connection.fetchval("select count(*) from geofence.site where code = $1", f"S-{town.unit}") == 0


async def test_importing_a_file_again_changes_nothing_and_publishes_nothing(town: Town) -> None:
    await town.settle()
    site = str(site_id_of(f"S-{town.unit}"))

    first, second = await town.sites(town.office()), await town.sites(town.office())
    third = await town.sites(town.office(radius_m=150))

    assert [(r.new, r.changed, r.unchanged) for r in (first, second, third)] == [(1, 0, 0), (0, 0, 1), (0, 1, 0)]
    assert third.preview == (f"~ S-{town.unit}: radius_m 100 menjadi 150",)
    assert await town.connection.fetchval(
        "select array_agg(convert_from(value, 'UTF8')::jsonb->>'version' order by seq) from geofence.outbox"
        " where topic = 'hadir.site.v1' and headers->>'ce_subject' = $1", site) == ["1", "2"]


async def test_one_bad_feature_keeps_the_whole_file_out(town: Town) -> None:
    await town.settle()
    stray = town.office(code="LAIN", org_units=["TIDAK-ADA"], employees=["199001012015031001"])

    report = await town.sites(town.office(), stray)

    assert [str(error) for error in report.errors] == [
        "fitur 2, org_units: unit kerja TIDAK-ADA tidak dikenal; impor unit kerja lebih dahulu, dan geofence harus berjalan",
        "fitur 2, employees: pegawai ke-1 (berakhiran 001) tidak dikenal; periksa NIP, atau impor pegawai dahulu",
    ]
    assert await town.connection.fetchval("select count(*) from geofence.site where code = $1", f"S-{town.unit}") == 0


async def test_dates_mean_days_of_the_offices_own_zone_from_the_first_to_the_last_minute(town: Town) -> None:
    await town.settle()
    await town.sites(town.office(valid_from="2026-02-01", valid_to="2026-02-02"))

    row = await town.connection.fetchrow(
        "select valid_from, valid_to from geofence.site where code = $1", f"S-{town.unit}")

    assert row is not None
    assert [moment.isoformat() for moment in row] == ["2026-01-31T17:00:00+00:00", "2026-02-02T17:00:00+00:00"]


async def test_coordinates_older_than_the_promise_are_erased_and_the_verdict_stands(town: Town) -> None:
    check_in = await town.check_in(received_at=dt.datetime.now(dt.UTC))
    old = await town.check_in(received_at=dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    await town.located(check_in)
    await town.located(old)

    await town.connection.execute("set search_path to geofence")
    await erase(town.connection, range(24), COORDINATES_KEPT, 100_000)

    kept = await town.connection.fetch(
        "select check_in_id, latitude is not null as kept, site from check_in where employee_id = $1", town.employee)
    assert {row["check_in_id"]: (row["kept"], row["site"]) for row in kept} == {
        check_in.check_in_id: (True, "unsure"), old.check_in_id: (False, "unsure")}


@pytest.mark.parametrize("content", ["", "{", '{"type": "FeatureCollection", "features": [NaN]}', "[1, 2"])
async def test_a_file_that_is_no_json_is_refused_with_the_place(content: str, tmp_path: Path) -> None:
    path = tmp_path / "sites.geojson"
    path.write_text(content)

    report = await import_sites("postgresql://nowhere.invalid/none", path, gate=sites_gate("postgresql://nowhere.invalid/none", "operator"))

    assert [str(error).startswith("berkas: bukan JSON yang sah: Tidak dapat dibaca di baris 1") for error in report.errors] == [True]
