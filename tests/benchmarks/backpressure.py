"""Floods ingest with ten times what is sustained and looks whether it sheds before memory grows, and loses nothing.

    python -m tests.benchmarks.backpressure --seconds 12

What is sustained is found out first: --calm check-ins, a few batches at a time, and the seconds until no event waits anywhere. Ten times
as many a second are offered then (--rate offers another number; below ten times, the memory is told as missed).
Ingest by itself may take in more than that, so that a flood alone may find nothing to shed: what waits, waits on the topic.
So the same is offered once more while the broker stands still (SIGSTOP): then ingest has room for --queue check-ins, and no more.
Batches of 500 leave at their times whether or not earlier ones were answered, over at most 256 connections at once: what
cannot even be sent is counted as turned away by the machine. A batch that is answered 503 is not sent again, so what
was shed is shed. Afterwards the stack is left alone until no event waits anywhere, and every check-in answered 202
must have been located.
"""

import argparse
import asyncio
import datetime as dt
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import orjson

from services.simulator.play import HELD
from services.simulator.province import Province
from services.simulator.settled import Observer
from tests.benchmarks.ingest import BATCH, bodies
from tests.benchmarks.stack import Stack, forget_peak, import_people, peak_mib, rss_mib, running, watching
from tests.benchmarks.telling import figure, not_measured, progress, tell
from tests.benchmarks.wire import request

CONNECTIONS = 256
DAY = dt.date(2026, 11, 20)
WAIT_S = 30.0
TIMES: Final = 10
"""So many times what is sustained are offered."""

_CALMLY: Final = 2
_WARM_UP: Final = 4

Batch = tuple[list[UUID], bytes]
"""Ids of check-ins, and the request that they are sent by."""


class Flood:
    """Sends at a pace of its own and keeps count of every answer.

    `offered_per_s` is the pace in truth, in check-ins that were sent; `shed` counts the answers that turned a check-in away, or all of
    theirs, and `without_retry_after` those of them that did not say when to come again.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: Counter[str] = Counter()
        self.accepted: set[UUID] = set()
        self.offered_per_s = 0.0
        self.shed = 0
        self.without_retry_after = 0
        self.unsent = 0
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def run(self, requests: list[Batch], rate: float, sent: Callable[[], None] = lambda: None) -> None:
        """Send all of them, so many check-ins a second, call `sent`, and wait for the answers."""
        began, sent_off = time.monotonic(), 0
        under_way = set()
        for number, (ids, content) in enumerate(requests):
            await asyncio.sleep(max(0.0, began + number * BATCH / rate - time.monotonic()))
            if self._free.locked():
                self.unsent += len(ids)
                continue
            await self._free.acquire()
            sent_off += 1
            task = asyncio.create_task(self._one(ids, content))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.sleep(max(0.0, began + len(requests) * BATCH / rate - time.monotonic()))
        self.offered_per_s = sent_off * BATCH / (time.monotonic() - began)
        sent()
        while under_way:
            await asyncio.wait(set(under_way))

    async def calmly(self, requests: list[Batch]) -> None:
        """Send all of them, a few at a time, each as soon as one before it was answered."""
        left = iter(requests)

        async def some() -> None:
            for ids, content in left:  # all draw from the one list
                await self._free.acquire()
                await self._one(ids, content)

        await asyncio.gather(*(some() for _ in range(_CALMLY)))

    @property
    def unanswered(self) -> float:
        """The share of what was sent that was neither taken nor shed."""
        whole = self.answers.total()
        return 1 - (self.answers["202"] + self.answers["503"]) / whole if whole else 1.0

    def told(self) -> str:
        """Every answer and how many check-ins got it."""
        seen = ", ".join(f"{answer} {count:,}" for answer, count in sorted(self.answers.items()))
        return f"{seen}; {self.unsent:,} could not be sent at all"

    async def _one(self, ids: list[UUID], content: bytes) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                status, head, body = await self._exchange(content)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.answers[type(error).__name__] += len(ids)
            return
        finally:
            self._free.release()
        shed = 0
        if status == 207 or (status == 503 and b'"results"' in body):
            for own, result in zip(ids, orjson.loads(body)["results"], strict=True):
                self.answers[str(result["status"])] += 1
                shed += result["status"] == 503
                if result["status"] == 202:
                    self.accepted.add(own)
        else:
            self.answers[str(status)] += len(ids)
            shed = status == 503
        self.shed += shed > 0
        self.without_retry_after += shed > 0 and b"retry-after" not in head.lower()

    async def _exchange(self, content: bytes) -> tuple[int, bytes, bytes]:
        host, port = self.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(content)
            head = await reader.readuntil(b"\r\n\r\n")
            lowered = head.lower()
            at = lowered.index(b"content-length:") + 15
            return int(head[9:12]), head, await reader.readexactly(int(lowered[at : lowered.index(b"\r\n", at)]))
        finally:
            writer.close()


class Peak:
    """The most memory of a process from now on, in MiB: the kernel's own word, or where it gives none, of ten looks a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = rss_mib(pid)
        self._looking = None if forget_peak(pid) else asyncio.create_task(self._look())

    def so_far(self) -> float:
        """Up to now."""
        self._most = max(self._most, peak_mib(self._pid) if self._looking is None else rss_mib(self._pid))
        return self._most

    def over(self) -> float:
        """Up to now, and no further look is taken."""
        if self._looking is not None:
            self._looking.cancel()
        return self.so_far()

    async def _look(self) -> None:
        while True:
            self.so_far()
            await asyncio.sleep(0.1)


