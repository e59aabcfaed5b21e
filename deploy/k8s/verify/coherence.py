"""Do the objects of one overlay fit together? What no schema tells: rights, names that refer to others, pod security."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from deploy.k8s.verify.kustomization import Manifest, containers, names, of
from shared.settings import Settings
from shared.topics import LANES, SERVICES

_HAND_MADE: Final = {f"hadir-database-{login}" for login in (*SERVICES, "audit")} | {"hadir-backup-store"}
"""Secrets that people make where there is no external-secrets; deploy/k8s/README.md says how."""

Pod = dict[str, Any]


def faults(objects: Sequence[Manifest]) -> Iterator[str]:
    """What does not fit, each as a sentence that names the objects."""
    for check in (_topics, _rights, _settings, _references, _selectors, _pod_security, _scaling):
        yield from check(objects)


def _pods(objects: Sequence[Manifest]) -> Iterator[tuple[str, Pod]]:
    for manifest in of(objects, "Deployment", "Job"):
        yield f"{manifest['kind']} {manifest['metadata']['name']}", manifest["spec"]["template"]["spec"]


def _topic_name(manifest: Manifest) -> str:
    name: str = manifest["spec"].get("topicName", manifest["metadata"]["name"])
    return name


def _topics(objects: Sequence[Manifest]) -> Iterator[str]:
    for name, times in Counter(map(_topic_name, of(objects, "KafkaTopic"))).items():
        if times > 1:
            yield f"KafkaTopic {name} is declared {times} times."
    brokers = sum(
        pool["spec"]["replicas"] for pool in of(objects, "KafkaNodePool") if "broker" in pool["spec"]["roles"]
    )
    for topic in of(objects, "KafkaTopic"):
        replicas, in_sync = topic["spec"].get("replicas", 1), int(topic["spec"]["config"]["min.insync.replicas"])
        if replicas > brokers:
            yield f"KafkaTopic {_topic_name(topic)} wants {replicas} replicas of {brokers} brokers."
        if in_sync > max(1, replicas - 1):
            yield f"KafkaTopic {_topic_name(topic)} stops when one of {replicas} brokers restarts: min.insync.replicas {in_sync}."


def _rights(objects: Sequence[Manifest]) -> Iterator[str]:
    topics = set(map(_topic_name, of(objects, "KafkaTopic")))
    writers: dict[str, list[str]] = defaultdict(list)
    for user in of(objects, "KafkaUser"):
        name = user["metadata"]["name"]
        for right in user["spec"]["authorization"]["acls"]:
            resource, operations = right["resource"], set(right["operations"])
            if resource["type"] == "topic":
                if resource.get("patternType", "literal") != "literal":
                    yield f"KafkaUser {name} has rights on topics by prefix; name each topic."
                elif resource["name"] not in topics:
                    yield f"KafkaUser {name} has rights on {resource['name']}, which is no KafkaTopic."
                if "Write" in operations:
                    writers[resource["name"]].append(name)
            if beyond := operations - {"Describe", "Read", "Write"}:
                yield f"KafkaUser {name} may {', '.join(sorted(beyond))} {resource['name']}: nobody needs that."
    for topic in sorted(topics):
        if len(writers[topic]) != 1:
            yield f"Topic {topic} must have one owner; it is written by {' and '.join(writers[topic]) or 'nobody'}."


def _settings(objects: Sequence[Manifest]) -> Iterator[str]:
    known = {f"HADIR_{field.upper()}": field for field in Settings.model_fields}
    told = [
        (f"ConfigMap {item['metadata']['name']}", name)
        for item in of(objects, "ConfigMap")
        for name in item.get("data", {})
    ]
    for owner, pod in _pods(objects):
        for container in pod["containers"]:
            told_here = [variable["name"] for variable in container.get("env", ())]
            told += [(owner, name) for name in told_here]
            ports = {port["containerPort"] for port in container.get("ports", ())}
            field = f"{container['name'].replace('-', '_')}_port"
            if field in Settings.model_fields and known[f"HADIR_{field.upper()}"] not in told_here:
                default = Settings.model_fields[field].default
                if ports != {default}:
                    yield f"{owner} opens {sorted(ports)}, but {container['name']} listens on {default}."
    for owner, name in told:
        if name.startswith("HADIR_") and name not in known:
            yield f"{owner} sets {name}, which no process reads (shared/settings.py has the names)."


def _references(objects: Sequence[Manifest]) -> Iterator[str]:
    secrets = _HAND_MADE | names(objects, "Secret") | names(objects, "KafkaUser")
    secrets |= {f"{name}-cluster-ca-cert" for name in names(objects, "Kafka")}
    secrets |= {f"{item['metadata']['name']}{end}" for item in of(objects, "Cluster") for end in ("-app", "-ca")}
    for owner, pod in _pods(objects):
        if pod.get("serviceAccountName") not in names(objects, "ServiceAccount"):
            yield f"{owner}: there is no ServiceAccount {pod.get('serviceAccountName')}."
        for volume in pod.get("volumes", ()):
            if (name := volume.get("secret", {}).get("secretName", next(iter(secrets)))) not in secrets:
                yield f"{owner}: nobody makes the Secret {name} of volume {volume['name']}."
        mounted = {volume["name"] for volume in pod.get("volumes", ())}
        for container in pod["containers"]:
            for mount in container.get("volumeMounts", ()):
                if mount["name"] not in mounted:
                    yield f"{owner}: there is no volume {mount['name']}."
            for source in container.get("envFrom", ()):
                if source["configMapRef"]["name"] not in names(objects, "ConfigMap"):
                    yield f"{owner}: there is no ConfigMap {source['configMapRef']['name']}."
            for variable in container.get("env", ()):
                wanted = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name")
                if wanted and wanted not in secrets:
                    yield f"{owner}: nobody makes the Secret {wanted} of {variable['name']}."


def _selectors(objects: Sequence[Manifest]) -> Iterator[str]:
    labelled = [item["spec"]["template"]["metadata"]["labels"] for item in of(objects, "Deployment", "Job")]
    for item in of(objects, "Deployment", "Service", "PodDisruptionBudget"):
        selector = item["spec"]["selector"]
        wanted = selector.get("matchLabels", {}) if item["kind"] != "Service" else selector
        if not wanted or not any(wanted.items() <= labels.items() for labels in labelled):
            yield f"{item['kind']} {item['metadata']['name']} selects no pod: {wanted}."


def _pod_security(objects: Sequence[Manifest]) -> Iterator[str]:
    for item in of(objects, "Deployment", "Job"):
        owner, pod = f"{item['kind']} {item['metadata']['name']}", item["spec"]["template"]["spec"]
        security = pod.get("securityContext", {})
        if security.get("runAsNonRoot") is not True or security.get("runAsUser", 0) < 10_000:
            yield f"{owner} may run as root: runAsNonRoot and a runAsUser from 10000 are needed."
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{owner} violates PodSecurity restricted: seccompProfile must be RuntimeDefault."
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{owner} mounts a token for the API server, which it never asks."
        if any(pod.get(field) for field in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{owner} violates PodSecurity restricted: it shares the host's namespaces."
        for container in containers(item):
            own = container.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities", {}).get("drop") != ["ALL"]:
                yield f"{owner} violates PodSecurity restricted: no escalation, and all capabilities dropped."
            if own.get("readOnlyRootFilesystem") is not True:
                yield f"{owner} may write to its own image: readOnlyRootFilesystem is needed."
            if "memory" not in container.get("resources", {}).get("limits", {}):
                yield f"{owner} has no memory limit."
            if container["image"].rpartition(":")[2] == "latest":
                yield f"{owner} runs whatever `latest` is."


def _scaling(objects: Sequence[Manifest]) -> Iterator[str]:
    for item in of(objects, "ScaledObject"):
        name, target = item["metadata"]["name"], item["spec"]["scaleTargetRef"]["name"]
        if target not in names(objects, "Deployment"):
            yield f"ScaledObject {name}: there is no Deployment {target}."
        most = item["spec"]["maxReplicaCount"]
        for trigger in item["spec"]["triggers"]:
            topic = trigger["metadata"].get("topic")
            if trigger["type"] == "kafka" and topic not in set(map(_topic_name, of(objects, "KafkaTopic"))):
                yield f"ScaledObject {name}: there is no KafkaTopic {topic}."
            if trigger["type"] == "kafka" and LANES % most:
                yield f"ScaledObject {name}: {most} pods cannot share {LANES} lanes evenly."
