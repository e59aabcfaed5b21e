"""What the doctor finds, on a real database in which one thing after the other is wrong."""

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from services.doctor.examine import examine
from services.doctor.finding import Finding, worst
from services.doctor.reference_checks import check_calendars, check_months, check_people, check_regions, check_rosters
from services.doctor.system_checks import check_broker, check_database, check_flow, check_settings
from shared.kafka import topic_config
from shared.settings import Settings
from shared.topics import CHECK_IN_RECORDED
from tests.pages import missing_command

TODAY = dt.date(2026, 11, 23)


@pytest.fixture
async def connection(fresh_database: str) -> AsyncIterator[Any]:
    found = await asyncpg.connect(fresh_database)
    yield found
    await found.close()


async def told(findings: AsyncIterator[Finding]) -> list[Finding]:
    return [finding async for finding in findings]


async def add_employee(connection: Any, unit: Any) -> Any:
    employee = uuid4()
    await connection.execute(
        "insert into schedule.employee (employee_id, lane, version, nip, name, kind, grp, timezone, active, played_clock,"
        " member_since, member_unit, week_since, week_code)"
        " values ($1, 0, 1, '190001011900011001', 'Contoh Sintetis', 'PNS', 'pelaksana', 'Asia/Jakarta', true, '', $2, $3, '{}', '{}')",
        employee, [dt.date(2026, 1, 1)], [unit],
    )  # fmt: skip
    return employee


async def test_people_without_rule_pack_office_or_ceiling_are_counted_and_each_gap_says_what_to_do(connection: Any) -> None:
    assert [finding.verdict for finding in await told(check_people(connection, TODAY))] == ["warn"]
    unit = uuid4()
    employee = await add_employee(connection, unit)

    before = await told(check_people(connection, TODAY))
    assert worst(before) == "fail"
    assert [finding.sentence.removeprefix("1 of 1 employees have no ")[:9] for finding in before] == ["rule pack", "office on", "TPP ceili"]
    assert all(finding.remedy for finding in before)

    pack = uuid4()
    await connection.execute("insert into schedule.policy (policy_id, version, name, content) values ($1, 1, 'contoh', '{}')", pack)
    await connection.execute("insert into schedule.policy_in_force (policy_id, since) values ($1, '2026-01-01')", pack)
    await connection.execute("insert into payroll.ceiling (employee_id, month, version, amount) values ($1, '2026-11', 1, 1)", employee)
    left = await told(check_people(connection, TODAY))
    assert [finding.verdict for finding in left] == ["warn"]
    assert "no office" in left[0].sentence
    assert str(employee) not in left[0].sentence


async def test_whoever_is_of_a_unit_below_one_with_a_rule_pack_has_one(connection: Any) -> None:
    agency, below, pack = uuid4(), uuid4(), uuid4()
    await connection.executemany(
        "insert into schedule.org_unit (org_unit_id, version, code, name, timezone, calendar, public_service, parent_id)"
        " values ($1, 1, $3, 'Contoh', 'Asia/Jakarta', 'nasional', false, $2)",
        [(agency, None, str(agency)), (below, agency, str(below))],
    )  # fmt: skip
    await add_employee(connection, below)
    assert "no rule pack" in str(await told(check_people(connection, TODAY)))

    await connection.execute("insert into schedule.policy (policy_id, version, name, content) values ($1, 1, 'contoh', '{}')", pack)
    await connection.execute(
        "insert into schedule.policy_in_force (policy_id, since, org_unit_id) values ($1, '2026-01-01', $2)", pack, agency)
    assert "no rule pack" not in str(await told(check_people(connection, TODAY)))


async def test_a_year_without_holidays_fails_this_year_and_warns_for_the_next(connection: Any) -> None:
    await connection.execute(
        "insert into schedule.org_unit (org_unit_id, version, code, name, timezone, calendar, public_service)"
        " values ($1, 1, 'contoh', 'Contoh', 'Asia/Jakarta', 'nasional', false)", uuid4(),
    )  # fmt: skip
    [missing] = await told(check_calendars(connection, dt.date(2026, 6, 1)))
    assert (missing.verdict, "nasional 2026" in missing.sentence) == ("fail", True)
    await connection.execute("insert into schedule.calendar (calendar, year, version, days) values ('nasional', 2026, 1, '[]')")
    assert [finding.verdict for finding in await told(check_calendars(connection, dt.date(2026, 6, 1)))] == ["ok"]
    [ahead] = await told(check_calendars(connection, TODAY))
    assert (ahead.verdict, "nasional 2027" in ahead.sentence) == ("warn", True)


