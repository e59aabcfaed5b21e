"""The rights in the manifests are enough for each process and for nothing else: tried on a broker with SCRAM over TLS and
the StandardAuthorizer, and on a PostgreSQL with the logins that CloudNativePG would make."""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

from services.geofence.importer import Moving
from services.geofence.store.sites import SiteRow
from services.local.process import free_port, spawn
from services.local.supervisor import COMMANDS
from services.preview.change import Window
from services.preview.gate import sites_gate
from services.preview.ordered import change_of
from services.preview.playing import play
from services.schedule.store.preview_orders import Order
from shared.kafka import TopicsUnfit, check_topics, new_producer, security
from shared.topics import CHECK_IN_LOCATED, CHECK_IN_RECORDED, DAY_ASSESSED, SERVICES, TPP_MONTH, VIOLATION, Service
from tests.integration.rights.conftest import PASSWORD, Guarded, gets_ready_and_ends
from tests.outside.kits import BUILD, Kit, build


async def write(broker: Guarded, topic: str) -> None:
    producer = new_producer(broker.guarded, client_id="test")
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"{}", partition=0)
    finally:
        await producer.stop()


async def write_trusted(broker: Guarded, topic: str, key: bytes, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.trusted, compression_type="lz4")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=key)
    finally:
        await producer.stop()


async def read(broker: Guarded, topic: str, group: str | None) -> int:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.guarded,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **security(),
    )
    try:
        await consumer.start()
        return len(await consumer.getmany(timeout_ms=500))
    finally:
        await consumer.stop()


async def test_a_service_writes_its_own_topics_and_no_others(broker: Guarded, login: Callable[[str], None]) -> None:
    login("hadir-geofence")

    await write(broker, CHECK_IN_LOCATED.name)
    with pytest.raises(TopicAuthorizationFailedError):
        await write(broker, DAY_ASSESSED.name)


async def test_a_service_reads_what_it_consumes_in_its_own_group_and_nothing_else(
    broker: Guarded, login: Callable[[str], None]
) -> None:
    login("hadir-payroll")

    await read(broker, DAY_ASSESSED.name, "hadir.payroll")
    with pytest.raises(GroupAuthorizationFailedError):
        await read(broker, DAY_ASSESSED.name, "hadir.schedule")
    with pytest.raises(TopicAuthorizationFailedError):
        await read(broker, CHECK_IN_RECORDED.name, "hadir.payroll")


async def test_an_outside_system_reads_what_it_was_given_and_never_writes(
    broker: Guarded, login: Callable[[str], None]
) -> None:
    login("ext-gaji")

    await read(broker, TPP_MONTH.name, "ext.gaji.rekap")
    with pytest.raises(TopicAuthorizationFailedError):
        await read(broker, VIOLATION.name, "ext.gaji.rekap")
    with pytest.raises(ClusterAuthorizationFailedError):  # it has no topic to write, so it gets no producer id at all
        await write(broker, TPP_MONTH.name)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BUILD)
def test_a_consumer_kit_logs_in_reads_with_its_acl_and_fails_without_one_naming_the_topic(
    broker: Guarded, tmp_path: Path, name: str
) -> None:
    login = {"KAFKA": broker.guarded, "KAFKA_PASSWORD": PASSWORD, "KAFKA_CA": str(broker.certificate)}
    entitled = build(name, tmp_path, **login, KAFKA_USER="ext-gaji", GROUP=f"ext.gaji.{name}")
    if not isinstance(entitled, Kit):
        raise entitled
    sample = json.loads((Path(__file__).parents[2] / "contract" / "samples" / f"{TPP_MONTH.name}.json").read_bytes())
    asyncio.run(write_trusted(broker, TPP_MONTH.name, b"someone|2026-02", json.dumps(sample).encode()))

    entitled.run("once")
    assert entitled.copy()["someone|2026-02"] == sample
    stranger = replace(entitled, environment=entitled.environment | {"KAFKA_USER": "ext-simpeg", "GROUP": f"ext.simpeg.{name}"})
    with pytest.raises(AssertionError, match=r"(?s)ended with [1-9].*hadir\.tpp\.month\.v1"):
        stranger.run("once")


