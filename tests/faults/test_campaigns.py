"""One fault of each kind at random moments under load, and no invariant is violated; and every invariant finds what is planted.

The long form is `make faults-long`; its last result is docs/faults.md.
"""

import contextlib
import copy
import random
from collections import Counter
from pathlib import Path

import pytest

from services.simulator.settled import Observer
from tests import outside
from tests.chosen import whole
from tests.faults.campaign import Campaign, Found, Wanted, faults_of, province_of
from tests.faults.house import running
from tests.faults.invariants import INVARIANTS, violations
from tests.faults.nemeses import Fault
from tests.faults.officers import SEVERAL
from tests.faults.planted import PLANTED
from tests.faults.servers import may_mount

SEED = whole("HADIR_FAULT_SEED", 1)
"""Which fault of each kind, when and where. Under 1 geofence once met a broker just started, and stood without lanes for five minutes."""

KINDS = ("F1", "F2", "F3", "F4", "F6", "F7", "F8", "F10", "F11", "F12", "F14", "F16", "F22")
"""Of a house of one broker. Three brokers and a standby are struck by the test below, and the version before beside this one by
`test_rolling.py`; clocks apart (F9) have a house of their own and are in `make faults-long` only."""

DISK_MB = 800
"""Of memory, once it is full: room for the few minutes of this test."""


@pytest.mark.timeout(600)
async def test_a_fault_of_each_kind_leaves_every_invariant_true_and_each_invariant_finds_planted_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = may_mount()
    wanted = Wanted(len(KINDS) + 2, SEED, every=len(KINDS), rate=5, people=400, only=KINDS)
    faults = one_of_each(short(faults_of(wanted, disks=disks, previous=False)))
    found = Found(SEED)
    async with running(disks=disks, disk_mb=DISK_MB, keep=tmp_path, offices=True) as house:
        run = Campaign(wanted, house, faults, found, print)
        await run.round(1)
        await run.round(2)  # in which officers end the month of the first
        print(f"seed {SEED}: {dict(found.cycles)}, died at {dict(house.died_at)}; {found.commands} commands of officers")
        assert found.violations == []
        assert len(found.front_s) == 2  # something was left to be taken once all was healed
        assert {name.split()[0] for name in +found.cycles} == {fault.code for fault in faults}  # what could not be struck counts 0
        assert found.accepted >= wanted.people * 4
        assert found.commands >= SEVERAL * 22  # in each round two for each of four stories; in the second, rosters and ceilings
        assert run.decided.closed
        # The same house, at rest: an invariant that cannot fail would prove nothing.
        assert {name for name, _, _ in PLANTED} == INVARIANTS.keys()
        province = province_of(wanted, 2)
        async with Observer(house.database.url, house.brokers.bootstrap) as observer, house.connection() as connection:
            monkeypatch.setattr(observer, "connection", connection)  # one for all that looks, since the damage is never committed
            assert await violations(run.scene(connection, observer, province, 1.0)) == {}
            for name, said, damage in PLANTED:
                scene = run.scene(connection, observer, province, 1.0)
                scene.poison, scene.positions = copy.deepcopy((scene.poison, scene.positions))
                with contextlib.suppress(_Undone):
                    async with connection.transaction():
                        await connection.execute("set local session_replication_role = replica")  # no trigger protects the ledger
                        await damage(scene)
                        found_now = await INVARIANTS[name](scene)
                        assert any(said in sentence for sentence in found_now), f"{name}, planted that '{said}': found {found_now}"
                        raise _Undone
            assert await violations(run.scene(connection, observer, province, 1.0)) == {}  # all of it was undone
            monkeypatch.undo()
    if not disks:
        outside.missing("all but F7 was tried: a tmpfs cannot be mounted here (root is needed)")


@pytest.mark.timeout(900)
async def test_leaders_controllers_and_a_primary_that_die_under_load_leave_every_invariant_true(tmp_path: Path) -> None:
    wanted = Wanted(4, SEED, every=4, rate=5, brokers=3, standby=True, people=400)
    faults = [fault for fault in short(faults_of(wanted, disks=False, previous=False)) if fault.needs in {"three", "standby"}]
    found = Found(SEED)
    async with running(brokers=3, standby=True, keep=tmp_path, offices=True) as house:
        await Campaign(wanted, house, faults, found, print).round(1)

    assert found.violations == []
    assert found.front_s  # something was left to be taken once all was healed
    assert found.cycles == Counter(fault.name for fault in faults)
    assert found.unanswered["kafka-unavailable"]  # below min ISR the phones were told so, and came again
    assert found.accepted >= wanted.people * 2


def short(faults: list[Fault]) -> list[Fault]:
    """Those that do not take minutes."""
    return [fault for fault in faults if not fault.long]


def one_of_each(faults: list[Fault]) -> list[Fault]:
    """A fault of each kind, as the seed draws it."""
    chance = random.Random(SEED)
    return [chance.choice([fault for fault in faults if fault.code == code]) for code in dict.fromkeys(fault.code for fault in faults)]


class _Undone(Exception):
    """Rolls the planted damage back."""
