"""Plays whatever change is asked about in the way that fits it, and tells what it found."""

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.preview import result, standings
from services.preview.change import Change, Window
from services.preview.playing import PROCESSES, play
from services.preview.schemes import compared


@dataclass(frozen=True, slots=True)
class Previewed:
    """A finished preview: for programs, for officers, and how long it took by the clock."""

    found: dict[str, Any]
    lines: tuple[str, ...]
    seconds: float


def preview(
    url: str, change: Change, window: Window, now: dt.datetime, *,
    processes: int = PROCESSES, progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Previewed:  # fmt: skip
    """What a change does to people over the days of the window. Nothing is written; raises what the database raises.

    A scheme prices no day, so that rosters are held against it (in this process); all else is judged and priced anew.
    """
    if change.kind == "scheme":
        seen = asyncio.run(compared(url, change, window, progress))
        return Previewed(
            standings.as_json(seen.found, seen.codes), tuple(standings.as_lines(seen.found, seen.codes)), seen.seconds)
    done = play(url, change, window, now, processes=processes, progress=progress)
    return Previewed(result.as_json(done.found, done.codes), tuple(result.as_lines(done.found, done.codes)), done.seconds)
