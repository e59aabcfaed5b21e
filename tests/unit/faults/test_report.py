"""The report of a long run: nothing of what was found gets lost on the way into it, and no figure is kinder than what was found."""

from typing import Any

import pytest

from tests.faults import soak
from tests.faults.nemeses import FAULTS
from tests.faults.report import TwoSoaks, bound, markdown, merged, summed, table

KILLED = "F1 kill -9 ingest"


def campaign(**more: Any) -> dict[str, Any]:
    """A report of one house, 100 kills, as a run writes it."""
    part = {
        "brokers": 1, "standby": False, "clocks": False, "seed": 7, "cycles": {KILLED: 100}, "suspected": {}, "violations": [],
        "checks": 3, "accepted": 500, "seconds": 1800.0, "left_out": [], "quiet_s": [1.0], "unanswered": {}, "ended": {}, **more,
    }  # fmt: skip
    return {"began": "01:00", "ended": "02:00", "commit": "aaa", "machine": "this", "load": 1.0, "parts": [part], "soak": None}


def soaked(slope: float = 0.0) -> dict[str, Any]:
    """A report of a soak and nothing else."""
    series = {"geofence: RSS, MiB": {"last": 90.0, "slope": slope}, "broker: disk, MiB": {"last": 9.0, "slope": 900.0}}
    whole = {"hours": 2.0, "rate": 300.0, "series": series}
    return {"began": "03:00", "ended": "05:00", "commit": "bbb", "machine": "this", "load": 2.0, "parts": [], "soak": whole}


@pytest.mark.parametrize("turned", [False, True])
def test_merging_campaigns_with_a_soak_keeps_both_in_whatever_order(*, turned: bool) -> None:
    files = [campaign(), campaign(seed=8), soaked()]
    told = merged([merged(files[2:] if turned else files[:2]), *(files[:2] if turned else files[2:])])
    assert told["sums"]["F1 to F8"] == {"cycles": 200, "rounds_with_a_violation": 0, "bound": 3 / 200}
    assert (told["accepted"], told["hours"], sorted(told["seeds"])) == (1000, 1.0, [7, 8])
    assert told["soak"]["hours"] == 2.0
    assert sorted(told["commit"].split(", ")) == ["aaa", "bbb"]
    page = markdown(told)
    assert "| one broker | 8 | 01:00 | 02:00 | aaa | 0.50 | 100 | 500 | 0 |" in page
    assert "03:00 to 05:00, commit bbb." in page
    assert "| geofence: RSS, MiB | 90.0 | +0.00 |" in page


def test_two_soaks_are_refused_since_one_would_get_lost() -> None:
    with pytest.raises(TwoSoaks):
        merged([soaked(), campaign(), soaked()])


def test_a_round_that_could_not_be_begun_counts_against_the_sums() -> None:
    told = summed(campaign(violations=["round 16 could not be finished: NotSettled", "round 3, I1: lost", "round 3, I4: too much"]))
    assert told["sums"]["all"] == {"cycles": 100, "rounds_with_a_violation": 2, "bound": pytest.approx(0.0630, abs=1e-4)}
    assert "| **all** | **100** | **2 rounds** | **0.0630** |" in table(told)


def test_a_fault_that_was_never_struck_is_told_and_has_no_bound() -> None:
    rows = table(summed(campaign()))
    assert f"| {KILLED} | 100 | 0 | 0.0300 |" in rows
    assert "| F5 kill a leader of three | 0 | – | not struck in this run |" in rows
    assert len(rows) == 2 + len(FAULTS) + 2


@pytest.mark.parametrize(("cycles", "bad", "most"), [(0, 0, None), (2, 0, 1.0), (1000, 0, 0.003), (1000, 1, 0.00474), (1000, 3, 0.00775)])
def test_the_bound_is_that_of_the_rule_of_three_and_of_poisson(cycles: int, bad: int, most: float | None) -> None:
    assert bound(cycles, bad) == (most if most is None else pytest.approx(most, abs=1e-5))


def test_a_soak_in_which_memory_rises_faster_than_it_may_is_a_violation() -> None:
    assert soak.risen(soaked(15.0)["soak"]) == []
    assert [sentence.split(" rose")[0] for sentence in soak.risen(soaked(17.0)["soak"])] == ["I9: geofence: RSS, MiB"]


def test_disk_may_rise_with_the_check_ins_that_were_taken_and_not_with_those_asked_for() -> None:
    whole = soaked()["soak"]
    assert soak.risen(whole) == []
    assert [sentence.split(" rose")[0] for sentence in soak.risen(whole | {"check_ins": 50_000})] == ["I9: broker: disk, MiB"]
