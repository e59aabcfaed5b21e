"""Run on the modules of the version before, by previous.Tree.run: its tables and topics, or a province as its importers bring it in.

`python -P by_previous.py lay-out DATABASE KAFKA`, `python -P by_previous.py bring-in DATABASE SEED PEOPLE FIRST_DAY`.
"""

import asyncio
import datetime as dt
import sys
import tempfile
from pathlib import Path

import services
from services.simulator import files
from services.simulator.importing import import_province
from services.simulator.province import Province
from shared.kafka import apply_topics
from shared.schemas import apply_schemas


async def lay_out(database: str, kafka: str) -> None:
    """Tables and topics."""
    await apply_schemas(database)
    await apply_topics(kafka)


async def bring_in(database: str, seed: str, people: str, first_day: str) -> None:
    """The first round of a province of one day; geofence must run."""
    province = Province(int(seed), int(people), dt.date.fromisoformat(first_day))
    with tempfile.TemporaryDirectory(prefix="hadir-province-") as folder:
        written = files.write(province, Path(folder))
        await import_province(database, province, written, lambda _what, _done, _whole: None)


if __name__ == "__main__":
    [where] = services.__path__
    assert Path(where).parent == Path.cwd(), f"{where} is not the version before"
    what, *arguments = sys.argv[1:]
    asyncio.run(lay_out(*arguments) if what == "lay-out" else bring_in(*arguments))
