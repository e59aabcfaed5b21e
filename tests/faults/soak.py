"""I9: hours of steady load without a fault; memory, descriptors, connections and disk of every process, and by how much each grows."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from services.simulator.province import Province
from services.simulator.settled import Observer
from tests.faults.house import House, running
from tests.faults.load import FIRST_DAY, Load

_EVERY_S = 10.0
_ROUND_S = 300.0


async def soak(hours: float, rate: float, told: Callable[[str], None]) -> dict[str, Any]:
    """Run it; returns the last value and the slope per hour (over the second half) of each series."""
    series: dict[str, list[tuple[float, float]]] = {}
    async with running() as house:
        began = time.monotonic()
        sampling = asyncio.create_task(_sample(house, series))
        number = 0
        try:
            while time.monotonic() - began < hours * 3600:
                number += 1
                load = Load(house, Province(number, round(rate * _ROUND_S / 2), FIRST_DAY, 1, number), rate)
                await load.prepare()
                await load.run()
                await load.finish()
                async with Observer(house.database.url, house.brokers.bootstrap) as observer:
                    await observer.until_settled(load.province.label, load.province.last_day, lambda _d, _w: None, patience_s=300)
                told(f"soak: {(time.monotonic() - began) / 3600:.2f} hours, {load.delivered} check-ins in round {number}")
        finally:
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)
    return {
        "hours": (time.monotonic() - began) / 3600, "rate": rate,
        "series": {name: {"last": points[-1][1], "slope": slope(points[len(points) // 2:])} for name, points in sorted(series.items())},
    }  # fmt: skip


def slope(points: list[tuple[float, float]]) -> float:
    """Growth per hour by least squares; `points` are (seconds, value)."""
    if len(points) < 2:
        return 0.0
    at = sum(x for x, _ in points) / len(points)
    mean = sum(y for _, y in points) / len(points)
    spread = sum((x - at) ** 2 for x, _ in points)
    return 3600 * sum((x - at) * (y - mean) for x, y in points) / spread if spread else 0.0


async def _sample(house: House, series: dict[str, list[tuple[float, float]]]) -> None:
    began = time.monotonic()
    while True:
        at = time.monotonic() - began
        seen: dict[str, float] = {}
        for name, process in house.processes().items():
            try:
                together = [process, *process.children(recursive=True)] if name == "PostgreSQL" else [process]
                seen[f"{name}: RSS, MiB"] = sum(one.memory_info().rss for one in together) / 2**20
                seen[f"{name}: descriptors"] = sum(one.num_fds() for one in together)
            except psutil.Error:
                continue
        async with house.connection() as connection:
            seen["PostgreSQL: connections"] = await connection.fetchval("select count(*) from pg_stat_activity where datname = 'hadir'")
        for name, folder in (("broker", "kafka"), ("PostgreSQL", "postgres")):
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
