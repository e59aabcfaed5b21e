"""The columns of a topic's files: the fields of its event as they are typed, and where each record stood."""

import datetime as dt
import types
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

import orjson
import pyarrow as pa
from pydantic import AwareDatetime

from shared.envelope import Envelope, decode
from shared.events import Event
from shared.failures import Poison
from shared.topics import Topic

INSTANT: Final = pa.timestamp("us", tz="UTC")

PLACE: Final = pa.schema([
    pa.field("_partition", pa.int32(), nullable=False),
    pa.field("_offset", pa.int64(), nullable=False),
    pa.field("_key", pa.string()),
    pa.field("_id", pa.string(), nullable=False),
    pa.field("_time", INSTANT, nullable=False),
    pa.field("_correlation", pa.string(), nullable=False),
    pa.field("_fault", pa.string()),
    pa.field("_value", pa.binary()),
])  # fmt: skip
"""Columns of every file: position, key, CloudEvents' id, time and correlation, why a value could not be read, and the
value byte for byte, so that nothing is lost of fields that are newer than this code."""

_PLAIN: Final[tuple[tuple[type, pa.DataType], ...]] = (
    (bool, pa.bool_()), (int, pa.int64()), (float, pa.float64()), (str, pa.string()), (UUID, pa.string()),
    (dt.datetime, INSTANT), (dt.date, pa.date32()), (dict, pa.string()),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fetched:
    """A record as fetched."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp_ms: int


@lru_cache
def schema_of(topic: Topic[Event]) -> pa.Schema:
    """Arrow's schema of a topic's files."""
    fields = [pa.field(name, _type(field.annotation)) for name, field in topic.event.model_fields.items()]
    return pa.schema([*PLACE, *fields])


def table_of(topic: Topic[Event], records: Sequence[Fetched]) -> pa.Table:
    """Rows of records, in their order; a value that cannot be read is a row with its fault and its bytes."""
    return pa.Table.from_pylist([_row(topic, record) for record in records], schema=schema_of(topic))


def _row(topic: Topic[Event], record: Fetched) -> dict[str, Any]:
    told = Envelope.of_headers(
        record.headers, topic=topic, partition=record.partition, offset=record.offset, timestamp_ms=record.timestamp_ms
    )
    row: dict[str, Any] = {
        "_partition": record.partition, "_offset": record.offset, "_key": record.key and record.key.decode(errors="replace"),
        "_id": str(told.id), "_time": told.time, "_correlation": str(told.correlation_id), "_fault": None, "_value": record.value,
    }  # fmt: skip
    try:
        event = decode(topic, record.value)
    except Poison as poison:
        return {**row, "_fault": poison.reason}
    fields = event.model_dump()
    return row | {field.name: _fitted(fields[field.name], field.type) for field in schema_of(topic) if field.name in fields}


def _fitted(value: Any, kind: pa.DataType) -> Any:
    """A value as its column takes it: objects of any shape (`dict`) are JSON text."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        return [_fitted(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return {field.name: _fitted(value[field.name], field.type) for field in kind}
    if pa.types.is_string(kind):
        return orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
    return value


def _type(annotation: Any) -> pa.DataType:
    """Arrow's type for a field's annotation; raises `TypeError` for one that no event has had so far."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, types.UnionType):
        [only] = [part for part in arguments if part is not types.NoneType]
        return _type(only)
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(_type(arguments[0]))
    if annotation is AwareDatetime:
        return INSTANT
    plain = origin or annotation
    if isinstance(plain, type):
        if issubclass(plain, Event):
            return pa.struct([pa.field(name, _type(field.annotation)) for name, field in plain.model_fields.items()])
        for known, kind in _PLAIN:
            if issubclass(plain, known):
                return kind
    raise TypeError(f"the sink has no column type for {annotation}: add it to services/sink/columns.py")
