"""Commands and targets teach themselves: each verb has an example, each target of the Makefile a line of help."""

import re
from pathlib import Path
from typing import Any

import typer.main

from services.__main__ import app

MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text()


def verbs(command: Any, path: str) -> list[tuple[str, str]]:
    """Every verb below `command` with its help."""
    inner: dict[str, Any] = getattr(command, "commands", {})
    return [item for name, child in inner.items() for item in verbs(child, f"{path} {name}".strip())] or [
        (path, command.help or "")
    ]


def test_every_verb_shows_itself_in_an_example() -> None:
    told = verbs(typer.main.get_command(app), "")

    assert {"run", "stop", "topics apply", "schemas apply"} <= {path for path, _ in told}
    assert [path for path, text in told if f"[bold]hadir {path}" not in text.replace("\n", " ")] == []


def test_every_option_says_what_it_does() -> None:
    def silent(command: Any, path: str) -> list[str]:
        inner: dict[str, Any] = getattr(command, "commands", {})
        own = [f"{path} {item.name}" for item in command.params if not getattr(item, "help", None)]
        return own + [line for name, child in inner.items() for line in silent(child, f"{path} {name}")]

    assert silent(typer.main.get_command(app), "hadir") == []


def test_every_target_of_the_makefile_explains_itself() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)

    assert phony is not None
    assert set(phony[1].split()) == set(re.findall(r"^([a-z0-9-]+):.*## ", MAKEFILE, re.MULTILINE))
