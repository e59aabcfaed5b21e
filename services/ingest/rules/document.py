"""Reads JSON as strictly as money asks for: no doubled keys, no deep nesting, one meaning per document."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from services.ingest.rules.refusals import Refusal
from shared.faults import Fault, fault_of_json

MAX_DEPTH: Final = 16
"""Deepest nesting of arrays and objects; a batch needs 4."""

_LONGEST_NAME: Final = 100
_STRINGS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"[ \t\r\n]*(:?)')


@dataclass(frozen=True, slots=True)
class Doubled:
    """Stands in a document where an object names this key twice, so that it can be refused in its place."""

    key: str


@dataclass(frozen=True, slots=True)
class Document:
    """Parsed JSON. `doubled`: somewhere in `content` stands a `Doubled`."""

    content: Any
    doubled: bool = False


def read_document(raw: bytes) -> Document | Refusal:
    """The JSON in these bytes, or where it breaks.

    orjson refuses NaN, Infinity, lone surrogates and what is not UTF-8, but takes the last of two equal keys;
    whether there are any is seen by counting, since a person's position must not depend on the parser.
    """
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return Refusal("malformed-json", (fault_of_json(error),))
    keys = _keys(content, MAX_DEPTH)
    if keys is None:
        return _malformed(f"Bersarang lebih dari {MAX_DEPTH} tingkat.")
    if _keys_written(raw) == keys:
        return Document(content)
    return Document(json.loads(raw, object_pairs_hook=_object), doubled=True)


def doubled_key(document: Document, content: Any) -> Refusal | None:
    """The refusal of this part of the document if an object in it names a key twice."""
    if not document.doubled:
        return None
    todo = [content]
    while todo:
        part = todo.pop()
        if isinstance(part, Doubled):
            name = part.key[:_LONGEST_NAME]
            return Refusal("duplicate-key", (Fault(name, "duplicate-key", "Kunci ini muncul dua kali; hapus salah satu."),))
        if isinstance(part, dict):
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
    return None


def _malformed(detail: str) -> Refusal:
    return Refusal("malformed-json", (Fault("", "malformed-json", detail),))


def _object(pairs: list[tuple[str, Any]]) -> Any:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            return Doubled(key)
        seen[key] = value
    return seen


def _keys_written(raw: bytes) -> int:
    """How many keys the text names, doubled ones included."""
    if not (b"\\" in raw or b'" ' in raw or b'"\n' in raw or b'"\r' in raw or b'"\t' in raw):
        # Without escapes and without space behind a quote, a key is a quote and a colon. A value that begins with a
        # colon looks the same; then the count is too high, and whoever asks looks closer.
        return raw.count(b'":')
    return _STRINGS.findall(raw).count(b":")


def _keys(content: Any, room: int) -> int | None:
    """How many keys the objects in it have, or None if it is nested deeper than `room` levels."""
    count = 0
    parts: Iterable[Any] = content
    if isinstance(content, dict):
        count, parts = len(content), content.values()
    elif not isinstance(content, list):
        return 0
    if room == 0:
        return None
    for part in parts:
        if isinstance(part, (dict, list)):
            inner = _keys(part, room - 1)
            if inner is None:
                return None
            count += inner
    return count
