"""What a person does about steps of the ladder: reads the dossier, imposes a proposed step, does not, or annuls a decision."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.schedule.corrections import CorrectionRefused, dated
from services.schedule.discipline import decide_step, imposed, take_back_step
from services.schedule.ladders import Cut, Step, ladders
from services.schedule.memory import Memory
from services.schedule.publishing import record_audit
from services.schedule.requests import under_all_names
from services.schedule.rules import LadderDay, StepReached, counted, ruling
from services.schedule.rules.cuts import Imposed
from services.schedule.rules.workflow import SYSTEM, Who
from services.schedule.store import discipline as rows
from services.schedule.store.discipline import StepKey, StepVersion
from shared.cuts import replaced_by
from shared.database import Connection
from shared.envelope import Envelope
from shared.events import DayAssessed, Document
from shared.lanes import Lanes, Work
from shared.roles import Role, may
from shared.topics import lane_of

DECIDE: Final = "discipline.decide"
"""The verb of `shared.roles` that imposing and taking back need."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A step with the days that it stands on, as they are assessed now.

    `counted` is how many days of absence they come to by now; fewer than `step.unexcused_days` once an excuse has come.
    """

    step: StepVersion
    meaning: Step | None
    days: tuple[tuple[LadderDay, DayAssessed], ...]

    @property
    def counted(self) -> int:
        """Days of absence among them now."""
        return sum(day.absent for day, _ in self.days)


async def dossier(connection: Connection, key: StepKey) -> Dossier:
    """The dossier of a step: each day with its version, its evidence and why it counts. Raises CorrectionRefused."""
    known = (await rows.steps_of(connection, [key[0]])).get(key)
    if known is None:
        raise CorrectionRefused("tahap ini tidak pernah diusulkan; lihat `hadir ladder list`")
    policies = (await Memory().current(connection)).policies
    days = (await rows.ladder_days(connection, [key[0]], policies)).get(key[0], [])
    ruled = ruling(days)
    if ruled is None:
        return Dossier(known, meaning_of(key[1]), ())
    reached = StepReached(key[1], key[2], known.unexcused_days, known.legal_source)
    on = {day.date: day for day in counted(ruled[0], ruled[1], reached)}
    assessed = await rows.assessed_on(connection, key[0], sorted(on))
    return Dossier(known, meaning_of(key[1]), tuple((on[event.date], event) for event in assessed))


async def impose(
    lanes: Lanes, key: StepKey, by: Who, *, reason: str, document: Document, effective_from: str | None = None, cut: Cut | None = None,
) -> StepVersion:  # fmt: skip
    """Imposes a proposed step on a document; a cut of the TPP holds from a month on, and payroll follows. Raises CorrectionRefused."""
    async with lanes.hold({lane_of(key[0]), lane_of(by.name)}) as work:
        if lanes.given_before:
            return (await rows.steps_of(work.connection, [key[0]]))[key]
        _may(await under_all_names(work.connection, by), key)
        cause = _audited(work, "discipline.decided", key, by, reason, document, effective_from)
        return await decide_step(
            work, key, actor=by.name, at=_now(), reason=reason, document=document, effective_from=effective_from, cut=cut, cause=cause
        )


async def take_back(lanes: Lanes, key: StepKey, by: Who, *, reason: str, document: Document | None = None) -> StepVersion:
    """Does not impose a proposed step, or annuls a decided one, which needs a document. Raises CorrectionRefused."""
    async with lanes.hold({lane_of(key[0]), lane_of(by.name)}) as work:
        if lanes.given_before:
            return (await rows.steps_of(work.connection, [key[0]]))[key]
        _may(await under_all_names(work.connection, by), key)
        cause = _audited(work, "discipline.withdrawn", key, by, reason, document, None)
        return await take_back_step(work, key, actor=by.name, at=_now(), reason=reason, document=document, cause=cause)


async def replacements(connection: Connection, employees: Collection[UUID]) -> dict[StepKey, Imposed]:
    """Of the decided cuts of these people those that a heavier one took the place of, each with that one."""
    found: dict[StepKey, Imposed] = {}
    cuts = imposed(await rows.steps_of(connection, list(employees)))
    for key, cut in cuts.items():
        heavier = replaced_by(cut, [other for (employee_id, _, _), other in cuts.items() if employee_id == key[0]])
        if heavier is not None:
            found[key] = heavier
    return found


def meaning_of(step: str) -> Step | None:
    """What a step is called and means; None for a step of a province's own."""
    return ladders().steps.get(step)


def _may(by: Who, key: StepKey) -> None:
    if by.role == SYSTEM or not may_decide(by.role):
        raise CorrectionRefused(f"hukuman disiplin tidak diputuskan oleh peran {by.role}")
    if str(key[0]) in by.names:
        raise CorrectionRefused("hukuman disiplin tidak dapat diputuskan oleh pegawai yang bersangkutan")


def may_decide(role: str) -> bool:
    """Whether a role, by its name, may decide on discipline."""
    return role in {one.value for one in Role} and may(Role(role), DECIDE)


def _audited(
    work: Work, action: str, key: StepKey, by: Who, reason: str, document: Document | None, effective_from: str | None
) -> Envelope:
    dated(document, _now())
    if not reason.strip():
        raise CorrectionRefused("sebutkan alasan atau dasarnya, misalnya nomor berita acara pemeriksaan")
    return record_audit(work, by.name, action, f"{key[0]}|{key[1]}|{key[2]}", {
        "role": by.role, "reason": reason, "effective_from": effective_from,
        "document": document and document.model_dump(mode="json"),
    })  # fmt: skip


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
