"""How measuring programs speak: progress to standard error, figures as one JSON object to standard output."""

import json
import sys
import time
from typing import Any


def progress(text: str) -> None:
    """Tell a person how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def figure(
    name: str, value: float, *, reference: str = "", reference_value: float | None = None, note: str = "", missed: str = "",
    whole: bool = True,
) -> dict[str, Any]:
    """One figure as `services.bench` reads it; a reference is what was measured beside it just now.

    `missed` is why it reached nothing, whatever its value: what was asked for was not carried. `whole` is False when the run, whatever
    it was asked for, became a smaller one than the target is about.
    """
    return {
        "figure": name, "value": value, "reference": reference, "reference_value": reference_value, "note": note, "missed": missed,
        "whole": whole,
    }  # fmt: skip


def not_measured(name: str, why: str) -> dict[str, Any]:
    """A figure of which this run could find out nothing, as `services.bench` reads it."""
    return {"figure": name, "value": None, "failed": why}


def tell(*figures: dict[str, Any]) -> None:
    """Print the figures: the last thing that a program does."""
    print(json.dumps({"figures": figures}), flush=True)
