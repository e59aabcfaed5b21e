"""`hadir simulate`: plays an invented province on a running stack and compares the ledger with the known truth."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from services.commands.terminal import print_line, stop_with
from shared.settings import settings


def simulate(
    employees: Annotated[
        int | None, typer.Option(min=1, max=5_000_000, help="How many invented people (default 2000, or what --seconds needs).")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days in a row.")] = 1,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Check-ins a second; default: as fast as they are taken.")] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="With --rate: hold it so long, check-ins one by one, and measure latency and lag."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed plays the same people doing the same things.")] = 1,
    first_day: Annotated[
        dt.datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day (default: so that the last one is over everywhere)."),
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time/--compressed", help="Let a played second last a second; default: compressed.")
    ] = False,
    files: Annotated[Path | None, typer.Option(help="Keep the province's import files in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Play an invented province: import it, send its check-ins, close its days, compare with the known truth.

    The stack must be running (`hadir run`). Only invented people, units and rule packs of the play are touched, and
    the same command again plays the next round of the same province. The exit code is 0 only if days, months and
    ledger equal the truth to the rupiah.

    Examples: [bold]hadir simulate[/bold], [bold]hadir simulate --employees 500 --days 31 --from 2026-07-01[/bold],
    [bold]hadir simulate --rate 300 --seconds 60[/bold]
    """
    import uvloop
    from aiokafka.errors import KafkaError
    from asyncpg import InvalidAuthorizationSpecificationError, PostgresConnectionError

    from services.simulator.phones import SendingFailed
    from services.simulator.play import Wanted, employees_for, perform
    from services.simulator.progress import drawn
    from services.simulator.settled import NotSettled
    from shared.refusal import Refused

    if seconds is not None and rate is None:
        stop_with("--seconds needs --rate: so many check-ins a second for so long.", 2)
    if employees is None:
        employees = 2_000 if seconds is None or rate is None else employees_for(rate, seconds)
    wanted = Wanted(
        employees, days, seed, rate, first_day.date() if first_day else None,
        steady_s=seconds, real_time=real_time, folder=files,
    )
    try:
        with drawn() as told:
            report = uvloop.run(perform(settings(), wanted, told))
    except (Refused, SendingFailed, NotSettled) as problem:
        stop_with(str(problem))
    except (OSError, KafkaError, InvalidAuthorizationSpecificationError, PostgresConnectionError) as problem:
        stop_with(f"The stack does not answer ({type(problem).__name__}). Start it with `hadir run`, then repeat this command.")
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        for line in report.lines():
            print_line(line)
    if not report.equal:
        raise typer.Exit(1)
