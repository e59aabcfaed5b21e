"""Measures ingest one check-in a request and in batches of 500, beside a bare FastAPI with aiokafka.

    python -m tests.benchmarks.ingest

Only ingest, broker and database run while it is measured (the workers are needed once, to let people be
imported). `per core` is check-ins ÷ processor seconds of ingest's process: the wall-clock rate is in the note. The bare
one answers after Kafka's acknowledgement too, but keeps no receipts, knows no people and checks little.
"""

import argparse
import asyncio
import datetime as dt
import os
import time
from collections.abc import Iterator
from uuid import UUID

import orjson

from services.local.process import free_port
from services.simulator.agenda import body_of
from services.simulator.behaviour import plan
from services.simulator.province import Province
from services.simulator.settled import Observer
from tests.benchmarks.stack import SERVICES, WORKERS, Stack, import_people, receipts, running, watching
from tests.benchmarks.telling import figure, progress, tell
from tests.benchmarks.wire import Tally, request, send_all

BATCH = 500
DAY = dt.date(2026, 11, 20)


def bodies(province: Province) -> Iterator[dict[str, object]]:
    """Check-ins without end: the province's own, each time with ids of their own, as if everybody came again."""
    planned = [plan(province, person, province.first_day) for person in province.people()]
    stamps = [(one.person, stamp) for one in planned for stamp in one.stamps]
    while True:
        for person, stamp in stamps:
            yield {**body_of(person, stamp), "check_in_id": str(UUID(bytes=os.urandom(16), version=4))}


def singles(url: str, made: Iterator[dict[str, object]]) -> Iterator[bytes]:
    return (request(url, "/v1/check-ins", orjson.dumps(body)) for body in made)


def batches(url: str, made: Iterator[dict[str, object]]) -> Iterator[bytes]:
    while True:
        yield request(url, "/v1/check-ins:batch", orjson.dumps({"check_ins": [next(made) for _ in range(BATCH)]}))


async def measured(
    stack: Stack, name: str, url: str, requests: Iterator[bytes], each: int, seconds: float, observer: Observer | None = None
) -> tuple[float, float, Tally]:
    """Check-ins per processor second of the server, check-ins per second, and what was answered.

    With an `observer` it fails if fewer were taken in than were answered so.
    """
    connections = 64 if each == 1 else 8
    # Made beforehand, so that the generator does not compete; more than can be sent in the time.
    ready = [next(requests) for _ in range(int(seconds * (6_000 if each == 1 else 60)))]
    warm = max(1, len(ready) // 20)
    had = await receipts(observer) if observer else 0
    first = await send_all(url, iter(ready[:warm]), connections=connections)
    before = stack.cpu_s()[name]
    tally = await send_all(url, iter(ready[warm:]), connections=connections, until=time.monotonic() + seconds)
    used = stack.cpu_s()[name] - before
    stack.check()
    accepted = (tally.statuses[202] + tally.statuses[207]) * each
    assert accepted == tally.statuses.total() * each, f"{name} refused: {tally.statuses}"
    if observer:  # a 207 tells of each check-in in its body, which nobody reads here
        said, took_in = accepted + first.statuses.total() * each, await receipts(observer) - had
        assert took_in >= said, f"{name} answered {said:,} check-ins and took in {took_in:,}"
    progress(f"{name}, {each} a request: {accepted / tally.seconds:,.0f}/s, {accepted / used:,.0f}/s per core")
    return accepted / used, accepted / tally.seconds, tally


async def measure(stack: Stack, people: int, seconds: float) -> None:
    province = Province(1, people, DAY)
    stack.start(*SERVICES)
    async with watching(stack) as observer:
        await import_people(stack, province, observer)
        stack.stop(*WORKERS)
        port = free_port()
        stack.ports["bare"] = port
        stack.spawn("bare", "tests.benchmarks.reference.bare_fastapi", BENCH_PORT=str(port))
        made, url, bare = bodies(province), stack.url("ingest"), f"http://127.0.0.1:{port}"
        await _until_answering(bare, next(singles(bare, made)))
        told = []
        for figure_name, each, make in (("ingest-single", 1, singles), ("ingest-batch", BATCH, batches)):
            ours, wall, tally = await measured(stack, "ingest", url, make(url, made), each, seconds, observer)
            theirs, their_wall, _ = await measured(stack, "bare", bare, make(bare, made), each, seconds)
            waits = sorted(tally.latencies)
            told.append(figure(
                figure_name, ours, reference="bare FastAPI + aiokafka, no receipts, nothing checked", reference_value=theirs,
                note=f"wall clock {wall:,.0f}/s beside {their_wall:,.0f}/s with broker, database and generator on the same cores; "
                f"an answer took {waits[len(waits) // 2] * 1e3:.0f} ms (median)",
            ))  # fmt: skip
    tell(*told)


async def _until_answering(url: str, content: bytes) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            await send_all(url, iter([content]), connections=1)
        except OSError:
            assert time.monotonic() < deadline, "the reference does not answer"
            await asyncio.sleep(0.1)
        else:
            return


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--people", type=int, default=5_000)
    ask.add_argument("--seconds", type=float, default=6.0)
    given = ask.parse_args()
    with running(services=False) as stack:
        asyncio.run(measure(stack, given.people, given.seconds))


if __name__ == "__main__":
    main()
