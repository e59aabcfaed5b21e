"""`hadir verify`: proofs that an auditor may repeat at any time, while everything runs."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.terminal import print_line, stop_with
from shared.settings import settings

if TYPE_CHECKING:
    from services.payroll.store.balance import Balance

app = typer.Typer(no_args_is_help=True, help="Prove that the ledger bears out every total.")


@app.command("balance")
def balance(
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
    ] = None,
) -> None:
    """Compare every employee-month with the sum of its ledger entries, to the rupiah; exit code 1 if any differs.

    Example: [bold]hadir verify balance[/bold]
    """
    from shared.failures import is_infrastructure

    try:
        found = asyncio.run(_balance(database or settings().database))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(
            f"Payroll's tables cannot be read ({type(error).__name__}): run `hadir run`, or name the database with --database."
        )
    rupiah = f"{found.rupiah:,}".replace(",", ".")
    print_line(f"{found.months} employee-months, {found.entries} ledger entries, Rp {rupiah}")
    for difference in found.differences:
        print_line(
            f"DIFFERENCE {difference.employee_id} {difference.month}: told Rp {difference.told}, ledger Rp {difference.found};"
            f" entries told {difference.entries_told}, found {difference.entries_found}"
        )
    if found.different:
        stop_with(f"{found.different} employee-months do not balance.")
    print_line("Every total equals its ledger.")


async def _balance(url: str) -> "Balance":
    from services.payroll.store.balance import balance as compare
    from shared.database import AUDIT_ROLE, open_pool

    pool = await open_pool(url, None, max_size=1)
    try:
        async with pool.acquire() as connection:
            await connection.execute(f"set role {AUDIT_ROLE}")
            return await compare(connection)
    finally:
        await pool.close()
