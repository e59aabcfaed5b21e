"""`hadir ladder`: steps of the discipline ladder; their dossiers, and what a person decides about them."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.desk import (
    Actor,
    Database,
    Paper,
    Reason,
    RoleName,
    Scan,
    a_date,
    at_the_desk,
    employee_of,
    paper,
    somebody,
    unit_of,
)
from services.commands.terminal import MONTH, print_line, stop_with, tell_if_cut

if TYPE_CHECKING:
    from services.schedule.rules.cuts import Imposed
    from services.schedule.steps import Dossier
    from services.schedule.store.discipline import StepKey, StepVersion
    from shared.lanes import Lanes

app = typer.Typer(
    no_args_is_help=True,
    help="The discipline ladder (PP 94/2021): Hadir proposes steps, a person decides; a decided cut of the TPP is priced by payroll.",
)

Employee = Annotated[str, typer.Option("--employee", metavar="NIP|ID", help="Whose step.")]
StepName = Annotated[str, typer.Option("--step", metavar="STEP", help="Which step, as `hadir ladder list` names it.")]
OnDate = Annotated[str, typer.Option("--date", metavar="DATE", help="The absence day that crossed it.")]
_ACTIONS = {"proposed": "diusulkan", "withdrawn": "ditarik", "decided": "diputuskan"}


@app.command("list")
def list_steps(
    employee: Annotated[str | None, typer.Option("--employee", metavar="NIP|ID", help="Only this employee.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="CODE", help="Only people of this org unit.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also decided and withdrawn ones.")] = False,
    most: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many, the oldest first.")] = 100,
    clock: Annotated[str, typer.Option("--clock", metavar="NAME", help="Invented people who live by this clock.")] = "",
    database: Database = None,
) -> None:
    """Steps that wait for a decision, the oldest first; of real people unless --employee or --clock says otherwise.

    Example: [bold]hadir ladder list --unit BAPPEDA[/bold]
    """

    async def act(lanes: "Lanes") -> "tuple[list[StepVersion], dict[StepKey, Imposed]]":
        from services.schedule import steps
        from services.schedule.store import discipline as rows

        async with lanes.pool.acquire() as connection:
            who = await employee_of(connection, employee) if employee else None
            org_unit = await unit_of(connection, unit) if unit else None
            action = None if everything else "proposed"
            found = await rows.steps(connection, employee_id=who, org_unit_id=org_unit, action=action, most=most, clock=clock)
            return found, await steps.replacements(connection, {step.key[0] for step in found if step.action == "decided"})

    found, replaced = at_the_desk(database, act)
    for step in found:
        print_line(_line(step, replaced.get(step.key)))
    tell_if_cut(len(found), most)
    if not found:
        print_line("Tidak ada tahap yang menunggu putusan.")


@app.command("dossier")
def dossier(employee: Employee, step: StepName, date: OnDate, database: Database = None) -> None:
    """The days on which a step stands: date, what it is now, version, and the ids of its evidence.

    Example: [bold]hadir ladder dossier --employee 199001012015011001 --step ORAL_WARNING --date 2026-02-04[/bold]
    """
    on = a_date(date, "--date")

    async def act(lanes: "Lanes") -> "Dossier":
        from services.schedule import steps

        async with lanes.pool.acquire() as connection, connection.transaction(readonly=True, isolation="repeatable_read"):
            return await steps.dossier(connection, (await employee_of(connection, employee), step, on))

    found = at_the_desk(database, act)
    print_line(_line(found.step))
    if found.meaning is not None:
        print_line(f"  {found.meaning.name} (tingkat {found.meaning.level})")
    for day, event in found.days:
        minutes = "" if day.absent else f", {day.minutes} menit"
        evidence = ", ".join(map(str, event.evidence)) or "tanpa absen dan tanpa keterangan"
        print_line(f"  {event.date}  {event.status.value}{minutes}  versi {event.version}  {evidence}")
    if found.counted < found.step.unexcused_days and found.step.action != "withdrawn":
        print_line(f"  Sekarang tinggal {found.counted} hari tanpa keterangan: alasan yang sah datang kemudian.")


@app.command("decide")
def decide(  # noqa: PLR0913 - a decision names all that it stands on
    employee: Employee, step: StepName, date: OnDate, actor: Actor, reason: Reason,
    document: Annotated[str, typer.Option("--document", metavar="NUMBER@DATE", help="The decision's number and date.")],
    effective_from: Annotated[
        str | None, typer.Option("--effective-from", metavar="YYYY-MM", help="First month of a cut of the TPP.")
    ] = None,
    cut_percent: Annotated[str | None, typer.Option("--cut-percent", help="Another percent than the step's own.")] = None,
    cut_months: Annotated[int | None, typer.Option("--cut-months", min=1, max=120, help="Another number of months.")] = None,
    role: RoleName = "bkd", scan: Scan = None, database: Database = None,
) -> None:  # fmt: skip
    """Impose a proposed step on a document; a cut of the TPP is priced for its months at once.

    It takes the place of a lighter cut of the same calendar year from its first month on; they never add up.

    Example: [bold]hadir ladder decide --employee 199001012015011001 --step TPP_CUT_6 --date 2026-02-16 --actor ppk
    --document 800/12/2026@2026-03-02 --effective-from 2026-04 --reason "BAP 7/2026"[/bold]
    """
    from services.schedule.ladders import Cut
    from shared.percent import parse_percent

    on, letter = a_date(date, "--date"), paper(document, scan)
    assert letter is not None  # `document` is required, and a wrong one has ended the command
    if effective_from is not None and not MONTH.fullmatch(effective_from):
        stop_with(f"--effective-from {effective_from!r}: tulis bulan seperti 2026-04.", 2)
    if (cut_percent is None) != (cut_months is None):
        stop_with("Sebutkan --cut-percent dan --cut-months bersama-sama.", 2)
    try:
        cut = Cut(percent=parse_percent(cut_percent), months=cut_months) if cut_percent and cut_months else None
    except ValueError:
        stop_with(f"--cut-percent {cut_percent!r}: tulis desimal tepat, misalnya 25 atau 12.50.", 2)

    async def act(lanes: "Lanes") -> "tuple[StepVersion, dict[StepKey, Imposed]]":
        from services.schedule import steps

        async with lanes.pool.acquire() as connection:
            who = await employee_of(connection, employee)
        done = await steps.impose(
            lanes, (who, step, on), somebody(actor, role), reason=reason, document=letter, effective_from=effective_from, cut=cut
        )
        async with lanes.pool.acquire() as connection:
            return done, await steps.replacements(connection, [who])

    decided, replaced = at_the_desk(database, act)
    print_line(_line(decided))
    for (_, lighter, crossed), heavier in replaced.items():
        if (heavier.step, heavier.date) == (step, on):
            print_line(f"  Menggantikan {lighter} tanggal {crossed}: sejak {heavier.first_month} yang itu tidak dipotong lagi.")


@app.command("withdraw")
def withdraw(
    employee: Employee, step: StepName, date: OnDate, actor: Actor, reason: Reason, role: RoleName = "bkd", document: Paper = None,
    scan: Scan = None, database: Database = None,
) -> None:  # fmt: skip
    """Do not impose a proposed step, or annul a decided one (with a document): what was cut for it is given back.

    An annulled step waits for a decision again while its days stand: decide it anew, or withdraw it once more to close it.

    Example: [bold]hadir ladder withdraw --employee 199001012015011001 --step ORAL_WARNING --date 2026-02-04 --actor kadis
    --reason "sudah dibina"[/bold]
    """
    on = a_date(date, "--date")

    async def act(lanes: "Lanes") -> "StepVersion":
        from services.schedule import steps

        async with lanes.pool.acquire() as connection:
            who = await employee_of(connection, employee)
        return await steps.take_back(lanes, (who, step, on), somebody(actor, role), reason=reason, document=paper(document, scan))

    print_line(_line(at_the_desk(database, act)))


def _line(step: "StepVersion", heavier: "Imposed | None" = None) -> str:
    employee_id, name, date = step.key
    said = step.decision
    by = "" if said is None else f" oleh {said.actor} pada {_day(said.at)}: {said.reason}"
    letter = "" if said is None or said.document is None else f", surat {said.document.number} tanggal {said.document.date}"
    cut = ""
    if said is not None and said.cut_percent is not None:
        cut = f"; potong {said.cut_percent} % selama {said.cut_months} bulan sejak {said.effective_from}"
    if heavier is not None:
        cut += f", digantikan {heavier.step} sejak {heavier.first_month}"
    action = "diusulkan lagi, putusannya dibatalkan" if step.action == "proposed" and said is not None else _ACTIONS[step.action]
    return f"{date}  {employee_id}  {name}  {step.unexcused_days} hari  {action}{by}{letter}{cut}  ({step.legal_source})"


def _day(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d}"
