"""Measures the whole pipeline from a filled check-in topic to ledger and published aggregate, beside a textbook build.

    python -m tests.benchmarks.pipeline

A province is imported and its days are opened; geofence is stopped while its topic is filled with the simulator's
check-ins, then started. The played clock stands at the first of them: no day is opened at midnight meanwhile and none closes, so that
the rate has no part of either (window_close.py measures closings).
A short warm-up says how much is needed to keep the stack busy for --seconds. The rate is taken
from about a tenth of them on, until the last ledger line and aggregate are on their topics and no event waits
anywhere. The textbook build (reference/textbook.py: three Faust agents, per event, per-event SQL, `topic.send`) is then timed alike on
the same servers, over a topic of its own that holds the first --reference-events of the same check-ins.
"""

import argparse
import asyncio
import datetime as dt
import itertools
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aiokafka import TopicPartition

from services.payroll.store.balance import balance
from services.simulator.agenda import Arrival
from services.simulator.province import Province
from services.simulator.settled import Observer
from shared.kafka import apply_topics
from shared.reading import consuming
from shared.topics import CHECK_IN_LOCATED, CHECK_IN_RECORDED, DAY_ASSESSED, DEDUCTION, LANES, TPP_MONTH, Topic
from tests.benchmarks.filling import fill, first_copies
from tests.benchmarks.profiling import Samples, may_profile
from tests.benchmarks.reference import textbook as reference
from tests.benchmarks.stack import Stack, import_people, running, set_clock, watching
from tests.benchmarks.telling import figure, progress, tell

MONDAY = dt.date(2026, 2, 2)
WHOLE_S: Final = 180.0
"""A rate counts as sustained when it was for so long; of a shorter run, however it was asked for, a short form is told."""

TOLD = (CHECK_IN_LOCATED, DAY_ASSESSED, DEDUCTION, TPP_MONTH)


class Clock:
    """Times so many check-ins from the last look at which at most a tenth had left the first hop: what only starts is no part of it."""

    def __init__(self, stack: Stack, events: int) -> None:
        self._stack, self._events = stack, events
        self.look(0)

    def look(self, left_first_hop: int) -> None:
        """To be told again and again how many have left the first hop."""
        if left_first_hop <= self._events / 10:
            self._began, self._before, self._cpu = time.monotonic(), left_first_hop, self._stack.cpu_s()

    def stopped(self) -> tuple[float, int, dict[str, float]]:
        """Now that none waits anywhere: seconds, the check-ins of them, processor seconds by process."""
        used = {name: cpu - self._cpu.get(name, 0.0) for name, cpu in self._stack.cpu_s().items()}
        return time.monotonic() - self._began, self._events - self._before, used


async def published(observer: Observer) -> dict[str, int]:
    """How many records each topic of the pipeline has."""
    ends = await observer.ends(TOLD)
    return {topic.name: sum(end for (name, _), end in ends.items() if name == topic.name) for topic in TOLD}


async def opened(stack: Stack, province: Province, first: Arrival, observer: Observer) -> None:
    """The played clock stands at the first check-in and all days of that date are open, as after midnight."""
    began = time.monotonic()
    await set_clock(stack, province, first.at)
    await observer.until_settled(province.label, province.first_day, lambda _done, _whole: None)
    progress(f"days opened in {time.monotonic() - began:.0f} s")


async def through(stack: Stack, observer: Observer, events: int, samples: Samples | None = None) -> tuple[float, int, dict[str, float]]:
    """Start geofence before so many waiting check-ins; from (at most) a tenth on: seconds, check-ins, CPU seconds by process.

    Fails if any of them was not located, did not become a mark, or was buried, or if no month heard of them: what waits
    nowhere may also have gone nowhere.
    """
    assert await observer.lag() == events
    before = await arrived(observer)
    already = sum((await observer.positions("geofence", {CHECK_IN_RECORDED.name})).values())
    stack.start("geofence")
    if samples is not None:
        await samples.begin()
    clock = Clock(stack, events)
    patience = time.monotonic() + 120 + events / 50
    while True:
        located = sum((await observer.positions("geofence", {CHECK_IN_RECORDED.name})).values()) - already
        clock.look(located)
        stack.check()
        assert time.monotonic() < patience, f"{located:,} of {events:,} located, {await observer.lag():,} events wait"
        if located >= events:
            await observer.until_no_lag(patience_s=patience - time.monotonic())
            break
        await asyncio.sleep(0.02 if events < 10_000 else 0.2)
    took, counted, used = clock.stopped()
    if samples is not None:
        await samples.end()
    all_came(events, before, await arrived(observer))
    return took, counted, used


