"""A dear group of figures takes a twentieth of a core at most, also where it fails."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.monitor import app
from shared.health import Readiness
from shared.settings import Settings


class Enough(Exception):
    """Ends the watching."""


@pytest.mark.parametrize(("took", "rests"), [(0.1, 30.0), (15.0, 300.0), (120.0, 600.0)])
async def test_what_took_long_to_fail_rests_as_long_as_what_took_long_to_gather(
    monkeypatch: pytest.MonkeyPatch, took: float, rests: float
) -> None:
    clock, slept = [1_000.0], []

    @asynccontextmanager
    async def source(_house: app.House, _group: str) -> AsyncIterator[app.Gather]:
        async def gather() -> None:
            clock[0] += took
            raise TimeoutError

        yield gather

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise Enough

    monkeypatch.setattr(app, "monotonic", lambda: clock[0])
    monkeypatch.setattr("asyncio.sleep", sleep)
    monkeypatch.setattr(app.House, "_source", source)

    with pytest.raises(Enough):
        await app.House(Settings(), Readiness("monitor", "first figures")).keep("proofs")

    assert slept == [rests]
