"""Which topics and rights Kubernetes' Strimzi operator is asked for: the declarations of `shared/topics.py` as its objects.

A service may write what it owns and read what it consumes, nothing else; an outside system may read what it is declared
to read. Nobody may create, change or delete a topic: that is the operator's.
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from shared.events import Event
from shared.kafka import topic_config
from shared.refusal import Refusal
from shared.topics import CONSUMES, SERVICES, TOPICS, Service, Topic, refuse_two_owners

CLUSTER: Final = "hadir"
"""The Kafka cluster's name, and the first part of the users' names and of the services' consumer groups."""

REPLICAS: Final = 3
_API: Final = "kafka.strimzi.io/v1"
_MADE: Final = "# Made by `hadir topics manifests` from {source}; change that, not this: a test compares.\n"


class Outsider(BaseModel):
    """Another system that reads our topics, as its agreement says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=40)]
    purpose: Annotated[str, Field(min_length=1)]
    reads: Annotated[tuple[str, ...], Field(min_length=1)]
    bytes_per_second: Annotated[int, Field(gt=0)]
    agreement: str | None = None
    """Number of the agreement on personal data: needed to read a restricted topic."""


class Outsiders(BaseModel):
    """The file of outside systems."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outsiders: tuple[Outsider, ...]


def cluster_files(
    topics: Iterable[Topic[Event]] = TOPICS, consumes: Mapping[Service, tuple[Topic[Any], ...]] = CONSUMES
) -> dict[str, str]:
    """`topics.yaml` and `users.yaml` of the services; raises `Refusal` when a topic has two owners."""
    topics = tuple(topics)
    refuse_two_owners(topics)
    source = "`shared/topics.py`"
    return {
        "topics.yaml": _text(source, [_topic(topic) for topic in topics]),
        "users.yaml": _text(
            source, [*(_service_user(service, topics, consumes[service]) for service in SERVICES), _observer(topics)]
        ),
    }


def outsider_files(path: Path, topics: Iterable[Topic[Event]] = TOPICS) -> dict[str, str]:
    """`users.yaml` of the outside systems declared in a file.

    Raises `Refusal`, naming the system and the field, for a topic that does not exist and for a restricted topic
    without an agreement.
    """
    declared = _read_outsiders(path)
    known = {topic.name: topic for topic in topics}
    for outsider in declared:
        for name in outsider.reads:
            if name not in known:
                raise Refusal(f"{path}: {outsider.name} reads {name}, which is no topic; `hadir topics list` has them.")
            if known[name].data == "restricted" and not outsider.agreement:
                raise Refusal(
                    f"{path}: {outsider.name} reads {name}, which holds restricted personal data:"
                    " give the number of the `agreement` that allows it."
                )
    return {"users.yaml": _text(f"`{path.name}`", [_outside_user(outsider) for outsider in declared])}


def _topic(topic: Topic[Event]) -> dict[str, Any]:
    config = topic_config(topic, REPLICAS)
    return {
        "apiVersion": _API,
        "kind": "KafkaTopic",
        "metadata": {
            "name": topic.name,
            "labels": {"strimzi.io/cluster": CLUSTER, "hadir.go.id/owner": topic.owner, "hadir.go.id/data": topic.data},
        },
        # Numbers that could be mistaken for such are quoted: the API takes either, and a diff shows no noise.
        "spec": {
            "partitions": topic.partitions,
            "replicas": REPLICAS,
            "config": {key: DoubleQuotedScalarString(config[key]) for key in sorted(config)},
        },
    }


def _service_user(service: Service, topics: tuple[Topic[Event], ...], reads: tuple[Topic[Any], ...]) -> dict[str, Any]:
    rights = [_right("topic", topic.name, "Describe", "Write") for topic in topics if topic.owner == service]
    rights += [_right("topic", topic.name, "Describe", "Read") for topic in reads]
    if service != "ingest":  # an HTTP edge: it reads references without a group
        rights.append(_right("group", f"{CLUSTER}.{service}", "Describe", "Read"))
    return _user(f"{CLUSTER}-{service}", rights)


def _observer(topics: tuple[Topic[Event], ...]) -> dict[str, Any]:
    """Who may know how far each worker is, and read nothing: KEDA scales by it."""
    rights = [
        _right("topic", topic.name, "Describe")
        for topic in topics
        if topic.partitions == max(t.partitions for t in topics)
    ]
    rights += [_right("group", f"{CLUSTER}.{service}", "Describe") for service in SERVICES if service != "ingest"]
    return _user(f"{CLUSTER}-observer", rights)


def _outside_user(outsider: Outsider) -> dict[str, Any]:
    rights = [_right("topic", name, "Describe", "Read") for name in outsider.reads]
    rights.append(_right("group", f"ext.{outsider.name}.", "Describe", "Read", pattern="prefix"))
    # Half of one network thread: whoever asks too much is slowed, not the services.
    quotas = {"consumerByteRate": outsider.bytes_per_second, "producerByteRate": 1024, "requestPercentage": 50}
    user = _user(f"ext-{outsider.name}", rights, quotas)
    user["metadata"]["annotations"] = {"hadir.go.id/purpose": outsider.purpose} | (
        {"hadir.go.id/agreement": outsider.agreement} if outsider.agreement else {}
    )
    return user


def _right(kind: str, name: str, *operations: str, pattern: str = "literal") -> dict[str, Any]:
    resource = {"type": kind, "name": name, "patternType": pattern}
    return {"resource": resource, "operations": list(operations)}


def _user(name: str, rights: list[dict[str, Any]], quotas: dict[str, int] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "authentication": {"type": "scram-sha-512"},
        "authorization": {"type": "simple", "acls": rights},
    }
    if quotas:
        spec["quotas"] = quotas
    labels = {"strimzi.io/cluster": CLUSTER}
    return {"apiVersion": _API, "kind": "KafkaUser", "metadata": {"name": name, "labels": labels}, "spec": spec}


def _read_outsiders(path: Path) -> tuple[Outsider, ...]:
    try:
        found = Outsiders.model_validate(YAML(typ="safe").load(path))
    except OSError as error:
        raise Refusal(f"Cannot read {path}: {error.strerror}.") from error
    except YAMLError as error:
        raise Refusal(f"{path} is no YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise Refusal(f"{path}: {faults}") from error
    return found.outsiders


def _text(source: str, objects: list[dict[str, Any]]) -> str:
    yaml = YAML()
    yaml.width = 200
    yaml.explicit_start = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    parts = []
    for item in objects:
        stream = io.StringIO()
        yaml.dump(item, stream)
        parts.append(stream.getvalue())
    return _MADE.format(source=source) + "---\n".join(parts)
