"""Our own runtime with the least that a service can do: a row per record, published again through outbox and relay."""

import os
from collections.abc import Sequence
from typing import Any

from shared.events import Event
from shared.lanes import Record, Work
from shared.streaming import Context, Worker, run_worker
from shared.topics import Topic


class Numbered(Event):
    """What the benchmark's topic holds."""

    number: int
    employee_id: str
    text: str


IN = Topic(os.environ["BENCH_IN"], Numbered, "employee_id", "ingest", "benchmark")
OUT = Topic(os.environ["BENCH_OUT"], Numbered, "employee_id", "geofence", "benchmark")


async def handle(work: Work, records: Sequence[Record[Any]]) -> None:
    """Writes the batch down and publishes it."""
    await work.connection.execute(
        "insert into bench_sink (partition, off, number) select * from unnest($1::int[], $2::bigint[], $3::bigint[])",
        [record.partition for record in records], [record.offset for record in records],
        [record.event.number for record in records],
    )  # fmt: skip
    for record in records:
        work.emit(OUT, str(record.event.number), 1, record.event, key=record.event.employee_id, lane=record.partition,
                  cause=record.envelope)  # fmt: skip


def build(_context: Context) -> Worker:
    """The composition root."""
    return Worker("geofence", (IN,), handle)


if __name__ == "__main__":
    run_worker(build, "geofence")
