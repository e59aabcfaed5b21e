"""Real servers for the tests that need them: one Kafka and one PostgreSQL per session, on free ports, in a temp folder.

Set HADIR_TEST_KAFKA or HADIR_TEST_DATABASE (a superuser's URL) to use servers of your own instead.
`house` is the whole stack, started as an operator starts it.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import hypothesis
import orjson
import pytest

from services.local.kafka import start_kafka
from services.local.postgres import Postgres, start_postgres
from services.local.prometheus import fetch_tools
from services.local.supervisor import COMMANDS, WATCHERS
from shared.events import Event
from shared.kafka import apply_topics
from shared.reading import consuming, partitions_of
from shared.schemas import apply_schemas
from shared.topics import Topic
from tests.ending import end_in_order

_NUMBERS = count(1)

# `make unit` is for every save, and fails today as it will fail tomorrow; HADIR_THOROUGH=1 looks harder, and elsewhere each time.
hypothesis.settings.register_profile("quick", max_examples=40, deadline=None, derandomize=True)
hypothesis.settings.register_profile("thorough", max_examples=200, deadline=None)
hypothesis.settings.load_profile("thorough" if "HADIR_THOROUGH" in os.environ else "quick")


def pytest_configure() -> None:
    """Tests that are told to end take down what they started."""
    end_in_order()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real broker that has all topics."""
    if given := os.environ.get("HADIR_TEST_KAFKA"):
        asyncio.run(apply_topics(given))
        yield given
        return
    broker = start_kafka(tmp_path_factory.mktemp("kafka"))
    try:
        broker.wait_ready()
        asyncio.run(apply_topics(broker.bootstrap))
        yield broker.bootstrap
    finally:
        broker.stop(5)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Superuser's URL of the maintenance database of a real PostgreSQL."""
    if given := os.environ.get("HADIR_TEST_DATABASE"):
        yield given
        return
    server: Postgres = start_postgres(tmp_path_factory.mktemp("postgres"), durable=False)
    try:
        server.wait_ready()
        yield server.url("postgres")
    finally:
        server.stop(5)


@pytest.fixture(scope="session")
def database(postgres: str, kafka: str) -> str:
    """URL of a database with all schemas, shared by the session; `kafka` has all topics."""
    assert kafka
    return _new_database(postgres)


@pytest.fixture(scope="module")
def module_database(postgres: str) -> str:
    """URL of a database with all schemas for one file of tests."""
    return _new_database(postgres)


@pytest.fixture
def fresh_database(postgres: str) -> str:
    """URL of a database with all schemas that no other test has seen."""
    return _new_database(postgres)


def _new_database(admin_url: str) -> str:
    name = f"hadir_test_{os.getpid()}_{next(_NUMBERS)}"

    async def make() -> str:
        connection = await asyncpg.connect(admin_url)
        try:
            await connection.execute(f"create database {name}")
        finally:
            await connection.close()
        url = f"{admin_url.rpartition('/')[0]}/{name}"
        await apply_schemas(url)
        return url

    return asyncio.run(make())


READY_WITHIN_S = 400
"""A cold start with downloads on a busy machine; `make run` itself is much faster."""


@dataclass(frozen=True)
class House:
    """A running stack: where its parts answer, and the environment in which commands find it."""

    home: Path
    env: dict[str, str]

    @property
    def addresses(self) -> dict[str, str]:
        """Addresses as `hadir run` wrote them down."""
        return {**json.loads((self.home / "running.json").read_text())["addresses"]}

    @property
    def database(self) -> str:
        """URL of the database, with its password."""
        lines = (self.home / "running.env").read_text().splitlines()
        [line] = [line for line in lines if line.startswith("HADIR_DATABASE=")]
        return line.partition("=")[2].strip('"')

    def hadir(self, *arguments: str | Path) -> str:
        """Run an operator's command in another shell; its output, or the failure with its output."""
        done = subprocess.run(
            [sys.executable, "-m", "services", *map(str, arguments)],
            env=self.env, capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Send to ingest; people imported a moment ago may not have reached it yet, so that is waited for."""
        deadline = time.monotonic() + 120
        while True:
            answer = httpx.post(self.addresses["ingest"] + path, json=body, timeout=30)
            if answer.status_code != 422 or answer.json()["code"] != "unknown-employee" or time.monotonic() > deadline:
                return answer
            time.sleep(0.1)  # polls with the deadline above

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """Rows of a query on the whole database."""
        connection = await asyncpg.connect(self.database)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def records(self, topic: Topic[Event], subject: str, *, at_least: int, within_s: float = 120) -> list[dict[str, Any]]:
        """Records of a topic about a subject, in order; waits until there are so many.

        The subject is what `ce_subject` begins with, or that of the command that an audit record tells of.
        """
        async with consuming(self.addresses["kafka"], "test") as consumer:
            consumer.assign(partitions_of(topic))
            found: list[dict[str, Any]] = []
            deadline = time.monotonic() + within_s
            while len(found) < at_least:
                assert time.monotonic() < deadline, f"{topic.name}: {len(found)} of {at_least} records about it after {within_s} s"
                for messages in (await consumer.getmany(timeout_ms=200)).values():
                    for message in messages:
                        headers = {name: value.decode() for name, value in message.headers}
                        content = orjson.loads(message.value)
                        if headers["ce_subject"].startswith(subject) or ("audit_id" in content and content["subject"] == subject):
                            found.append({**content, "headers": headers, "key": message.key.decode()})
            return found


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A stack that `hadir run` started for this session, with nothing played."""
    with _running(tmp_path_factory.mktemp("house"), "--no-play", "--no-monitor") as running:
        yield running


@pytest.fixture(scope="session")
def watched_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Another one, with Prometheus, the monitor and canaries; Prometheus is fetched if the machine has none."""
    fetch_tools()
    with _running(tmp_path_factory.mktemp("watched"), "--no-play", "--canaries") as running:
        yield running


@contextmanager
def _running(home: Path, *options: str) -> Iterator[House]:
    free = {f"HADIR_{name}_PORT": "0" for name in ("KAFKA", "DATABASE", "PROMETHEUS", *map(str.upper, (*COMMANDS, *WATCHERS)))}
    env = {**os.environ, **free, "HADIR_HOME": str(home)}
    log = home / "run.log"
    with log.open("w") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "services", "run", *options], env=env, stdout=output, stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while "Ready after" not in log.read_text():
            assert run.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)  # polls with the deadline above
        plain = {name: value for name, value in env.items() if name not in free}
        yield House(home, plain)
    finally:
        run.send_signal(signal.SIGINT)
        try:
            run.wait(60)
        except subprocess.TimeoutExpired:
            run.kill()
            raise
