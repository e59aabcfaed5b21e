"""`hadir verify`: proofs that an auditor may repeat at any time, while everything runs."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from services.commands.terminal import print_line, stop_with
from shared.settings import settings

_SHOWN: Final = 20

app = typer.Typer(no_args_is_help=True, help="Prove that the ledger bears out every total.")


@app.command("balance")
def balance(
    events: Annotated[bool, typer.Option("--events", help="Compare what was published on hadir.tpp.deduction.v1 too.")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Compare a file of `hadir report recap` too (csv, xlsx).")
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="The month of that file; events of this month only.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
    ] = None,
) -> None:
    """Compare every employee-month with the sum of its ledger entries, to the rupiah; exit code 1 if any differs.

    With --events also what was published, entry by entry; with --export also an exported recap, person by person.

    Examples: [bold]hadir verify balance[/bold], [bold]hadir verify balance --events --export rekap.xlsx --month 2026-02[/bold]
    """
    from shared.failures import is_infrastructure

    if export is not None and month is None:
        stop_with("--export needs --month: a recap is of one month.", 2)
    configured = settings()
    url = database or configured.database
    try:
        balanced = asyncio.run(_ledger(url))
        balanced &= not events or asyncio.run(_events(url, configured.kafka, month))
        balanced &= export is None or asyncio.run(compare_export(url, export, month or ""))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(
            f"Payroll's tables or topics cannot be read ({type(error).__name__}): run `hadir run`, or name the database with --database."
        )
    if not balanced:
        stop_with("Not balanced.")


def _rupiah(amount: int) -> str:
    return f"Rp {amount:,}".replace(",", ".")


async def _ledger(url: str) -> bool:
    from services.payroll.store.balance import balance as compare
    from shared.database import connect_auditor

    connection = await connect_auditor(url)
    try:
        found = await compare(connection)
    finally:
        await connection.close()
    print_line(f"{found.months} employee-months, {found.entries} ledger entries, {_rupiah(found.rupiah)}")
    for difference in found.differences:
        print_line(
            f"DIFFERENCE {difference.employee_id} {difference.month}: told Rp {difference.told}, ledger Rp {difference.found};"
            f" entries told {difference.entries_told}, found {difference.entries_found}"
        )
    print_line(f"{found.different} employee-months do not balance." if found.different else "Every total equals its ledger.")
    return not found.different


async def _events(url: str, kafka: str, month: str | None) -> bool:
    from services.reports.flow import Flow
    from services.reports.published import NotSent, compare

    async with Flow(url, kafka) as flow:
        try:
            found = await compare(flow, kafka, month)
        except NotSent as problem:
            stop_with(f"The events cannot be compared: {problem}")
    print_line(f"{found.events} published entries of {found.months} employee-months, {_rupiah(found.rupiah)}")
    for employee, of, ledger, told in found.differing[:_SHOWN]:
        print_line(f"DIFFERENCE {employee} {of}: ledger Rp {ledger}, events Rp {told}")
    print_line(
        f"{len(found.differing)} employee-months were not published as they stand." if found.differing
        else "Every ledger entry was published as it stands."
    )
    return not found.differing


async def compare_export(url: str, file: Path, month: str) -> bool:
    """Whether each person's sum in an exported recap is the ledger's; prints whose is not, by id and not by NIP."""
    from services.reports.recap import differences, read_recap
    from services.reports.recapping import ids_of, people_of
    from shared.database import connect_auditor

    totals, problems = read_recap(file)
    for problem in problems[:_SHOWN]:
        print_line(str(problem))
    if problems:
        return False
    connection = await connect_auditor(url)
    try:
        wrong = differences(totals, await people_of(connection, month, None))
        ids = await ids_of(connection, [nip for _, nip, _, _ in wrong[:_SHOWN]])
    finally:
        await connection.close()
    print_line(f"{len(totals)} people in {file.name}, {_rupiah(sum(amount for _, amount in totals.values()))}")
    for number, nip, told, kept in wrong[:_SHOWN]:
        whom = f"employee {ids[nip]}" if nip in ids else "a NIP that nobody has"
        there = "no row in the file" if told is None else f"row {number} of the file {_rupiah(told)}"
        print_line(f"DIFFERENCE {month}, {whom}: {there}, ledger {'nothing' if kept is None else _rupiah(kept)}")
    if len(wrong) > _SHOWN:
        print_line(f"... and {len(wrong) - _SHOWN} more.")
    print_line(
        f"{len(wrong)} people are not in the file as in the ledger: make it again (`hadir report recap --month {month}`), and see why a sum"
        f" is what it is with `hadir explain --employee ID --month {month}`." if wrong else "Every row of the file equals the ledger."
    )
    return not wrong