async def test_topics_without_a_right_look_missing_and_the_refusal_names_them(
    broker: Guarded, login: Callable[[str], None]
) -> None:
    login("hadir-payroll")

    with pytest.raises(
        TopicsUnfit, match=r"hadir\.check-in\.recorded\.v1 does not exist, or hadir-payroll has no right on it"
    ):
        await check_topics(broker.guarded, [DAY_ASSESSED, CHECK_IN_RECORDED])


async def test_a_services_login_is_in_its_own_schema_and_cannot_become_another(logins: dict[str, str]) -> None:
    connection = await asyncpg.connect(logins["hadir_payroll"])
    try:
        await connection.execute("select from payroll.lane")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select from schedule.lane")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("set role hadir_schedule")
    finally:
        await connection.close()


async def test_reports_read_all_schemas_and_write_none(logins: dict[str, str]) -> None:
    connection = await asyncpg.connect(logins["hadir_audit"])
    try:
        for service in SERVICES:
            await connection.execute(f"select from {service}.lane")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"update {service}.lane set out_seq = 0")
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
def test_each_process_gets_ready_with_the_rights_of_the_manifests(
    broker: Guarded, logins: dict[str, str], tmp_path: Path, service: Service
) -> None:
    port = free_port()
    child = spawn(
        service,
        [sys.executable, "-m", f"services.{service}", *(["worker"] if service != "ingest" else [])],
        tmp_path / "log",
        environment={
            "HADIR_HOME": str(tmp_path), "HADIR_KAFKA": broker.guarded, "HADIR_KAFKA_USER": f"hadir-{service}",
            "HADIR_KAFKA_PASSWORD": PASSWORD, "HADIR_KAFKA_CA": str(broker.certificate), "HADIR_DATABASE": logins[f"hadir_{service}"],
            f"HADIR_{service.upper()}_PORT": str(port),
        },
    )  # fmt: skip
    gets_ready_and_ends(child, port)


@pytest.mark.parametrize(("service", "login"), [
    ("geofence", "hadir_geofence"), ("schedule", "hadir_schedule"), ("payroll", "hadir_payroll"), ("reports", "hadir_audit"),
])
def test_each_api_gets_ready_with_its_login_and_without_kafka(
    logins: dict[str, str], tmp_path: Path, service: str, login: str
) -> None:
    port = free_port()
    child = spawn(
        f"{service}-api", [sys.executable, "-m", *COMMANDS[f"{service}_api"]], tmp_path / "log",
        environment={
            "HADIR_HOME": str(tmp_path), "HADIR_KAFKA": "nowhere.invalid:9092", "HADIR_DATABASE": logins[login],
            "HADIR_AUDIT_DATABASE": logins["hadir_audit"],
            f"HADIR_{service.upper()}_API_PORT": str(port),
        },
    )  # fmt: skip
    gets_ready_and_ends(child, port)


async def test_the_gate_and_the_player_need_no_more_than_the_audit_login(logins: dict[str, str]) -> None:
    site = SiteRow(
        site_id=uuid4(), code="KANTOR", name="Kantor", kind="office", geometry={"type": "Point", "coordinates": [102.26, -3.79]},
        radius_m=50.0, org_unit_ids=(uuid4(),), employee_ids=(), valid_from=None, valid_to=None, letter=None, accuracy_cap_m=None,
        max_accuracy_m=None, outside_factor=None,
    )  # fmt: skip
    # any date: nobody is there of whom a day could be judged
    today = dt.datetime.now(dt.UTC)
    asked = Order(uuid4(), "calendar", "date,kind,name,source\n2026-12-01,holiday,Libur,uji\n", {}, today.date(), today.date(), "x", today)

    await sites_gate(logins["hadir_audit"], "operator")(Moving((site,), (site,), ()))
    change = await change_of(logins["hadir_audit"], asked)
    done = await asyncio.to_thread(play, logins["hadir_audit"], change, Window(asked.first, asked.last), today, processes=1)
    assert done.found.people == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await sites_gate(logins["hadir_geofence"], "operator")(Moving((site,), (site,), ()))
