"""I9: hours of steady load without a fault; memory, descriptors, connections and disk of every process, and by how much each grows."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from services.simulator.province import Province
from services.simulator.settled import NotSettled, Observer
from tests.faults.house import SERVICES, House, running
from tests.faults.load import FIRST_DAY, Load

_EVERY_S = 10.0
_TELL_EVERY_S = 300.0
_DAYS = 33
_WORKDAYS = 25
"""Five weeks without a gap: so many people check in twice on each workday that the rate is held all the time."""

LIMITS: tuple[tuple[str, float, str], ...] = (
    ("PostgreSQL: RSS", 128.0, "MiB an hour, shared pages counted once a session"),
    ("RSS", 16.0, "MiB an hour"),
    ("broker 1: descriptors", 600.0, "an hour: segments of its log, until they are deleted"),
    ("PostgreSQL: descriptors", 600.0, "an hour: files of tables and partitions, each counted once a session"),
    ("descriptors", 4.0, "an hour"),
    ("connections", 1.0, "an hour"),
    ("broker: disk", 4.0, "KiB a check-in: what the topics keep"),
    ("disk", 16.0, "KiB a check-in: tables, indexes, the outbox until its days are dropped, WAL"),
)
"""What may rise by how much; the first whose name is part of a series' name. Our own choice; disk rises with what is kept."""

IN_ALL: tuple[tuple[str, float], ...] = (
    *((f"{service}: {what}", most) for service in SERVICES for what, most in (("RSS", 64.0), ("descriptors", 64.0))),
    ("connections", 8.0),
)
"""By how much a series may rise from the end of the first tenth to the end, however long that is, in its own unit. Our own choice:
a slope over the second half says nothing of a step before it. Descriptors: phones that keep their connections are among them.
The broker's and PostgreSQL's memory is bounded by their settings, and is shared memory that sessions come to touch."""

OF_A_PROCESS: dict[str, Callable[[psutil.Process], float]] = {
    "RSS, MiB": lambda process: process.memory_info().rss / 2**20,
    "descriptors": lambda process: process.num_fds(),
}
FOLDERS = {"broker": "kafka", "PostgreSQL": "postgres"}
CONNECTIONS = "PostgreSQL: connections"
EXPECTED = frozenset({
    CONNECTIONS, *(f"{name}: disk, MiB" for name in FOLDERS),
    *(f"{name}: {what}" for name in (*SERVICES, "broker 1", "PostgreSQL") for what in OF_A_PROCESS),
})  # fmt: skip
"""The series that a soak has: what `_sample` records, of everything that runs in a house of one broker."""

LEAST_OF_RATE = 0.98
"""A soak at less than this part of the rate that was asked for is a soak at another rate."""

LEAST_OF_HOURS = 0.95
"""A soak of less than this part of the hours that were asked for is another soak: of those who are to check in, some are absent."""

LEAST_OF_SAMPLES = 0.9
"""A series with less than this part of the samples that fit into its hours says nothing of the rest of them; a look takes its time."""