async def test_the_calendars_of_units_where_only_invented_people_are_concern_nobody(connection: Any) -> None:
    played = uuid4()
    await connection.execute(
        "insert into schedule.org_unit (org_unit_id, version, code, name, timezone, calendar, public_service)"
        " values ($1, 1, 'cerita', 'Cerita', 'Asia/Jakarta', 'cal-story', false)", played,
    )  # fmt: skip
    invented = await add_employee(connection, played)
    assert "cal-story" in str(await told(check_calendars(connection, TODAY)))

    await connection.execute("update schedule.employee set played_clock = 'scenario-1' where employee_id = $1", invented)

    assert "cal-story" not in str(await told(check_calendars(connection, TODAY)))


async def test_a_roster_that_was_not_renewed_and_a_month_left_open_are_told(connection: Any) -> None:
    employee = await add_employee(connection, uuid4())
    await connection.execute(
        "insert into schedule.roster (employee_id, month, version, days) values ($1, '2026-10-01', 1, '[]')", employee
    )
    [lost] = await told(check_rosters(connection, TODAY))
    assert lost.sentence.startswith("1 employees who had a roster in 2026-10 have none in 2026-11")
    await connection.execute("insert into payroll.employee (employee_id, version, nip, played_clock) values ($1, 1, null, '')", employee)
    await connection.execute(
        "insert into payroll.month (employee_id, month, lane, version, closed, raw_percent, percent, supplementary, days_assessed,"
        " days_final, entries, streak_after, facts) values ($1, '2026-09', 0, 1, false, '0', '0', 0, 0, 0, 0, 0, '{}')", employee,
    )  # fmt: skip
    [open_month] = await told(check_months(connection, TODAY))
    assert open_month.remedy.endswith("hadir month close --month 2026-09.")


async def test_who_is_rostered_to_work_from_anywhere_without_a_region_is_told(connection: Any) -> None:
    unit = uuid4()
    employee = await add_employee(connection, unit)
    await connection.execute(
        "insert into schedule.org_unit (org_unit_id, version, code, name, timezone, calendar, public_service)"
        " values ($1, 1, 'DINKES', 'Contoh', 'Asia/Jakarta', 'nasional', false)", unit)
    days = '[{"date": "2026-11-24", "mode": "WFO"}, {"date": "2026-11-25", "mode": "%s"}]'
    await connection.execute("insert into schedule.roster values ($1, '2026-11-01', 1, $2)", employee, days % "WFO")
    assert await told(check_regions(connection, TODAY)) == []
    await connection.execute("update schedule.roster set days = $1", days % "WFA")
    [lacking] = await told(check_regions(connection, TODAY))
    assert "1 employees are rostered to work from anywhere (WFA), but no region (wilayah) is in force for them" in lacking.sentence
    assert ("DINKES" in lacking.sentence, "hadir import sites" in lacking.remedy) == (True, True)

    await connection.execute(
        "insert into geofence.site (site_id, code, version, changed, name, kind, geometry, org_unit_ids, employee_ids)"
        " values ($1, 'WILAYAH', 1, 1, 'Wilayah', 'region', 'x', $2, '{}')", uuid4(), [uuid4()])
    assert len(await told(check_regions(connection, TODAY))) == 1
    await connection.execute("update geofence.site set org_unit_ids = $1", [unit])
    assert await told(check_regions(connection, TODAY)) == []
    await connection.execute("update geofence.site set org_unit_ids = '{}'")
    assert await told(check_regions(connection, TODAY)) == []


