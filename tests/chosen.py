"""What a run of tests is told by its environment: how many seeds, kills or cycles."""

import os

import pytest


def whole(name: str, otherwise: int, *, least: int = 0) -> int:
    """A whole number; what is none ends the run with a sentence and no traceback."""
    text = os.environ.get(name, f"{otherwise}")
    if not text.isdecimal() or int(text) < least:
        raise pytest.Collector.CollectError(f"{name}={text} is not a whole number of {least} or more")
    return int(text)