async def soak(hours: float, rate: float, told: Callable[[str], None]) -> dict[str, Any]:
    """Run it; returns the values of each series on the way, and its slope per hour (over the second half)."""
    series: dict[str, list[tuple[float, float]]] = {}
    async with running() as house:
        load = Load(house, Province(1, max(1, round(rate * hours * 3600 / 2 / _WORKDAYS)), FIRST_DAY, _DAYS, 1), rate)
        await load.prepare()
        began = time.monotonic()
        beside = [asyncio.create_task(_sample(house, series)), asyncio.create_task(_progress(load, told))]
        try:
            await load.run()
            lasted = time.monotonic() - began
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        await load.finish()
        async with Observer(house.database.url, house.brokers.bootstrap) as observer:
            settling = await _settle(observer, load.province, told)
    return {
        "asked_hours": hours, "hours": lasted / 3600, "sending_hours": load.sent_for_s / 3600,
        "rate": rate, "check_ins": load.delivered, **settling,
        "series": {
            name: {
                "first": points[0][1], "tenth": points[len(points) // 10][1], "half": points[len(points) // 2][1],
                "last": points[-1][1], "slope": slope(points[len(points) // 2:]), "samples": len(points),
            }
            for name, points in sorted(series.items())
        },
    }  # fmt: skip


async def _settle(observer: Observer, province: Province, told: Callable[[str], None]) -> dict[str, Any]:
    """Seconds until nothing was under way any more, or what still was: hours of figures are not thrown away for it."""
    moved = [time.monotonic()]

    def tell(done: int, whole: int) -> None:
        if time.monotonic() - moved[0] > _TELL_EVERY_S / 5:
            moved[0] = time.monotonic()
            told(f"settling: {done:,} of {whole:,}")

    try:
        return {"settled_s": await observer.until_settled(province.label, province.last_day, tell, patience_s=300)}
    except NotSettled as error:
        return {"unsettled": str(error)}


def limit(soak: dict[str, Any], name: str) -> tuple[float, str]:
    """By how much a series may rise in an hour, in its own unit, and how that is said."""
    for part, most, unit in LIMITS:
        if part in name:
            check_ins_an_hour = soak["check_ins"] / soak["hours"] if soak.get("check_ins") else soak["rate"] * 3600
            return (most * check_ins_an_hour / 1024 if unit.startswith("KiB") else most), f"{most:g} {unit}"
    raise KeyError(name)


def in_all(name: str) -> float | None:
    """By how much a series may rise after the first tenth; None where its slope is all that is bounded."""
    return next((most for part, most in IN_ALL if part in name), None)


def risen(soak: dict[str, Any]) -> list[str]:
    """I9: a sentence for each series that rose by more than it may, or is not whole, and for a load that was not the one asked for."""
    wrong = lacking(soak)
    if soak.get("check_ins") and _rate(soak) < LEAST_OF_RATE * soak["rate"]:
        wrong.append(f"I9: {_rate(soak):.1f} check-ins a second were sent, and {soak['rate']:g} asked for")
    if "unsettled" in soak:
        wrong.append(f"I9: what was taken in did not come to its end: {soak['unsettled']}")
    for name, row in soak["series"].items():
        if row["slope"] > limit(soak, name)[0]:
            wrong.append(f"I9: {name} rose by {row['slope']:.1f} an hour, at most {limit(soak, name)[0]:.1f} ({limit(soak, name)[1]})")
        if (most := in_all(name)) is not None and "tenth" in row and row["last"] - row["tenth"] > most:
            wrong.append(f"I9: {name} rose by {row['last'] - row['tenth']:.1f} after the first tenth, at most {most:g}")
    return wrong


def lacking(soak: dict[str, Any]) -> list[str]:
    """I9: a sentence for each series that is missing or has too few samples, and one for hours that are missing or too few."""
    hours, asked = soak.get("sending_hours", soak["hours"]), soak.get("asked_hours")
    wrong = []
    if asked is None or hours < LEAST_OF_HOURS * asked:
        wrong.append(f"I9: {hours:.2f} hours, and {'nobody knows how many' if asked is None else f'{asked:g}'} asked for")
    fit = soak["hours"] * 3600 / _EVERY_S
    samples = {name: soak["series"].get(name, {}).get("samples", 0) for name in sorted(EXPECTED)}
    return wrong + [
        f"I9: {name} has {many} samples, and {fit:.0f} fit into {soak['hours']:.2f} hours"
        for name, many in samples.items() if many < LEAST_OF_SAMPLES * fit
    ]  # fmt: skip


def _rate(soak: dict[str, Any]) -> float:
    """Check-ins a second while there were any to send: work reports may end later."""
    return float(soak["check_ins"] / soak.get("sending_hours", soak["hours"]) / 3600)


def lines(soak: dict[str, Any]) -> list[str]:
    """The series of a soak in Markdown, their slopes beside what they may be; older soaks know less of the way."""
    held = f", {soak['check_ins']:,} check-ins in all ({_rate(soak):.1f}/s)" if soak.get("check_ins") else ""
    rows = [
        f"{soak['hours']:.2f} hours{_of(soak)}, {soak['rate']:g} check-ins a second asked for{held}. Slopes: least squares, second half.",
        f"*in all*: from the end of the first tenth to the end.{_settled(soak)}", "",
        "| what | first | at a tenth | at the half | at the end | an hour | at most | in all | at most | verdict |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|---|",
    ]  # fmt: skip
    for name, row in soak["series"].items():
        most, said = limit(soak, name)
        way = " | ".join(f"{row[at]:.1f}" if at in row else "–" for at in ("first", "tenth", "half", "last"))
        rise = row["last"] - row["tenth"] if "tenth" in row else None
        bound = in_all(name)
        rises = row["slope"] > most or (rise is not None and bound is not None and rise > bound)
        rows.append(
            f"| {name} | {way} | {row['slope']:+.2f} | {most:,.1f} ({said}) | {'–' if rise is None else f'{rise:+.1f}'}"
            f" | {'–' if bound is None else f'{bound:g}'} | {'**rises**' if rises else 'within'} |"
        )
    return [*rows, *(f"\n**{sentence}.**" for sentence in lacking(soak))]


def _of(soak: dict[str, Any]) -> str:
    return f" of {soak['asked_hours']:g}" if "asked_hours" in soak else ""


def _settled(soak: dict[str, Any]) -> str:
    if "unsettled" in soak:
        return f" **Not settled**: {soak['unsettled']}."
    return f" Every day was judged {soak['settled_s'] / 60:.0f} minutes after the last check-in." if "settled_s" in soak else ""


def slope(points: list[tuple[float, float]]) -> float:
    """Growth per hour by least squares; `points` are (seconds, value)."""
    if len(points) < 2:
        return 0.0
    at = sum(x for x, _ in points) / len(points)
    mean = sum(y for _, y in points) / len(points)
    spread = sum((x - at) ** 2 for x, _ in points)
    return 3600 * sum((x - at) * (y - mean) for x, y in points) / spread if spread else 0.0


async def _progress(load: Load, told: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        passed = time.monotonic() - began
        told(f"soak: {passed / 3600:.2f} hours, {load.delivered} check-ins, {load.delivered / passed:.0f}/s")


async def _sample(house: House, series: dict[str, list[tuple[float, float]]]) -> None:
    began = time.monotonic()
    while True:
        at = time.monotonic() - began
        seen: dict[str, float] = {}
        for name, process in house.processes().items():
            try:
                together = [process, *process.children(recursive=True)] if name == "PostgreSQL" else [process]
                seen |= {f"{name}: {what}": sum(map(measure, together)) for what, measure in OF_A_PROCESS.items()}
            except psutil.Error:
                continue
        # A busy machine may let a look at the database fail; the sampling goes on, and says how many samples a series has.
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError):
            async with house.connection() as connection:
                seen[CONNECTIONS] = await connection.fetchval("select count(*) from pg_stat_activity where datname = 'hadir'")
        for name, folder in FOLDERS.items():
            seen[f"{name}: disk, MiB"] = await asyncio.to_thread(_size, house.home / folder) / 2**20
        for name, value in seen.items():
            series.setdefault(name, []).append((at, value))
        await asyncio.sleep(_EVERY_S)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except OSError:
            continue  # gone meanwhile
    return total
