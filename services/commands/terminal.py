"""How commands speak: lines to standard output, refusals to standard error with exit code 1."""

import re
from typing import Final, NoReturn

import typer
from rich.console import Console, RenderableType

console = Console(highlight=False)

MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
"""How a month is written, e.g. 2026-02."""


def print_line(text: RenderableType) -> None:
    """One line (or table) for the person; wrapped at words only on a terminal."""
    console.print(text, soft_wrap=isinstance(text, str), markup=False)


def stop_with(sentence: str, code: int = 1) -> NoReturn:
    """End the command with a sentence that says what is wrong and what to do."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)


def require_month(text: str) -> None:
    """End the command unless this is a month."""
    if not MONTH.fullmatch(text):
        stop_with(f"{text!r} bukan bulan; tulis seperti --month 2026-02.", 2)


def tell_if_cut(shown: int, most: int) -> None:
    """Say that a list may go on, where it shows as many as it may."""
    if shown == most:
        print_line(f"Paling banyak {most} ditampilkan; mungkin masih ada: --limit (sampai 1000), --unit atau --employee.")
