"""Commands of the schedule service: what a person decides, written under the lanes that the stream uses too.

Each writes its rows, its events and the days it makes due in one transaction, and given twice changes nothing.
Publishing reference data is in `publishing`; its functions are named here too, so that there is one place to look.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.schedule.corrections import (
    FIRST,
    OF_ONE,
    CorrectionRefused,
    FraudBody,
    Kept,
    MoveBody,
    OutageDecisionBody,
    ReviewBody,
    State,
    around,
    dates_of,
    read_body,
)
from services.schedule.publishing import (
    OPERATOR,
    Outcome,
    Refused,
    publish_calendars,
    publish_employees,
    publish_org_units,
    publish_policies,
    publish_rosters,
    publish_weeks,
    put_people,
    record_audit,
)
from services.schedule.store import due, facts, opening
from services.schedule.store import reference_rows as rows
from services.schedule.store.due import Priority, Span
from shared.envelope import Envelope
from shared.events import CorrectionDecided
from shared.lanes import Lanes, Work
from shared.topics import CORRECTION, LANES, lane_of

__all__ = [
    "MOVE_CLOCK",
    "Outcome",
    "Refused",
    "move_clock",
    "publish_calendars",
    "publish_employees",
    "publish_org_units",
    "publish_policies",
    "publish_rosters",
    "publish_weeks",
    "record_fact",
]

MOVE_CLOCK = "move-clock"
"""What the audit topic calls a moved clock: a replay takes from there how late it is for invented people."""

_WIDEST = ZoneInfo("Asia/Jakarta")
"""Zone in which dates of instants are taken when a correction is about many; `around` leaves a day on each side."""


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
    fields = read_body(kind, body)
    if kind in OF_ONE and employee_id is None:
        raise CorrectionRefused(f"koreksi {kind} harus menyebut pegawai")
    if employee_id is not None and org_unit_id is not None:
        raise CorrectionRefused("sebutkan pegawai atau unit, bukan keduanya")
    target = employee_id or org_unit_id or correction_id
    content: dict[str, Any] = fields.model_dump(mode="json", by_alias=True, exclude_none=True)
    async with lanes.hold({lane_of(target), lane_of(actor)} if employee_id is not None else range(LANES)) as work:
        old = await facts.correction(work.connection, correction_id)
        if old is not None and (old.employee_id, old.org_unit_id) != (employee_id, org_unit_id):
            raise CorrectionRefused("id koreksi ini sudah dipakai untuk pegawai atau unit lain; buat id baru")
        if old is not None and (old.kind, old.state, old.body) == (kind, state, content):
            return None
        zone, (first, last) = _WIDEST, (FIRST, FIRST)
        if employee_id is not None:
            person = (await rows.employees(work.connection, [employee_id])).get(employee_id)
            if person is None:
                raise CorrectionRefused("pegawai tidak terdaftar; impor pegawainya dulu")
            zone = ZoneInfo(person.state.timezone)
        first, last = dates_of(fields, zone)
        if isinstance(fields, OutageDecisionBody):
            outage = await facts.correction(work.connection, fields.outage_decision)
            if outage is None or outage.kind != "outage":
                raise CorrectionRefused("gangguan yang diputuskan belum dicatat; catat gangguannya dulu")
            if (outage.employee_id, outage.org_unit_id) != (employee_id, org_unit_id):
                raise CorrectionRefused("keputusan harus tentang pegawai atau unit yang sama dengan gangguannya")
            first, last = outage.first, outage.last
        kept = Kept(
            correction_id, old.version + 1 if old else 1, kind, state, employee_id, org_unit_id, first, last, actor,
            decided_at or dt.datetime.now(dt.UTC), content,
        )
        await facts.put_correction(work.connection, kept)
        event = CorrectionDecided(
            correction_id=correction_id, version=kept.version, kind=kind, employee_id=employee_id, org_unit_id=org_unit_id,
            state=state, actor=actor, decided_at=kept.decided_at, body=content,
        )
        cause = work.emit(CORRECTION, str(correction_id), kept.version, event, key=str(target), lane=lane_of(target), cause=None)
        if isinstance(fields, MoveBody) and employee_id is not None and state == "approved":
            await _move(work, employee_id, fields, actor)
        if isinstance(fields, FraudBody | ReviewBody):
            check_ins = fields.check_ins if isinstance(fields, FraudBody) else (fields.review,)
            for owner, at in await facts.mark_times(work.connection, check_ins):
                if owner == employee_id:
                    await due.mark_spans(work.connection, [Span(owner, *around(at, at, zone))], Priority.COMMAND, cause)
        else:
            await _make_due(work, kept, old, cause)
        return event


async def _move(work: Work, employee_id: UUID, move: MoveBody, actor: str) -> None:
    known = await rows.employees(work.connection, [employee_id])
    units = await rows.units(work.connection)
    if move.to_unit not in units:
        raise CorrectionRefused("unit tujuan tidak terdaftar; impor unitnya dulu")
    await put_people(work, [known[employee_id].state.joined(move.since, move.to_unit)], actor)


async def _make_due(work: Work, kept: Kept, old: Kept | None, cause: Envelope) -> None:
    """Makes the dates of a correction due, and those of the version that it replaces."""
    for first, last in {(version.first, version.last) for version in (kept, old) if version is not None}:
        if kept.employee_id is not None:
            await due.mark_spans(work.connection, [Span(kept.employee_id, first, last)], Priority.COMMAND, cause)
        else:
            await opening.spread(work.connection, kept.org_unit_id, first, last, Priority.COMMAND, cause)
