"""Runs `hadir simulate` at a steady rate on a benchmark's stack, as an operator would, and reads its report."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any

from tests.benchmarks.stack import Stack
from tests.benchmarks.telling import progress


async def begin(stack: Stack, rate: float, seconds: float, seed: int) -> Process:
    """Start a play; it imports its people first."""
    progress(f"hadir simulate --rate {rate:g} --seconds {seconds:g}")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", "simulate", "--rate", str(rate), "--seconds", str(seconds), "--seed", str(seed), "--json",
        env={**_plain(), **stack.env}, cwd=Path(__file__).parents[2], stdout=PIPE, stderr=DEVNULL,
    )  # fmt: skip


async def ended(play: Process) -> dict[str, Any]:
    """The report of a play. Fails if it was not equal to the truth: a fast wrong answer is no figure."""
    output, _ = await play.communicate()
    report = right(output, play.returncode)
    progress(
        f"{report['sent_per_s']}/s of {report['rate']:g}/s, lag {'flat' if report['lag_flat'] else 'not flat'}, "
        f"p50 {report['p50_s']} s, p99 {report['p99_s']} s over {report['measured']:,}"
    )
    return report


def right(output: bytes, code: int | None) -> dict[str, Any]:
    """The report that a play printed; fails if there is none, or if it was not equal to the truth."""
    assert output, f"the simulator said nothing (code {code})"
    report: dict[str, Any] = json.loads(output)
    assert report["equal"], report["differences"]
    return report


async def simulated(stack: Stack, rate: float, seconds: float, seed: int) -> dict[str, Any]:
    """The report of a whole play."""
    return await ended(await begin(stack, rate, seconds, seed))


def beyond(report: dict[str, Any]) -> str:
    """Why this was not the load that was asked for, "" if it was: then what was measured meanwhile is another load's."""
    if not report["rate_held"]:
        return f"the rate was not held: {report['sent_per_s']}/s of {report['rate']:g}/s"
    return "" if report["lag_flat"] else f"the lag was not flat: {_lag(report)}"


def condition(report: dict[str, Any]) -> str:
    """Under which conditions its latency was measured."""
    held = "held" if report["rate_held"] else "NOT held"
    return (
        f"{report['measured']:,} check-ins that changed an aggregate were timed; rate {held} at {report['sent_per_s']}/s, "
        f"lag {_lag(report)}, at most {report['highest_lag']:,}; {report['own_us']:,} µs of processor each for the simulator itself; "
        "equal to the truth"
    )


def _lag(report: dict[str, Any]) -> str:
    growth = report["lag_growth_per_s"]
    return "too short to tell" if growth is None else "flat" if report["lag_flat"] else f"GROWING by {growth:.0f} events/s"


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HADIR_")}
