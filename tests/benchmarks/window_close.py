"""Lets many days fall due in one instant while another zone checks in at its pace, and measures what the latter feels.

    python -m tests.benchmarks.window_close                     # 30,000 days
    python -m tests.benchmarks.window_close --days 300000 --throughout   # checks in for as long as it takes to close them

Nobody of the first province came, so every day that closes is an absence with its violation, ledger line and aggregate:
the dearest way to close. The reference is the same rate on the same stack just before, with nothing closing. What the other zone felt
counts when days were closing during half of its play at least, or when its play saw nearly all of the closing. `--profile` says
where the time goes while they close (profiling.py).
"""

import argparse
import asyncio
import datetime as dt
import time
from dataclasses import dataclass
from typing import Any, Final

from services.simulator.agenda import arrivals
from services.simulator.duty import last_complete_working_day
from services.simulator.province import Province
from services.simulator.settled import Observer
from tests.benchmarks.profiling import may_profile, profiled
from tests.benchmarks.simulating import begin, beyond, condition, ended, simulated
from tests.benchmarks.stack import Stack, import_people, receipts, running, set_clock, watching
from tests.benchmarks.telling import figure, progress, tell

SEED = 77
_EVENING = dt.time(14, 30)
"""UTC: 21:30 in the west, where the last of them closes at 20:30 (four hours after a Friday's end), and 23:30 in the east."""

_CLOSING = 2.5
"""How many times as long as opening them takes it to close days while another zone checks in (2.2 was measured beside other work)."""

HALF_OF_THE_PLAY: Final = 0.5
NEARLY_ALL_OF_THE_CLOSING: Final = 0.95


@dataclass(frozen=True)
class Closing:
    """How `days` closed in so many seconds, in the first `beside_s` of which, and no longer, another zone played on.

    `judged` of the days were judged by then, as was last looked `judged_s` after the beginning.
    """

    days: int
    seconds: float
    beside_s: float
    judged: int
    judged_s: float

    @property
    def watched(self) -> float:
        """The share of the closing's time in which the other zone played."""
        return min(1.0, self.beside_s / max(self.seconds, 0.001))

    def share_of(self, play_s: float) -> float:
        """The share of a play of so many seconds during which days were closing."""
        return min(self.beside_s, self.seconds) / play_s

    def unseen(self, play_s: float) -> str:
        """Why such a play says too little of this closing, "" if it says enough."""
        if self.share_of(play_s) >= HALF_OF_THE_PLAY or self.watched >= NEARLY_ALL_OF_THE_CLOSING:
            return ""
        return f"days were closing during {self.share_of(play_s):.0%} of the play only, which saw {self.watched:.0%} of their closing"


async def undone(observer: Observer, province: Province) -> int:
    """Days of the province that are due and not judged yet."""
    return int(await observer.connection.fetchval(
        "select count(*) from schedule.due_day d join schedule.clock c on c.name = d.clock where d.clock = $1 and d.due_at <= c.at",
        province.label,
    ))  # fmt: skip


async def close(stack: Stack, observer: Observer, province: Province, beside_s: float) -> Closing:
    """Move the clock past the closings of all who work by day, and wait until nothing of it is due; the other zone plays on for `beside_s`.

    It is before midnight in every zone: further days would be opened then, and be in the way of those that close.
    """
    began = time.monotonic()
    await set_clock(stack, province, dt.datetime.combine(province.last_day, _EVENING, dt.UTC))
    days = await undone(observer, province)
    progress(f"{days:,} days are due at once")
    deadline = began + 120 + days / 50
    judged, judged_s = 0, 0.0
    while True:
        left = await undone(observer, province)
        seconds = time.monotonic() - began
        if seconds <= beside_s:
            judged, judged_s = days - left, seconds
        if not left:
            return Closing(days, seconds, beside_s, judged, judged_s)
        stack.check()
        assert time.monotonic() < deadline, f"{left:,} of {days:,} days are still due"
        await asyncio.sleep(0.1)


async def measure(stack: Stack, given: argparse.Namespace) -> None:
    province = Province(SEED, given.days, last_complete_working_day(dt.datetime.now(dt.UTC)))
    async with watching(stack) as observer:
        await import_people(stack, province, observer)
        first = next(iter(arrivals(province)))
        await set_clock(stack, province, first.at)
        opening = await observer.until_settled(province.label, province.first_day, lambda _done, _whole: None)
        progress(f"its days are open after {opening:.0f} s")
        calm = await simulated(stack, given.rate, given.seconds, 1)
        known = await receipts(observer)
        beside = max(given.seconds, _CLOSING * opening) if given.throughout else given.seconds
        play = await begin(stack, given.rate, beside, 2)
        try:
            # The other zone is importing people; the moment that counts is when it has checked in for a while.
            while (begun := (await receipts(observer) - known) / given.rate) < 0.1 * given.seconds:
                assert play.returncode is None, "the simulator ended before it sent anything"
                stack.check()
                await asyncio.sleep(0.1)
            async with profiled(stack, given):
                closing = await close(stack, observer, province, beside - begun)
            progress(f"closed in {closing.seconds:.0f} s")
        finally:
            report = await ended(play)
        absent = int(await observer.connection.fetchval(
            "select count(*) from schedule.assessment a join schedule.employee e using (employee_id)"
            " where e.played_clock = $1 and a.status = 'ABSENT' and a.state = 'FINAL'", province.label))  # fmt: skip
    tell(*felt(calm, report, closing, absent, given.rate, beside))


def felt(
    calm: dict[str, Any], report: dict[str, Any], closing: Closing, absent: int, rate: float, play_s: float
) -> list[dict[str, Any]]:
    """What the other zone felt of this closing in a play of so many seconds, beside a play just before.

    Fails if fewer than half of the days were absences: then it was not the dearest way to close.
    """
    days = closing.days
    assert absent >= 0.5 * days, f"only {absent:,} absences out of {days:,} days"
    before = beyond(calm)
    return [
        figure("window-close", report["p99_s"], reference="the same just before, nothing closing", reference_value=calm["p99_s"],
               note=f"{days:,} days due in one instant ({absent:,} absences); {rate:g}/s from another zone, "
               f"{closing.share_of(play_s):.0%} of its time while they closed, {closing.watched:.0%} of the {closing.seconds:.0f} s "
               f"that they took. {condition(report)}; before: p99 {calm['p99_s']:.2f} s, {condition(calm)}",
               missed=beyond(report) or (before and f"before any day closed {before}") or closing.unseen(play_s)),
        figure("window-close-rate", closing.judged / max(closing.judged_s, 0.001), reference="check-ins per second beside it",
               reference_value=rate, note=f"{closing.judged:,} of {days:,} days judged in the {closing.judged_s:.0f} s in which the "
               f"other zone checked in; all of them in {closing.seconds:.0f} s"),
    ]  # fmt: skip


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--days", type=int, default=30_000)
    ask.add_argument("--rate", type=float, default=300.0)
    ask.add_argument("--seconds", type=float, default=20.0)
    ask.add_argument("--throughout", action="store_true", help="check in for longer, if it is likely to take longer to close the days")
    may_profile(ask)
    given = ask.parse_args()
    with running(statements=given.profile is not None) as stack:
        asyncio.run(measure(stack, given))


if __name__ == "__main__":
    main()
