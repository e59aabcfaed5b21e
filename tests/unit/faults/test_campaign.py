"""What a campaign counts: faults that were checked, and those after which nothing could be."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from tests.faults import campaign
from tests.faults.campaign import Found, Wanted
from tests.faults.invariants import Positions
from tests.faults.journal import Journal
from tests.faults.nemeses import Fault
from tests.faults.striking import Strike, Unstruck

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


class Quiet(House):
    """One whose database answers, and whose load ends."""

    class database:  # noqa: N801 - an attribute of the house
        url = "nowhere"

    def __init__(self, folder: Path) -> None:
        self.journal, self.commands = Journal(folder / "journal"), Journal(folder / "commands")

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """There is no day in it."""
        yield Everything()


class Everything:
    """Observer, feed, connection and officers in one: whatever is waited for is there at once."""

    def __init__(self, *_: Any) -> None:
        self.connection, self.unanswered = self, Counter[str]()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    async def fetchval(self, _: str) -> int:
        return 0

    async def at_once(self, *_: Any, **__: Any) -> None:
        """It is."""

    until_no_lag = until_settled = catch_up = work = at_once


class Load:
    """One that never ends."""

    nearly_sent = False

    def __init__(self, *_: Any, **__: Any) -> None:
        self.begun, self.hurried = asyncio.Event(), asyncio.Event()

    async def prepare(self) -> None:
        """Nobody is imported."""

    async def run(self) -> None:
        """Nothing is sent."""
        await asyncio.Event().wait()


class Ending(Load):
    """One that ends when it is hurried, and then was answered for the first time, or never."""

    after_s: float | None = None
    delivered = 0

    class phones:  # noqa: N801 - an attribute of the load
        tally = type("Tally", (), {"unanswered": Counter[str]()})

    def __init__(self, house: Any, province: Any, _: float, *, kept_back: float) -> None:
        super().__init__()
        assert kept_back
        self.house, self.province = house, province

    async def run(self) -> None:
        """Nothing is sent."""
        self.begun.set()
        await self.hurried.wait()
        if self.after_s is not None:
            self.house.journal.first_at = time.monotonic() + self.after_s

    async def finish(self) -> None:
        """No day is played."""


@pytest.fixture
def struck_by(monkeypatch: pytest.MonkeyPatch) -> Callable[[Striking], Any]:
    @contextlib.asynccontextmanager
    async def running(**_: Any) -> AsyncIterator[House]:
        yield House()

    monkeypatch.setattr(campaign, "running", running)
    monkeypatch.setattr(campaign, "Load", Load)
    monkeypatch.setattr(campaign, "Officers", lambda *_: None)
    monkeypatch.setattr(campaign, "_version_before", lambda *_: None)

    def begun(strike: Striking, cycles: int = 600, only: tuple[str, ...] = ()) -> Any:
        monkeypatch.setattr(campaign, "faults_of", lambda *_, **__: [Fault("F1", "kill -9 ingest", strike)])
        saved: list[Found] = []
        return campaign.campaign(Wanted(cycles, 1, pause_s=(0, 0), only=only), lambda _: None, saved.append), saved

    return begun


@pytest.fixture
def quiet(struck_by: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Rounds come to their checks, and nothing is found; `struck_by` has put a house there in which none does."""
    house = Quiet(tmp_path)

    @contextlib.asynccontextmanager
    async def running(**_: Any) -> AsyncIterator[House]:
        yield house

    async def nothing(_: Any) -> dict[str, list[str]]:
        return {}

    monkeypatch.setattr(campaign, "running", running)
    monkeypatch.setattr(campaign, "violations", nothing)
    monkeypatch.setattr(campaign, "i4_money", nothing)
    for name in ("Observer", "Feed", "Officers"):
        monkeypatch.setattr(campaign, name, Everything)
    yield
    house.journal.close()
    house.commands.close()


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


async def test_a_strike_that_struck_nothing_is_in_no_sum_and_is_told_by_itself(struck_by: Callable[[Striking], Any]) -> None:
    struck = iter(range(20))

    async def strike(_: Strike) -> None:
        number = next(struck)
        assert number < 10, "it does not come back"
        if number % 2:
            raise Unstruck("it did not run")

    running, _ = struck_by(strike)
    found = await running

    assert found.cycles == found.suspected == {"F1 kill -9 ingest": 6}
    assert found.missed == {"F1 kill -9 ingest": 5}


FRONT = "the front door took nothing for 61 s after all was healed"


