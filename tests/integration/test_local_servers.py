"""The servers that `hadir run` and these tests start: real ones, that keep their data and refuse a taken port."""

import signal
import socket
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer

from services.local.kafka import start_kafka
from services.local.postgres import start_postgres
from services.local.process import LocalError
from shared.kafka import apply_topics, check_topics, new_producer
from shared.topics import CALENDAR, TOPICS


async def test_kafka_keeps_topics_and_records_over_a_restart_on_another_port(tmp_path: Path) -> None:
    first = start_kafka(tmp_path)
    try:
        first.wait_ready()
        await apply_topics(first.bootstrap)
        producer = new_producer(first.bootstrap, client_id="test")
        await producer.start()
        sent = await producer.send_and_wait(CALENDAR.name, b"{}", key=b"nasional|2026", partition=2)
        await producer.stop()
    finally:
        first.stop()
    second = start_kafka(tmp_path)
    try:
        second.wait_ready()
        await check_topics(second.bootstrap, TOPICS)
        consumer = AIOKafkaConsumer(CALENDAR.name, bootstrap_servers=second.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            record = await consumer.getone()
        finally:
            await consumer.stop()
        assert (record.partition, record.offset, record.value) == (2, sent.offset, b"{}")
    finally:
        second.stop()


async def test_postgres_keeps_what_was_committed_over_a_kill_and_wants_its_password(tmp_path: Path) -> None:
    first = start_postgres(tmp_path)
    try:
        first.wait_ready()
        url = await first.create_database()
        assert await first.create_database() == url
        connection = await asyncpg.connect(url)
        await connection.execute("create table kept (n int); insert into kept values (18)")
        assert await connection.fetchval("show server_version_num") >= "180000"
        connection.terminate()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url.replace(first.password, "guess"))
    finally:
        helpers = psutil.Process(first.child.popen.pid).children()
        first.child.popen.send_signal(signal.SIGKILL)
        first.stop()
        psutil.wait_procs(helpers, 60)  # they see that it is gone, and end by themselves: until then no other may start
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
    second = start_postgres(tmp_path)
    try:
        second.wait_ready()
        connection = await asyncpg.connect(second.url())
        assert await connection.fetchval("select n from kept") == 18
        await connection.close()
    finally:
        second.stop()


def test_a_taken_port_is_refused_with_its_number_and_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(LocalError, match=rf"Port {port} .*PostgreSQL.*HADIR_DATABASE_PORT"):
            start_postgres(tmp_path / "postgres", port)
        with pytest.raises(LocalError, match=rf"Port {port} .*Kafka.*HADIR_KAFKA_PORT"):
            start_kafka(tmp_path / "kafka", port)


def test_two_servers_cannot_share_a_folder(tmp_path: Path) -> None:
    first = start_postgres(tmp_path, durable=False)
    try:
        first.wait_ready()
        second = start_postgres(tmp_path, durable=False)
        with pytest.raises(LocalError, match=r"(?s)PostgreSQL ended at once.*postmaster"):
            second.wait_ready()
    finally:
        first.stop()
