"""How a play says how far it is: a callback, and a bar of rich that draws it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Told: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and the whole."""


def nobody(_what: str, _done: int, _whole: int) -> None:
    """Tell nobody."""


@contextmanager
def drawn(console: Console | None = None) -> Iterator[Told]:
    """A progress bar on the console (default: standard error) while the context lasts; it leaves no trace behind."""
    with Progress(
        TextColumn("  {task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console or Console(stderr=True), transient=True,
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, whole: bar.update(task, description=what, completed=done, total=whole)
