"""Times the assessment of an employee-day beside the plainest function that a programmer would write for it.

    python -m tests.benchmarks.assessment

Days are as in life: most of them clean, some late, some left early, some without a mark, a few with a mark that is
unsure or with leave. Processor time counts. The plain function knows no windows, unsure marks, leave or outages.
"""

import argparse
import datetime as dt
import random
import time
from collections import Counter
from pathlib import Path
from statistics import median
from uuid import UUID

from services.schedule.rules import DayInputs, Fact, Leave, MarkSeen, Person, assess, duty_on, parse_week
from shared.events import EmployeeKind, Mark, Verdict
from shared.policy import load_policies
from tests.benchmarks.reference.plain_day import plain_day
from tests.benchmarks.telling import figure, progress, tell

WIB = dt.timezone(dt.timedelta(hours=7))
MONDAY = dt.date(2026, 2, 2)
WEEK = parse_week(dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:30", "16:00")))
NOW = dt.datetime(2026, 2, 9, tzinfo=dt.UTC)
PACK = load_policies(Path(__file__).parents[2] / "services/schedule/policies/golden-policies.yaml")["POL-A"]
DAYS = 5_000


def days() -> list[DayInputs]:
    chance = random.Random(1)

    def an_id() -> UUID:
        return UUID(int=chance.getrandbits(128), version=4)

    def at(minute: int) -> dt.datetime:
        return dt.datetime.combine(MONDAY, dt.time(), WIB) + dt.timedelta(minutes=minute, seconds=chance.randrange(60))

    made = []
    for _ in range(DAYS):
        kind = chance.random()
        came = 445 if kind > 0.12 else 455 + chance.randrange(120)
        left = 965 if kind < 0.95 else 880 + chance.randrange(70)
        verdict = Verdict.UNSURE if 0.12 < kind < 0.14 else Verdict.INSIDE
        marks = [
            MarkSeen(an_id(), 1, Mark.IN, at(came).astimezone(dt.UTC), verdict, verdict),
            MarkSeen(an_id(), 1, Mark.OUT, at(left).astimezone(dt.UTC)),
        ]
        facts: tuple[Fact, ...] = ()
        if 0.14 < kind < 0.16:
            marks.pop()
        elif 0.16 < kind < 0.18:
            marks, facts = [], (Leave(an_id(), "annual", MONDAY, MONDAY),)
        made.append(DayInputs(
            Person(an_id(), EmployeeKind.PNS, "pelaksana", an_id()), duty_on(MONDAY, WEEK, (), None, "Asia/Jakarta"),
            marks=tuple(marks), facts=facts, duty_days_in_month=20,
        ))  # fmt: skip
    return made


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rounds", type=int, default=12)
    given = ask.parse_args()
    inputs = days()
    ours: list[float] = []
    plain: list[float] = []
    for number in range(given.rounds):  # in turn, so that both meet the same neighbours
        began = time.process_time()
        judged = [assess(one, PACK, NOW) for one in inputs]
        ours.append(time.process_time() - began)
        began = time.process_time()
        for one in inputs:
            plain_day(one, PACK)
        plain.append(time.process_time() - began)
        progress(f"round {number + 1}: {ours[-1] / DAYS * 1e6:.1f} µs a day")
    statuses = ", ".join(f"{status} {count:,}" for status, count in sorted(Counter(day.status for day in judged).items()))
    tell(figure(
        "assessment", median(ours) / DAYS * 1e6, reference="plain function of two stamps", reference_value=median(plain) / DAYS * 1e6,
        note=f"median of {given.rounds} rounds over {DAYS:,} days ({statuses}), from {min(ours) / DAYS * 1e6:.1f} to "
        f"{max(ours) / DAYS * 1e6:.1f}; processor time of the pure function, no database",
    ))  # fmt: skip


if __name__ == "__main__":
    main()
