"""Commands of the schedule service: what a person decides, written under the lanes that the stream uses too.

Each writes its rows, its events and the days it makes due in one transaction, and given twice changes nothing.
Publishing reference data is in `publishing`; its functions are named here too, so that there is one place to look.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.schedule.admissible import admit_finding
from services.schedule.corrections import State
from services.schedule.publishing import (
    OPERATOR,
    Outcome,
    publish_calendars,
    publish_employees,
    publish_org_units,
    publish_policies,
    publish_rosters,
    publish_weeks,
    record_audit,
)
from services.schedule.recording import Said, lanes_of, record
from services.schedule.store import due
from shared.events import CorrectionDecided
from shared.lanes import Lanes
from shared.topics import lane_of

__all__ = [
    "MOVE_CLOCK",
    "Outcome",
    "move_clock",
    "publish_calendars",
    "publish_employees",
    "publish_org_units",
    "publish_policies",
    "publish_rosters",
    "publish_weeks",
    "record_fact",
    "record_finding",
]

MOVE_CLOCK = "move-clock"
"""What the audit topic calls a moved clock: a replay takes from there how late it is for invented people."""


async def move_clock(lanes: Lanes, name: str, at: dt.datetime) -> bool:
    """Sets the hand-moved clock `name` forward to `at` (aware); False if it stands there or later already.

    What falls due by it is assessed by the workers. Only invented employees live by such a clock.
    """
    if not name:
        raise ValueError("the real clock cannot be moved")
    async with lanes.hold({lane_of(OPERATOR)}) as work:
        moved = await due.move_clock(work.connection, name, at)
        if moved:
            record_audit(work, OPERATOR, MOVE_CLOCK, name, {"at": at.isoformat()})
        return moved


async def record_fact(
    lanes: Lanes,
    *,
    correction_id: UUID,
    kind: str,
    body: Mapping[str, Any],
    employee_id: UUID | None = None,
    org_unit_id: UUID | None = None,
    state: State = "approved",
    actor: str = OPERATOR,
    decided_at: dt.datetime | None = None,
) -> CorrectionDecided | None:
    """Records a correction, publishes it, and makes the days that it touches due.

    `body` holds the fields of its kind as the scenario format names them (`corrections`). It is about one person,
    or one unit, or (neither given) everybody; decisions on an outage are about whom the outage was about.
    The same correction again with other content is its next version; with the same content nothing happens and
    None is returned. `decided_at` (aware) defaults to now. Raises CorrectionRefused.
    """
    async with lanes.hold(lanes_of(employee_id, actor)) as work:
        return await record(
            work, correction_id, kind, body, Said(actor, decided_at), employee_id=employee_id, org_unit_id=org_unit_id, state=state
        )


async def record_finding(
    lanes: Lanes, correction_id: UUID, kind: str, body: Mapping[str, Any], said: Said, reason: str, *,
    employee_id: UUID | None = None, org_unit_id: UUID | None = None, state: State = "approved",
) -> tuple[CorrectionDecided | None, bool | None]:  # fmt: skip
    """As `record_fact`, and tells the audit topic in the same transaction who said it in which role and why; for the command line.

    The second value says whether its date is a duty day of the person (`admit_finding`).

    Over HTTP the command itself is what the audit topic is told of (`shared.web.commands`).
    """
    async with lanes.hold(lanes_of(employee_id, said.actor)) as work:
        on_duty = await admit_finding(
            work.connection, kind, body, dt.datetime.now(dt.UTC), employee_id=employee_id, org_unit_id=org_unit_id, document=said.document
        )
        event = await record(work, correction_id, kind, body, said, employee_id=employee_id, org_unit_id=org_unit_id, state=state)
        if event is not None:
            detail = {"kind": kind, "state": state, "role": said.role, "reason": reason}
            record_audit(work, said.actor, "corrections.record", str(correction_id), detail)
        return event, on_duty
