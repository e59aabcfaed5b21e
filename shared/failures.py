"""The vocabulary of failure: what is never retried, what is always retried, and what ends the process."""

from typing import Final

import asyncpg
from aiokafka.errors import KafkaError

NULL_VALUE: Final = "null-value"
NOT_JSON: Final = "not-json"
SCHEMA: Final = "schema"
TOO_LARGE: Final = "too-large"
ASTRAY: Final = "astray"
CONFLICT: Final = "conflict"
UNPRICED: Final = "unpriced"
INTERNAL: Final = "internal"
REASONS: Final = (NULL_VALUE, NOT_JSON, SCHEMA, TOO_LARGE, ASTRAY, CONFLICT, UNPRICED, INTERNAL)
"""Reasons of dead letters. `ASTRAY`: on a partition that is not its employee's; `CONFLICT`: an id used before for
something else; `UNPRICED`: a day found what its rule pack does not know; `INTERNAL`: a bug of ours that one message
brings out."""


class Poison(Exception):
    """A message that can never be processed: it is buried with its reason, and the rest goes on.

    `reason` is a word of a closed set (it becomes a metric label); `detail` tells a person which field is
    wrong and how, and never repeats what the field held, since both are logged.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Unready(Exception):
    """Something that is needed has not arrived yet, say a reference row: the work is retried in place."""


class Fenced(Exception):
    """Another process owns the lane, or loads the references, by now: this one must not write what it was about to."""


class Hole(Exception):
    """The pump left out offsets [first, end) of a partition: they are read again before anything goes on."""

    def __init__(self, topic: str, partition: int, first: int, end: int) -> None:
        super().__init__(f"{topic}:{partition} [{first}, {end})")
        self.topic = topic
        self.partition = partition
        self.first = first
        self.end = end


class BadDeploy(Exception):
    """One message after the other brings out a bug: this build must stop before it buries a whole topic."""


_SERVER_TROUBLE: Final = (
    "08",
    "25P03",
    "25006",
    "28",
    "3D",
    "3F",
    "40",
    "42501",
    "42P01",
    "53",
    "55",
    "57",
    "58",
    "XX",
)
"""SQLSTATEs, by prefix, that tell of the database and not of the message: connection, role and schema not (yet)
there, serialization, resources, locks, shutdown, files, corruption, and a primary that became a replica."""


def is_infrastructure(error: BaseException) -> bool:
    """Whether the same work may succeed later without anybody touching the message or the code.

    True for a database or broker that is away, overloaded or failing over, for lost lock races, and for
    `Unready`. A value that Postgres or asyncpg refuses is not infrastructure: it would be refused for ever.
    """
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "08").startswith(_SERVER_TROUBLE)
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # asyncpg.DataError is both: an argument it cannot encode
    # InternalClientError: asyncpg lost track of a connection that was cut in the middle of an answer.
    return isinstance(error, (OSError, KafkaError, Unready, asyncpg.InternalClientError))
