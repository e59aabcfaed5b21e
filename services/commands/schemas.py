"""`hadir schemas`: the database's roles, schemas and tables are made from the services' `schema.sql` files."""

import asyncio
from typing import Annotated

import typer

from services.commands.terminal import print_line

app = typer.Typer(no_args_is_help=True, help="Create the database's roles, schemas and tables.")


@app.command("apply")
def apply(
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="PostgreSQL URL of a login that may create roles; default: HADIR_DATABASE, else the running stack.",
        ),
    ] = None,
) -> None:
    """Create or extend roles, schemas and tables; running it twice, or twice at once, changes nothing.

    Example: [bold]hadir schemas apply --database postgresql://admin@db.example/hadir[/bold]
    """
    from shared.database import apply_schemas
    from shared.settings import settings

    asyncio.run(apply_schemas(database or settings().database))
    print_line("Roles, schemas and tables are in place.")


@app.callback()
def family() -> None:
    """Keep `apply` a verb of its own although the family has only one so far."""
