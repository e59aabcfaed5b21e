"""Faults strike what their names say: the poison is bad for the reason that it is placed for, and the controller is the one that leads."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from shared import topics
from shared.envelope import decode
from shared.failures import Poison
from shared.topics import Topic
from tests.faults import struck_events, struck_points, struck_servers
from tests.faults.house import House, Service
from tests.faults.servers import Brokers, leader_of
from tests.faults.striking import Unstruck
from tests.faults.struck_events import CORPUS, POISONED
from tests.faults.test_kills import killed_now
from tests.unit.faults.conftest import named, strike_on


@pytest.mark.parametrize("topic", POISONED, ids=lambda topic: topic.name)
@pytest.mark.parametrize("blanks", [0, 7])
@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_each_bad_record_is_bad_for_its_reason_whatever_blanks_tell_it_apart(number: int, blanks: int, topic: Topic[Any]) -> None:
    raw, reason = list(CORPUS.items())[number]
    with pytest.raises(Poison) as refused:
        decode(topic, raw + b" " * blanks)
    assert refused.value.reason == reason


def test_a_kill_counts_only_if_the_process_still_ran_whether_or_not_it_was_reaped() -> None:
    running = subprocess.Popen(["sleep", "60"])
    seen = psutil.Process(running.pid)
    assert killed_now(seen)
    os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has reaped it
    assert not killed_now(seen)
    assert running.wait() == -signal.SIGKILL
    assert not killed_now(seen)


def states(folder: Path, *known: tuple[int, int] | str | None) -> list[Path]:
    """What each member of a quorum has on its disk: (epoch, leader), something else, or nothing."""
    files = [folder / str(number) for number in range(len(known))]
    for file, told in zip(files, known, strict=True):
        if isinstance(told, tuple):
            file.write_text(json.dumps({"leaderId": told[1], "leaderEpoch": told[0], "votedId": -1, "data_version": 1}))
        elif told is not None:
            file.write_text(told)
    return files


def test_the_controller_that_leads_is_the_one_of_the_newest_epoch(tmp_path: Path) -> None:
    assert leader_of(states(tmp_path, (4, 1), (7, 3), (7, -1))) == 3
    assert leader_of(states(tmp_path, (4, 1), "{", (3, 2))) == 1


@pytest.mark.parametrize(("brokers", "roles"), [(1, ["broker,controller"]), (3, ["broker"] * 3 + ["controller"] * 3)])
def test_three_brokers_are_no_controllers_so_that_two_of_them_die_beside_a_living_quorum(
    brokers: int, roles: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brokers, "_format", lambda *_: None)
    cluster = Brokers([tmp_path / f"broker-{n}" for n in range(1, brokers + 1)], [1] * brokers, tmp_path)
    nodes = {node.number: node for node in (*cluster.nodes, *cluster.controllers)}
    told = {number: dict(line.split("=", 1) for line in cluster._properties(node).splitlines()) for number, node in nodes.items()}
    assert [settings["process.roles"] for settings in told.values()] == roles
    leader = max(nodes)
    for number, settings in told.items():
        voters = {int(voter.partition("@")[0]) for voter in settings["controller.quorum.voters"].split(",")}
        assert voters == {node.number for node in cluster.controllers}
        assert ("CONTROLLER://" in settings["listeners"]) == (number in voters)
        assert ("CLIENT://" in settings["listeners"]) == ("broker" in settings["process.roles"])
        known = Path(settings["log.dirs"]) / "__cluster_metadata-0" / "quorum-state"
        known.parent.mkdir(parents=True)
        # A broker that heard of a newer epoch is no voice in it.
        state = {"leaderEpoch": 7 + (number not in voters), "leaderId": leader if number in voters else min(nodes)}
        known.write_text(json.dumps(state))
    assert cluster.active_controller() == leader


def test_while_controllers_elect_nobody_leads(tmp_path: Path) -> None:
    assert leader_of(states(tmp_path, (4, 1), (5, -1), (4, 1))) is None
    assert leader_of([tmp_path / "nowhere"]) is None


@pytest.mark.parametrize(("appended_s", "false"), [(-1.0, False), (60.0, True), (None, True)])
async def test_what_is_accepted_below_min_isr_is_found_unless_it_was_appended_before_the_brokers_died(
    appended_s: float | None, false: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ready() -> None:
        """They are."""

    async def appended(_: Any, ids: set[str]) -> list[dict[str, float]]:
        assert ids == {"late"}
        return [{} if appended_s is None else {"late": time.time() + appended_s}]

    monkeypatch.setattr(struck_servers, "_first_appended", appended)
    brokers = SimpleNamespace(kill=lambda *_: True, start=lambda *_: None, ready=ready)
    house = SimpleNamespace(brokers=brokers, journal=SimpleNamespace(noted={"before"}))
    with pytest.raises(AssertionError, match="1 ids were accepted below min ISR") if false else contextlib.nullcontext():
        async with struck_servers._nothing_accepted(strike_on(house), [1, 2]):
            house.journal.noted.add("late")


class Restarting:
    """A house of one service, which dies of its failpoint when it is started anew, or of none."""

    def __init__(self, *, dies: bool) -> None:
        self.services = {"geofence": Service("geofence", "geofence", 1)}
        self.dies, self.signals = dies, list[int]()

    def signal(self, name: str, signum: int) -> None:
        self.signals.append(signum)
        if self.dies:
            self.services[name].failpoint = ""

    async def until(self, holds: Callable[[], object], what: str, _: float) -> None:
        assert holds(), what


@pytest.mark.parametrize(("dies", "signals"), [(True, [signal.SIGTERM]), (False, [signal.SIGTERM, signal.SIGKILL] * 3)])
async def test_a_service_that_came_to_no_point_is_not_struck_and_goes_on_without_one(
    dies: bool, signals: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(struck_points, "points_of", lambda _: ("locked",))
    house = Restarting(dies=dies)
    with contextlib.nullcontext() if dies else pytest.raises(Unstruck, match="geofence"):
        await named("geofence dies at a boundary or statement")(strike_on(house))
    assert house.signals == signals
    assert house.services["geofence"].failpoint == ""


class Consumer:
    """One whose broker has these records, and keeps what is committed unless it `forgets`."""

    forgets = False

    def __init__(self, records: Sequence[Any] = (), **_: Any) -> None:
        self.records, self.told = records, dict[Any, int]()

    async def start(self) -> None:
        """It has."""

    async def stop(self) -> None:
        """It has."""

    def assign(self, places: Sequence[Any]) -> None:
        """They are."""

    def seek(self, place: Any, offset: int) -> None:
        """It is fetched from there."""

    async def beginning_offsets(self, places: Sequence[Any]) -> dict[Any, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Sequence[Any]) -> dict[Any, int]:
        return dict.fromkeys(places, 7)

    async def getmany(self, **_: Any) -> dict[int, list[Any]]:
        return {number: [record] for number, record in enumerate(self.records)}

    async def commit(self, offsets: dict[Any, int]) -> None:
        self.told = {} if self.forgets else dict(offsets)

    async def committed(self, place: Any) -> int | None:
        return self.told.get(place)


@pytest.mark.parametrize("many", [0, 1, 5])
async def test_every_record_that_was_fetched_is_put_on_its_topic_up_to_ten_times_more(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [SimpleNamespace(headers=[("ce_id", b"%d" % number)]) for number in range(many)]
    put: list[Any] = []

    @contextlib.asynccontextmanager
    async def consuming(*_: Any) -> AsyncIterator[Consumer]:
        yield Consumer(records)

    async def put_again(_: str, again: list[Any]) -> None:
        put.extend(again)

    monkeypatch.setattr(struck_events, "consuming", consuming)
    monkeypatch.setattr(struck_events, "put_again", put_again)
    house = SimpleNamespace(brokers=SimpleNamespace(bootstrap="nowhere"))
    with contextlib.nullcontext() if many else pytest.raises(Unstruck, match="no record to repeat"):
        await struck_events.repeat_of(strike_on(house), topics.CHECK_IN_RECORDED)
    assert all(1 <= put.count(record) <= 10 for record in records)
    assert all(record in records for record in put)


@pytest.mark.parametrize("forgets", [False, True])
async def test_a_groups_offsets_are_reset_only_if_the_broker_says_so_afterwards(
    forgets: bool, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(struck_events, "AIOKafkaConsumer", Consumer)
    monkeypatch.setattr(Consumer, "forgets", forgets)
    monkeypatch.setattr(house, "brokers", SimpleNamespace(bootstrap="nowhere"))
    before = {name: service.pid for name, service in house.services.items()}
    with pytest.raises(Unstruck, match="does not say that all was read") if forgets else contextlib.nullcontext():
        await named("group offsets reset to the end")(strike_on(house))
    after = {name: service.pid for name, service in house.services.items()}
    assert len(after.items() - before.items()) == 1  # it was killed, and runs again
    assert all(after.values())
