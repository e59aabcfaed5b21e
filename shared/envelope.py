"""The envelope of every event (CloudEvents 1.0, binary mode) and its JSON: the one way on and off the wire."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID, uuid5

import orjson
from pydantic import ValidationError

from shared.events import HADIR_NAMESPACE, Event
from shared.failures import NOT_JSON, NULL_VALUE, SCHEMA, TOO_LARGE, Poison
from shared.ids import id_of, id_of_bytes
from shared.topics import Topic

MAX_EVENT_BYTES: Final = 1_000_000
"""Largest value of a record, below the 1 MiB that brokers take by default; headers need the rest."""

MAX_DEPTH: Final = 32
"""Deepest nesting of arrays and objects; GeoJSON multipolygons need 8."""

_NAMESPACE: Final = HADIR_NAMESPACE.bytes

E = TypeVar("E", bound=Event)
Headers = Iterable[tuple[str, bytes | None]]


class Envelope(NamedTuple):
    """What is known of an event besides its content.

    `time` (aware) is when the fact was recorded, `causation_id` the event that led to this one, and
    `correlation_id` the check-in or command it all began with; `subject` is the entity, never a person's name.
    """

    id: UUID
    type: str
    source: str
    time: datetime
    subject: str
    causation_id: UUID | None
    correlation_id: UUID

    def header_texts(self) -> dict[str, str]:
        """The headers by name, as text (all of them are)."""
        texts = {
            "ce_specversion": "1.0",
            "ce_id": str(self.id),
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_time": self.time.astimezone(UTC).isoformat()[:-6] + "Z",
            "ce_subject": self.subject,
            "ce_correlationid": str(self.correlation_id),
            "content-type": "application/json",
        }
        if self.causation_id is not None:
            texts["ce_causationid"] = str(self.causation_id)
        return texts

    def headers(self) -> list[tuple[str, bytes]]:
        """Record headers in the binary mode of the CloudEvents Kafka binding."""
        return [(name, text.encode()) for name, text in self.header_texts().items()]

    @classmethod
    def of_headers(
        cls, headers: Headers | None, *, topic: Topic[Event], partition: int, offset: int, timestamp_ms: float | None
    ) -> "Envelope":
        """The envelope of a record as read; what is missing or foreign is replaced, never refused.

        A foreign producer owes us a right value, not our headers: without a readable `ce_id` the id is
        derived from where the record stands, so that every replay sees the same one. `timestamp_ms`
        (milliseconds since 1970) is the record's own, for records without a readable `ce_time`.
        """
        found = dict(headers or ())
        own_id = _uuid(found.get("ce_id")) or uuid5(HADIR_NAMESPACE, f"{topic.name}|{partition}|{offset}")
        return cls(
            id=own_id,
            type=_text(found.get("ce_type"), topic.ce_type),
            source=_text(found.get("ce_source"), f"/hadir/{topic.owner}"),
            time=_time(found.get("ce_time")) or record_time(timestamp_ms),
            subject=_text(found.get("ce_subject"), ""),
            causation_id=_uuid(found.get("ce_causationid")),
            correlation_id=_uuid(found.get("ce_correlationid")) or own_id,
        )


def _text(header: bytes | None, otherwise: str) -> str:
    return otherwise if header is None else header.decode(errors="replace")


def _uuid(header: bytes | None) -> UUID | None:
    """The id that a header says, in whatever spelling."""
    if not header:
        return None
    text = header.decode(errors="replace")
    try:
        return id_of(text)
    except ValueError:
        try:
            return UUID(text)
        except ValueError:
            return None


def _time(header: bytes | None) -> datetime | None:
    try:
        read = datetime.fromisoformat(header.decode(errors="replace")) if header else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None


def record_time(timestamp_ms: float | None) -> datetime:
    """A record's own timestamp (milliseconds since 1970), as far as it is one: brokers keep whatever a producer says."""
    try:
        return datetime.fromtimestamp((timestamp_ms or 0) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def derived_id(topic: Topic[Event], entity: str, version: int) -> UUID:
    """Id of the event that carries this version of this entity: the same whoever computes it, and whenever.

    It is the UUIDv5 of the three in our namespace; the library's own function takes almost three times as long.
    """
    digest = bytearray(sha1(_NAMESPACE + f"{topic.name}|{entity}|{version}".encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # version 5
    digest[8] = digest[8] & 0x3F | 0x80  # the variant of RFC 4122
    return id_of_bytes(bytes(digest))


def encode(event: Event) -> bytes:
    """The event as plain JSON."""
    return event.__pydantic_serializer__.to_json(event)


def decode(topic: Topic[E], raw: bytes | None) -> E:
    """The event that these bytes say, or `Poison` with the reason.

    Stricter than JSON parsers usually are, because what passes here goes into Postgres and to other
    languages: no NaN or Infinity, no lone surrogate, no NUL, no integer beyond 64 bits, no deep nesting.
    """
    if raw is None:
        raise Poison(NULL_VALUE, "the record has no value")
    if len(raw) > MAX_EVENT_BYTES:
        raise Poison(TOO_LARGE, f"{len(raw)} bytes, at most {MAX_EVENT_BYTES} are taken")
    if _is_suspicious(raw) or raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _refuse_unstorable(_parsed(raw))
    try:
        event: E = topic.event.__pydantic_validator__.validate_json(raw)
    except ValidationError as error:
        _parsed(raw)  # what is no JSON at all is not called a wrong event
        raise Poison(SCHEMA, _complaints(error)) from None
    return event


def _parsed(raw: bytes) -> object:
    """The values of a JSON text; `Poison` for what is none."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Poison(NOT_JSON, f"{_parser_words(error)} at line {error.lineno} column {error.colno}") from None


_ONE_DIGIT: Final = bytes.maketrans(b"123456789E", b"000000000e")


def _is_suspicious(raw: bytes) -> bool:
    """Cheap sign that a closer look is due: an escaped NUL, what JSON has no number for, one too long for 64 bits or 1e100."""
    if b"\\u0000" in raw or b"NaN" in raw or b"Infinity" in raw:
        return True
    shape = raw.translate(_ONE_DIGIT, b"+")
    if b"0" * 19 in shape:
        return True
    at = shape.find(b"0e000")
    while at >= 0:
        # Within the ids that every event has this is most often letters and digits; a number follows on a sign of JSON.
        if shape[:at].rstrip(b"0.").rstrip(b"-")[-1:] in b":,[ \t\r\n":
            return True
        at = shape.find(b"0e000", at + 1)
    return False


def _refuse_unstorable(content: object) -> None:
    """Raises `Poison` if anything in the parsed JSON cannot be stored; iterative, so that depth cannot hurt."""
    todo: list[tuple[object, int]] = [(content, 1)]
    while todo:
        value, depth = todo.pop()
        if depth > MAX_DEPTH + 1:
            raise Poison(SCHEMA, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, str):
            if "\x00" in value:
                raise Poison(SCHEMA, "a text holds NUL")
        elif isinstance(value, bool):
            continue
        elif isinstance(value, (int, float)):
            if not -(2**63) <= value < 2**63:
                raise Poison(SCHEMA, "a number is beyond 64 bits")
        elif isinstance(value, list):
            todo.extend((item, depth + 1) for item in value)
        elif isinstance(value, dict):
            todo.extend((part, depth + 1) for pair in value.items() for part in pair)


def _parser_words(error: orjson.JSONDecodeError) -> str:
    """What the parser missed, without the place and without any of the content."""
    words = error.msg.partition(":")[0]
    return "not UTF-8 or a lone surrogate" if "surrogate" in words or "utf-8" in words.lower() else words[:80]


def _complaints(error: ValidationError) -> str:
    """Field and kind of each complaint, at most five; never the refused value, which may be personal data."""
    kinds: list[dict[str, Any]] = [dict(found) for found in error.errors(include_url=False, include_context=False)]
    said = [f"{'.'.join(map(str, found['loc'])) or 'value'}: {found['type']}" for found in kinds[:5]]
    if len(kinds) > len(said):
        said.append(f"and {len(kinds) - len(said)} more")
    return "; ".join(said)[:500]
