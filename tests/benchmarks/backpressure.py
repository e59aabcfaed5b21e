"""Floods ingest with ten times what is sustained and looks whether it sheds before memory grows, and loses nothing.

    python -m tests.benchmarks.backpressure --rate 10000 --seconds 12

Ingest by itself takes in more than that, so that a flood alone may find nothing to shed: what waits, waits on the topic.
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
from typing import Any
from uuid import UUID

import orjson

from services.simulator.province import Province
from tests.benchmarks.ingest import BATCH, bodies
from tests.benchmarks.stack import Stack, import_people, rss_mib, running, watching
from tests.benchmarks.telling import figure, not_measured, progress, tell
from tests.benchmarks.wire import request

CONNECTIONS = 256
DAY = dt.date(2026, 11, 20)
WAIT_S = 30.0


class Flood:
    """Sends at a pace of its own and keeps count of every answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: Counter[str] = Counter()
        self.accepted: set[UUID] = set()
        self.without_retry_after = 0
        self.unsent = 0
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def run(self, requests: list[tuple[list[UUID], bytes]], rate: float, sent: Callable[[], None] = lambda: None) -> None:
        """Send all of them, so many check-ins a second, call `sent`, and wait for the answers."""
        began = time.monotonic()
        under_way = set()
        for number, (ids, content) in enumerate(requests):
            ahead = began + number * BATCH / rate - time.monotonic()
            await asyncio.sleep(max(0.0, ahead))
            if self._free.locked():
                self.unsent += len(ids)
                continue
            await self._free.acquire()
            task = asyncio.create_task(self._one(ids, content))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        sent()
        while under_way:
            await asyncio.wait(set(under_way))

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
        if shed and b"retry-after" not in head.lower():
            self.without_retry_after += 1

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


async def highest(pid: int, found: list[float]) -> None:
    """Notes the memory of a process ten times a second, for ever."""
    while True:
        found.append(rss_mib(pid))
        await asyncio.sleep(0.1)


async def measure(stack: Stack, given: argparse.Namespace) -> None:
    province = Province(1, given.people, DAY)
    pid = stack.children["ingest"].popen.pid
    async with watching(stack) as observer:
        await import_people(stack, province, observer)
        made = bodies(province)

        def batches(count: int) -> list[tuple[list[UUID], bytes]]:
            taken = ([next(made) for _ in range(BATCH)] for _ in range(count))
            return [
                ([UUID(str(body["check_in_id"])) for body in some],
                 request(stack.url("ingest"), "/v1/check-ins:batch", orjson.dumps({"check_ins": some})))
                for some in taken
            ]  # fmt: skip

        # Ingest as it is at work, not as it was born: its pools are open and its code is warm.
        calm = Flood(stack.url("ingest"))
        await calm.run(batches(4), given.rate / 10)
        await observer.until_no_lag()
        before = rss_mib(pid)
        memory = [before]
        watching_memory = asyncio.create_task(highest(pid, memory))
        flood, took = await flooded(stack, batches(max(4, int(given.rate * given.seconds / BATCH))), given.rate)
        lag = await observer.lag()
        progress(f"{flood.told()}, lag {lag:,}, ingest from {before:.0f} to at most {max(memory):.0f} MiB")
        began = time.monotonic()
        await observer.until_no_lag(patience_s=120 + lag / 50)
        recovered = time.monotonic() - began

        requests = batches(max(4, int(given.rate * given.standstill / BATCH)))
        broker = stack.kafka.child.popen
        broker.send_signal(signal.SIGSTOP)
        try:
            still, _ = await flooded(stack, requests, given.rate, go_on=lambda: broker.send_signal(signal.SIGCONT))
        finally:
            broker.send_signal(signal.SIGCONT)
        watching_memory.cancel()
        progress(f"while the broker stood still: {still.told()}, ingest at most {max(memory):.0f} MiB")
        await observer.until_no_lag()
        wanted = list(flood.accepted | calm.accepted | still.accepted)
        located = int(await observer.connection.fetchval(
            "select count(*) from geofence.check_in join schedule.mark using (check_in_id) where check_in_id = any($1::uuid[])", wanted
        ))  # fmt: skip
    tell(
        figure("shed-memory", max(memory), reference="before", reference_value=before,
               note=f"{given.rate:,.0f} check-ins/s offered for {took:.0f} s: {flood.told()}; the lag rose to {lag:,} events. "
                    f"Then for {given.standstill:g} s while the broker stood still: {still.told()}"),
        lost(len(wanted), located),
        without_retry_after(flood, still),
        figure("shed-recovery", recovered, reference="the flood itself", reference_value=took),
    )  # fmt: skip


def lost(accepted: int, located: int) -> dict[str, Any]:
    """The figure of check-ins that were answered 202 and of which geofence or schedule does not know."""
    return figure("shed-lost", accepted - located, note=f"of {accepted:,} check-ins answered 202, all looked up in geofence and schedule")


def without_retry_after(flood: Flood, still: Flood) -> dict[str, Any]:
    """The figure of the answers that did not say when to come again; where nothing was shed, none could have."""
    shed = flood.answers["503"] + still.answers["503"]
    if not shed:
        return not_measured("shed-without-retry-after", f"nothing was shed: {flood.told()}; while the broker stood still: {still.told()}")
    return figure(
        "shed-without-retry-after", flood.without_retry_after + still.without_retry_after,
        note=f"of {shed:,} check-ins that were shed, {still.answers['503']:,} of them while the broker stood still",
    )  # fmt: skip


async def flooded(
    stack: Stack, requests: list[tuple[list[UUID], bytes]], rate: float, go_on: Callable[[], None] = lambda: None
) -> tuple[Flood, float]:
    """All these requests at that rate and what came of them; the seconds until all were answered. `go_on` is called once all are sent."""
    flood, began = Flood(stack.url("ingest")), time.monotonic()
    await flood.run(requests, rate, go_on)
    stack.check()
    return flood, time.monotonic() - began


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--people", type=int, default=5_000)
    ask.add_argument("--rate", type=float, default=10_000.0, help="check-ins a second that are offered")
    ask.add_argument("--seconds", type=float, default=12.0)
    ask.add_argument("--standstill", type=float, default=6.0, help="seconds of it while the broker stands still")
    ask.add_argument("--queue", type=int, default=5_000, help="HADIR_INGEST_QUEUE")
    given = ask.parse_args()
    with running(HADIR_INGEST_QUEUE=str(given.queue)) as stack:
        asyncio.run(measure(stack, given))


if __name__ == "__main__":
    main()
