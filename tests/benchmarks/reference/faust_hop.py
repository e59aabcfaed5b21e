"""The textbook Faust hop: `async for` over the stream, `topic.send` for each event; it loses what is in flight."""

import os

import faust
import mode.loop

mode.loop.use("uvloop")  # what ours uses, too

app = faust.App(
    "bench-faust", broker=f"kafka://{os.environ['HADIR_KAFKA']}", store="memory://", web_enabled=False,
    topic_disable_leader=True, consumer_auto_offset_reset="earliest", topic_allow_declare=False,
)  # fmt: skip


class Numbered(faust.Record, serializer="json"):
    """What the benchmark's topic holds."""

    number: int
    employee_id: str
    text: str


source = app.topic(os.environ["BENCH_IN"], value_type=Numbered, key_type=bytes)
target = app.topic(os.environ["BENCH_OUT"], value_type=Numbered, key_type=bytes)


@app.agent(source)
async def pass_on(stream: faust.StreamT[Numbered]) -> None:
    """Each event on its own."""
    async for key, event in stream.items():
        await target.send(key=key, value=event)


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARN").execute_from_commandline()
