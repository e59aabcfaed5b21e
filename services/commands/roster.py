"""`hadir roster`: an org unit's roster of a month is drafted or proposed, checked, decided on, published, shown; and who was where."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from services.commands import scheme
from services.commands.roster_lines import breach_lines, draw, exported, state_words, stepped_lines, told, trail_line
from services.commands.terminal import print_line, stop_with

if TYPE_CHECKING:
    from uuid import UUID

    from services.schedule.rosters import Changes, Order, View
    from services.schedule.rules.schemes import Breach
    from services.schedule.shares import Kind
    from shared.database import Connection
    from shared.imports import Table
    from shared.lanes import Lanes

app = typer.Typer(no_args_is_help=True, help="Rosters of an org unit: propose, import, submit, approve, publish, show.")

Unit = Annotated[str, typer.Option("--unit", metavar="CODE", help="The org unit.")]
Month = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Which month.")]
Version = Annotated[
    int | None,
    typer.Option("--version", metavar="N", help="The version that you saw (`hadir roster show`); default: the newest."),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the trail.")]
Actor = Annotated[str, typer.Option("--actor", metavar="ID", help="Who; kept in the trail.")]
Officer = Annotated[str, typer.Option("--role", metavar="ROLE", help="In which role: unit_officer or bkd.")]
RosterFile = Annotated[Path, typer.Argument(metavar="FILE", help="nip or employee_id, date, mode (WFO, WFA, OFF, POLA), start, end")]
Dates = Annotated[
    str | None, typer.Option("--date", metavar="DATE[..DATE]", help="Which dates; default: the next seven, or the last seven.")
]
Database = scheme.Database

_LONGEST = 62


@app.command("propose")
def propose(
    unit: Unit, month: Month,
    save: Annotated[bool, typer.Option("--save", help="Keep it as the unit's draft; else it is only shown.")] = False,
    reason: Reason = "usulan sistem", actor: Actor = "operator", role: Officer = "unit_officer", version: Version = None,
    database: Database = None,
) -> None:
    """Propose a fair rotation that keeps the scheme, on the dates that have not begun; same inputs, same roster.

    Says why, if there is none. Example: [bold]hadir roster propose --unit BAPPEDA --month 2026-03 --save[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule import rosters
        from services.schedule.memory import Memory

        order = await _order(lanes, units, unit, month, actor, role, reason, version)
        async with lanes.pool.acquire() as connection:
            seen = await rosters.view(connection, Memory(), order.org_unit_id, order.month)
        unknown = [] if (warning := rosters.without_holidays(seen.staff)) is None else [warning]
        if save:
            return [*stepped_lines(await rosters.draft_proposal(lanes, order), unit), *unknown]
        async with lanes.pool.acquire() as connection:
            asked, found = await rosters.proposal_for(connection, seen)
        draw(seen.staff, asked, f"Usulan roster {unit} {month} (belum disimpan)", names=False)
        even = "ya" if found.fair else "tidak sepenuhnya: aturan skema tidak menyisakan pembagian yang lebih rata"
        return [f"Adil: {even}; selisih terbesar di antara orang yang hari kerjanya sama: {found.spread} hari WFA",
                *breach_lines(rosters.check(seen.staff, asked), seen.staff), *unknown]

    scheme.say(act, database)


@app.command("import")
def import_roster(
    file: RosterFile, unit: Unit, month: Month,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show errors and breaches; keep nothing.")] = False,
    reason: Reason = "impor roster", actor: Actor = "operator", role: Officer = "unit_officer", version: Version = None,
    database: Database = None,
) -> None:
    """Draft a roster from a table; dates that it does not name stay as they are.

    Every row error at once, nothing half-applied. Example: [bold]hadir roster import maret.csv --unit BAPPEDA --month 2026-03[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule import rosters
        from services.schedule.importer.roster import ROSTER_COLUMNS
        from services.schedule.memory import Memory
        from shared.imports import read_table

        order = await _order(lanes, units, unit, month, actor, role, reason, version)
        async with lanes.pool.acquire() as connection:
            seen = await rosters.view(connection, Memory(), order.org_unit_id, order.month)
            changes = await _changes(connection, read_table(file, *ROSTER_COLUMNS), seen)
        if not dry_run:
            return stepped_lines(await rosters.draft(lanes, order, changes), unit)
        found = rosters.check(seen.staff, rosters.merged(seen.asked, changes))
        return [*breach_lines(found, seen.staff), "Uji coba: belum ada yang disimpan."]

    scheme.say(act, database)


@app.command("validate")
def validate(unit: Unit, month: Month, database: Database = None) -> None:
    """List everything in a roster that is against its scheme, by date and employee; exit code 1 if there is anything.

    Example: [bold]hadir roster validate --unit BAPPEDA --month 2026-03[/bold]
    """
    wrong: list[Breach] = []

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        seen = await _seen(lanes, units, unit, month)
        wrong.extend(seen.errors)
        return breach_lines(seen.breaches, seen.staff)

    scheme.say(act, database)
    if wrong:
        raise typer.Exit(1)


@app.command("submit")
def submit(
    unit: Unit, month: Month, reason: Reason, actor: Actor = "operator", role: Officer = "unit_officer", version: Version = None,
    database: Database = None,
) -> None:
    """The unit hands its draft to BKD.

    Example: [bold]hadir roster submit --unit BAPPEDA --month 2026-03 --reason "nota dinas 12" --actor kasubag[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule import rosters

        return stepped_lines(await rosters.submit(lanes, await _order(lanes, units, unit, month, actor, role, reason, version)), unit)

    scheme.say(act, database)


@app.command("approve")
def approve(
    unit: Unit, month: Month, reason: Reason,
    despite_breaches: Annotated[bool, typer.Option("--despite-breaches", help="Although it is against its scheme; recorded.")] = False,
    actor: Actor = "operator", role: Officer = "bkd", version: Version = None, database: Database = None,
) -> None:
    """BKD approves a submitted roster; refused while it is against its scheme, unless asked for despite that.

    Example: [bold]hadir roster approve --unit BAPPEDA --month 2026-03 --reason "sesuai SE 800/12" --actor bkd-1[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule import rosters

        order = await _order(lanes, units, unit, month, actor, role, reason, version)
        return stepped_lines(await rosters.approve(lanes, order, despite_breaches=despite_breaches), unit)

    scheme.say(act, database)


@app.command("return")
def give_back(
    unit: Unit, month: Month, reason: Reason, actor: Actor = "operator", role: Officer = "bkd", version: Version = None,
    database: Database = None,
) -> None:
    """BKD returns a roster to its unit, with the reason.

    Example: [bold]hadir roster return --unit BAPPEDA --month 2026-03 --reason "Jumat tanpa petugas loket"[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule import rosters

        return stepped_lines(await rosters.give_back(lanes, await _order(lanes, units, unit, month, actor, role, reason, version)), unit)

    scheme.say(act, database)


@app.command("adjust")
def adjust(
    unit: Unit, month: Month, reason: Reason,
    days: Annotated[list[str], typer.Option("--day", metavar="NIP@DATE@MODE", help="One day; may be given several times.")],
    actor: Actor = "operator", role: Officer = "bkd", version: Version = None, database: Database = None,
) -> None:
    """BKD changes days of a submitted or approved roster, which then waits for approval again.

    Example: [bold]hadir roster adjust --unit BAPPEDA --month 2026-03 --day 199001012015011001@2026-03-05@WFO --reason "rapat"[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule import rosters
        from services.schedule.importer.roster import ROSTER_COLUMNS
        from services.schedule.memory import Memory
        from shared.imports import parse_table

        order = await _order(lanes, units, unit, month, actor, role, reason, version)
        table = parse_table("\n".join(["nip,date,mode", *(day.replace("@", ",") for day in days)]).encode(), *ROSTER_COLUMNS)
        async with lanes.pool.acquire() as connection:
            seen = await rosters.view(connection, Memory(), order.org_unit_id, order.month)
            changes = await _changes(connection, table, seen)
        return stepped_lines(await rosters.adjust(lanes, order, changes), unit)

    scheme.say(act, database)


@app.command("publish")
def publish(
    unit: Unit, month: Month, reason: Reason, actor: Actor = "operator", role: Officer = "bkd", version: Version = None,
    database: Database = None,
) -> None:
    """Publish an approved roster: duties change, from tomorrow on at the earliest, and their days become due.

    Example: [bold]hadir roster publish --unit BAPPEDA --month 2026-03 --reason "SE 800/12"[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule import rosters

        return stepped_lines(await rosters.publish(lanes, await _order(lanes, units, unit, month, actor, role, reason, version)), unit)

    scheme.say(act, database)


@app.command("show")
def show(
    unit: Unit, month: Month,
    names: Annotated[bool, typer.Option("--names", help="Names instead of the last digits of the NIP.")] = False,
    export: Annotated[Path | None, typer.Option("--export", metavar="FILE", help="Write it as .csv or .xlsx (with full NIPs).")] = None,
    database: Database = None,
) -> None:
    """A roster as people × dates, with each date's WFA count and quota below; its state, and every step that led there.

    Example: [bold]hadir roster show --unit BAPPEDA --month 2026-03 --export maret.xlsx[/bold]
    """

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule.store import plans

        seen = await _seen(lanes, units, unit, month)
        async with lanes.pool.acquire() as connection:
            trail = await plans.trail(connection, seen.row.plan_id) if seen.row is not None else []
        state = "belum disusun; tampil yang terbit" if seen.row is None else f"versi {seen.row.version}, {state_words(seen.row.state)}"
        title = f"Roster {unit} {month}: {state}"
        draw(seen.staff, seen.asked, title, names=names)
        lines = [trail_line(step) for step in trail]
        if seen.moved:
            lines.append(f"{seen.moved} hari sudah lain daripada yang disetujui: diubah dengan `hadir import roster` sesudah terbit")
        wrong = len(seen.errors)
        if seen.breaches:
            lines.append(f"{wrong} pelanggaran skema, {len(seen.breaches) - wrong} peringatan; lihat `hadir roster validate`")
        if export is not None:
            lines.append(exported(export, seen, title))
        return lines

    scheme.say(act, database)


@app.command("forecast")
def forecast(unit: Annotated[str | None, typer.Option("--unit", metavar="CODE", help="Only this unit.")] = None, dates: Dates = None,
             database: Database = None) -> None:
    """Before a day: how many will work from where by rosters, leave and holidays, and every breach of the scheme.

    Example: [bold]hadir roster forecast --unit BAPPEDA --date 2026-03-02..2026-03-06[/bold]
    """
    _standings("planned", unit, dates, database)


@app.command("compliance")
def compliance(unit: Annotated[str | None, typer.Option("--unit", metavar="CODE", help="Only this unit.")] = None, dates: Dates = None,
               database: Database = None) -> None:
    """After a day: how many worked from where by their check-ins, who was elsewhere than planned, and every breach.

    Example: [bold]hadir roster compliance --unit BAPPEDA --date 2026-03-02[/bold]
    """
    _standings("fact", unit, dates, database)


def _standings(kind: "Kind", unit: str | None, dates: str | None, database: str | None) -> None:
    first, last = _span(kind, dates)

    async def act(lanes: "Lanes", units: dict[str, "UUID"]) -> list[str]:
        from services.schedule.memory import Memory
        from services.schedule.shares import standing

        wanted = [_unit(units, unit)] if unit is not None else [units[code] for code in sorted(units)]
        memory = Memory()
        lines = []
        async with lanes.pool.acquire() as connection:
            for org_unit_id in wanted:
                lines += told(await standing(connection, memory, org_unit_id, first, last, kind))
        return lines or [f"Tidak ada hari kerja dari {first} sampai {last}."]

    scheme.say(act, database)


def _span(kind: "Kind", dates: str | None) -> tuple[dt.date, dt.date]:
    if dates is None:
        today = dt.datetime.now(dt.timezone(dt.timedelta(hours=7))).date()
        week = dt.timedelta(days=7)
        return (today, today + week) if kind == "planned" else (today - week, today)
    begin, _, end = dates.partition("..")
    first = scheme.read_date(begin)
    last = scheme.read_date(end) if end else first
    if not first <= last <= first + dt.timedelta(days=_LONGEST):
        stop_with(f"Rentang tanggal harus urut dan paling lama {_LONGEST} hari.", 2)
    return first, last


async def _order(
    lanes: "Lanes", units: dict[str, "UUID"], unit: str, month: str, actor: str, role: str, reason: str, version: int | None
) -> "Order":  # fmt: skip
    """What is asked of a roster; without a version, of the newest one."""
    from services.schedule.rosters import Order
    from services.schedule.rules.workflow import Who
    from services.schedule.store import plans

    org_unit_id, first = _unit(units, unit), _month(month)
    if version is None:
        async with lanes.pool.acquire() as connection:
            row = await plans.plan_of(connection, org_unit_id, first)
        version = row.version if row is not None else None
    return Order(org_unit_id, first, Who(actor, role), reason, version)


async def _seen(lanes: "Lanes", units: dict[str, "UUID"], unit: str, month: str) -> "View":
    from services.schedule.memory import Memory
    from services.schedule.rosters import view

    async with lanes.pool.acquire() as connection:
        return await view(connection, Memory(), _unit(units, unit), _month(month))


async def _changes(connection: "Connection", table: "Table", seen: "View") -> "Changes":
    """The days that a table asks for; ends the command with every row error if there is one."""
    from services.schedule.importer import people
    from services.schedule.importer.unit_roster import read_unit_roster
    from services.schedule.store import reference_rows as rows
    from shared.imports import Report

    nips, _ = people.identities(table)
    changes, errors = read_unit_roster(table, seen.staff, await rows.employee_ids(connection, nips))
    if errors:
        _end(Report("Roster unit", len(table.rows), errors=tuple(errors)).lines())
    return changes


def _end(lines: list[str]) -> NoReturn:
    for line in lines:
        print_line(line)
    raise typer.Exit(1)


def _unit(units: dict[str, "UUID"], code: str) -> "UUID":
    found = scheme.unit_id(units, code)
    assert found is not None  # a code was given
    return found


def _month(month: str) -> dt.date:
    try:
        return dt.date.fromisoformat(f"{month}-01")
    except ValueError:
        stop_with(f"{month!r} bukan bulan; tulis seperti --month 2026-03.", 2)
