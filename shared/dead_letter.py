"""What becomes of a message nobody can process: kept in a table with its bytes, and told on a topic."""

import base64
from datetime import datetime, timedelta
from typing import Final

from shared.database import Connection
from shared.events import DeadLetterBuried
from shared.topics import Service

LARGEST_TOLD: Final = 500_000
"""Bytes of a value that still travel on the dead-letter topic; the table keeps larger ones too."""

LARGEST_KEY_TOLD: Final = 100_000
"""The same for a key: beside the largest value it still fits into an event."""

INTERNAL_PER_HOUR: Final = 20
"""More messages than this buried as `internal` within an hour, and the worker stops instead: a bad deploy must
not drain a topic into the dead letters."""


def buried(
    service: Service, topic: str, partition: int, offset: int, *, reason: str, detail: str,
    key: bytes | None, value: bytes | None, at: datetime,
) -> DeadLetterBuried:  # fmt: skip
    """The event that tells of a dead letter, always small enough to be emitted; `detail` has been made without content of the message."""
    return DeadLetterBuried(
        service=service, topic=topic, partition=partition, offset=offset, reason=reason, detail=one_line(detail),
        key_base64=_told(key, LARGEST_KEY_TOLD), value_base64=_told(value, LARGEST_TOLD), buried_at=at,
    )  # fmt: skip


def _told(raw: bytes | None, largest: int) -> str | None:
    return None if raw is None or len(raw) > largest else base64.b64encode(raw).decode()


def entity(topic: str, partition: int, offset: int) -> str:
    """What the dead letter's event is about: the place of the message, which is buried once."""
    return f"{topic}:{partition}:{offset}"


def one_line(detail: str) -> str:
    """A detail that fits the column, the event and the log: no NUL, no line breaks, at most 500 characters."""
    return " ".join(detail.replace("\x00", "").split())[:500] or "no detail"


async def forget_old(connection: Connection, kept: timedelta, at_most: int) -> int:
    """Deletes rows that were buried longer ago than `kept`, the oldest first, at most so many; returns how many."""
    tag = await connection.execute(
        'delete from dead_letter where (topic, partition, "offset") in'
        ' (select topic, partition, "offset" from dead_letter where buried_at < now() - $1::interval order by buried_at limit $2)',
        kept, at_most,
    )  # fmt: skip
    return int(tag.rpartition(" ")[2])
