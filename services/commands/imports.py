"""`hadir import`: takes over officers' files; every row error at once, a preview of the differences, nothing half-applied."""

import asyncio
import datetime as dt
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from services.commands.terminal import print_line, stop_with
from shared.imports import Report

app = typer.Typer(
    no_args_is_help=True, help="Take over employees, org units, weeks, rosters, holidays, rule packs, sites and ceilings from files."
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="the file to take over (csv: `;`, `,` or tab, UTF-8; or xlsx)")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show errors and differences; write nothing.")]
Actor = Annotated[str, typer.Option("--actor", metavar="ID", help="Who puts it in force; kept in the audit trail.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal after showing the differences.")]
Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
]


@app.command("org-units")
def org_units(
    file: FileArgument, dry_run: DryRun = False, yes: Yes = False, actor: Actor = "operator", database: Database = None
) -> None:
    """Org units (OPD, UPT): code, name, timezone (WIB, WITA, WIT); and optional columns.

    Optional: org_unit_id, calendar, public_service, kind (OPD, UPT), parent (code of the unit it belongs to), round_the_clock.
    Example: [bold]hadir import org-units opd.csv --dry-run[/bold]
    """
    from services.schedule.importer import import_org_units

    _ask_and_tell(lambda dry: import_org_units(_url(database), file, dry, actor), dry_run, yes)


@app.command("weeks")
def weeks(file: FileArgument, dry_run: DryRun = False, actor: Actor = "operator", database: Database = None) -> None:
    """Week patterns: code, name, source, and hours such as 07:30-16:00 under mon … sun (empty: off).

    Example: [bold]hadir import weeks pola-kerja.csv[/bold]
    """
    from services.schedule.importer import import_weeks

    _tell(import_weeks(_url(database), file, dry_run, actor))


@app.command("weeks-in-force")
def weeks_in_force(file: FileArgument, dry_run: DryRun = False, actor: Actor = "operator", database: Database = None) -> None:
    """Where week patterns hold, and when: week_pattern, since; optional until, org_unit (empty: everybody).

    A person's own week goes before the unit's (with the units below it), the unit's before everybody's. After `until` the earlier week
    holds again; `-` as the pattern takes a row of the same unit and date away.
    Example: [bold]hadir import weeks-in-force ramadan-2026.csv[/bold]
    """
    from services.schedule.importer import import_week_scopes

    _tell(import_week_scopes(_url(database), file, dry_run, actor))


@app.command("employees")
def employees(
    file: FileArgument, dry_run: DryRun = False, yes: Yes = False, actor: Actor = "operator", database: Database = None
) -> None:
    """People: nip, name, kind, group, org_unit, since; and optional columns.

    Optional: employee_id, timezone, week_pattern, played_clock, active, job_class, until (last day of service), previous_nip
    (a PPPK who became PNS). A row says: from `since` on this person belongs to this unit and is of this
    kind, group and job class, and lives in the unit's time zone, or that of the row: give a promotion a row with its date. A known
    NIP keeps its person; a new one gets a random id. Example: [bold]hadir import employees pegawai.csv --dry-run[/bold]
    """
    from services.schedule.importer import import_employees

    _ask_and_tell(lambda dry: import_employees(_url(database), file, dry, actor), dry_run, yes)


@app.command("roster")
def roster(
    file: FileArgument, dry_run: DryRun = False, yes: Yes = False, actor: Actor = "operator", database: Database = None,
) -> None:
    """Rosters: nip or employee_id, date, mode (WFO, WFA, OFF; POLA: follow the week again), start, end.

    A row with hours is owed on a holiday too; one without takes the hours of the week pattern, and a holiday stays free.
    Dates that the file does not name stay as they are. Example: [bold]hadir import roster rsud-februari.csv[/bold]
    """
    from services.schedule.importer import import_roster

    _ask_and_tell(lambda dry: import_roster(_url(database), file, dry, actor), dry_run, yes)


@app.command("calendar")
def calendar(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="edits as csv: date, kind, name, source, calendar")] = None,
    year: Annotated[int | None, typer.Option(help="Seed this year's national holidays and cuti bersama.")] = None,
    dry_run: DryRun = False,
    actor: Actor = "operator",
    database: Database = None,
) -> None:
    """Holidays: seed a year from the `holidays` package, or edit by a csv (kind: holiday, joint_leave, hapus).

    What is in the calendar counts, not the seed: compare with the SKB 3 Menteri of the year.
    Examples: [bold]hadir import calendar --year 2026[/bold], [bold]hadir import calendar libur-daerah.csv[/bold]
    """
    from services.schedule.importer import import_calendar

    if (file is None) == (year is None):
        stop_with("Sebutkan berkas csv atau --year, salah satu saja.", 2)
    source = file if file is not None else year
    assert source is not None
    _tell(import_calendar(_url(database), source, dry_run, actor))


