"""Fills the check-in topic, or another build's, with a province's own check-ins, as ingest would have published them, without HTTP."""

import asyncio
import datetime as dt
from collections.abc import Iterable

from services.simulator.agenda import Arrival, arrivals
from services.simulator.province import Province
from shared.envelope import Envelope, encode
from shared.events import CheckInRecorded
from shared.kafka import new_producer
from shared.topics import CHECK_IN_RECORDED, lane_of
from tests.benchmarks.telling import progress

_AT_ONCE = 5_000


def first_copies(province: Province) -> Iterable[Arrival]:
    """The check-ins of a province in order of arrival; what a phone sent twice is taken in once, as by ingest."""
    seen: set[int] = set()
    for arrival in arrivals(province):
        own = arrival.stamp.check_in_id.int
        if own not in seen:
            seen.add(own)
            yield arrival


async def fill(kafka: str, found: Iterable[Arrival], most: int, topic: str = CHECK_IN_RECORDED.name) -> int:
    """Publish at most so many check-ins; returns how many there were."""
    producer = new_producer(kafka, client_id="bench-fill")
    await producer.start()
    sent = 0
    now = dt.datetime.now(dt.UTC)
    waiting = []
    try:
        for arrival in found:
            # Received now: of what was received long ago, geofence would erase the coordinates meanwhile.
            event = CheckInRecorded.model_validate({**arrival.body(), "received_at": now})
            own, employee = event.check_in_id, str(event.employee_id)
            envelope = Envelope(own, CHECK_IN_RECORDED.ce_type, "/hadir/ingest", now, str(own), None, own)
            waiting.append(await producer.send(
                topic, encode(event), key=employee.encode(), partition=lane_of(employee), headers=envelope.headers(),
            ))  # fmt: skip
            sent += 1
            if len(waiting) >= _AT_ONCE:
                await asyncio.gather(*waiting)
                waiting = []
                if sent % (10 * _AT_ONCE) == 0:
                    progress(f"{sent:,} check-ins on the topic")
            if sent >= most:
                break
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()
    return sent