def all_came(events: int, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Fails if not every check-in came to its end, by what had `arrived` before and after them."""
    came = {name: count - before[name] for name, count in after.items()}
    assert came["located"] == came["marks"] == events, f"of {events:,} check-ins not all were located, or became marks: {came}"
    assert came["versions"] > 0, "no month heard of them"
    assert came["buried"] == 0, f"{came['buried']:,} messages were buried"


async def arrived(observer: Observer) -> dict[str, int]:
    """How many check-ins came to which end, and how many versions of months were told."""
    [row] = await observer.connection.fetch(
        "select (select count(*) from geofence.check_in) as located, (select count(*) from schedule.mark) as marks,"
        " (select coalesce(sum(version), 0)::bigint from payroll.month) as versions,"
        " (select count(*) from geofence.dead_letter) + (select count(*) from schedule.dead_letter)"
        " + (select count(*) from payroll.dead_letter) as buried"
    )
    return dict(row)


async def sustained(
    stack: Stack, observer: Observer, found: Iterator[Arrival], seconds: float, warm_up: int, samples: Samples | None
) -> tuple[float, float, int, str]:
    """Check-ins per second over about so many seconds, the seconds that it were, how many are on the topic, and what happened meanwhile."""
    stack.stop("geofence")
    sent = warm = await fill(stack.kafka.bootstrap, found, warm_up)
    took, counted, _ = await through(stack, observer, sent)
    rate = counted / took
    progress(f"warm-up: {rate:,.0f}/s over {sent:,} check-ins")
    stack.stop("geofence")
    before = await published(observer)
    sent = await fill(stack.kafka.bootstrap, found, max(int(rate * seconds * 1.15), 100))
    took, counted, used = await through(stack, observer, sent, samples)
    after = await published(observer)
    assert after[DEDUCTION.name] > before[DEDUCTION.name], "nothing reached the ledger"
    assert not (told := await balance(observer.connection, shown=3)).differences, told.differences
    spent = ", ".join(f"{name} {cpu / counted * 1e6:,.0f}" for name, cpu in sorted(used.items()) if cpu)
    came = ", ".join(f"{name.removeprefix('hadir.').removesuffix('.v1')} {after[name] - before[name]:,}" for name in after)
    return counted / took, took, warm + sent, (
        f"{took:.0f} s, no day opened or closed meanwhile; {sent:,} check-ins led to {came}; "
        f"{sum(used.values()) / counted * 1e6:,.0f} µs of processor a check-in, "
        f"broker and database included ({spent})"
    )


async def textbook(stack: Stack, province: Province, events: int) -> tuple[float, str]:
    """Check-ins per second of the textbook build, timed as ours are, and what each took.

    Its topic holds so many check-ins and no more: beyond them its first agents would run ahead with work that nobody counts.
    """
    names = (reference.RECORDED, reference.LOCATED, reference.DAY, reference.MONTH)
    await apply_topics(
        stack.kafka.bootstrap, topics=[Topic(name, CHECK_IN_RECORDED.event, "employee_id", "geofence", "benchmark") for name in names]
    )
    await reference.prepare(stack.database, province)
    agents = ("locate", "assess", "price")

    async def written(topic: str) -> int:
        return sum((await consumer.end_offsets([TopicPartition(topic, partition) for partition in range(LANES)])).values())

    async with consuming(stack.kafka.bootstrap, "bench") as consumer:
        assert await written(reference.RECORDED) == 0  # answered once every partition has its leader
        await fill(stack.kafka.bootstrap, first_copies(province), events, reference.RECORDED)
        assert (there := await written(reference.RECORDED)) == events, f"{there:,} of {events:,} check-ins for the textbook build"
        for agent in agents:
            stack.spawn(f"textbook-{agent}", "tests.benchmarks.reference.textbook", BENCH_AGENT=agent)
        clock = Clock(stack, events)
        deadline = time.monotonic() + 120 + events / 20
        # Each check-in leads to one record at each hop, so that with the last aggregate nothing waits anywhere.
        while (done := await written(reference.MONTH)) < events:
            clock.look(await written(reference.LOCATED))
            stack.check()
            assert time.monotonic() < deadline, f"the textbook build: {done:,} of {events:,}"
            await asyncio.sleep(0.02)
        took, counted, used = clock.stopped()
    stack.stop(*(f"textbook-{agent}" for agent in agents))
    rate = counted / took
    progress(f"textbook build: {rate:,.0f}/s")
    each = sum(used.values()) / counted * 1e6
    return rate, f"the textbook build: {events:,} check-ins alone on its topic, {each:,.0f} µs of processor each"


async def measure(stack: Stack, given: argparse.Namespace) -> None:
    province = Province(1, given.people, MONDAY, given.days)
    samples = Samples(stack, given.py_spy, given.profile) if given.profile else None
    async with watching(stack) as observer:
        await import_people(stack, province, observer)
        found = iter(first_copies(province))
        first = next(found)
        await opened(stack, province, first, observer)
        rate, took, filled, note = await sustained(stack, observer, itertools.chain([first], found), given.seconds, given.warm_up, samples)
        progress(f"pipeline: {rate:,.0f}/s")
    stack.stop("ingest", "geofence", "schedule", "payroll")
    simple, told = await textbook(stack, province, min(given.reference_events, filled))
    tell(pipeline(rate, took, simple, f"{note}; {told}"))


def pipeline(rate: float, took: float, simple: float, note: str) -> dict[str, Any]:
    """The figure of a rate (check-ins a second) that was taken over so many seconds, beside that of the textbook build."""
    beside = "textbook Faust build, per event and per-event SQL"
    return figure("pipeline", rate, reference=beside, reference_value=simple, note=note, whole=took >= WHOLE_S)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--people", type=int, default=14_000)
    ask.add_argument("--days", type=int, default=12)
    ask.add_argument("--seconds", type=float, default=60.0)
    ask.add_argument("--warm-up", type=int, default=10_000)
    ask.add_argument("--reference-events", type=int, default=8_000)
    may_profile(ask)
    given = ask.parse_args()
    with running(statements=given.profile is not None) as stack:
        asyncio.run(measure(stack, given))


if __name__ == "__main__":
    main()
