"""Named places where a test may kill this process: nothing at all unless `HADIR_FAILPOINT` names one.

`HADIR_FAILPOINT=commit-sent:kill` ends the process by SIGKILL when it first reaches that place,
`commit-sent:kill@7` when it reaches it for the seventh time; `stop` instead of `kill` freezes it (SIGSTOP).
"""

import os
import signal
from typing import Final

POINTS: Final = frozenset(
    {
        "statement",  # an SQL statement or a COPY was answered, on whatever connection: `@n` reaches each of them
        "begun",  # the batch's transaction is open, nothing is locked
        "locked",  # lanes are locked, positions read
        "handled",  # the service has decided and written
        "letters-written",  # dead letters are written, the outbox is not
        "outbox-written",  # outbox, lane sequence and positions are written
        "commit-sent",  # COMMIT is on its way, its answer is not here
        "committed",  # COMMIT was answered, nobody was told
        "relay-read",  # outbox rows are read
        "relay-producing",  # the broker is about to get one batch of them
        "relay-acknowledged",  # the broker acknowledged this batch, others are on their way
        "relay-sent",  # the broker acknowledged all of them
        "relay-marked",  # the cursor moved
        "lag-telling",  # Kafka is about to be told how far we are
        "lag-told",  # Kafka was told
        "references-fetched",  # reference records are here, no row of them is
        "references-applied",  # their rows are committed, and their position
        "ingest-known",  # employees of a round are read, nothing is claimed
        "ingest-claimed",  # receipts are durable, nothing is produced
        "ingest-producing",  # the broker is about to get one batch of events
        "ingest-acknowledged",  # the broker acknowledged this batch, nobody was answered
        "ingest-settled",  # the requests of a round have their outcomes
        "ingest-marked",  # receipts are marked as published
    }
)


def _armed() -> tuple[str, int, int] | None:
    wish = os.environ.get("HADIR_FAILPOINT", "")
    if not wish:
        return None
    point, _, rest = wish.partition(":")
    action, _, nth = rest.partition("@")
    signals = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
    if point not in POINTS or action not in signals:
        raise ValueError(f"HADIR_FAILPOINT must be POINT:kill or POINT:stop, POINT one of {', '.join(sorted(POINTS))}")
    return point, signals[action], int(nth or 1)


_wish: Final = _armed()
ARMED: Final = _wish is not None
"""Whether any failpoint is set; code may ask before taking a detour that only a failpoint needs."""

_passes = 0


def reach(point: str) -> None:
    """Tells that the process is at `point`; ends or freezes it when that was asked for."""
    if _wish is not None and _wish[0] == point:
        global _passes  # noqa: PLW0603 - counts over the life of the process
        _passes += 1
        if _passes == _wish[2]:
            os.kill(os.getpid(), _wish[1])
