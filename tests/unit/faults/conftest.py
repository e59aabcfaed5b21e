"""A house without servers, whose services do nothing, and how to strike it."""

import asyncio
import random
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.house import OFFICES, SERVICES, House, Service
from tests.faults.invariants import Poison
from tests.faults.nemeses import FAULTS
from tests.faults.striking import Strike

NAMES = (*SERVICES, *OFFICES)
Striking = Callable[[Strike], Awaitable[None]]


def house_of(home: Path) -> House:
    """A house without servers."""
    bare: Any = None
    return House(home, bare, bare, [], {}, bare, bare, {})


def strike_on(house: Any, during: Callable[[], object] = lambda: None) -> Strike:
    """A strike whose pauses are short; `during` is what is looked at in them."""

    class Shortly(Strike):
        async def pause(self, low: float, high: float) -> None:
            await asyncio.sleep(min(low, 0.3))
            during()

    return Shortly(house, random.Random(7), Poison())


def named(what: str) -> Striking:
    """The nemesis of this name."""
    [fault] = [fault for fault in FAULTS if fault.what == what]
    return fault.strike


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Each service is a process that does nothing; its end is told as the zygote does."""
    house = house_of(tmp_path)
    running: dict[str, subprocess.Popen[bytes]] = {}
    begun: list[subprocess.Popen[bytes]] = []

    async def fork(service: Service) -> None:
        begun.append(subprocess.Popen(["sleep", "60"]))
        running[service.name], service.pid = begun[-1], begun[-1].pid

    async def listen() -> None:
        while True:
            for name, process in running.items():
                if process.poll() is not None and name in house.services and house.services[name].pid:
                    house.codes[process.pid], house.services[name].pid = process.returncode, None
            await asyncio.sleep(0.01)

    monkeypatch.setattr(house, "_fork", fork)
    for name in NAMES:
        await house.start(name)
    listening = asyncio.create_task(listen())
    yield house
    listening.cancel()
    for process in begun:
        process.kill()
        process.wait()
