"""Tells the audit topic, once for each id, that another statement came under an id that was accepted.

The record is durable before the 409 that it tells of is answered, as a receipt is before its event. There is one for an
id, however many statements follow: a phone that repeats itself for ever writes nothing more. It is written beside the
rounds, so that no other request waits for it.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from services.ingest.rules.admission import Submission
from services.ingest.rules.refusals import Refusal
from services.ingest.store import note_contested
from shared import logs
from shared.envelope import derived_id
from shared.events import AuditRecorded
from shared.failures import is_infrastructure
from shared.lanes import Lanes
from shared.topics import AUDIT, lane_of

_logger = logging.getLogger(__name__)

ACTION: Final = "id.contested"
"""What the audit record says was tried."""


class Conflict(NamedTuple):
    """A statement under an id whose receipt, of `accepted_at`, holds another one.

    `settle` is called once: with None when the conflict is on record, else with what kept it from being so.
    """

    submission: Submission
    accepted_at: dt.datetime
    settle: Callable[[Refusal | None], None]


class Conflicts:
    """The conflicts that wait for their record. `within_s`: in seconds, how long writing it may take."""

    def __init__(self, lanes: Lanes, *, within_s: float) -> None:
        self._lanes = lanes
        self._within_s = within_s
        self._waiting: list[Conflict] = []
        self._arrived = asyncio.Event()

    def tell(self, some: Sequence[Conflict]) -> None:
        """Let these be recorded; each is settled later."""
        self._waiting += some
        self._arrived.set()

    async def record(self) -> None:
        """Records what waits, all of it at once, for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            some, self._waiting = self._waiting, []
            refusal = await self._refusal_of(some)
            for conflict in some:
                conflict.settle(refusal)

    async def _refusal_of(self, some: Sequence[Conflict]) -> Refusal | None:
        try:
            async with asyncio.timeout(self._within_s):
                await self._write(some)
        except Exception as error:  # noqa: BLE001 - whatever happened, these requests must be answered, and no other is concerned
            known = is_infrastructure(error)
            logs.event(_logger, "conflicts of ids could not be recorded", level=logging.WARNING if known else logging.ERROR,
                       count=len(some), exc_info=error)
            return Refusal("database-unavailable" if known else "internal-error")
        return None

    async def _write(self, some: Sequence[Conflict]) -> None:
        """The actor is the employee in whose name the statement came: who sent it is not known here."""
        by_id = {conflict.submission.id: conflict for conflict in reversed(some)}  # the earliest of an id
        async with self._lanes.hold({lane_of(conflict.submission.employee_id) for conflict in by_id.values()}) as work:
            for identity in await note_contested(work.connection, by_id.keys()):
                submission, accepted_at, _ = by_id[identity]
                actor = str(submission.employee_id)
                told = AuditRecorded(
                    audit_id=derived_id(AUDIT["ingest"], f"{ACTION}|{identity}", 1), actor=actor, action=ACTION,
                    subject=str(identity), at=submission.received_at,
                    detail={"topic": submission.topic.name, "accepted_at": accepted_at.isoformat()},
                )  # fmt: skip
                work.emit(AUDIT["ingest"], str(told.audit_id), 1, told, key=actor, lane=lane_of(actor), cause=None)
