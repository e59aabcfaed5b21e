"""A second worker is struck with only if it took lanes, as the house's database has it: one that came too late stood beside nobody."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psutil
import pytest

from tests.faults import nemeses
from tests.faults.house import WORKERS, House, Service
from tests.faults.striking import Unstruck
from tests.unit.faults.conftest import NAMES, named, strike_on

MINE, OTHERS = 0, {"2": 1, "3": 2, "before": 3}
"""The lanes that a worker has by itself, and those that each who comes beside it had before, and gets again if it claims any."""


class Witness:
    """What the house's database says of claims: each is by a newer epoch of its lane than the one before."""

    def __init__(self) -> None:
        self.claims: dict[tuple[str, int], tuple[str, int]] = {}

    def claim(self, process: str, lane: int) -> None:
        place = process.partition("-")[0], lane
        self.claims[place] = process, self.claims.get(place, ("", 0))[1] + 1

    async def fetch(self, _: str, process: str) -> list[dict[str, Any]]:
        return [
            {"topic": topic, "lane": lane, "epoch": epoch} for (topic, lane), (claimed_by, epoch) in self.claims.items()
            if claimed_by == process
        ]  # fmt: skip


@pytest.fixture
def witness(house: House, monkeypatch: pytest.MonkeyPatch) -> Witness:
    """Workers have claimed what they had, and so have others of the names that a strike will start, at a strike before."""
    witness = Witness()
    for name in WORKERS:
        witness.claim(name, MINE)
        for other, lane in OTHERS.items():
            witness.claim(f"{name}-{other}", lane)

    @contextlib.asynccontextmanager
    async def connection() -> AsyncIterator[Witness]:
        yield witness

    async def ready(_: Any) -> None:
        """They are."""

    monkeypatch.setattr(house, "connection", connection)
    monkeypatch.setattr(house, "ready", ready)
    monkeypatch.setattr(nemeses, "_CLAIM_S", 0.2)
    monkeypatch.setattr(nemeses, "_FROZEN_S", (0.2, 0.3))
    return witness


def claiming(others: Sequence[str], house: House, witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those who are started beside a worker these claim lanes."""
    fork = house._fork

    async def forked(service: Service) -> None:
        await fork(service)
        other = service.name.partition("-")[2]
        if other in others:
            witness.claim(service.name, OTHERS[other])

    monkeypatch.setattr(house, "_fork", forked)


@pytest.mark.parametrize(("others", "struck"), [(["2", "3"], True), (["2"], False), (["3"], False), ([], False)])
async def test_workers_come_and_go_only_if_each_of_them_claimed_lanes(
    others: list[str], struck: bool, house: House, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    claiming(others, house, witness, monkeypatch)
    with contextlib.nullcontext() if struck else pytest.raises(Unstruck, match="never claimed a lane"):
        await named("workers come and go")(strike_on(house))
    assert house.services.keys() == {*NAMES}


@pytest.mark.parametrize(
    ("others", "taken", "said"), [(["2"], True, ""), (["2"], False, "took no lane of"), ([], True, "never claimed a lane")]
)
async def test_a_frozen_worker_returns_beside_its_successor_only_if_that_took_its_lanes_meanwhile(
    others: list[str], taken: bool, said: str, house: House, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    claiming(others, house, witness, monkeypatch)

    def meanwhile() -> None:
        for name in WORKERS:
            if taken and psutil.Process(house.services[name].pid).status() == psutil.STATUS_STOPPED:
                witness.claim(f"{name}-2", MINE)

    with pytest.raises(Unstruck, match=said) if said else contextlib.nullcontext():
        await named("frozen worker returns beside its successor")(strike_on(house, meanwhile))
    assert house.services.keys() == {*NAMES}


@pytest.mark.parametrize(("beside", "alone", "struck"), [(True, True, True), (True, False, False), (False, True, False)])
async def test_the_version_before_was_there_only_if_it_claimed_lanes_beside_ours_and_once_more_when_ours_had_left(
    beside: bool, alone: bool, struck: bool, house: House, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    claiming(["before"] if beside else [], house, witness, monkeypatch)

    async def leave(name: str, *, killed: bool) -> None:
        await House.leave(house, name, killed=killed)
        if alone and name in WORKERS:
            witness.claim(f"{name}-before", MINE)

    monkeypatch.setattr(house, "leave", leave)
    with contextlib.nullcontext() if struck else pytest.raises(Unstruck, match="never claimed a lane"):
        await named("worker of the version before beside ours, and alone")(strike_on(house))
    assert house.services.keys() == {*NAMES}