async def sustained(url: str, observer: Observer, requests: list[Batch]) -> tuple[Flood, float]:
    """A calm play of these, and how many check-ins a second of it came to their end."""
    calm, began = Flood(url), time.monotonic()
    await calm.calmly(requests)
    await observer.until_no_lag()
    assert calm.accepted, f"nothing was accepted: {calm.told()}"
    return calm, len(calm.accepted) / (time.monotonic() - began)


async def measure(stack: Stack, given: argparse.Namespace) -> None:
    province = Province(1, given.people, DAY)
    pid = stack.children["ingest"].popen.pid
    async with watching(stack) as observer:
        await import_people(stack, province, observer)
        made = bodies(province)

        def batches(check_ins: float) -> list[Batch]:
            taken = ([next(made) for _ in range(BATCH)] for _ in range(max(_WARM_UP, int(check_ins / BATCH))))
            return [
                ([UUID(str(body["check_in_id"])) for body in some],
                 request(stack.url("ingest"), "/v1/check-ins:batch", orjson.dumps({"check_ins": some})))
                for some in taken
            ]  # fmt: skip

        # All as it is at work, not as it was born: its pools are open and its code is warm.
        warm, _ = await sustained(stack.url("ingest"), observer, batches(0))
        calm, carried = await sustained(stack.url("ingest"), observer, batches(given.calm))
        rate = given.rate or TIMES * carried
        progress(f"{carried:,.0f}/s are sustained, {rate:,.0f}/s are offered")
        requests = batches(rate * given.seconds)
        before = rss_mib(pid)
        memory = Peak(pid)
        flood, took = await flooded(stack, requests, rate)
        lag = await observer.lag()
        progress(f"{flood.told()}, lag {lag:,}, ingest from {before:.0f} to at most {memory.so_far():.0f} MiB")
        began = time.monotonic()
        await observer.until_no_lag(patience_s=120 + lag / 50)
        recovered = time.monotonic() - began

        requests = batches(rate * given.standstill)
        broker = stack.kafka.child.popen
        broker.send_signal(signal.SIGSTOP)
        try:
            still, _ = await flooded(stack, requests, rate, go_on=lambda: broker.send_signal(signal.SIGCONT))
        finally:
            broker.send_signal(signal.SIGCONT)
        most = memory.over()
        progress(f"while the broker stood still: {still.told()}, ingest at most {most:.0f} MiB")
        await observer.until_no_lag()
        wanted = list(warm.accepted | calm.accepted | flood.accepted | still.accepted)
        located = int(await observer.connection.fetchval(
            "select count(*) from geofence.check_in join schedule.mark using (check_in_id) where check_in_id = any($1::uuid[])", wanted
        ))  # fmt: skip
    tell(
        memory_of(most, before, flood, carried, f"for {took:.0f} s: {flood.told()}; the lag rose to {lag:,} events. "
                  f"Then for {given.standstill:g} s while the broker stood still: {still.told()}"),
        lost(len(wanted), located),
        without_retry_after(flood, still),
        figure("shed-recovery", recovered, reference="the flood itself", reference_value=took),
    )  # fmt: skip


