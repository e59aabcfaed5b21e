"""What a campaign counts: faults that were checked, and those after which nothing could be."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from tests.faults import campaign
from tests.faults.campaign import Found, Wanted
from tests.faults.nemeses import Fault
from tests.faults.striking import Strike

Striking = Callable[[Strike], Awaitable[None]]


class House:
    """One that nothing happens in."""

    ended: tuple[str, ...] = ()
    died_at: Mapping[tuple[str, str], int] = {("geofence", "handled"): 2, ("ingest", "handled"): 1, ("payroll_api", "statement"): 3}

    class brokers:  # noqa: N801 - an attribute of the house
        bootstrap = "nowhere"

    def heal(self) -> None:
        """There is nothing to heal."""

    def connection(self) -> Any:
        """Its database does not answer."""
        raise OSError("away")


class Load:
    """One that never ends."""

    def __init__(self, *_: Any) -> None:
        self.begun, self.hurried = asyncio.Event(), asyncio.Event()

    async def prepare(self) -> None:
        """Nobody is imported."""

    async def run(self) -> None:
        """Nothing is sent."""
        await asyncio.Event().wait()


@pytest.fixture
def struck_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[Striking], Any]:
    @contextlib.asynccontextmanager
    async def running(**_: Any) -> AsyncIterator[House]:
        yield House()

    monkeypatch.setattr(campaign, "running", running)
    monkeypatch.setattr(campaign, "Load", Load)
    monkeypatch.setattr(campaign, "Officers", lambda *_: None)
    monkeypatch.setattr(campaign, "_version_before", lambda *_: None)

    def begun(strike: Striking) -> Any:
        monkeypatch.setattr(campaign, "faults_of", lambda *_, **__: [Fault("F1", "kill -9 ingest", strike)])
        saved: list[Found] = []
        return campaign.campaign(Wanted(600, 1, pause_s=(0, 0)), lambda _: None, saved.append), saved

    return begun


async def test_faults_of_a_round_that_was_stopped_before_its_check_count_for_nothing(struck_by: Callable[[Striking], Any]) -> None:
    several = asyncio.Event()
    struck = iter(range(20))

    async def strike(_: Strike) -> None:
        if next(struck) == 10:
            several.set()
            await asyncio.Event().wait()

    running, saved = struck_by(strike)
    task = asyncio.create_task(running)
    await several.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    assert [(found.cycles.total(), found.checks, found.outcome) for found in saved] == [(0, 0, "stopped")]


async def test_faults_of_a_round_that_could_not_be_finished_count_and_are_suspected(struck_by: Callable[[Striking], Any]) -> None:
    struck = iter(range(20))

    async def strike(_: Strike) -> None:
        assert next(struck) < 10, "it does not come back"

    running, _ = struck_by(strike)
    found = await running

    assert found.cycles == found.suspected == {"F1 kill -9 ingest": 11}
    assert found.outcome == "violation"
    assert "could not be carried out or healed: AssertionError it does not come back" in found.violations[0]