async def test_what_is_buried_lost_or_overdue_is_told_and_a_clean_house_says_so(connection: Any) -> None:
    assert [finding.verdict for finding in await told(check_flow(connection))] == ["ok"]
    await connection.execute(
        "insert into geofence.dead_letter (topic, partition, \"offset\", reason, detail) values ('a', 0, 1, 'schema', 'b')"
    )
    await connection.execute("insert into schedule.gap (topic, partition, first_offset, next_offset) values ('a', 0, 5, 9)")
    await connection.execute(
        "insert into schedule.due_day (employee_id, date, lane, clock, priority, due_at) values ($1, '2026-11-01', 0, '', 1, 'epoch')",
        uuid4(),
    )
    found = await told(check_flow(connection))
    assert {(finding.verdict, finding.sentence.split(",")[0].split(" that")[0]) for finding in found} == {
        ("warn", "geofence buried 1 messages since yesterday."),
        ("fail", "schedule never saw 4 records"),
        ("fail", "1 days should have been assessed ten minutes ago."),
    }


async def test_a_database_that_could_forget_is_told_apart_from_one_that_cannot(connection: Any, fresh_database: str) -> None:
    settings = Settings(database=fresh_database)
    found = await told(check_database(connection, settings))
    # The tests' server runs without fsync, a standby and an archive: exactly what must not carry a province.
    assert "fail" in {finding.verdict for finding in found if "fsync is off" in finding.sentence}
    assert any("no synchronous standby" in finding.sentence for finding in found)
    assert any(finding.sentence == "All migrations have run." for finding in found)
    await connection.execute("delete from payroll.migration where name = '0001_first'")
    again = await told(check_database(connection, settings))
    assert any(finding.verdict == "fail" and "0001_first" in finding.sentence for finding in again)


def test_a_misspelt_variable_is_named() -> None:
    [finding] = check_settings(Settings(), {"HADIR_KAFAK": "x", "HADIR_KAFKA": "y", "PATH": ""})
    assert (finding.verdict, "HADIR_KAFAK" in finding.sentence) == ("warn", True)
    [well] = check_settings(Settings(), {"HADIR_KAFKA": "y"})
    assert well.verdict == "ok"


async def test_servers_that_are_away_are_findings_and_the_rest_goes_on() -> None:
    nowhere = Settings(
        kafka="127.0.0.1:9", database="postgresql://nobody@127.0.0.1:9/none",
        ingest_port=9, geofence_port=9, schedule_port=9, payroll_port=9, geofence_api_port=9, schedule_api_port=9, payroll_api_port=9,
        reports_api_port=9, monitor_port=9, canaries_port=9,
    )
    found = await told(examine(nowhere))
    assert {finding.area for finding in found if finding.verdict == "fail"} == {"kafka", "postgres"}
    assert len([finding for finding in found if finding.area == "services"]) == 10


async def test_a_broker_is_asked_for_copies_and_for_topics_it_makes_by_itself(kafka: str, database: str) -> None:
    found = await told(examine(Settings(kafka=kafka, database=database)))
    sentences = [finding.sentence for finding in found if finding.area == "kafka"]
    assert any("topics with the declared partitions are on 1 brokers" in sentence for sentence in sentences)
    assert any("1 copies" in sentence for sentence in sentences)
    assert not any(" instead of " in sentence for sentence in sentences)


async def test_a_topic_that_forgets_too_early_is_named(kafka: str) -> None:
    async def settings(milliseconds: str) -> list[Finding]:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        try:
            config = topic_config(CHECK_IN_RECORDED, 1) | {"retention.ms": milliseconds}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, CHECK_IN_RECORDED.name, configs=config)])
        finally:
            await admin.close()
        return [finding for finding in await told(check_broker(Settings(kafka=kafka))) if " instead of " in finding.sentence]

    try:
        async with asyncio.timeout(60):
            while not (found := await settings("86400000")):
                pass  # the broker learns of it after the controller
        assert [(one.verdict, one.sentence) for one in found] == [
            ("fail", "hadir.check-in.recorded.v1 has retention.ms 86400000 instead of 7776000000.")
        ]
    finally:
        async with asyncio.timeout(60):
            while await settings("7776000000"):
                pass


def test_every_command_that_a_remedy_names_exists() -> None:
    named = {
        line
        for path in (Path(__file__).parents[3] / "services" / "doctor").glob("*.py")
        for line in re.findall(r"hadir(?: [a-z][a-z-]*)+(?: --[a-z-]+)?", path.read_text())
        if line.split()[1] != "doctor"
    }

    assert {"hadir import policies", "hadir topics apply"} <= {" ".join(line.split()[:3]) for line in named}
    assert {line: missing_command(line) for line in named if missing_command(line)} == {}
