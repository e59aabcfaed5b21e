"""`hadir report`: recaps, daily compliance, lists for supervisors, and the evaluation of WFO/WFA, as text, csv, xlsx or PDF."""

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from services.commands.terminal import print_line, stop_with

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
    _month(month)

    async def make(connection: "Connection") -> "Document":
        from services.reports.recap import per_person, per_unit
        from services.reports.recapping import people_of, state_of

        people, state = await people_of(connection, month, unit, clock), await state_of(connection, month, clock)
        if units:
            return per_unit(people, month, state, signer or _SIGNERS, place)
        return per_person(people, month, state, unit, signer or _SIGNERS, place)

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
        from services.reports.supervision import compliance as of_day
        from services.reports.tallies import unit_days

        return of_day(await unit_days(connection, on, unit, clock), on, signer or (), place)

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
        from services.reports.supervision import from_anywhere as listed
        from services.reports.tallies import from_anywhere

        return listed(await from_anywhere(connection, on, unit, clock), on, signer or (), place)

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
    from services.reports.feedback import of_units

    _month(month)
    assumed, rated = _energy(energy), _rated(feedback)

    async def make(connection: "Connection") -> "Document":
        from services.reports.evaluation import evaluation as judged
        from services.reports.tallies import worked

        first = dt.date.fromisoformat(f"{month}-01")
        after = (first + dt.timedelta(days=31)).replace(day=1)
        for _ in range(before):
            first = (first - dt.timedelta(days=1)).replace(day=1)
        months = await worked(connection, first, after, unit, clock)
        return judged(months, assumed, of_units(rated, unit), unit=unit, signers=("Kepala BKD",))

    _give(make, form, output, f"evaluasi-{unit or 'semua'}-{month}")


_SIGNERS = ("Kepala Perangkat Daerah", "Pengelola Kepegawaian")


def _energy(text: str) -> "Energy":
    from services.reports.evaluation import ASSUMED, Energy

    if not text:
        return ASSUMED
    kwh, _, rest = text.partition(";")
    tariff, _, source = rest.partition(";")
    try:
        numbers = [Fraction(number.strip().replace(",", ".")) for number in (kwh, tariff)]
    except (ValueError, ZeroDivisionError):
        numbers = [Fraction(-1)]
    if min(numbers) < 0 or not source.strip():
        stop_with('Tulis --energy "KWH;RUPIAH;SUMBER", misalnya --energy "1,8;1699,53;rekening gedung A 2025"; sumbernya dicetak.', 2)
    return Energy(numbers[0], numbers[1], source.strip())


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


def _month(month: str) -> None:
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        stop_with(f"{month!r} bukan bulan; tulis seperti --month 2026-02.", 2)


def _day(date: dt.datetime | None) -> dt.date:
    from services.payroll.rules.signing import LAST_MIDNIGHT

    return date.date() if date is not None else dt.datetime.now(LAST_MIDNIGHT).date()


def _give(make: "Callable[[Connection], Awaitable[Document]]", form: str | None, output: Path | None, name: str) -> None:
    from services.reports.documents import lines, to_csv, to_xlsx
    from shared.failures import is_infrastructure
    from shared.settings import settings

    form = form or (output.suffix.lstrip(".").lower() if output else "text")
    if form not in ("text", "csv", "xlsx", "pdf"):
        stop_with(f"{output}: bentuk tidak dikenal; pakai .csv, .xlsx, .pdf, atau --format.", 2)
    try:
        document = asyncio.run(_made(settings().database, make))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`.")
    if form == "text":
        for line in lines(document):
            print_line(line)
        return
    path = output or Path(f"{name}.{form}")
    try:
        if form == "pdf":
            from services.reports.pages import to_pdf

            to_pdf(document, path, dt.datetime.now(dt.UTC))
        else:
            (to_xlsx if form == "xlsx" else to_csv)(document, path)
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
