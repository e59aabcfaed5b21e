"""The one way in which a correction becomes a fact: written, published, and the days that it touches made due, in one unit of work."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.schedule import taking_force
from services.schedule.corrections import (
    OF_ONE,
    WIB,
    CorrectionRefused,
    FraudBody,
    Kept,
    MoveBody,
    OutageDecisionBody,
    ReviewBody,
    State,
    around,
    date_in,
    dates_of,
    judged,
    read_body,
)
from services.schedule.publishing import put_people
from services.schedule.store import due, facts, opening
from services.schedule.store import reference_rows as rows
from services.schedule.store.due import Priority, Span
from services.schedule.store.leaves import rows_of_leaves
from shared.envelope import Envelope
from shared.events import CorrectionDecided, Document
from shared.lanes import Work
from shared.refusal import Refused
from shared.topics import CORRECTION, LANES, lane_of


@dataclass(frozen=True, slots=True)
class Said:
    """Who said it, in which role, as which action of the workflow, on what document, and when (aware; None: now)."""

    actor: str
    at: dt.datetime | None = None
    action: str | None = None
    role: str | None = None
    document: Document | None = None
    cause: Envelope | None = None


def lanes_of(employee_id: UUID | None, *actors: str) -> Collection[int]:
    """The lanes that must be held to record a correction about this person (None: about many)."""
    return range(LANES) if employee_id is None else {lane_of(employee_id), *map(lane_of, actors)}


async def record(
    work: Work, correction_id: UUID, kind: str, body: Mapping[str, Any], said: Said, *,
    employee_id: UUID | None = None, org_unit_id: UUID | None = None, state: State = "approved",
) -> CorrectionDecided | None:  # fmt: skip
    """Records a correction under the lanes that `work` holds (`lanes_of`); see `commands.record_fact`. Raises CorrectionRefused."""
    fields = read_body(kind, body)
    if kind in OF_ONE and employee_id is None:
        raise CorrectionRefused(f"koreksi {kind} harus menyebut pegawai")
    if employee_id is not None and org_unit_id is not None:
        raise CorrectionRefused("sebutkan pegawai atau unit, bukan keduanya")
    target = employee_id or org_unit_id or correction_id
    content: dict[str, Any] = fields.model_dump(mode="json", by_alias=True, exclude_none=True)
    old = await facts.correction(work.connection, correction_id)
    if old is not None and (old.employee_id, old.org_unit_id) != (employee_id, org_unit_id):
        raise CorrectionRefused("id koreksi ini sudah dipakai untuk pegawai atau unit lain; buat id baru")
    if old is not None and (old.kind, old.state, old.body) == (kind, state, content):
        return None
    date_at = date_in(WIB)
    if employee_id is not None:
        person = (await rows.employees(work.connection, [employee_id])).get(employee_id)
        if person is None:
            raise CorrectionRefused("pegawai tidak terdaftar; impor pegawainya dulu")
        date_at = person.state.date_at
    first, last = dates_of(fields, date_at)
    if isinstance(fields, OutageDecisionBody):
        outage = await facts.correction(work.connection, fields.outage_decision)
        if outage is None or outage.kind != "outage":
            raise CorrectionRefused("gangguan yang diputuskan belum dicatat; catat gangguannya dulu")
        if (outage.employee_id, outage.org_unit_id) != (employee_id, org_unit_id):
            raise CorrectionRefused("keputusan harus tentang pegawai atau unit yang sama dengan gangguannya")
        first, last = outage.first, outage.last
    kept = Kept(
        correction_id, old.version + 1 if old else 1, kind, state, employee_id, org_unit_id, first, last, said.actor,
        said.at or dt.datetime.now(dt.UTC), content,
    )
    await facts.put_correction(work.connection, kept)
    event = CorrectionDecided(
        correction_id=correction_id, version=kept.version, kind=kind, employee_id=employee_id, org_unit_id=org_unit_id,
        state=state, actor=said.actor, decided_at=kept.decided_at, body=content, action=said.action, role=said.role,
        document=said.document,
    )
    cause = work.emit(CORRECTION, str(correction_id), kept.version, event, key=str(target), lane=lane_of(target), cause=said.cause)
    if isinstance(fields, MoveBody) and employee_id is not None and "approved" in (state, old and old.state):
        await _move(work, employee_id, fields, said.actor, back=state != "approved")
    if isinstance(fields, FraudBody | ReviewBody):
        for owner, at in await facts.mark_times(work.connection, judged(fields)):
            if owner == employee_id:
                await due.mark_spans(work.connection, [Span(owner, *around(at, at, date_at))], Priority.COMMAND, cause)
    else:
        await _make_due(work, kept, old, cause)
    return event


async def _move(work: Work, employee_id: UUID, move: MoveBody, actor: str, *, back: bool) -> None:
    """Membership and zone follow the move; `back`: an appeal overturned it, and the person belongs where they did before."""
    known = await rows.employees(work.connection, [employee_id])
    units = await rows.units(work.connection)
    if move.to_unit not in units:
        raise CorrectionRefused("unit tujuan tidak terdaftar; impor unitnya dulu")
    state, now = known[employee_id].state, dt.datetime.now(dt.UTC)
    moved = state.stayed(move.since, move.to_unit) if back else state.joined(move.since, move.to_unit, units[move.to_unit].state.timezone)
    if moved == state:
        return
    try:
        cleared = await taking_force.allow_people(work.connection, [moved], {employee_id: state}, actor, now)
    except Refused as refused:
        raise CorrectionRefused(str(refused)) from None
    await put_people(work, [moved], actor, cleared)


async def _make_due(work: Work, kept: Kept, old: Kept | None, cause: Envelope) -> None:
    """Makes the dates of a correction due, and those of the version that it replaces; of a leave also the row that it is or was of."""
    for first, last in {(version.first, version.last) for version in (kept, old) if version is not None}:
        if kept.employee_id is not None:
            spans = [Span(kept.employee_id, first, last)]
            if kept.kind == "leave":
                spans += await rows_of_leaves(work.connection, [kept.employee_id], first, last)
            await due.mark_spans(work.connection, spans, Priority.COMMAND, cause)
        else:
            units = None if kept.org_unit_id is None else [kept.org_unit_id]
            await opening.spread(work.connection, units, first, last, Priority.COMMAND, cause)
