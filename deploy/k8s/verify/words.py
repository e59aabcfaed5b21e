"""Does every word mean something that no schema knows? Labels, ports, keys of Secrets, programs, settings of the servers.

An API server takes all of these as they come, and the mistake shows in the night: a policy that lets nobody in, a probe that
never answers, a setting that the broker ignores.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

from deploy.k8s.verify.kustomization import Manifest, names, of
from deploy.k8s.verify.shapes import SCHEMAS

_NAMESPACES: Final = {f"hadir.go.id/{who}" for who in ("ingress", "monitoring", "operators", "consumer", "reports")}
"""Labels that other namespaces are given (deploy/k8s/README.md, before the first apply)."""
_OTHERS: Final = {"k8s-app", "kubernetes.io/metadata.name"}
_LOGIN: Final = frozenset({"username", "password"})
_PROBES: Final = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def faults(objects: Sequence[Manifest]) -> Iterator[str]:
    """Words that mean nothing, each in a sentence that names the object."""
    for check in (_labels, _ports, _probes, _programs, _keys, _references, _servers):
        yield from check(objects)


def _called(item: Manifest) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def _workloads(objects: Sequence[Manifest]) -> list[Manifest]:
    return of(objects, "Deployment", "Job")


def _template(item: Manifest) -> dict[str, Any]:
    template: dict[str, Any] = item["spec"]["template"]
    return template


def _wanted(selector: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from selector.get("matchLabels", {}).items()
    for expression in selector.get("matchExpressions", ()):
        for value in expression.get("values", ()):
            yield expression["key"], value


def _labels(objects: Sequence[Manifest]) -> Iterator[str]:
    known = {
        "strimzi.io/cluster": names(objects, "Kafka"), "strimzi.io/kind": {"Kafka"},
        "cnpg.io/cluster": names(objects, "Cluster"), "cnpg.io/poolerName": names(objects, "Pooler"),
    }  # fmt: skip
    for item in _workloads(objects):
        for label, value in _template(item)["metadata"]["labels"].items():
            known.setdefault(label, set()).add(value)
    for item in objects:
        for selector in _selectors(item):
            for label, value in _wanted(selector):
                if value not in known.get(label, ()):
                    yield f"{_called(item)} selects pods with {label}: {value}, and there is none."
        cluster = item["metadata"].get("labels", {}).get("strimzi.io/cluster")
        if item["kind"] in ("KafkaTopic", "KafkaUser", "KafkaNodePool") and cluster not in names(objects, "Kafka"):
            yield f"{_called(item)} belongs to no Kafka: its label strimzi.io/cluster is {cluster}."
    for item in of(objects, "NetworkPolicy"):
        for peer in _peers(item):
            for label, _ in _wanted(peer.get("namespaceSelector", {})):
                if label not in _NAMESPACES | _OTHERS:
                    yield f"{_called(item)} selects namespaces by {label}, which deploy/k8s/README.md tells nobody to set."


def _selectors(item: Manifest) -> Iterator[Mapping[str, Any]]:
    """Every selector of pods in this namespace."""
    if item["kind"] == "NetworkPolicy":
        yield item["spec"]["podSelector"]
        yield from (peer.get("podSelector", {}) for peer in _peers(item) if "namespaceSelector" not in peer)
    elif item["kind"] == "PodMonitor":
        yield item["spec"]["selector"]
    elif item["kind"] == "Deployment":
        yield from (spread["labelSelector"] for spread in _template(item)["spec"].get("topologySpreadConstraints", ()))


def _peers(policy: Manifest) -> Iterator[Mapping[str, Any]]:
    for way, side in (("ingress", "from"), ("egress", "to")):
        for rule in policy["spec"].get(way, ()):
            yield from rule.get(side, ())


def _selected(objects: Sequence[Manifest], selector: Mapping[str, Any]) -> list[Manifest]:
    """Workloads of ours that a selector names by label; not those that it takes along with everybody."""
    asked: dict[str, set[str]] = {}
    for label, value in _wanted(selector):
        asked.setdefault(label, set()).add(value)
    return [
        item for item in _workloads(objects)
        if asked and all(_template(item)["metadata"]["labels"].get(label) in values for label, values in asked.items())
    ]  # fmt: skip


def _open(item: Manifest) -> dict[str, int]:
    """Ports of a workload by name."""
    opened = (port for container in _template(item)["spec"]["containers"] for port in container.get("ports", ()))
    return {port["name"]: port["containerPort"] for port in opened}


def _ports(objects: Sequence[Manifest]) -> Iterator[str]:
    for service in of(objects, "Service"):
        for target in _selected(objects, {"matchLabels": service["spec"]["selector"]}):
            for port in service["spec"]["ports"]:
                if (wanted := port.get("targetPort", port["port"])) not in {*_open(target), *_open(target).values()}:
                    yield f"{_called(service)} leads to port {wanted}, which {_called(target)} does not open."
    for monitor in of(objects, "PodMonitor"):
        for target in _selected(objects, monitor["spec"]["selector"]):
            for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                if endpoint["port"] not in _open(target):
                    yield f"{_called(monitor)} scrapes port {endpoint['port']}, which {_called(target)} does not open."
    scraped = [target for monitor in of(objects, "PodMonitor") for target in _selected(objects, monitor["spec"]["selector"])]
    for item in of(objects, "Deployment"):
        if of(objects, "PodMonitor") and item not in scraped:
            yield f"{_called(item)} is scraped by no PodMonitor: nobody would see how it is."
    for policy in of(objects, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", ()):
            let_in = [range(port["port"], port.get("endPort", port["port"]) + 1) for port in rule.get("ports", ())]
            for target in _selected(objects, policy["spec"]["podSelector"]):
                if let_in and not any(port in among for port in _open(target).values() for among in let_in):
                    yield f"{_called(policy)} lets nobody in to {_called(target)}, which listens on {sorted(_open(target).values())}."


def _probes(objects: Sequence[Manifest]) -> Iterator[str]:
    for item in of(objects, "Deployment"):
        for container in _template(item)["spec"]["containers"]:
            for probe, path in _PROBES.items():
                asked = container.get(probe, {}).get("httpGet", {})
                if asked.get("path") != path:
                    yield f"{_called(item)}: its {probe} must ask {path}, and asks {asked.get('path', 'nothing')}."
                elif asked["port"] not in {*_open(item), *_open(item).values()}:
                    yield f"{_called(item)}: its {probe} asks port {asked['port']}, which it does not open."


def _programs(objects: Sequence[Manifest]) -> Iterator[str]:
    for item in _workloads(objects):
        for container in _template(item)["spec"]["containers"]:
            program = container.get("command", [])
            if program[:2] != ["python", "-m"] or not _runs(program[2]):
                yield f"{_called(item)} starts {' '.join(program) or 'nothing'}, which is no program of ours."


def _runs(module: str) -> bool:
    try:
        return find_spec(f"{module}.__main__") is not None
    except ModuleNotFoundError:
        return False


def _keys(objects: Sequence[Manifest]) -> Iterator[str]:
    made = _made(objects)
    for who, secret, key in _asked(objects):
        if secret in made and key not in made[secret]:
            yield f"{who} takes {key} from the Secret {secret}, which has {', '.join(sorted(made[secret]))}."
    for item in of(objects, "ExternalSecret"):
        name, target = item["metadata"]["name"], item["spec"]["target"]
        fetched = {entry["secretKey"] for entry in item["spec"]["data"]}
        filled = target.get("template", {}).get("data")
        if (keys := fetched if filled is None else set(filled)) != made.get(target["name"], keys):
            yield f"ExternalSecret {name} makes {', '.join(sorted(keys))}; {', '.join(sorted(made[target['name']]))} is what is read."
        for key, text in (filled or {}).items():
            if "{{" in text and text.strip("{} .") not in fetched:
                yield f"ExternalSecret {name} fills {key} with {text}, which it does not fetch."


def _made(objects: Sequence[Manifest]) -> dict[str, frozenset[str]]:
    """Which keys a Secret has, by who makes it: Strimzi, CloudNativePG, people or external-secrets."""
    made = {name: frozenset({"password", "sasl.jaas.config"}) for name in names(objects, "KafkaUser")}
    made |= {f"{name}-cluster-ca-cert": frozenset({"ca.crt", "ca.p12", "ca.password"}) for name in names(objects, "Kafka")}
    for name in names(objects, "Cluster"):
        made[f"{name}-ca"] = frozenset({"ca.crt", "ca.key"})
        made[f"{name}-app"] = _LOGIN | {"dbname", "host", "jdbc-uri", "pgpass", "port", "uri"}
        made[f"{name}-superuser"] = made[f"{name}-app"]
    for cluster in of(objects, "Cluster"):
        made |= {role["passwordSecret"]["name"]: _LOGIN for role in cluster["spec"]["managed"]["roles"] if "passwordSecret" in role}
    for store in of(objects, "ObjectStore"):
        pairs = store["spec"]["configuration"]["s3Credentials"].values()
        for name in {pair["name"] for pair in pairs}:
            made[name] = frozenset(pair["key"] for pair in pairs if pair["name"] == name)
    return made | {item["metadata"]["name"]: frozenset(item["stringData"]) for item in of(objects, "Secret")}


def _asked(objects: Sequence[Manifest]) -> Iterator[tuple[str, str, str]]:
    """Who takes which key from which Secret."""
    for item in _workloads(objects):
        pod = _template(item)["spec"]
        for container in pod["containers"]:
            for variable in container.get("env", ()):
                if wanted := variable.get("valueFrom", {}).get("secretKeyRef"):
                    yield _called(item), wanted["name"], wanted["key"]
        for volume in pod.get("volumes", ()):
            for entry in volume.get("secret", {}).get("items", ()):
                yield _called(item), volume["secret"]["secretName"], entry["key"]
    for item in of(objects, "TriggerAuthentication"):
        for entry in item["spec"]["secretTargetRef"]:
            yield _called(item), entry["name"], entry["key"]


def _references(objects: Sequence[Manifest]) -> Iterator[str]:
    groups = {
        right["resource"]["name"]
        for user in of(objects, "KafkaUser") for right in user["spec"]["authorization"]["acls"] if right["resource"]["type"] == "group"
    }  # fmt: skip
    there = {kind: names(objects, kind) for kind in ("Cluster", "ObjectStore", "TriggerAuthentication")} | {"consumer group": groups}
    for item in objects:
        for kind, name in _referred(item):
            if name not in there[kind]:
                yield f"{_called(item)}: there is no {kind} {name}."


def _referred(item: Manifest) -> Iterator[tuple[str, str | None]]:
    """What an operator looks for by the name that this object gives."""
    if item["kind"] in ("ScheduledBackup", "Pooler"):
        yield "Cluster", item["spec"]["cluster"]["name"]
    elif item["kind"] == "Cluster":
        for plugin in item["spec"].get("plugins", ()):
            yield "ObjectStore", plugin["parameters"].get("barmanObjectName")
    elif item["kind"] == "ScaledObject":
        for trigger in item["spec"]["triggers"]:
            if "authenticationRef" in trigger:
                yield "TriggerAuthentication", trigger["authenticationRef"]["name"]
            if trigger["type"] == "kafka":
                yield "consumer group", trigger["metadata"].get("consumerGroup")


def _servers(objects: Sequence[Manifest]) -> Iterator[str]:
    for item in of(objects, "Kafka"):
        yield from _unknown(item, "Kafka 4.3.1, broker", item["spec"]["kafka"].get("config", {}))
    for item in of(objects, "KafkaTopic"):
        yield from _unknown(item, "Kafka 4.3.1, topic", item["spec"].get("config", {}))
    for item in of(objects, "Cluster"):
        yield from _unknown(item, "PostgreSQL 18", item["spec"]["postgresql"].get("parameters", {}))
    for item in of(objects, "Pooler"):
        yield from _unknown(item, "PgBouncer by CloudNativePG 1.29.1", item["spec"]["pgbouncer"].get("parameters", {}))
    for item in of(objects, "ScaledObject"):
        for trigger in item["spec"]["triggers"]:
            yield from _unknown(item, f"KEDA 2.21.0, {trigger['type']}", trigger["metadata"])


def _unknown(item: Manifest, server: str, settings: Mapping[str, Any]) -> Iterator[str]:
    if server not in _vocabulary():
        yield f"{_called(item)}: deploy/k8s/schemas/names.json has nothing of {server}."
        return
    for name in settings:
        if name not in _vocabulary()[server]:
            yield f"{_called(item)} sets {name}, which {server} does not know."


@cache
def _vocabulary() -> dict[str, frozenset[str]]:
    return {server: frozenset(known) for server, known in json.loads((SCHEMAS / "names.json").read_text()).items()}
