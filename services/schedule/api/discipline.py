"""Steps of the discipline ladder over HTTP: the dossier of a step, imposing it, taking it back."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.schedule import steps
from services.schedule.api.people import sight
from services.schedule.api.requests import who
from services.schedule.corrections import CorrectionRefused
from services.schedule.ladders import Cut
from services.schedule.store.discipline import StepVersion
from shared.events import Document, Month
from shared.lanes import Lanes
from shared.percent import parse_percent
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, CommandBody, commands
from shared.web.parameters import OnDate

router = APIRouter(tags=["hukuman disiplin"])


class StepShown(BaseModel):
    """Satu tahap hukuman disiplin dengan keputusannya, bila ada."""

    employee_id: UUID
    step: str
    name: str | None
    date: dt.date
    version: int
    action: Literal["proposed", "withdrawn", "decided"]
    unexcused_days: int
    legal_source: str
    actor: str | None
    decided_at: dt.datetime | None
    reason: str | None
    document: Document | None
    effective_from: str | None
    cut_percent: str | None
    cut_months: int | None


class DossierDay(BaseModel):
    """Satu hari yang dihitung: versi penilaiannya sekarang, menit terlambat dan pulang cepat, dan bukti yang mendasarinya."""

    date: dt.date
    version: int
    status: str
    absent: bool
    minutes: int
    evidence: list[UUID]


class DossierShown(BaseModel):
    """Berkas satu tahap; `absent_now` kurang dari `unexcused_days` bila alasan yang sah datang kemudian."""

    step: StepShown
    days: list[DossierDay]
    absent_now: int


class StepDecision(CommandBody):
    """Keputusan menjatuhkan hukuman. Pemotongan TPP menyebut bulan mulai berlakunya; persen dan bulan hanya bila menyimpang."""

    document: Document
    effective_from: Month | None = None
    cut_percent: Annotated[str | None, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,9})?$")] = None
    cut_months: Annotated[int | None, Field(ge=1, le=120)] = None


class StepWithdrawal(CommandBody):
    """Usulan yang tidak diikuti, atau pembatalan hukuman yang sudah diputuskan (dengan dokumen)."""

    document: Document | None = None


@router.get("/discipline/{employee_id}/{step}/{date}", operation_id="getDossier", summary="Berkas tahap")
async def get_dossier(
    actor: Annotated[Actor, asks("discipline.read")], connection: Reading, employee_id: UUID, step: str, date: OnDate
) -> DossierShown:
    """Hari-hari yang mendasari satu tahap, dengan versi dan buktinya."""
    await sight(connection, actor, employee_id)
    found = await steps.dossier(connection, (employee_id, step, date))
    days = [
        DossierDay(date=day.date, version=event.version, status=event.status.value, absent=day.absent, minutes=day.minutes,
                   evidence=list(event.evidence))
        for day, event in found.days
    ]  # fmt: skip
    return DossierShown(step=_shown(found.step), days=days, absent_now=found.counted)


@router.post(
    "/discipline/{employee_id}/{step}/{date}/decision", operation_id="decideStep", summary="Jatuhkan hukuman", response_model=StepShown
)
async def decide_step(
    command: Annotated[Command, commands("discipline.decide")], connection: Reading, employee_id: UUID, step: str, date: OnDate,
    body: StepDecision,
) -> Response:  # fmt: skip
    """Jatuhkan hukuman yang diusulkan, dengan dokumen; pemotongan TPP langsung dihitung untuk bulan-bulannya."""
    await sight(connection, command.actor, employee_id)
    if (body.cut_percent is None) != (body.cut_months is None):
        raise CorrectionRefused("sebutkan persen dan jumlah bulan pemotongan bersama-sama")
    cut = None
    if body.cut_percent is not None and body.cut_months is not None:
        cut = Cut(percent=parse_percent(body.cut_percent), months=body.cut_months)

    async def act(lanes: Lanes) -> StepShown:
        return _shown(await steps.impose(
            lanes, (employee_id, step, date), who(command.actor), reason=body.reason, document=body.document,
            effective_from=body.effective_from, cut=cut,
        ))  # fmt: skip

    return await command.run(act, subject=f"{employee_id}|{step}|{date}"[:100], reason=body.reason)


@router.post(
    "/discipline/{employee_id}/{step}/{date}/withdrawal", operation_id="takeBackStep", summary="Tarik atau batalkan",
    response_model=StepShown,
)  # fmt: skip
async def take_back_step(
    command: Annotated[Command, commands("discipline.decide")], connection: Reading, employee_id: UUID, step: str, date: OnDate,
    body: StepWithdrawal,
) -> Response:  # fmt: skip
    """Tidak mengikuti usulan, atau membatalkan hukuman; potongan yang sudah dihitung dibalik."""
    await sight(connection, command.actor, employee_id)

    async def act(lanes: Lanes) -> StepShown:
        return _shown(await steps.take_back(
            lanes, (employee_id, step, date), who(command.actor), reason=body.reason, document=body.document
        ))  # fmt: skip

    return await command.run(act, subject=f"{employee_id}|{step}|{date}"[:100], reason=body.reason)


def _shown(version: StepVersion) -> StepShown:
    employee_id, step, date = version.key
    said, meant = version.decision, steps.meaning_of(step)
    return StepShown(
        employee_id=employee_id, step=step, name=meant.name if meant else None, date=date, version=version.version, action=version.action,
        unexcused_days=version.unexcused_days, legal_source=version.legal_source, actor=said.actor if said else None,
        decided_at=said.at if said else None, reason=said.reason if said else None, document=said.document if said else None,
        effective_from=said.effective_from if said else None, cut_percent=said.cut_percent if said else None,
        cut_months=said.cut_months if said else None,
    )  # fmt: skip
