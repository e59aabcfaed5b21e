"""The rules of approval over HTTP: which levels, deadlines and papers each kind of request has, shown and put in force."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.schedule import requests
from services.schedule.approvals import Approvals, read_approvals
from services.schedule.store import requests as rows
from shared.lanes import Lanes
from shared.web.actors import Actor, asks
from shared.web.api import Reading
from shared.web.commands import Command, commands
from shared.web.uploads import YAML, Reason

router = APIRouter(tags=["permohonan koreksi"])


class ApprovalRules(BaseModel):
    """Aturan persetujuan: tingkat dan perannya, batas waktu, surat, dan kuota tiap jenis permohonan. `version` null: bawaan Hadir."""

    version: int | None
    rules: dict[str, Any]


@router.get("/approval-rules", operation_id="getApprovalRules", summary="Aturan persetujuan")
async def get_rules(connection: Reading, _: Annotated[Actor, asks("corrections.read")]) -> ApprovalRules:
    """Aturan yang berlaku bagi permohonan mulai sekarang; permohonan yang sudah dibuat tetap pada tingkatnya."""
    own = await rows.approval_rules(connection)
    return _told(await requests.rules_in_force(connection), own[0] if own else None)


@router.post(
    "/approval-rules:import", operation_id="importApprovalRules", summary="Berlakukan aturan persetujuan", response_model=ApprovalRules,
    openapi_extra=YAML,
)  # fmt: skip
async def import_rules(request: Request, command: Annotated[Command, commands("corrections.rules")], reason: Reason) -> Response:
    """Berlakukan aturan dari YAML bagi permohonan mulai sekarang; yang salah disebut dengan baris dan kuncinya."""
    rules = await asyncio.to_thread(_read, await request.body())

    async def act(lanes: Lanes) -> ApprovalRules:
        await requests.set_rules(lanes, rules, actor=command.actor.name, reason=reason)
        async with lanes.pool.acquire() as connection:
            own = await rows.approval_rules(connection)
        return _told(rules, own[0] if own else None)

    return await command.run(act, subject="approval-rules", reason=reason)


def _read(body: bytes) -> Approvals:
    """Raises CorrectionRefused with every fault."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "persetujuan.yaml"
        path.write_bytes(body)
        return read_approvals(path)


def _told(rules: Approvals, version: int | None) -> ApprovalRules:
    return ApprovalRules(version=version, rules=rules.model_dump(mode="json"))
