"""JSON logs that cannot carry personal data: only named fields of a known shape and literal texts get out.

A civil servant's NIP, name and coordinates must never reach a log. Filtering what comes in by pattern
cannot promise that, so this module lets through only what is known to be harmless:

* the literal text of a log call, as written in the code;
* fields from `FIELDS`, each of a shape that no name, NIP or coordinate has;
* of what is interpolated (`logger.info("... %s", x)`, also by libraries): small integers, topic and service
  names, and host:port; anything else is replaced by its type;
* of an exception: its type, SQLSTATE or errno, and the places in the code it went through, not its text.
"""

import contextlib
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
from aiokafka.errors import LeaderNotAvailableError, NotLeaderForPartitionError

from shared.failures import REASONS, Poison
from shared.refusal import Refusal
from shared.topics import SERVICES, TOPICS

_NAMES: Final = frozenset(
    {topic.name for topic in TOPICS} | set(SERVICES) | {f"hadir.{service}" for service in SERVICES}
)
_HOST_PORT: Final = re.compile(r"[a-z0-9.-]{1,100}:[0-9]{1,5}")
_LONG_DIGITS: Final = re.compile(r"[0-9]{12,}|[0-9]+\.[0-9]{3,}")
_QUOTED: Final = re.compile(r"b?'[^']*'|b?\"[^\"]*\"|\{.*\}|<.*>", re.DOTALL)
_LARGEST: Final = 10**12


def _number(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < _LARGEST:
        return value
    return None


def _seconds(value: object) -> object:
    return round(value, 2) if isinstance(value, float) else _number(value)


def _id(value: object) -> object:
    return str(value) if isinstance(value, UUID) else None


def _name(value: object) -> object:
    return value if value in _NAMES else None


def _closed(*words: str) -> Callable[[object], object]:
    return lambda value: value if value in words else None


def _type_name(value: object) -> object:
    kind = value if isinstance(value, type) else type(value) if isinstance(value, BaseException) else None
    return kind.__qualname__ if kind is not None else None


def _numbers(value: object) -> object:
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(item, int) for item in value):
        return sorted(item for item in value if abs(item) < _LARGEST)
    return None


FIELDS: Final[Mapping[str, Callable[[object], object]]] = MappingProxyType(
    {
        "event_id": _id,
        "cause": _id,
        "correlation_id": _id,
        "policy_id": _id,
        "site_id": _id,
        "service": _name,
        "topic": _name,
        "partition": _number,
        "offset": _number,
        "first": _number,
        "last": _number,
        "lane": _number,
        "lanes": _numbers,
        "generation": _number,
        "epoch": _number,
        "count": _number,
        "total": _number,
        "attempt": _number,
        "port": _number,
        "status": _number,
        "exit_code": _number,
        "seconds": _seconds,
        "error": _type_name,
        "reason": _closed(*REASONS),
        "signal": _closed("SIGTERM", "SIGINT"),
        "group": _closed("flow", "kafka", "postgres", "fairness", "proofs"),
        "canary": _closed("tepat-waktu", "terlambat", "pulang-cepat", "belum-pasti"),
        "outcome": _closed("as-known", "penalised", "spared", "unfinished"),
    }
)
"""Field names that may be logged, each with the check that its value must pass; others are dropped."""


def event(
    logger: logging.Logger,
    text: str,
    *,
    level: int = logging.INFO,
    event_id: UUID | None = None,
    cause: UUID | None = None,
    exc_info: BaseException | None = None,
    **safe: object,
) -> None:
    """Logs one line; `text` must be a literal, everything variable goes into fields that `FIELDS` allows.

    `event_id` and `cause` are ids of envelopes: grep for one of them to follow a check-in through all services.
    """
    fields = {"event_id": event_id, "cause": cause, **safe}
    logger.log(level, text, extra={"hadir_fields": fields}, exc_info=exc_info)


def configure(service: str, level: str = "INFO") -> None:
    """Sends all logging of this process, libraries included, to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("faust", "mode", "shared.pump", "aiokafka", "kafka", "asyncio", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("aiokafka.consumer.fetcher").addFilter(_of_settling)
    logging.captureWarnings(True)


def _of_settling(record: logging.LogRecord) -> bool:
    """Whether a line of aiokafka is worth telling: not that a partition's leader is only being made or moved.

    It asks again by itself, ten times a second, and calls each answer an error. What waits for the offsets says so if it lasts.
    """
    given = record.args if isinstance(record.args, tuple) else ()
    return not any(isinstance(one, (NotLeaderForPartitionError, LeaderNotAvailableError)) for one in given)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON, letting through only what the module docstring lists."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object without line breaks; a record that cannot be formatted still yields a line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "text": _text(record),
        }
        fields: Mapping[str, object] = getattr(record, "hadir_fields", {})
        for name, value in fields.items():
            allowed = FIELDS.get(name)
            shown = allowed(value) if allowed is not None and value is not None else None
            if shown is not None:
                line[name] = shown
        if record.exc_info and record.exc_info[1] is not None:
            line.update(_failure(record.exc_info[1]))
        return orjson.dumps(line, default=lambda value: type(value).__name__).decode()


def _text(record: logging.LogRecord) -> str:
    text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    if record.args:
        # Only now that every argument is harmless may it be put into the text.
        arguments: Any = record.args
        harmless: Any = (
            {key: _harmless(value) for key, value in arguments.items()}
            if isinstance(arguments, Mapping)
            else tuple(_harmless(value) for value in arguments)
        )
        with contextlib.suppress(TypeError, ValueError, KeyError):  # a %d given a masked text: the bare literal will do
            text = text % harmless
    elif not record.name.startswith(("services", "shared", "__main__")):
        # A library may have formatted its text already; we only ever hand them bytes, never parsed content.
        text = _QUOTED.sub("*", text)
    return _LONG_DIGITS.sub("*", text)[:1000]


def _harmless(value: object) -> object:
    if isinstance(value, (bool, int)):
        shown = _number(value)
        return "*" if shown is None else shown
    if isinstance(value, str) and (value in _NAMES or _HOST_PORT.fullmatch(value)):
        return value
    return f"<{type(value).__name__}>"


def _failure(error: BaseException) -> dict[str, object]:
    """Type, code and places of an exception and its causes; the texts stay out, they may quote values."""
    told: dict[str, object] = {"error": type(error).__qualname__}
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
        told["sqlstate"] = error.sqlstate
    elif isinstance(error, OSError) and error.errno is not None:
        told["errno"] = error.errno
    elif isinstance(error, Refusal):
        told["refusal"] = str(error)
    elif isinstance(error, Poison):
        told["reason"] = FIELDS["reason"](error.reason)
    told["at_code"] = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-12:]
    ]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and cause is not error:
        told["because"] = type(cause).__qualname__
    return told
