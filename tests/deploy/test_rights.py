"""Kubernetes' topics and users are those of `shared/topics.py`: never by hand, one owner each, and no right too many."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from services.commands.manifests import cluster_files, outsider_files
from services.geofence.app import build as geofence
from services.payroll.app import build as payroll
from services.schedule.app import build as schedule
from shared.refusal import Refusal
from shared.settings import Settings
from shared.streaming import Context
from shared.topics import CHECK_IN_RECORDED, CONSUMES, EMPLOYEE, SERVICES, TOPICS

K8S = Path(__file__).parents[2] / "deploy" / "k8s"


def users(text: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item["spec"] for item in yaml.safe_load_all(text)}


def rights(user: dict[str, Any], kind: str, operation: str) -> set[str]:
    acls = user["authorization"]["acls"]
    return {
        acl["resource"]["name"] for acl in acls if acl["resource"]["type"] == kind and operation in acl["operations"]
    }


def test_the_committed_manifests_are_what_the_command_writes() -> None:
    """When this fails: `hadir topics manifests --write deploy/k8s/base/kafka`."""
    for name, text in cluster_files().items():
        assert (K8S / "base" / "kafka" / name).read_text() == text, name
    outsiders = K8S / "components" / "outsiders"
    for name, text in outsider_files(outsiders / "outsiders.yaml").items():
        assert (outsiders / name).read_text() == text, name


def test_what_services_are_said_to_consume_is_what_their_workers_read() -> None:
    context = Context(Settings(), cast(Any, None), cast(Any, None), lambda: None)
    for service, build in (("geofence", geofence), ("schedule", schedule), ("payroll", payroll)):
        worker = build(context)
        read = {topic.name for topic in (*worker.consumes, *(reference.topic for reference in worker.references))}
        assert {topic.name for topic in CONSUMES[worker.service]} == read, service


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_write_what_it_owns_and_read_what_it_consumes_and_nothing_else(service: str) -> None:
    user = users(cluster_files()["users.yaml"])[f"hadir-{service}"]

    assert rights(user, "topic", "Write") == {topic.name for topic in TOPICS if topic.owner == service}
    assert rights(user, "topic", "Read") == {topic.name for topic in CONSUMES[cast(Any, service)]}
    assert rights(user, "group", "Read") == (set() if service == "ingest" else {f"hadir.{service}"})


def test_only_geofence_may_read_coordinates() -> None:
    found = users(cluster_files()["users.yaml"])
    readers = {name for name, user in found.items() if CHECK_IN_RECORDED.name in rights(user, "topic", "Read")}

    assert readers == {"hadir-geofence"}


def test_the_observer_may_read_no_record() -> None:
    observer = users(cluster_files()["users.yaml"])["hadir-observer"]

    assert rights(observer, "topic", "Read") == rights(observer, "topic", "Write") == set()
    assert CHECK_IN_RECORDED.name in rights(observer, "topic", "Describe")


def test_a_topic_with_two_owners_is_refused_and_both_are_named() -> None:
    doubled = (*TOPICS, dataclasses.replace(EMPLOYEE, owner="payroll"))

    with pytest.raises(Refusal, match=r"hadir\.employee\.v1 has two owners, schedule and payroll"):
        cluster_files(doubled)


def outsiders(folder: Path, **changes: object) -> Path:
    entry = {"name": "gaji", "purpose": "uji", "reads": ["hadir.tpp.month.v1"], "bytes_per_second": 1024, **changes}
    path = folder / "outsiders.yaml"
    path.write_text(yaml.safe_dump({"outsiders": [entry]}))
    return path


def test_an_outside_system_reads_what_it_named_in_groups_of_its_own_and_is_slowed_not_served_first(
    tmp_path: Path,
) -> None:
    user = users(outsider_files(outsiders(tmp_path))["users.yaml"])["ext-gaji"]

    assert rights(user, "topic", "Read") == {"hadir.tpp.month.v1"}
    assert rights(user, "topic", "Write") == set()
    assert rights(user, "group", "Read") == {"ext.gaji."}
    assert user["quotas"]["consumerByteRate"] == 1024


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reads": ["hadir.tpp.v1"]}, r"gaji reads hadir\.tpp\.v1, which is no topic"),
        (
            {"reads": [EMPLOYEE.name]},
            r"gaji reads hadir\.employee\.v1, which holds restricted personal data: give the number",
        ),
        ({"bytes_per_second": 0}, r"outsiders\.0\.bytes_per_second: Input should be greater than 0"),
        ({"writes": ["hadir.tpp.month.v1"]}, r"outsiders\.0\.writes: Extra inputs are not permitted"),
        ({"name": "Gaji Daerah"}, r"outsiders\.0\.name: String should match pattern"),
    ],
)
def test_an_outside_system_declared_wrongly_is_refused_with_its_name_and_the_field(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Refusal, match=sentence):
        outsider_files(outsiders(tmp_path, **changes))


def test_restricted_topics_may_be_read_with_an_agreement_which_is_then_written_at_the_user(tmp_path: Path) -> None:
    text = outsider_files(outsiders(tmp_path, reads=[EMPLOYEE.name], agreement="PKS/7/2026"))["users.yaml"]

    assert "hadir.go.id/agreement: PKS/7/2026" in text
