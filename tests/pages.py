"""Commands that pages for people name: found in the text, and compared with what exists."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from services.__main__ import app

ROOT = Path(__file__).parents[1]


def named_commands(pages: Iterable[Path]) -> list[tuple[str, str]]:
    """(page, line) of each `hadir …` or `make …` that stands in backquotes or begins a line."""
    return sorted({
        (page.name, command)
        for page in pages
        for command in re.findall(r"(?:^|`)((?:hadir|make) [^`\n]+)", page.read_text(), re.MULTILINE)
    })  # fmt: skip


def missing_command(line: str) -> str | None:
    """What of an operator's line does not exist; None if all of it does."""
    words = line.split()
    if words[0] == "make":
        made = re.search(rf"^{re.escape(words[1])}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return None if made else f"make {words[1]}"
    verb: Any = typer.main.get_command(app)
    for at, word in enumerate(words[1:], 1):
        if hasattr(verb, "commands") and not word.startswith("-"):
            if word not in verb.commands:
                return " ".join(words[: at + 1])
            verb = verb.commands[word]
        elif word.startswith("--"):
            known = {name for option in verb.params for name in (*option.opts, *option.secondary_opts)}
            if word not in {"--help", *known}:
                return f"{' '.join(words[:at])} {word}"
    return None
