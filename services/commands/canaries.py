"""`hadir canaries`: enrols the invented employees that watch over the real ones."""

import asyncio
from typing import Annotated

import typer

from services.commands.terminal import print_line

app = typer.Typer(no_args_is_help=True, help="Canaries: invented employees whose truth is known, beside the real ones.")


@app.callback()
def canaries() -> None:
    """Canaries: invented employees whose truth is known, beside the real ones."""


@app.command("enrol")
def enrol_canaries(
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="PostgreSQL URL; default: HADIR_DATABASE, else the running stack."),
    ] = None,
) -> None:
    """Import the canaries' unit, office and rule pack; needs a login that may act for schedule and geofence. Twice changes nothing.

    Then start `python -m services.canaries`; `hadir run --canaries` does both.

    Example: [bold]hadir canaries enrol[/bold]
    """
    from services.canaries.enrolment import enrol
    from shared.settings import settings

    asyncio.run(enrol(database or settings().database))
    print_line("The canaries are enrolled: unit KENARI, its office and its rule pack. They have no ceiling and never cost a rupiah.")
