"""`hadir report`: recaps, daily compliance, lists for supervisors, and the evaluation of WFO/WFA, as text, csv, xlsx or PDF."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from services.commands.terminal import print_line, require_month, stop_with

if TYPE_CHECKING:
    from services.reports.documents import Document
    from services.reports.evaluation import Energy
    from services.reports.feedback import Rated
    from shared.database import Connection

app = typer.Typer(no_args_is_help=True, help="Reports of months and days: text here, or files for the archive.")

Month = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Which month.")]
Date = Annotated[
    dt.datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Which business date; default: today in WIB.")
]
Unit = Annotated[str | None, typer.Option("--unit", metavar="CODE", help="One org unit only; default: all.")]
Form = Annotated[
    Literal["text", "csv", "xlsx", "pdf"] | None, typer.Option("--format", help="Default: by the file's name, else text.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; default: a file named after the report.")
]
Signers = Annotated[
    list[str] | None, typer.Option("--signer", metavar="TEXT", help='A signature below, e.g. "Kepala Dinas Contoh"; may be repeated.')
]
Place = Annotated[str, typer.Option("--place", metavar="TEXT", help="Where it is signed.")]
Clock = Annotated[str, typer.Option("--clock", metavar="NAME", help="Invented people who live by this clock.")]


@app.command("recap")
def recap(
    month: Month, unit: Unit = None, units: Annotated[bool, typer.Option("--units", help="One line per unit.")] = False,
    form: Form = None, output: Output = None, signer: Signers = None, place: Place = "", clock: Clock = "",
) -> None:
    """Attendance and deductions of a month, per person or (--units) per org unit; sums equal the ledger to the rupiah.

    Example: [bold]hadir report recap --unit DINKES --month 2026-02 --format pdf --signer "Kepala Dinas" --signer "Bendahara"[/bold]
    """
    require_month(month)

    async def make(connection: "Connection") -> "Document":
        from services.reports.making import Asked
        from services.reports.making import recap as made

        return await made(connection, month, Asked(unit, signer or (), place, clock), units=units)

    _give(make, form, output, f"rekap-{unit or 'semua'}-{month}")


@app.command("compliance")
def compliance(
    date: Date = None, unit: Unit = None, form: Form = None, output: Output = None, signer: Signers = None, place: Place = "",
    clock: Clock = "",
) -> None:
    """How each org unit did on one day: present at the office and from anywhere, late, absent, on leave, undecided.

    Example: [bold]hadir report compliance --date 2026-02-03[/bold]
    """
    on = _day(date)

    async def make(connection: "Connection") -> "Document":
        from services.reports.making import Asked
        from services.reports.making import compliance as made

        return await made(connection, on, Asked(unit, signer or (), place, clock))

    _give(make, form, output, f"kepatuhan-{unit or 'semua'}-{on}")


@app.command("wfa")
def wfa(
    date: Date = None, unit: Unit = None, form: Form = None, output: Output = None, signer: Signers = None, place: Place = "",
    clock: Clock = "",
) -> None:
    """Who works from anywhere on a day: inside the region or not, photo and work report there or not. No coordinates.

    Example: [bold]hadir report wfa --unit DINKOMINFO --date 2026-02-06 --format xlsx[/bold]
    """
    on = _day(date)

    async def make(connection: "Connection") -> "Document":
        from services.reports.making import Asked, from_anywhere

        return await from_anywhere(connection, on, Asked(unit, signer or (), place, clock))

    _give(make, form, output, f"wfa-{unit or 'semua'}-{on}")


@app.command("evaluation")
def evaluation(
    month: Month, before: Annotated[int, typer.Option("--before", min=0, max=24, help="Compare with so many months before.")] = 2,
    unit: Unit = None,
    feedback: Annotated[Path | None, typer.Option("--feedback", metavar="FILE", help="Ratings of units (csv, xlsx).")] = None,
    energy: Annotated[
        str, typer.Option("--energy", metavar="KWH;RUPIAH;SOURCE", help="What a day away from the office saves, a kWh costs, says who.")
    ] = "",
    form: Form = None, output: Output = None, clock: Clock = "",
) -> None:
    """WFO beside WFA over some months: punctuality, completeness, work reports, violations, deductions, office days saved.

    Energy is an estimate by stated parameters. Ratings: org_unit; month; sumber (masyarakat, perangkat daerah); responden; nilai.

    Example: [bold]hadir report evaluation --month 2026-03 --before 2 --feedback umpan-balik.csv --format pdf[/bold]
    """
    require_month(month)
    assumed, rated = _energy(energy), _rated(feedback)

    async def make(connection: "Connection") -> "Document":
        from services.reports.making import Asked
        from services.reports.making import evaluation as made

        return await made(connection, month, before, Asked(unit, clock=clock), energy=assumed, rated=rated)

    _give(make, form, output, f"evaluasi-{unit or 'semua'}-{month}")


def _energy(text: str) -> "Energy":
    from services.reports.making import read_energy

    energy = read_energy(text)
    if energy is None:
        stop_with('Tulis --energy "KWH;RUPIAH;SUMBER", misalnya --energy "1,8;1699,53;rekening gedung A 2025"; sumbernya dicetak.', 2)
    return energy


def _rated(file: Path | None) -> "list[Rated]":
    from services.reports.feedback import read_feedback

    if file is None:
        return []
    rated, errors = read_feedback(file)
    for error in errors:
        print_line(f"kesalahan: {error}")
    if errors:
        stop_with("Umpan balik tidak dipakai; perbaiki berkas, lalu ulangi.")
    return rated


def _day(date: dt.datetime | None) -> dt.date:
    from services.payroll.rules.signing import LAST_MIDNIGHT

    return date.date() if date is not None else dt.datetime.now(LAST_MIDNIGHT).date()


def _give(make: "Callable[[Connection], Awaitable[Document]]", form: str | None, output: Path | None, name: str) -> None:
    from services.reports.documents import lines
    from services.reports.making import FORMS, write
    from shared.failures import is_infrastructure
    from shared.settings import settings

    wanted = next((one for one in FORMS if one == (form or (output.suffix.lstrip(".").lower() if output else "text"))), None)
    if wanted is None:
        stop_with(f"{output}: bentuk tidak dikenal; pakai .csv, .xlsx, .pdf, atau --format.", 2)
    try:
        document = asyncio.run(_made(settings().database, make))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`.")
    if wanted == "text":
        for line in lines(document):
            print_line(line)
        return
    path = output or Path(f"{name}.{wanted}")
    try:
        write(document, wanted, path)
    except OSError as problem:
        stop_with(f"{path} tidak dapat ditulis ({problem.strerror}); periksa folder dan izinnya.")
    print_line(f"{path}: {len(document.sections[0].rows)} baris.")


async def _made(url: str, make: "Callable[[Connection], Awaitable[Document]]") -> "Document":
    from shared.database import connect_auditor

    connection = await connect_auditor(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await make(connection)
    finally:
        await connection.close()
