"""The manifests of every overlay would be taken by an API server and fit together; what is planted wrong is found and named."""

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deploy.k8s.verify import kustomize
from deploy.k8s.verify.__main__ import OVERLAYS, faults_of, main
from deploy.k8s.verify.kustomization import Unbuildable, build
from services.local.process import LocalError
from shared.database import session_settings
from shared.web.api import POOL_SIZE
from tests.outside import missing

K8S = OVERLAYS.parent
NAMES = ("dev", "province", "national")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the manifests that may be spoilt."""
    return Path(shutil.copytree(K8S, tmp_path / "k8s", ignore=shutil.ignore_patterns("schemas", "verify")))


def spoil(copy: Path, file: str, old: str, new: str, *, count: int = 1) -> None:
    path = copy / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


def objects(overlay: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in build(OVERLAYS / overlay)}


@pytest.mark.parametrize("overlay", NAMES)
def test_every_overlay_is_without_fault(overlay: str) -> None:
    count, faults = faults_of(OVERLAYS / overlay)

    assert count > 50
    assert faults == []


def test_the_overlays_tried_here_are_all_there_are() -> None:
    assert {path.name for path in OVERLAYS.iterdir()} == set(NAMES)


@pytest.fixture(scope="session")
def real_kustomize() -> None:
    """Kustomize itself, built from its Go module the first time."""
    try:
        kustomize.built()
    except LocalError as error:
        missing(str(error))


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("real_kustomize")
@pytest.mark.parametrize("overlay", NAMES)
def test_kustomize_builds_the_same_objects_byte_for_byte(overlay: str) -> None:
    theirs = kustomize.build(OVERLAYS / overlay)

    assert len(theirs) > 50
    assert list(kustomize.differences(build(OVERLAYS / overlay), theirs)) == []


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("real_kustomize")
def test_what_kustomize_reads_otherwise_is_named_object_by_object(copy: Path) -> None:
    ours = build(copy / "overlays" / "dev")
    spoil(copy, "base/payroll/deployment.yaml", "image: hadir", "image: hadir-2")
    spoil(copy, "base/kustomization.yaml", "  - jobs\n", "")
    theirs = kustomize.build(copy / "overlays" / "dev")

    assert sorted(kustomize.differences(ours, theirs)) == [
        "Deployment hadir-dev hadir-payroll: our reader has `image: hadir:dev`, kustomize `image: hadir-2`",
        "Job hadir-dev hadir-schemas: kustomize does not build it, our reader does",
        "ServiceAccount hadir-dev hadir-schemas: kustomize does not build it, our reader does",
    ]
    spoil(copy, "overlays/dev/kustomization.yaml", "namespace:", "nameSpaces:")
    with pytest.raises(Unbuildable, match=r"kustomize refuses .*nameSpaces"):
        kustomize.build(copy / "overlays" / "dev")


SPOILT = {
    "a misspelt field of a built-in": (
        "base/ingest/deployment.yaml", "terminationGracePeriodSeconds", "terminationGraceSeconds",
        r"Deployment hadir-ingest: spec\.template\.spec: .*'terminationGraceSeconds' was unexpected",
    ),
    "a misspelt field of a probe": (
        "base/geofence/deployment.yaml", "failureThreshold: 60", "failureTreshold: 60",
        r"Deployment hadir-geofence: spec\.template\.spec\.containers\[0\]\.startupProbe: .*failureTreshold",
    ),
    "a misspelt field of a topic": (
        "base/kafka/topics.yaml", "partitions: 24", "partition: 24", r"KafkaTopic hadir\.check-in\.recorded\.v1: spec: .*'partition' was",
    ),
    "a misspelt field of the database": (
        "base/postgres/cluster.yaml", "dataDurability", "durability",
        r"Cluster hadir-postgres: spec\.postgresql\.synchronous: .*durability",
    ),
    "a value that is not one of the few": (
        "base/kafka/kafka.yaml", "type: simple", "type: easy", r"Kafka hadir: spec\.kafka\.authorization\.type: 'easy' is not one of",
    ),
    "a wrong type": (
        "base/payroll/deployment.yaml", "replicas: 2", 'replicas: "2"', r"Deployment hadir-payroll: spec\.replicas: '2' is not of type",
    ),
    "an old version of Strimzi's": (
        "base/kafka/kafka.yaml", "kafka.strimzi.io/v1", "kafka.strimzi.io/v1beta2",
        r"Kafka hadir: there is no Kafka in kafka\.strimzi\.io/v1beta2 \(known: kafka of v1,",
    ),
    "an old version of a built-in": (
        "base/schedule/service.yaml", "policy/v1", "policy/v1beta1",
        r"there is no PodDisruptionBudget in policy/v1beta1 \(of Kubernetes 1\.37",
    ),
    "a setting nobody reads": (
        "base/settings/settings.yaml", "HADIR_LOG_LEVEL", "HADIR_LOGLEVEL",
        r"ConfigMap hadir-settings sets HADIR_LOGLEVEL, which no process reads",
    ),
    "a port nobody listens on": (
        "base/geofence/deployment.yaml", "containerPort: 8802", "containerPort: 8801", r"opens \[8801\], but geofence listens on 8802",
    ),
    "a topic with two owners": (
        "base/kafka/users.yaml",
        "          name: hadir.employee.v1\n          patternType: literal\n        operations:\n          - Describe\n          - Read",
        "          name: hadir.employee.v1\n          patternType: literal\n        operations:\n          - Describe\n          - Write",
        r"Topic hadir\.employee\.v1 must have one owner; it is written by hadir-ingest and hadir-schedule",
    ),
    "a right on no topic": (
        "base/kafka/users.yaml", "name: hadir.check-in.recorded.v1", "name: hadir.check-in.v1",
        r"KafkaUser hadir-ingest has rights on hadir\.check-in\.v1, which is no KafkaTopic",
    ),
    "a right that nobody needs": (
        "base/kafka/users.yaml", "          - Write", "          - Delete",
        r"KafkaUser hadir-ingest may Delete hadir\.check-in\.recorded\.v1",
    ),
    "a topic that stops with one broker": (
        "base/kafka/topics.yaml", 'min.insync.replicas: "2"', 'min.insync.replicas: "3"', r"stops when one of 3 brokers restarts",
    ),
    "a pod that may be root": (
        "base/ingest/deployment.yaml", "runAsUser: 10001", "runAsUser: 0", r"Deployment hadir-ingest may run as root",
    ),
    "a pod that may escalate": (
        "base/jobs/schemas.yaml", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true",
        r"Job hadir-schemas violates PodSecurity restricted",
    ),
    "a secret nobody makes": (
        "base/payroll/deployment.yaml", "name: hadir-database-payroll", "name: hadir-db-payroll",
        r"Deployment hadir-payroll: nobody makes the Secret hadir-db-payroll",
    ),
    "a budget of nobody": (
        "base/geofence/service.yaml", "matchLabels:\n      app.kubernetes.io/name: hadir-geofence",
        "matchLabels:\n      app.kubernetes.io/name: geofence", r"PodDisruptionBudget hadir-geofence selects no pod",
    ),
    "pods that lanes cannot be shared among": (
        "components/keda/scaling.yaml", "maxReplicaCount: 12", "maxReplicaCount: 10",
        r"ScaledObject hadir-geofence: 10 pods cannot share 24 lanes",
    ),
    "a misspelt setting of the broker": (
        "base/kafka/kafka.yaml", "auto.create.topics.enable", "auto.create.topic.enable",
        r"Kafka hadir sets auto\.create\.topic\.enable, which Kafka 4\.3\.1, broker does not know",
    ),
    "a misspelt setting of a topic": (
        "base/kafka/topics.yaml", "retention.ms", "retention.milliseconds",
        r"KafkaTopic \S+ sets retention\.milliseconds, which Kafka 4\.3\.1, topic does not know",
    ),
    "a misspelt setting of the database": (
        "base/postgres/cluster.yaml", "checkpoint_timeout", "checkpoint_time_out",
        r"Cluster hadir-postgres sets checkpoint_time_out, which PostgreSQL 18 does not know",
    ),
    "a misspelt setting of the pooler": (
        "base/postgres/pooler.yaml", "max_client_conn", "max_client_connections",
        r"Pooler hadir-postgres-reports sets max_client_connections, which PgBouncer",
    ),
    "a misspelt setting of the scaler": (
        "components/keda/scaling.yaml", "lagThreshold", "lagTreshold",
        r"ScaledObject hadir-geofence sets lagTreshold, which KEDA 2\.21\.0, kafka does not know",
    ),
    "a scaler by a group of nobody": (
        "components/keda/scaling.yaml", "consumerGroup: hadir.geofence", "consumerGroup: hadir.geofences",
        r"ScaledObject hadir-geofence: there is no consumer group hadir\.geofences",
    ),
    "a policy that selects nobody": (
        "components/network-policy/policies.yaml", "app.kubernetes.io/name: hadir-ingest\n", "app.kubernetes.io/name: hadir-ingset\n",
        r"NetworkPolicy ingest-in selects pods with app\.kubernetes\.io/name: hadir-ingset, and there is none",
    ),
    "a policy for namespaces that nobody labels": (
        "components/network-policy/policies.yaml", "hadir.go.id/ingress:", "hadir.go.id/ingres:",
        r"selects namespaces by hadir\.go\.id/ingres, which deploy/k8s/README\.md tells nobody to set",
    ),
    "a policy that opens a port of nobody": (
        "components/network-policy/policies.yaml", "- {protocol: TCP, port: 8801}", "- {protocol: TCP, port: 8081}",
        r"NetworkPolicy ingest-in lets nobody in to Deployment hadir-ingest, which listens on \[8801\]",
    ),
    "a pool of no Kafka": (
        "base/kafka/pools.yaml", "strimzi.io/cluster: hadir", "strimzi.io/cluster: hadri",
        r"KafkaNodePool controllers belongs to no Kafka: its label strimzi\.io/cluster is hadri",
    ),
    "metrics of a port that is closed": (
        "components/monitoring/pod-monitors.yaml", "port: http", "port: metrics",
        r"PodMonitor hadir-services scrapes port metrics, which Deployment hadir-ingest does not open",
    ),
    "metrics that nobody scrapes": (
        "components/monitoring/pod-monitors.yaml", "          - hadir-monitor\n", "",
        r"Deployment hadir-monitor is scraped by no PodMonitor",
    ),
    "a service that leads nowhere": (
        "base/ingest/service.yaml", "targetPort: http", "targetPort: web",
        r"Service hadir-ingest leads to port web, which Deployment hadir-ingest does not open",
    ),
    "a probe that is never answered": (
        "base/ingest/deployment.yaml", "path: /readyz", "path: /ready",
        r"Deployment hadir-ingest: its readinessProbe must ask /readyz, and asks /ready",
    ),
    "a program that there is not": (
        "base/ingest/deployment.yaml", "services.ingest", "services.ingets",
        r"Deployment hadir-ingest starts python -m services\.ingets, which is no program of ours",
    ),
    "a key that a secret has not": (
        "base/ingest/deployment.yaml", "key: password", "key: pasword",
        r"Deployment hadir-ingest takes pasword from the Secret hadir-ingest, which has password, sasl\.jaas\.config",
    ),
    "an external secret with another key": (
        "components/external-secrets/secrets.yaml", '        password: "{{', '        pasword: "{{',
        r"ExternalSecret hadir-database-ingest makes pasword, username; password, username is what is read",
    ),
    "an external secret filled with nothing": (
        "components/external-secrets/secrets.yaml", "secretKey: password", "secretKey: pasword",
        r"ExternalSecret hadir-database-ingest fills password with \{\{ \.password \}\}, which it does not fetch",
    ),
    "backups into no store": (
        "base/postgres/cluster.yaml", "barmanObjectName: hadir-backups", "barmanObjectName: hadir-backup",
        r"Cluster hadir-postgres: there is no ObjectStore hadir-backup\.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_a_planted_error_is_found_and_named(copy: Path, what: str) -> None:
    file, old, new, expected = SPOILT[what]
    spoil(copy, file, old, new)

    _, faults = faults_of(copy / "overlays" / "province")

    assert any(re.search(expected, fault) for fault in faults), faults


def test_the_command_fails_and_prints_the_fault(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(copy, "base/kafka/topics.yaml", "partitions: 24", "partition: 24")

    assert main([str(copy / "overlays" / "dev")]) == 1
    assert "KafkaTopic hadir.check-in.recorded.v1: spec: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("overlays/dev/kustomization.yaml", "namespace:", "namePrefix:", "namePrefix is more of kustomize than"),
        ("overlays/dev/kustomization.yaml", "../../base", "../../bases", r"there is no \.\./\.\./bases"),
        ("overlays/dev/kustomization.yaml", "kind: KafkaTopic", "kind: KafkaTopics", "no object is the target"),
        ("overlays/dev/kustomization.yaml", "path: /spec/maxUnavailable", "path: /spec/max", "does not fit PodDisruptionBudget"),
        ("base/kafka/kustomization.yaml", "  - topics.yaml", "  - topics.yaml\n  - topics.yaml", "is declared twice"),
    ],
)  # fmt: skip
def test_what_kustomize_would_refuse_or_we_cannot_read_is_said_with_its_file(
    copy: Path, file: str, old: str, new: str, expected: str
) -> None:
    spoil(copy, file, old, new)

    with pytest.raises(Unbuildable, match=expected):
        build(copy / "overlays" / "dev")


def test_no_overlay_holds_a_password() -> None:
    for overlay in NAMES:
        for (kind, name), item in objects(overlay).items():
            if kind == "Secret":
                assert (name, item["stringData"]) == ("hadir-observer-login", {"username": "hadir-observer"})


def test_a_worker_may_finish_its_longest_transaction_before_it_is_killed() -> None:
    longest = int(session_settings(None, "test")["statement_timeout"].removesuffix("s"))
    for service in ("geofence", "schedule", "payroll"):
        spec = objects("province")["Deployment", f"hadir-{service}"]["spec"]
        assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > longest
        assert spec["strategy"]["rollingUpdate"]["maxSurge"] == 0


def test_an_api_reaches_the_database_only_and_is_reached_through_the_gateway_only() -> None:
    found = objects("province")
    ports = {f"hadir-{name}-api": found["Deployment", f"hadir-{name}-api"]["spec"]["template"]["spec"]["containers"][0]["ports"][0]
             for name in ("geofence", "schedule", "payroll", "reports")}
    for way in ("apis-out", "apis-in"):
        selected = found["NetworkPolicy", way]["spec"]["podSelector"]["matchExpressions"][0]["values"]
        assert set(selected) == set(ports)
    assert not set(ports) & set(found["NetworkPolicy", "services-out"]["spec"]["podSelector"]["matchExpressions"][0]["values"])
    [rule] = found["NetworkPolicy", "apis-in"]["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"hadir.go.id/ingress": "true"}}}]
    [opened] = rule["ports"]
    assert all(opened["port"] <= port["containerPort"] <= opened["endPort"] for port in ports.values())


def test_dev_needs_one_broker_and_one_instance_only() -> None:
    dev = objects("dev")

    assert dev["KafkaNodePool", "brokers"]["spec"]["replicas"] == 1
    assert {item["spec"]["replicas"] for (kind, _), item in dev.items() if kind == "KafkaTopic"} == {1}
    assert dev["Cluster", "hadir-postgres"]["spec"]["instances"] == 1
    assert {item["metadata"].get("namespace") for (kind, _), item in dev.items() if kind != "Namespace"} == {
        "hadir-dev"
    }


def test_the_databases_logins_have_connections_for_all_pods_there_may_be() -> None:
    """Ingest opens at most 11 per pod (pool 8, relay, loader's lock and offsets), a worker 8, an API its pool."""
    per_pod = {"ingest": 11, "geofence": 8, "schedule": 8, "payroll": 8}
    apis = {"geofence": "geofence", "schedule": "schedule", "payroll": "payroll", "reports": "audit"}
    for overlay in ("province", "national"):
        found = objects(overlay)
        cluster = found["Cluster", "hadir-postgres"]["spec"]
        limits = {
            role["name"].removeprefix("hadir_"): role.get("connectionLimit", 0) for role in cluster["managed"]["roles"]
        }
        pods = {
            service: found["ScaledObject", f"hadir-{service}"]["spec"]["maxReplicaCount"]
            if ("ScaledObject", f"hadir-{service}") in found
            else found["Deployment", f"hadir-{service}"]["spec"]["replicas"]
            for service in per_pod
        }
        wanted = Counter({service: pods[service] * per_pod[service] for service in per_pod})
        for api, login in apis.items():
            wanted[login] += found["Deployment", f"hadir-{api}-api"]["spec"]["replicas"] * POOL_SIZE

        assert all(wanted[login] <= limits[login] for login in wanted), (overlay, wanted, limits)
        assert sum(wanted.values()) - wanted["audit"] + limits["audit"] < int(cluster["postgresql"]["parameters"]["max_connections"])
