"""The manifests of the Parquet sink: it may read what it writes into files by default, nothing else, and there is one of it."""

from typing import Any

import pytest

from deploy.k8s.verify.__main__ import OVERLAYS
from deploy.k8s.verify.kustomization import build
from services.sink.worker import choose


@pytest.fixture(scope="module")
def objects() -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in build(OVERLAYS / "national")}


def test_its_rights_are_to_read_what_it_takes_by_default(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    rights = objects["KafkaUser", "hadir-sink"]["spec"]["authorization"]["acls"]

    assert {(right["resource"]["type"], right["resource"]["name"]) for right in rights} == {("topic", topic.name) for topic in choose([])}
    assert all(right["operations"] == ["Describe", "Read"] for right in rights)


def test_there_is_one_of_it_also_while_it_is_replaced(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    spec = objects["Deployment", "hadir-sink"]["spec"]

    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    assert objects["PersistentVolumeClaim", "hadir-sink"]["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_its_port_is_the_one_it_is_told_and_prometheus_may_reach(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    [container] = objects["Deployment", "hadir-sink"]["spec"]["template"]["spec"]["containers"]
    [rule] = objects["NetworkPolicy", "sink"]["spec"]["ingress"]

    told = int(container["command"][container["command"].index("--port") + 1])
    assert [port["containerPort"] for port in container["ports"]] == [told] == [port["port"] for port in rule["ports"]]
    [scraped] = objects["PodMonitor", "hadir-sink"]["spec"]["podMetricsEndpoints"]
    assert scraped["port"] == container["ports"][0]["name"]
