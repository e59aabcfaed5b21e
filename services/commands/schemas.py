"""`hadir schemas`: the database's roles, schemas and tables, made by migrations that each run once."""

import asyncio
from typing import Annotated

import typer

from services.commands.terminal import print_line

app = typer.Typer(no_args_is_help=True, help="Create and extend the database's roles, schemas and tables.")

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="PostgreSQL URL of a login that may create roles; default: HADIR_DATABASE, else the running stack.",
    ),
]


@app.command("apply")
def apply(database: Database = None) -> None:
    """Run the migrations that the database has not seen; running it twice, or twice at once, changes nothing.

    Example: [bold]hadir schemas apply --database postgresql://admin@db.example/hadir[/bold]
    """
    from shared.schemas import apply_schemas
    from shared.settings import settings

    ran = asyncio.run(apply_schemas(database or settings().database))
    for service, names in ran.items():
        for name in names:
            print_line(f"  {service}: {name}")
    print_line("Roles, schemas and tables are in place.")


@app.command("pending")
def tell_pending(database: Database = None) -> None:
    """Name the migrations that the database has not seen, and change nothing; the exit code is 1 if there are any.

    Example: [bold]hadir schemas pending[/bold]
    """
    from shared.schemas import pending_in
    from shared.settings import settings

    lacking = asyncio.run(pending_in(database or settings().database))
    for service, names in lacking.items():
        for name in names:
            print_line(f"  {service}: {name}")
    if any(lacking.values()):
        print_line("Run `hadir schemas apply`.")
        raise typer.Exit(1)
    print_line("Nothing is pending.")
