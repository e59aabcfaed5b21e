"""`hadir correction`: ask for a correction, decide on it level by level, withdraw it, appoint a deputy, set the rules of approval."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

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
    a_date,
    an_id,
    at_the_desk,
    employee_of,
    paper,
    somebody,
    unit_of,
)
from services.commands.terminal import print_line, stop_with, tell_if_cut
from shared.policy.leave import CAUSES

if TYPE_CHECKING:
    from services.schedule.store.requests import Asked
    from shared.lanes import Lanes

app = typer.Typer(
    no_args_is_help=True,
    help="Corrections: leave, duty travel, forgotten marks, decisions, appeals; from request over levels of approval to the fact.",
)

_CAUSES = ", ".join(f"{code} ({words})" for code, words in CAUSES.items())
StandsIn = Annotated[
    str | None, typer.Option("--stands-in-for", metavar="ID", help="Act as the appointed deputy of this approver.")
]


DateOption = Annotated[
    str | None, typer.Option("--date", metavar="DATE", help="The day: of a permission, or of a step appealed against.")
]
CheckIns = Annotated[
    list[str] | None, typer.Option("--check-in", metavar="ID", help="A check-in: of an integrity decision or a review.")
]
Word = Annotated[str | None, typer.Option("--decision", help="confirmed or cleared (integrity); accepted or rejected (review).")]


@app.command("request")
def request(  # noqa: PLR0913 - the fields of all kinds
    kind: Annotated[str, typer.Option("--kind", help="leave.sick, leave.annual, duty-travel, forgotten-mark, … (docs/corrections.md).")],
    employee: Annotated[str, typer.Option("--employee", metavar="NIP|ID", help="Whom it is about.")],
    reason: Reason,
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day asked for.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day; default: the first.")] = None,
    date: DateOption = None,
    mark: Annotated[str | None, typer.Option("--mark", help="in, break or out: of a forgotten mark or a manual record.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When it was, e.g. 2026-02-02T16:05:00+07:00.")] = None,
    destination: Annotated[str | None, typer.Option("--destination", help="Where duty travel goes.")] = None,
    inpatient: Annotated[bool | None, typer.Option("--inpatient/--outpatient", help="Sick leave in or out of hospital.")] = None,
    cause: Annotated[str | None, typer.Option("--cause", metavar="WORD", help=f"What a leave is for, if it is: {_CAUSES}.")] = None,
    check_in: CheckIns = None,
    decision: Word = None,
    correction: Annotated[str | None, typer.Option("--correction", metavar="ID", help="The decided correction appealed against.")] = None,
    step: Annotated[str | None, typer.Option("--step", help="The decided step of the ladder appealed against.")] = None,
    document: Paper = None, scan: Scan = None, actor: Actor = "", role: RoleName = "employee", database: Database = None,
) -> None:  # fmt: skip
    """Ask for a correction; from now on its days are no absence. Without --actor the employee asks for himself.

    Examples: [bold]hadir correction request --kind leave.sick --employee 199001012015011001 --from 2026-02-04 --reason demam
    --outpatient --document 445/12/RSUD@2026-02-04[/bold], [bold]hadir correction request --kind leave.important
    --employee 199001012015011001 --from 2026-02-04 --to 2026-02-06 --cause "istri melahirkan" --reason "persalinan di RSUD"[/bold]
    """
    from uuid import uuid4

    from services.schedule import requests
    from services.schedule.approvals import RequestKind

    if kind not in get_args(RequestKind) or kind.startswith("outage"):
        kinds = ", ".join(one for one in get_args(RequestKind) if not one.startswith("outage"))
        stop_with(f"--kind {kind!r} tidak dikenal; pilih: {kinds}. Gangguan sistem: `hadir outage declare`.", 2)
    asked_kind: RequestKind = kind  # type: ignore[assignment]  # checked just above
    given = {
        "from": since, "to": until or since, "date": date, "mark": mark, "at": at, "destination": destination, "inpatient": inpatient,
        "reason": cause, "decision": decision, "correction": correction, "step": step,
    }  # fmt: skip
    body: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if check_in:
        body |= {"check_ins": check_in} if kind == "integrity" else {"review": check_in[0]}

    async def act(lanes: "Lanes") -> "Asked":
        async with lanes.pool.acquire() as connection:
            me = await employee_of(connection, employee)
        by = somebody(actor or str(me), role)
        return await requests.submit(
            lanes, uuid4(), asked_kind, body, by, employee_id=me, reason=reason, document=paper(document, scan)
        )

    _tell(at_the_desk(database, act))


@app.command("list")
def list_requests(
    state: Annotated[str | None, typer.Option("--state", help="requested, approved, rejected or withdrawn; default: all.")] = None,
    waiting_for: Annotated[str | None, typer.Option("--waiting-for", metavar="ROLE", help="Only what waits for this role.")] = None,
    employee: Annotated[str | None, typer.Option("--employee", metavar="NIP|ID", help="Only about this employee.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="CODE", help="Only of this org unit.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many, the oldest first.")] = 100,
    database: Database = None,
) -> None:
    """Requests, the oldest first, one line each.

    Example: [bold]hadir correction list --waiting-for supervisor --unit BAPPEDA[/bold]
    """

    async def act(lanes: "Lanes") -> "list[Asked]":
        from services.schedule.store import requests as rows

        async with lanes.pool.acquire() as connection:
            who = await employee_of(connection, employee) if employee else None
            units = [await unit_of(connection, unit)] if unit else None
            return await rows.requests(connection, state=state, employee_id=who, units=units, role=waiting_for, most=most)

    found = at_the_desk(database, act)
    for asked in found:
        print_line(line_of(asked))
    tell_if_cut(len(found), most)
    if not found:
        print_line("Tidak ada permohonan.")


@app.command("show")
def show(request_id: Id, database: Database = None) -> None:
    """A request with all that was done with it: who, in which role, when, why, on what paper.

    Example: [bold]hadir correction show 0b5c1c1e-5c0e-5b0e-9d0a-3f0d8a4c2f11[/bold]
    """

    async def act(lanes: "Lanes") -> "Asked | None":
        from services.schedule.store import requests as rows

        async with lanes.pool.acquire() as connection:
            return await rows.request(connection, an_id(request_id))

    asked = at_the_desk(database, act)
    if asked is None:
        stop_with("Permohonan dengan id ini tidak ada; lihat `hadir correction list`.")
    _tell(asked)


@app.command("approve")
def approve(
    request_id: Id, actor: Actor, role: RoleName, reason: Reason, document: Paper = None, scan: Scan = None, stands_in_for: StandsIn = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Approve a request at the level at which it waits; after the last level it is a fact and its days are judged anew.

    Example: [bold]hadir correction approve ID --actor kadis --role supervisor --reason "surat sakit ada"[/bold]
    """
    _decide(request_id, "approve", actor, role, reason, database, document=document, scan=scan, stands_in_for=stands_in_for)


