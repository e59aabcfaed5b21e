"""The AsyncAPI 3 document of all topics: channels, who sends, keys, headers, payloads, Kafka's own configuration."""

import inspect
import io
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from services.contract.schemas import Schema, shared_schemas
from shared.events import Event
from shared.kafka import topic_config
from shared.topics import Topic

_KEPT_BY: Final = ("cleanup.policy", "retention.ms")
_UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_BINDING: Final = "0.5.0"

RULE: Final = (
    "Every state event carries a version; duplicates are possible, and an old duplicate may follow a newer record;"
    " apply an event if its version is greater than yours, else ignore it; on uncompacted topics versions have no holes."
)
"""The outsiders' rule, word for word as the README has it."""

HEADERS: Final[dict[str, tuple[str, str | None]]] = {
    "ce_specversion": ("version of CloudEvents, 1.0", None),
    "ce_id": ("id of the event; the same in every duplicate of it", "uuid"),
    "ce_type": ("what happened: `id.go.` and the topic's name", None),
    "ce_source": ("the service that says so", None),
    "ce_time": ("when the fact was recorded, UTC", "date-time"),
    "ce_subject": ("the entity that the event is about; never a name or a NIP", None),
    "ce_correlationid": ("the check-in or command with which it all began", "uuid"),
    "ce_causationid": ("the event that led to this one; absent on the first of a chain", "uuid"),
    "content-type": ("application/json", None),
}
"""Headers of every record: the words for them, and their format."""


def document(topics: Iterable[Topic[Event]]) -> dict[str, Any]:
    """The whole document as plain data; topics are told to be there once and to have one owner by the caller."""
    topics = tuple(topics)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hadir",
            "version": version("hadir"),
            "description": f"Attendance of civil servants and the deductions that follow from it, as events.\n{RULE}",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {f"{topic.name}.send": _operation(topic) for topic in topics},
        "components": {
            "messages": {topic.name: _message(topic) for topic in topics},
            "messageTraits": {"cloudEvents": {"headers": _headers()}},
            "schemas": shared_schemas(topics, "#/components/schemas/{model}"),
        },
    }


def text(topics: Iterable[Topic[Event]]) -> str:
    """The document as YAML, the same bytes for the same declarations."""
    yaml = YAML()
    yaml.width = 160
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_readable(document(topics)), stream)
    return "# Made by `hadir contract write` from `shared/topics.py` and `shared/events/`; a test compares.\n" + stream.getvalue()


def key_schema(topic: Topic[Event]) -> Schema:
    """What the record keys of a topic look like."""
    pattern = {
        "employee_id": f"^{_UUID}$", "org_unit_id": f"^{_UUID}$", "policy_id": f"^{_UUID}$", "site_id": f"^{_UUID}$",
        "employee_id or org_unit_id": f"^{_UUID}$", "employee_id|month": rf"^{_UUID}\|[0-9]{{4}}-[0-9]{{2}}$",
        "calendar|year": r"^.+\|[0-9]{4}$",
    }.get(topic.key)  # fmt: skip
    return {"type": "string", "description": topic.key} | ({"pattern": pattern} if pattern else {})


def _channel(topic: Topic[Event]) -> dict[str, Any]:
    config = topic_config(topic, 3)
    told: dict[str, Any] = {name: config[name] for name in _KEPT_BY}
    return {
        "address": topic.name,
        "description": topic.what,
        "messages": {"record": {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "replicas": 3,
                "topicConfiguration": {"cleanup.policy": [told["cleanup.policy"]], "retention.ms": int(told["retention.ms"])},
                "bindingVersion": _BINDING,
            }
        },
        "x-owner": topic.owner,
        "x-personal-data": topic.data,
    }


def _operation(topic: Topic[Event]) -> dict[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": "send",
        "summary": f"{topic.owner} publishes {topic.what}",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/record"}],
    }


def _message(topic: Topic[Event]) -> dict[str, Any]:
    return {
        "name": topic.ce_type,
        "summary": topic.what,
        "description": inspect.getdoc(topic.event) or topic.what,
        "traits": [{"$ref": "#/components/messageTraits/cloudEvents"}],
        "payload": {"$ref": f"#/components/schemas/{topic.event.__name__}"},
        "bindings": {"kafka": {"key": key_schema(topic), "bindingVersion": _BINDING}},
    }


def _headers() -> Schema:
    properties = {
        name: {"type": "string", "description": words} | ({"format": form} if form else {})
        for name, (words, form) in HEADERS.items()
    }
    optional = {"ce_causationid"}
    return {"type": "object", "properties": properties, "required": [name for name in HEADERS if name not in optional]}


def _readable(value: Any) -> Any:
    """Texts of several lines as blocks."""
    if isinstance(value, dict):
        return {key: _readable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_readable(part) for part in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value
