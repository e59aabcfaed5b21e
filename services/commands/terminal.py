"""How commands speak: lines to standard output, refusals to standard error with exit code 1."""

from typing import NoReturn

import typer
from rich.console import Console, RenderableType

console = Console(highlight=False)


def print_line(text: RenderableType) -> None:
    """One line (or table) for the person; wrapped at words only on a terminal."""
    console.print(text, soft_wrap=isinstance(text, str), markup=False)


def stop_with(sentence: str, code: int = 1) -> NoReturn:
    """End the command with a sentence that says what is wrong and what to do."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
