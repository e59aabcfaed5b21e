"""The page for those who build on the topics, `docs/topics.md`: what each promises, and a record of each."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Final

import orjson

from services.contract.asyncapi import HEADERS, RULE
from shared.events import Event
from shared.kafka import kept, topics_markdown
from shared.topics import Topic

_PERSONAL: Final = {
    "public": "no personal data",
    "pseudonymous": "personal data under a pseudonym (`employee_id`); no names, no NIP, no coordinates",
    "restricted": "restricted personal data: the right to read it needs an agreement (`agreement` in `outsiders.yaml`)",
}

_HEAD: Final = f"""# Topics, for those who build on them

Made by `hadir contract write` from `shared/topics.py` and `shared/events/`; a test compares. The same for machines:
`deploy/contract/asyncapi.yaml`, `deploy/contract/schemas/<topic>.json`; data to test with: `deploy/contract/golden-month/`;
clients that work: `docs/consumers/`.

**The rule.** {RULE}

- **Envelope.** CloudEvents 1.0, binary mode: attributes in the headers below, the value is plain JSON. Compressed with lz4.
- **Order.** Per key, and where keys begin with `employee_id` per person: all such topics put a person on the same partition
  number (Kafka's default hash, murmur2, of the employee's id). Between topics there is no order.
- **Duplicates.** After a takeover a record may come again, with the same `ce_id`, `version` and content, even behind newer ones.
- **Compacted topics** hold the latest state of each key; a record without a value (tombstone) says that the key is no more.
- **Unknown fields** are to be ignored: releases add optional fields, never remove, rename, widen or narrow one. A field with
  a default is in every record written since it exists, and missing in older ones. Anything else is a new topic, `….v2`, beside
  the old one (`hadir contract check` compares with every release in `deploy/contract/released`).
- **Percents** are exact decimal text, or a fraction such as `25/22`; **money** is integer rupiah; **times** have an offset.
- **Rights.** Name, purpose, topics and bytes per second go into `deploy/k8s/components/outsiders/outsiders.yaml`; you get user
  `ext-<system>` (SCRAM-SHA-512 over TLS), `Describe` and `Read` on those topics, and groups that begin with `ext.<system>.`.

## Headers

| header | what |
|---|---|
"""


def text(topics: Iterable[Topic[Event]], samples: Mapping[str, bytes], source: Mapping[str, str]) -> str:
    """The page; `samples` has an example record of each topic by name, `source` the fields of each with their meaning."""
    topics = tuple(topics)
    headers = "".join(f"| `{name}` | {words} |\n" for name, (words, _) in HEADERS.items())
    parts = [_topic(topic, samples[topic.name], source[topic.name]) for topic in topics]
    return f"{_HEAD}{headers}\n## All topics\n\n{topics_markdown(topics)}\n\n" + "\n".join(parts)


def _topic(topic: Topic[Event], sample: bytes, fields: str) -> str:
    compacted = "compacted: the latest record of each key is kept for ever; offsets have holes" if topic.compacted else kept(topic)
    versioned = "version" in topic.event.model_fields
    entity = re.sub(r"\s+", " ", (inspect.getdoc(topic.event) or topic.what).strip())
    rule = "apply a record if its `version` is greater than yours"
    if not versioned:
        rule = "records are facts, not states: apply each `ce_id` once"
    example = orjson.dumps(orjson.loads(sample), option=orjson.OPT_INDENT_2).decode()
    return f"""## `{topic.name}`

{entity}

- key `{topic.key}`, {topic.partitions} partitions, written by {topic.owner} only
- kept: {compacted}
- duplicates: {rule}
- personal data: {_PERSONAL[topic.data]}
- to ask for: `Describe, Read` on topic `{topic.name}`, group prefix `ext.<system>.`

{fields}

```json
{example}
```
"""


def fields_table(schema: Mapping[str, object]) -> str:
    """The fields of a value's schema as a table: type, and whether every record has it."""
    rows = ["| field | type | in every record |", "|---|---|---|"]
    properties, required = schema["properties"], schema.get("required", ())
    assert isinstance(properties, dict)
    assert isinstance(required, (list, tuple))
    for name, part in properties.items():
        told = f"since it exists; else {orjson.dumps(part['default']).decode()}" if "default" in part else "yes"
        rows.append(f"| `{name}` | {_type(part).replace('|', '&#124;')} | {'yes' if name in required else told} |")
    return "\n".join(rows)


def _type(part: Mapping[str, object]) -> str:
    if "anyOf" in part:
        assert isinstance(part["anyOf"], list)
        return " or ".join(map(_type, part["anyOf"]))
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    if "enum" in part:
        assert isinstance(part["enum"], list)
        return ", ".join(f"`{value}`" for value in part["enum"])
    if part.get("type") == "array" and isinstance(part.get("items"), dict):
        return f"list of {_type(part['items'])}"  # type: ignore[arg-type]  # just looked
    return f"{part.get('type', 'anything')}" + (f" ({part['format']})" if "format" in part else "")