@pytest.mark.parametrize(
    ("broken", "after_s", "told"),
    [
        ({}, None, []),
        ({}, 0.0, []),
        ({"I1": ["x", "y"], "I5": ["z"]}, 0.0, ["I1: x", "I1: y", "I5: z"]),
        ({}, 61.0, [f"I8: {FRONT}"]),
        ({"I8": ["x"]}, 61.0, [f"I8: {FRONT}", "I8: x"]),
    ],
)
async def test_what_a_check_finds_is_told_with_its_round_and_the_faults_since_the_check_before_are_suspected(
    broken: dict[str, list[str]], after_s: float | None, told: list[str], struck_by: Callable[..., Any], quiet: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async def violations(_: Any) -> dict[str, list[str]]:
        return dict(broken)

    begun = struck_by(lambda _: asyncio.sleep(0), 3)[0]
    monkeypatch.setattr(campaign, "Load", Ending)
    monkeypatch.setattr(campaign, "violations", violations)
    monkeypatch.setattr(Ending, "after_s", after_s)
    found = await begun

    assert found.violations == [f"round 1, {sentence}" for sentence in told]
    assert found.suspected == ({"F1 kill -9 ingest": 3} if told else {})
    assert (found.cycles, found.checks, found.outcome) == ({"F1 kill -9 ingest": 3}, 1, "finished")


async def test_positions_are_looked_at_after_every_fault_and_a_step_back_is_kept(
    struck_by: Callable[[Striking], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    struck, offsets, kept = iter(range(20)), iter((5, 6, 4)), list[Positions]()

    async def strike(at: Strike) -> None:
        assert at.house is not None
        assert next(struck) < 3, "it does not come back"

    async def look(_: Any) -> dict[tuple[str, ...], int]:
        return {("payroll", "offset"): next(offsets)}

    @contextlib.asynccontextmanager
    async def connection(_: House) -> AsyncIterator[None]:
        yield

    def positions() -> Positions:
        kept.append(Positions())
        return kept[-1]

    monkeypatch.setattr(House, "connection", connection)
    monkeypatch.setattr(campaign, "look_at_positions", look)
    monkeypatch.setattr(campaign, "Positions", positions)
    running, _ = struck_by(strike)
    found = await running

    assert found.looks == 3
    assert kept[0].backwards == ["payroll offset went from 6 back to 4"]


async def test_a_campaign_whose_round_struck_nothing_ends_and_does_not_go_on_for_hours(
    struck_by: Callable[[Striking], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []

    async def nothing(run: campaign.Campaign, number: int) -> None:
        rounds.append(number)
        run.struck = +run.struck
        assert number < 3

    monkeypatch.setattr(campaign.Campaign, "round", nothing)
    running, _ = struck_by(lambda _: asyncio.sleep(0))
    found = await running
    assert rounds == [1]
    assert (found.outcome, found.violations) == ("stopped", [])


async def test_no_fault_strikes_any_more_when_the_rest_of_the_load_is_kept_for_what_is_taken_once_all_is_healed(
    struck_by: Callable[..., Any], quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    struck: list[Strike] = []

    async def strike(at: Strike) -> None:
        struck.append(at)

    begun = struck_by(strike, 9)[0]
    monkeypatch.setattr(campaign, "Load", Ending)
    monkeypatch.setattr(Ending, "nearly_sent", property(lambda _: len(struck) >= 4), raising=False)
    monkeypatch.setattr(Ending, "after_s", 1.0)
    found = await begun

    assert (found.cycles, found.checks, len(found.front_s)) == ({"F1 kill -9 ingest": 4}, 2, 2)


@pytest.mark.parametrize(("only", "told"), [((), 1), (("F1", "F7"), 1), (("F1",), 0)])
async def test_full_disks_are_left_out_where_none_can_be_mounted_only_if_they_were_asked_for(
    only: tuple[str, ...], told: int, struck_by: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def strike(_: Strike) -> None:
        raise AssertionError("it does not come back")

    monkeypatch.setattr(campaign, "may_mount", lambda: False)
    running, _ = struck_by(strike, only=only)
    found = await running
    assert found.left_out == ["F7: a tmpfs cannot be mounted here (root is needed)"] * told


@pytest.mark.parametrize(("after_s", "late"), [(None, 0), (59.0, 0), (61.0, 1)])
def test_a_front_door_that_takes_nothing_for_too_long_after_all_was_healed_is_a_violation_though_lag_is_gone(
    after_s: float | None, late: int, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal")
    journal.first_at = None if after_s is None else 1000.0 + after_s
    run: Any = type("Run", (), {"house": type("House", (), {"journal": journal})(), "found": Found(1)})()
    assert len(campaign.Campaign._front(run, 1000.0)) == late
    assert run.found.front_s == [seconds for seconds in [after_s] if seconds]
    journal.close()
