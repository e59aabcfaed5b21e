"""Finds out whether a rate over HTTP is carried to the ledger with a flat lag, the generator on the same cores.

    python -m tests.benchmarks.load --rate 1030 --seconds 20
    python -m tests.benchmarks.load --seconds 60 --profile /tmp/profile --py-spy /path/to/py-spy    # where the time goes (profiling.py)

If the rate cannot be held or the lag grows, the next lower one is tried (three quarters of it), at most twice;
the figure is the highest that was carried, and if none was, what was sent of the last, told as missed. Flat is a lag that grows by less
than a fiftieth of the rate. The reference is the rate asked for at first. Before them the stack warms up at half the rate: a broker that
has just started spends a third of its time on compiling itself.
"""

import argparse
import asyncio
from typing import Any

from tests.benchmarks.profiling import may_profile, profiled
from tests.benchmarks.simulating import beyond, condition, simulated
from tests.benchmarks.stack import Stack, running
from tests.benchmarks.telling import figure, tell


async def measure(stack: Stack, given: argparse.Namespace) -> None:
    rate, seconds = given.rate, given.seconds
    asked, tried = rate, list[dict[str, Any]]()
    await simulated(stack, rate / 2, seconds / 2, 1)
    for seed in range(2, 5):
        async with profiled(stack, given):
            tried.append(await simulated(stack, rate, seconds, seed))
        if not beyond(tried[-1]):
            break
        rate *= 0.75
    tell(load(tried, asked, seconds))


def load(tried: list[dict[str, Any]], asked: float, seconds: float) -> dict[str, Any]:
    """The figure of plays of so many seconds each, of which only the last may have carried its rate (check-ins a second)."""
    return figure(
        "http-load", tried[-1]["sent_per_s"], reference="rate asked for", reference_value=asked, missed=beyond(tried[-1]),
        note=f"{seconds:g} s each; flat: the lag grows by less than a fiftieth of the rate. "
        + ". ".join(
            f"{one['rate']:,.0f}/s: p50 {one['p50_s']:.2f} s, p99 {one['p99_s']:.2f} s; {condition(one)}" for one in tried
        ),
    )  # fmt: skip


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rate", type=float, default=1_030.0)  # a pace is held from below: the target is 1,000
    ask.add_argument("--seconds", type=float, default=20.0)
    may_profile(ask)
    given = ask.parse_args()
    with running(statements=given.profile is not None) as stack:
        asyncio.run(measure(stack, given))


if __name__ == "__main__":
    main()