@app.command("reject")
def reject(
    request_id: Id, actor: Actor, role: RoleName, reason: Reason, document: Paper = None, scan: Scan = None, stands_in_for: StandsIn = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Reject a request at the level at which it waits; its days are judged as if it had never been made.

    Example: [bold]hadir correction reject ID --actor kadis --role supervisor --reason "tanpa surat"[/bold]
    """
    _decide(request_id, "reject", actor, role, reason, database, document=document, scan=scan, stands_in_for=stands_in_for)


@app.command("withdraw")
def withdraw(request_id: Id, actor: Actor, reason: Reason, role: RoleName = "employee", database: Database = None) -> None:
    """Take a request back before it is decided: by who made it, or by whom it is about.

    Example: [bold]hadir correction withdraw ID --actor EMPLOYEE-ID --reason "salah tanggal"[/bold]
    """

    async def act(lanes: "Lanes") -> "Asked":
        from services.schedule import requests

        return await requests.withdraw(lanes, an_id(request_id), somebody(actor, role), reason=reason)

    _tell(at_the_desk(database, act))


@app.command("deputy")
def deputy(  # noqa: PLR0913 - who, for whom, where, when, why
    principal: Annotated[str | None, typer.Option("--for", metavar="ID", help="The approver who is stood in for.")] = None,
    name: Annotated[str | None, typer.Option("--deputy", metavar="ID", help="Who stands in.")] = None,
    role: RoleName = "supervisor",
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day.")] = None,
    unit: Annotated[list[str] | None, typer.Option("--unit", metavar="CODE", help="Only for this org unit; may be repeated.")] = None,
    show_all: Annotated[bool, typer.Option("--list", help="Show all appointments instead.")] = False,
    reason: Reason = "", actor: Actor = "operator", database: Database = None,
) -> None:  # fmt: skip
    """Appoint a deputy for a period, in the approver's role; or show who stands in for whom.

    Examples: [bold]hadir correction deputy --for kadis --deputy sekretaris --from 2026-02-09 --to 2026-02-20 --reason "cuti kadis"[/bold],
    [bold]hadir correction deputy --list[/bold]
    """
    from uuid import uuid4

    from services.schedule.store.requests import Deputy

    async def listed(lanes: "Lanes") -> "list[Deputy]":
        from services.schedule.store import requests as rows

        async with lanes.pool.acquire() as connection:
            return await rows.deputies(connection)

    if show_all:
        for one in at_the_desk(database, listed):
            over = "; berakhir" if one.ended else ""
            print_line(f"{one.since} sampai {one.until}: {one.deputy} mewakili {one.principal} ({one.role}){over}")
        return
    if not (principal and name and since and until and reason):
        stop_with("Sebutkan --for, --deputy, --from, --to dan --reason; atau --list.", 2)
    by, first, last, stand_in, of = somebody(actor, role), a_date(since, "--from"), a_date(until, "--to"), name, principal

    async def act(lanes: "Lanes") -> None:
        from services.schedule import requests

        async with lanes.pool.acquire() as connection:
            units = frozenset([await unit_of(connection, code) for code in unit]) if unit else None
        await requests.appoint(lanes, Deputy(uuid4(), of, stand_in, role, units, first, last, reason, by.name))

    at_the_desk(database, act)
    print_line(f"{name} mewakili {principal} sebagai {role} dari {first} sampai {last}.")


@app.command("rules")
def rules(
    new: Annotated[Path | None, typer.Option("--set", metavar="FILE", help="Put these rules in force for requests from now on.")] = None,
    reason: Reason = "", actor: Actor = "operator", database: Database = None,
) -> None:  # fmt: skip
    """The rules of approval: levels, deadlines, papers, quotas; the shipped ones unless the province has set its own.

    Examples: [bold]hadir correction rules[/bold], [bold]hadir correction rules --set persetujuan.yaml --reason "SE BKD 3/2026"[/bold]
    """
    from services.schedule import requests
    from services.schedule.approvals import Approvals, read_approvals

    async def in_force(lanes: "Lanes") -> Approvals:
        if new is not None:
            await requests.set_rules(lanes, read_approvals(new), actor=somebody(actor, "bkd").name, reason=reason)
        async with lanes.pool.acquire() as connection:
            return await requests.rules_in_force(connection)

    if new is not None and not reason:
        stop_with("Sebutkan --reason: dasar perubahan aturan, misalnya nomor surat edaran.", 2)
    now = at_the_desk(database, in_force)
    for kind, rule in now.requests.items():
        limit = "tanpa batas" if rule.deadline.duty_days is None else f"{rule.deadline.duty_days} hari kerja sesudah {rule.deadline.after}"
        late = "" if rule.deadline.duty_days is None else f", terlambat: {rule.deadline.late}"
        print_line(f"{kind}: {' → '.join(rule.levels)}; {limit}{late}; surat {rule.paper}")


def _decide(
    request_id: str, action: Any, actor: str, role: str, reason: str, database: str | None, *, document: str | None, scan: Path | None,
    stands_in_for: str | None,
) -> None:  # fmt: skip
    async def act(lanes: "Lanes") -> "Asked":
        from services.schedule import requests

        return await requests.decide(
            lanes, an_id(request_id), action, somebody(actor, role), reason=reason, document=paper(document, scan),
            stands_in_for=stands_in_for,
        )  # fmt: skip

    _tell(at_the_desk(database, act))


def _tell(asked: "Asked") -> None:
    for line in told(asked):
        print_line(line)
