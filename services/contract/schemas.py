"""The JSON Schema of every topic's value, and what else of a topic a release promises."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, TypeAlias

from pydantic.json_schema import models_json_schema

from shared.events import Event
from shared.topics import Topic

Schema: TypeAlias = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_HOME: Final = "https://hadir.example/contract"
_DAY: Final = timedelta(days=1)


def schema_of(topic: Topic[Event]) -> Schema:
    """The value's schema as a reader needs it: open (unknown fields are allowed), required is what a record of any age has.

    Fields with a default are written in every record from now on, but records older than the field lack it.
    """
    schema = _plain(topic.event.model_json_schema(mode="validation"))
    return {"$schema": DIALECT, "$id": f"{_HOME}/{topic.name}.json", **schema}


def shared_schemas(topics: Iterable[Topic[Event]], ref_template: str) -> dict[str, Schema]:
    """Schemas of all topics' values by the name of the event, each part once, with references as the template says."""
    events = {topic.event.__name__: topic.event for topic in topics}
    _, together = models_json_schema([(event, "validation") for _, event in sorted(events.items())], ref_template=ref_template)
    return {name: _plain(schema) for name, schema in sorted(together["$defs"].items())}


def facts_of(topic: Topic[Event]) -> dict[str, Any]:
    """What readers rely on besides the value: key, order (partitions), how long and in which form records are kept."""
    return {
        "owner": topic.owner,
        "key": topic.key,
        "partitions": topic.partitions,
        "compacted": topic.compacted,
        "kept_days": topic.retention // _DAY if topic.retention else None,
        "data": topic.data,
    }


def _plain(schema: Any) -> Any:
    """Without pydantic's titles of fields, which only repeat their names; a field that is called `title` stays."""
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if key != "title" or not isinstance(value, str) or "properties" in schema}
        return {
            key: {name: _plain(part) for name, part in value.items()} if key in ("properties", "$defs") else
            value if key in ("default", "enum", "const", "required") else _plain(value)
            for key, value in kept.items()
        }  # fmt: skip
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema
