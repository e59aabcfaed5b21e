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
    assert output, f"the simulator said nothing (code {play.returncode})"
    report: dict[str, Any] = json.loads(output)
    assert report["equal"], report["differences"]
    progress(
        f"{report['sent_per_s']}/s of {report['rate']:g}/s, lag {'flat' if report['lag_flat'] else 'not flat'}, "
        f"p50 {report['p50_s']} s, p99 {report['p99_s']} s over {report['measured']:,}"
    )
    return report


async def simulated(stack: Stack, rate: float, seconds: float, seed: int) -> dict[str, Any]:
    """The report of a whole play."""
    return await ended(await begin(stack, rate, seconds, seed))


def sound(report: dict[str, Any], *, any_pace: bool) -> dict[str, Any]:
    """The same report; fails, unless `any_pace`, if its rate was not held or the lag grew: then its latencies are of another load."""
    assert any_pace or (report["rate_held"] and report["lag_flat"]), f"not what was asked for: {condition(report)}"
    return report


def condition(report: dict[str, Any]) -> str:
    """Under which conditions its latency was measured."""
    held = "held" if report["rate_held"] else "NOT held"
    growth = report["lag_growth_per_s"]
    lag = "too short to tell" if growth is None else "flat" if report["lag_flat"] else f"GROWING by {growth:.0f} events/s"
    return (
        f"{report['measured']:,} check-ins that changed an aggregate were timed; rate {held} at {report['sent_per_s']}/s, "
        f"lag {lag}, at most {report['highest_lag']:,}; equal to the truth"
    )


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HADIR_")}
