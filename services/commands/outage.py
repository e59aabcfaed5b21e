"""`hadir outage`: declare that the system was down, confirm what Hadir proposes by itself, and grant or refuse amnesty for its days."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.correction_lines import line_of, told
from services.commands.desk import (
    Actor,
    Database,
    Id,
    Paper,
    Reason,
    RoleName,
    Scan,
    an_id,
    at_the_desk,
    paper,
    somebody,
    unit_of,
)
from services.commands.terminal import print_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from services.schedule.store.requests import Asked
    from shared.lanes import Lanes

app = typer.Typer(
    no_args_is_help=True, help="Outages: their days are held from the declaration on, and cost nothing once amnesty is granted."
)


@app.command("declare")
def declare(
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="When it began, e.g. 2026-02-02T07:00:00+07:00.")],
    reason: Reason, actor: Actor,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="When it was over; default: it lasts until now.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="CODE", help="Only this org unit; default: everybody.")] = None,
    role: RoleName = "admin", document: Paper = None, scan: Scan = None, database: Database = None,
) -> None:  # fmt: skip
    """Declare an outage: days that it may explain are HELD until somebody else decides.

    What is to come is refused, and so are hours that are declared already for the same unit and not decided.

    Example: [bold]hadir outage declare --from 2026-02-02T07:00:00+07:00 --to 2026-02-02T08:10:00+07:00 --unit BAPPEDA
    --actor diskominfo --reason "server mati"[/bold]
    """
    import datetime as dt
    from uuid import uuid4

    body = {"from": since, "to": until or dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}

    async def act(lanes: "Lanes") -> "Asked":
        from services.schedule import requests

        async with lanes.pool.acquire() as connection:
            org_unit = await unit_of(connection, unit) if unit else None
        return await requests.submit(
            lanes, uuid4(), "outage", body, somebody(actor, role), org_unit_id=org_unit, reason=reason, document=paper(document, scan)
        )  # fmt: skip

    _tell(at_the_desk(database, act))


@app.command("confirm")
def confirm(request_id: Id, actor: Actor, reason: Reason, role: RoleName = "admin", database: Database = None) -> None:
    """Confirm that an outage which Hadir proposed did happen; its days stay HELD until amnesty is granted or refused.

    Example: [bold]hadir outage confirm ID --actor diskominfo --reason "Kafka berhenti, tiket 4711"[/bold]
    """
    _decide(request_id, "approve", actor, role, reason, database, level="server")


@app.command("effect")
def effect(request_id: Id, database: Database = None) -> None:
    """How many days amnesty would turn from what to what, by the marks of this moment; decides nothing.

    An hour's outage explains a whole day without marks: where its pack says so, TK becomes present without a check-out.

    Example: [bold]hadir outage effect ID[/bold]
    """

    async def act(lanes: "Lanes") -> list[str]:
        return await _effect(lanes, an_id(request_id))

    for line in at_the_desk(database, act):
        print_line(line)


@app.command("amnesty")
def amnesty(
    request_id: Id, actor: Actor, reason: Reason, role: RoleName = "bkd", document: Paper = None, scan: Scan = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Grant amnesty: marks that the outage explains cost nothing, and what was cut for them is given back.

    Look first with `hadir outage effect ID` how many days it turns from what to what; the answer tells it too.

    Example: [bold]hadir outage amnesty ID --actor bkd --reason "SE 5/2026" --document SE-5/2026@2026-02-05[/bold]
    """
    _decide(request_id, "approve", actor, role, reason, database, document=document, scan=scan)


@app.command("reject")
def reject(request_id: Id, actor: Actor, reason: Reason, role: RoleName = "bkd", database: Database = None) -> None:
    """Refuse: there was no outage, or it explains nothing; the days are judged as the marks say.

    Example: [bold]hadir outage reject ID --actor bkd --reason "jaringan kantor sendiri"[/bold]
    """
    _decide(request_id, "reject", actor, role, reason, database)


@app.command("list")
def list_outages(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are decided.")] = False, database: Database = None
) -> None:
    """Outages that wait for somebody, the oldest first; those that Hadir proposed by itself are `outage-proposed`.

    Example: [bold]hadir outage list[/bold]
    """

    async def act(lanes: "Lanes") -> "list[Asked]":
        from services.schedule.store import requests as rows

        async with lanes.pool.acquire() as connection:
            return await rows.requests(connection, state=None if everything else "requested", of_kinds=("outage", "outage-proposed"))

    found = at_the_desk(database, act)
    for asked in found:
        print_line(f"{line_of(asked)}  {asked.body['from']} sampai {asked.body['to']}")
    if not found:
        print_line("Tidak ada gangguan yang menunggu putusan.")


def _decide(
    request_id: str, action: Any, actor: str, role: str, reason: str, database: str | None, *, level: str | None = None,
    document: str | None = None, scan: Any = None,
) -> None:  # fmt: skip
    async def act(lanes: "Lanes") -> "tuple[Asked, list[str]]":
        from services.schedule import requests
        from services.schedule.corrections import CorrectionRefused
        from services.schedule.store import requests as rows

        outage = an_id(request_id)
        async with lanes.pool.acquire() as connection:
            known = await rows.request(connection, outage)
        if known is None or known.kind not in ("outage", "outage-proposed"):
            raise CorrectionRefused("gangguan dengan id ini tidak ada; lihat `hadir outage list`")
        waits = known.request.level
        last = waits is not None and len(known.request.approvals) + 1 == len(known.request.levels)
        if action == "approve" and waits is not None and (level is not None) is last:
            verb = "amnesty" if last else "confirm"
            raise CorrectionRefused(f"gangguan ini menunggu tingkat {waits.name}; gunakan `hadir outage {verb}`")
        turns = await _effect(lanes, outage) if action == "approve" and last else []
        decided = await requests.decide(
            lanes, outage, action, somebody(actor, role), reason=reason, document=paper(document, scan)
        )
        return decided, turns

    decided, turns = at_the_desk(database, act)
    _tell(decided)
    for line in turns:
        print_line(line)


async def _effect(lanes: "Lanes", outage: "UUID") -> list[str]:
    """What amnesty would turn, as lines for an officer; refused for what is no outage that waits for a decision."""
    from services.schedule.outages import effect

    return effect_lines(await effect(lanes, outage))


def effect_lines(turns: "Mapping[tuple[str, str], int]") -> list[str]:
    """How many days amnesty turns, the most first, in Indonesian."""
    if not turns:
        return ["Amnesti tidak mengubah satu hari pun."]
    lines = [f"Amnesti mengubah {sum(turns.values())} hari (tanpa amnesti → dengan amnesti):"]
    lines += [f"  {days} hari: {before} → {after}" for (before, after), days in sorted(turns.items(), key=lambda one: (-one[1], one[0]))]
    return lines


def _tell(asked: "Asked") -> None:
    for line in told(asked):
        print_line(line)
