"""`hadir explain`: the slip potongan of one employee-month, from check-in to rupiah, for people and for verifiers."""

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.terminal import print_line, require_month, stop_with
from shared.settings import settings

if TYPE_CHECKING:
    from services.reports.gathered import Gathered


def explain(
    employee: Annotated[str, typer.Option("--employee", metavar="ID|NIP", help="Whose month: employee_id or NIP.")],
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Which month.")],
    date: Annotated[
        dt.datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Tell of this day only; the sum stays the month's.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the receipt as JSON, byte for byte as docs/verify_receipt.py wants it.")
    ] = False,
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
    ] = None,
) -> None:
    """Explain every rupiah of an employee's month: check-ins, duty, findings, rules, arithmetic, reversals, corrections.

    Reads only. The JSON receipt holds no name, NIP or coordinate, and can be recomputed by anyone:
    [bold]hadir explain --employee 198001012005011001 --month 2026-02 --json > slip.json[/bold], then
    [bold]python3 docs/verify_receipt.py slip.json[/bold].
    Example: [bold]hadir explain --employee 198001012005011001 --month 2026-02 --date 2026-02-03[/bold]
    """
    from services.reports.gathering import nothing_known
    from services.reports.receipt import build, canonical
    from services.reports.slip import slip
    from shared.failures import is_infrastructure

    require_month(month)
    if date is not None and f"{date:%Y-%m}" != month:
        stop_with(f"--date {date:%Y-%m-%d} tidak berada dalam bulan {month}.", 2)
    try:
        gathered = asyncio.run(_gather(database or settings().database, employee, month))
    except Exception as error:
        if not is_infrastructure(error):
            raise
        stop_with(f"Basis data tidak terjangkau ({type(error).__name__}): jalankan `hadir run`, atau sebutkan --database.")
    if gathered is None:
        stop_with("Pegawai ini tidak dikenal; periksa NIP atau employee_id pada --employee.")
    if nothing_known(gathered):
        stop_with(f"Belum ada penilaian atau potongan pegawai ini pada bulan {month}.")
    receipt = build(gathered, None if date is None else date.date())
    if as_json:
        typer.echo(canonical(receipt), nl=False)
    else:
        for line in slip(receipt, gathered.person):
            print_line(line)
    if receipt["chain"]["broken"]:
        raise typer.Exit(1)


async def _gather(url: str, employee: str, month: str) -> "Gathered | None":
    from services.reports.gathering import gather
    from shared.database import connect_auditor

    connection = await connect_auditor(url)
    try:
        return await gather(connection, employee.strip(), month)
    finally:
        await connection.close()