def memory_of(most: float, before: float, flood: Flood, carried: float, what_came: str) -> dict[str, Any]:
    """The figure of the memory (MiB) under a flood.

    It is missed when less than ten times what is sustained (check-ins a second) was sent, or much of it neither taken nor shed:
    who hangs needs no memory.
    """
    times = flood.offered_per_s / carried
    missed = "" if times >= HELD * TIMES else f"only {times:.1f} times what is sustained were offered"
    if flood.unanswered > 1 - HELD:
        missed = f"{flood.unanswered:.0%} of what was sent were answered neither 202 nor 503"
    return figure(
        "shed-memory", most, reference="before", reference_value=before,
        note=f"{flood.offered_per_s:,.0f} check-ins/s offered, {times:.1f} times the {carried:,.0f}/s that were sustained just before, "
        f"{what_came}",
        missed=missed,
    )  # fmt: skip


def lost(accepted: int, located: int) -> dict[str, Any]:
    """The figure of check-ins that were answered 202 and of which geofence or schedule does not know; without any nothing could be lost."""
    if not accepted:
        return not_measured("shed-lost", "no check-in was answered 202")
    return figure("shed-lost", accepted - located, note=f"of {accepted:,} check-ins answered 202, all looked up in geofence and schedule")


def without_retry_after(flood: Flood, still: Flood) -> dict[str, Any]:
    """The figure of the answers that did not say when to come again; where nothing was shed, none could have."""
    shed = flood.shed + still.shed
    if not shed:
        return not_measured("shed-without-retry-after", f"nothing was shed: {flood.told()}; while the broker stood still: {still.told()}")
    return figure(
        "shed-without-retry-after", flood.without_retry_after + still.without_retry_after,
        note=f"of {shed:,} answers that shed, {still.shed:,} of them while the broker stood still: "
        f"{flood.answers['503'] + still.answers['503']:,} check-ins",
    )  # fmt: skip


async def flooded(
    stack: Stack, requests: list[Batch], rate: float, go_on: Callable[[], None] = lambda: None
) -> tuple[Flood, float]:
    """All these requests at that rate and what came of them; the seconds until all were answered. `go_on` is called once all are sent."""
    flood, began = Flood(stack.url("ingest")), time.monotonic()
    await flood.run(requests, rate, go_on)
    stack.check()
    return flood, time.monotonic() - began


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--people", type=int, default=5_000)
    ask.add_argument("--calm", type=int, default=10_000, help="check-ins by which it is found out what is sustained")
    ask.add_argument("--rate", type=float, help="check-ins a second that are offered; default: ten times what is sustained")
    ask.add_argument("--seconds", type=float, default=12.0)
    ask.add_argument("--standstill", type=float, default=6.0, help="seconds of it while the broker stands still")
    ask.add_argument("--queue", type=int, default=5_000, help="HADIR_INGEST_QUEUE")
    given = ask.parse_args()
    with running(HADIR_INGEST_QUEUE=str(given.queue)) as stack:
        asyncio.run(measure(stack, given))


if __name__ == "__main__":
    main()