@app.command("policies")
def policies(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="rule packs (YAML)")],
    in_force: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME@DATE[@UNIT]", help="Put a pack in force from a date, in a unit and those below it or everywhere."),
    ] = None,
    dry_run: DryRun = False,
    actor: Actor = "operator",
    database: Database = None,
) -> None:
    """Rule packs, and since when which one is in force. Days from that date on are assessed (again).

    Example: [bold]hadir import policies kebijakan.yaml --in-force POL-A@2026-02-01 --in-force POL-C@2026-02-01@RSUD[/bold]
    """
    from services.schedule.importer import import_policies

    _tell(import_policies(_url(database), file, [_scope(text) for text in in_force or ()], dry_run, actor))


@app.command("sites")
def sites(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="sites (GeoJSON, WGS84)")],
    dry_run: DryRun = False,
    actor: Actor = "operator",
    database: Database = None,
) -> None:
    """Offices, activity sites and regions from GeoJSON: circles (point with radius_m) and polygons.

    Example: [bold]hadir import sites kantor.geojson --dry-run[/bold]
    """
    from services.geofence.importer import import_sites
    from services.preview.gate import sites_gate

    url = _url(database)
    _tell(import_sites(url, file, dry_run, gate=sites_gate(url, actor), actor=actor, say=print_line))


@app.command("ceilings")
def ceilings(
    file: FileArgument,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="The month, if the file has no such column.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    actor: Actor = "operator",
    database: Database = None,
) -> None:
    """TPP ceilings: nip or employee_id, month, amount (rupiah), optional static_tkd and wage.

    Example: [bold]hadir import ceilings tpp-februari.csv --month 2026-02[/bold]
    """
    from services.payroll.importer import import_ceilings

    _ask_and_tell(lambda dry: import_ceilings(_url(database), file, dry_run=dry, month=month, actor=actor), dry_run, yes)


@app.command("template")
def template(
    what: Annotated[
        Literal["org-units", "weeks", "weeks-in-force", "employees", "roster", "calendar", "ceilings"],
        typer.Argument(help="for which import")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the file to write; .xlsx has instructions and text columns")],
    form: Annotated[Literal["csv", "xlsx"] | None, typer.Option("--format", help="Default: by the file's name, else csv.")] = None,
) -> None:
    """Write an empty file with the columns that an import reads.

    Example: [bold]hadir import template employees pegawai.xlsx[/bold]
    """
    from services.commands.export import write_template

    try:
        write_template(what, file, form)
    except OSError as problem:
        stop_with(f"{file} tidak dapat ditulis ({problem.strerror}); periksa folder dan izinnya.")
    print_line(f"{file}: isi mulai baris ke-2, lalu periksa dengan --dry-run.")


def _url(given: str | None) -> str:
    from shared.settings import settings

    return given or settings().database


def _ask_and_tell(importing: Callable[[bool], Awaitable[Report]], dry_run: bool, yes: bool) -> None:
    """Import, on a terminal only after the differences were shown and agreed to; scripts are not asked."""
    if dry_run or yes or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _tell(importing(dry_run))
        return
    shown = _tell(importing(True))
    if shown.new + shown.changed and typer.confirm("Terapkan?"):
        _tell(importing(False))


def _tell(importing: Awaitable[Report]) -> Report:
    """Print the report of an import; exit code 1 if errors or the gate stood against it, or the database is away."""
    from shared.failures import is_infrastructure
    from shared.refusal import Refused

    async def done() -> Report:
        return await importing

    try:
        report = asyncio.run(done())
    except Refused as refused:
        stop_with(f"Ditolak, tidak ada yang diterapkan: {refused}")
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`, atau sebutkan --database.")
    for line in report.lines():
        print_line(line)
    if not report.ok:
        raise typer.Exit(1)
    return report


def _scope(text: str) -> tuple[str, dt.date, str | None]:
    name, _, rest = text.partition("@")
    since, _, unit = rest.partition("@")
    try:
        return name, dt.date.fromisoformat(since), unit or None
    except ValueError:
        stop_with(f"{text!r}: tulis NAMA@TANGGAL atau NAMA@TANGGAL@UNIT, tanggal seperti 2026-02-01.", 2)
