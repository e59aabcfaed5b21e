"""The report of a long run: nothing of what was found gets lost on the way into it, and no figure is kinder than what was found."""

import asyncio
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from tests.faults import boundaries, report, soak, words
from tests.faults.campaign import FRONT_S
from tests.faults.house import SERVICES, House
from tests.faults.invariants import WITHIN_S, Scene, i8_liveness
from tests.faults.nemeses import FAULTS
from tests.faults.report import TwoSoaks, bound, label, markdown, merged, summed, table, write
from tests.waiting import until

KILLED = "F1 kill -9 ingest"
DOCS = Path(__file__).parents[3] / "docs"
EVER: set[tuple[int | str, int]] = {
    (20261129, 1), (20261129, 3), (20261130, 1), (20261201, 1), (20261203, 1), (20261205, 1), (20261206, 1), (20261207, 3),
    (20261211, 1), (20261212, 1), (20261214, 1), (20261220, 1), ("20261221 to 20261223", 1), (20261224, 1), (20261225, 1), (20261226, 3),
}  # fmt: skip
"""Seed and brokers of every campaign that was ever written down: what was found may not leave the page."""



def campaign(**more: Any) -> dict[str, Any]:
    """A report of one house, 100 kills, as a run writes it."""
    part = {
        "brokers": 1, "standby": False, "clocks": False, "seed": 7, "cycles": {KILLED: 100}, "suspected": {}, "violations": [],
        "checks": 3, "accepted": 500, "seconds": 1800.0, "left_out": [], "quiet_s": [1.0], "unanswered": {}, "ended": {}, **more,
    }  # fmt: skip
    return {"began": "01:00", "ended": "02:00", "commit": "aaa", "machine": "this", "load": 1.0, "parts": [part], "soak": None}


def soaked(slope: float = 0.0) -> dict[str, Any]:
    """A report of a soak and nothing else."""
    series = {name: {"last": 9.0, "slope": 0.0, "samples": 686} for name in sorted(soak.EXPECTED)}
    series["geofence: RSS, MiB"] |= {"last": 90.0, "slope": slope}
    series["broker: disk, MiB"]["slope"] = 900.0
    whole = {"asked_hours": 2.0, "hours": 2.0, "rate": 300.0, "series": series}
    return {"began": "03:00", "ended": "05:00", "commit": "bbb", "machine": "this", "load": 2.0, "parts": [], "soak": whole}


@pytest.mark.parametrize("turned", [False, True])
def test_merging_campaigns_with_a_soak_keeps_both_in_whatever_order(*, turned: bool) -> None:
    files = [campaign(), campaign(seed=8, asked=120, outcome="time", looks=99, commands=40), soaked()]
    told = merged([merged(files[2:] if turned else files[:2]), *(files[:2] if turned else files[2:])])
    assert told["sums"]["ever"]["F1"] == {"campaigns": 2, "checks": 6, "cycles": 200, "rounds_with_a_violation": 0, "bound": 3 / 200}
    assert (told["accepted"], told["hours"], sorted(told["seeds"])) == (1000, 1.0, [7, 8])
    assert told["soak"]["hours"] == 2.0
    assert sorted(told["commit"].split(", ")) == ["aaa", "bbb"]
    page = markdown(told)
    assert "| one broker | 7 | 01:00 | 02:00 | aaa | 0.50 | – | 100 | – | 500 | – | – | 0 | – |" in page
    assert "| one broker | 8 | 01:00 | 02:00 | aaa | 0.50 | 120 | 100 | time | 500 | 40 | 99 | 0 | – |" in page
    assert "03:00 to 05:00, commit bbb." in page
    assert "| geofence: RSS, MiB | – | – | – | 90.0 | +0.00 |" in page


def test_two_soaks_are_refused_since_one_would_get_lost() -> None:
    with pytest.raises(TwoSoaks):
        merged([soaked(), campaign(), soaked()])


def test_a_round_that_could_not_be_begun_counts_against_the_sums() -> None:
    told = merged([campaign(violations=["round 16 could not be finished: NotSettled", "round 3, I1: lost", "round 3, I4: too much"])])
    whole = {"campaigns": 1, "checks": 3, "cycles": 100, "rounds_with_a_violation": 2, "bound": pytest.approx(0.0630, abs=1e-4)}
    assert told["sums"] == {"ever": {"F1": whole, "all": whole}, "present": None}
    assert "| **all campaigns: all** | **100** | **2** | **0.0630** |" in table(told)


def test_what_was_found_stays_in_the_sums_and_campaigns_of_code_that_holds_its_mending_have_sums_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report, "_holds", lambda code, mend: (code, mend) == ("ccc", "bbb"))
    now, before = {"from": words.PRESENT_CHECKS, "to": words.PRESENT_CHECKS}, {"from": "2026-11-29 22:44 UTC", "to": "2026-11-29 23:44 UTC"}
    found = campaign(violations=["round 3, I1: lost"], suspected={KILLED: 40}, mended_by=["bbb"], **now)
    told = merged([
        found, campaign(seed=8, **now) | {"commit": "ccc"}, campaign(seed=9, cycles={KILLED: 7}, **before) | {"commit": "ccc"},
    ])  # fmt: skip
    assert told["unmended"] == []
    assert (told["sums"]["ever"]["all"]["cycles"], told["sums"]["ever"]["all"]["rounds_with_a_violation"]) == (207, 1)
    assert told["sums"]["present"]["all"] == {"campaigns": 1, "checks": 3, "cycles": 100, "rounds_with_a_violation": 0, "bound": 3 / 100}
    assert f"| {KILLED} | 207 | 40 | – | 100 | 0.0300 |" in table(told)
    assert "| **present: all** | **100** | **0** | **0.0300** |" in table(told)
    assert "95 % bound 0.0300 per fault, 1.0000 per round of 3.\nThe goal is 1,000 of F1 to F8 in them" in markdown(told)
    assert "- Seed 7, round 3, I1: lost (mended by bbb)" in markdown(told)


def test_a_tree_with_changes_holds_no_commit_for_sure_and_a_clean_one_holds_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        return subprocess.run(["git", "-C", tmp_path, *identity, *arguments], capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    for subject in ("Begin", "Mend"):
        git("commit", "-q", "--allow-empty", "-m", subject)
    head, before = (git("rev-parse", at) for at in ("HEAD", "HEAD~1"))
    monkeypatch.setattr(report, "_ROOT", tmp_path)
    assert report._holds(head[:7], before[:7])
    assert report._holds(f"{head[:7]} (by hand)", before[:7])
    assert not report._holds(f"{head[:7]}+", before[:7])
    assert not report._holds(before[:7], head[:7])


def test_while_a_violation_is_not_mended_nothing_came_after_it() -> None:
    told = merged([campaign(violations=["round 3, I1: lost"])])
    assert told["sums"]["present"] is None
    assert told["unmended"] == ["round 3, I1: lost"]
    assert "not mended yet" in markdown(told)


def test_of_a_campaign_whose_file_was_lost_only_what_is_known_is_told() -> None:
    told = merged([campaign()])
    [part] = told["parts"]
    told["parts"] = [{name: value for name, value in part.items() if name not in {"cycles", "accepted", "seconds"}}]
    page = markdown(summed(told))
    assert "| one broker | 7 | 01:00 | 02:00 | aaa | – | – | – | – | – | – | – | 0 | – |" in page


def test_writing_a_campaign_beside_others_drops_none_of_them_and_tells_the_same_one_once(tmp_path: Path) -> None:
    old = merged([campaign(violations=["round 3, I1: lost"]), soaked()])
    write(old, tmp_path)
    write(merged([campaign(seed=8, asked=5) | {"began": "04:00", "ended": "05:00"}]), tmp_path)
    write(merged([campaign(seed=8, outcome="finished") | {"began": "04:00", "ended": "06:00"}]), tmp_path)
    told = json.loads((tmp_path / "faults.json").read_text())
    assert [(part["seed"], part.get("asked"), part["to"]) for part in told["parts"]] == [(7, None, "02:00"), (8, 5, "06:00")]
    assert told["parts"][1]["outcome"] == "finished"
    assert told["violations"] == ["seed 7, round 3, I1: lost"]
    assert told["soak"]["hours"] == 2.0
    write(soaked(1.5), tmp_path)
    assert json.loads((tmp_path / "faults.json").read_text())["soak"]["series"]["geofence: RSS, MiB"]["slope"] == 1.5


@pytest.mark.parametrize(
    ("codes", "said"),
    [("F1 F3 F4 F5 F6 F7 F8", "F1, F3 to F8"), ("F8 F7 F6 F5 F4 F3 F2 F1", "F1 to F8"), ("F1 F2 F8", "F1, F2, F8"), ("", "")],
)
def test_a_sum_is_called_by_what_is_in_it(codes: str, said: str) -> None:
    assert label(codes.split()) == said


def test_the_page_of_the_repository_is_what_its_json_says_and_no_campaign_has_left_it() -> None:
    told = json.loads((DOCS / "faults.json").read_text())
    assert (DOCS / "faults.md").read_text() == markdown(told, boundaries.read(DOCS))
    assert {(part["seed"], part["brokers"]) for part in told["parts"]} >= EVER


def test_a_fault_that_was_never_struck_is_told_and_has_no_bound() -> None:
    rows = table(merged([campaign()]))
    assert f"| {KILLED} | 100 | 0 | 0.0300 | 0 | – |" in rows
    assert "| F5 kill a leader of three | 0 | – | not struck | 0 | – |" in rows
    sums = ["all campaigns: F1", "all campaigns: all", "present: all"]
    assert len(rows) == 2 + len(FAULTS) + 3 + len(sums)


def test_a_report_is_written_into_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    write(merged([campaign()]), tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / "faults.json").exists()


@pytest.mark.parametrize(("cycles", "bad", "most"), [(0, 0, None), (2, 0, 1.0), (1000, 0, 0.003), (1000, 1, 0.00474), (1000, 3, 0.00775)])
def test_the_bound_is_that_of_the_rule_of_three_and_of_poisson(cycles: int, bad: int, most: float | None) -> None:
    assert bound(cycles, bad) == (most if most is None else pytest.approx(most, abs=1e-5))


def test_a_soak_in_which_memory_rises_faster_than_it_may_is_a_violation() -> None:
    assert soak.risen(soaked(15.0)["soak"]) == []
    assert [sentence.split(" rose")[0] for sentence in soak.risen(soaked(17.0)["soak"])] == ["I9: geofence: RSS, MiB"]


def test_disk_may_rise_with_the_check_ins_that_were_taken_and_not_with_those_asked_for() -> None:
    whole = soaked()["soak"]
    assert soak.risen(whole) == []
    slower = whole | {"check_ins": 50_000, "rate": 7.0}
    assert [sentence.split(" rose")[0] for sentence in soak.risen(slower)] == ["I9: broker: disk, MiB"]


def test_a_soak_at_less_than_the_rate_that_was_asked_for_is_a_violation() -> None:
    whole = soaked()["soak"]
    assert soak.risen(whole | {"check_ins": 2_150_000}) == []  # 298.6/s
    assert soak.risen(whole | {"check_ins": 2_111_919}) == ["I9: 293.3 check-ins a second were sent, and 300 asked for"]


def test_a_soak_that_did_not_come_to_its_end_is_a_violation_and_keeps_its_figures() -> None:
    whole = soaked()["soak"]
    assert soak.lines(whole | {"settled_s": 600.0})[1].endswith("judged 10 minutes after the last check-in.")
    stuck = whole | {"unsettled": "nothing moved for 300 s"}
    assert soak.risen(stuck) == ["I9: what was taken in did not come to its end: nothing moved for 300 s"]
    assert soak.lines(stuck)[1].endswith("**Not settled**: nothing moved for 300 s.")


def test_what_rose_before_the_half_of_a_soak_and_stayed_there_is_a_violation() -> None:
    whole = soaked()["soak"]
    memory = whole["series"]["geofence: RSS, MiB"]
    memory |= {"first": 10.0, "tenth": 26.0, "half": 90.0}
    assert soak.risen(whole) == []
    assert "| geofence: RSS, MiB | 10.0 | 26.0 | 90.0 | 90.0 | +0.00 | 16.0 (16 MiB an hour) | +64.0 | 64 | within |" in soak.lines(whole)
    memory["tenth"] = 25.0
    assert soak.risen(whole) == ["I9: geofence: RSS, MiB rose by 65.0 after the first tenth, at most 64"]
    assert [row.split(" |")[0] for row in soak.lines(whole) if row.endswith("| **rises** |")] == ["| geofence: RSS, MiB"]


def test_the_soak_of_the_repository_has_every_series_that_a_soak_records_and_is_accepted() -> None:
    told = json.loads((DOCS / "faults.json").read_text())["soak"]
    assert told["series"].keys() == soak.EXPECTED
    assert soak.risen(told) == []


@pytest.mark.parametrize("name", sorted(soak.EXPECTED))
def test_a_soak_without_a_series_or_with_one_that_ended_early_is_a_violation(name: str) -> None:
    whole = soaked()["soak"]
    whole["series"][name]["samples"] = 648
    assert soak.risen(whole) == []
    whole["series"][name]["samples"] = 647
    assert soak.risen(whole) == [f"I9: {name} has 647 samples, and 720 fit into 2.00 hours"]
    del whole["series"][name]
    assert soak.risen(whole) == [f"I9: {name} has 0 samples, and 720 fit into 2.00 hours"]
    assert soak.lines(whole)[-1] == f"\n**I9: {name} has 0 samples, and 720 fit into 2.00 hours.**"


def test_a_soak_that_is_shorter_than_it_was_to_be_is_a_violation() -> None:
    whole = soaked()["soak"]
    assert soak.risen(whole | {"hours": 1.96}) == []
    assert soak.lines(whole | {"hours": 1.96})[0].startswith("1.96 hours of 2, 300 check-ins a second asked for.")
    assert soak.risen(whole | {"hours": 1.89}) == ["I9: 1.89 hours, and 2 asked for"]
    assert soak.risen(whole | {"sending_hours": 1.89}) == ["I9: 1.89 hours, and 2 asked for"]  # the rest was work reports
    del whole["asked_hours"]
    assert soak.risen(whole) == ["I9: 2.00 hours, and nobody knows how many asked for"]


async def test_what_is_sampled_is_what_a_soak_is_expected_to_have(tmp_path: Path) -> None:
    class Bare:
        home = tmp_path

        def processes(self) -> dict[str, psutil.Process]:
            return dict.fromkeys((*SERVICES, "broker 1", "PostgreSQL"), psutil.Process())

        def connection(self) -> None:
            raise OSError

    series: dict[str, list[tuple[float, float]]] = {}
    sampling = asyncio.create_task(soak._sample(cast(House, Bare()), series))
    await until(lambda: "PostgreSQL: disk, MiB" in series, 30)
    sampling.cancel()
    await asyncio.gather(sampling, return_exceptions=True)
    assert series.keys() == soak.EXPECTED - {soak.CONNECTIONS}  # those could not be asked for


def test_the_lag_is_said_to_be_waited_for_more_often_than_all_was_checked_only_with_the_reason() -> None:
    told = "1 of the 3 times that it was waited for it was not gone after 240 s"
    whole, broken = (merged([campaign(quiet_s=[1.0, 2.0, 240.0], checks=checks)]) for checks in (3, 2))
    assert f"{told}." in markdown(whole)
    assert f"{told} (1 of those rounds could not be checked to the end)." in markdown(broken)


def test_what_the_page_promises_of_i8_and_of_f12_is_what_is_checked_and_struck() -> None:
    assert f"taken {FRONT_S:.0f} s after all is healed, and the lag gone {WITHIN_S:.0f} s after the load ends" in words.AFTERWARDS
    assert (FRONT_S, WITHIN_S) == (60, 60)  # as the matrix has it
    assert "- F12: 4 of the 9 topics that services read, of 28 in all." in words.AFTERWARDS


@pytest.mark.parametrize(("seconds", "late"), [(59.9, False), (60.1, True)])
async def test_a_lag_that_lasts_longer_than_the_page_says_is_a_violation(seconds: float, *, late: bool) -> None:
    none: Any = None
    assert bool(await i8_liveness(Scene(none, none, none, set(), set(), none, none, none, seconds))) == late


def test_how_long_the_front_door_and_the_rest_of_the_load_took_after_healing_is_told_where_it_was_recorded() -> None:
    page = markdown(merged([campaign(front_s=[2.0, 9.0, 3.0], sending_s=[20.0]), campaign(seed=8)]))
    assert "The first event that was waiting was taken after everything was healed: 3.0 s (median), 9.0 s (longest of 3 rounds)." in page
    assert "Phones and officers were done after everything was healed: 20.0 s (median)" in page
    assert "after everything was healed:" not in markdown(merged([campaign()]))


def test_strikes_that_struck_nothing_are_told_where_they_were_recorded() -> None:
    told = "Strikes that struck nothing, and are in no sum: F22 none left 3, F8 slow 1."
    assert told in markdown(merged([campaign(missed={"F8 slow": 1, "F22 none left": 2}), campaign(seed=8, missed={"F22 none left": 1})]))
    assert "struck nothing, and are in no sum" not in markdown(merged([campaign()]))


def test_kills_at_boundaries_are_in_the_page_with_commit_and_day_and_a_point_that_nobody_died_at_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HADIR_FAILPOINTS", raising=False)
    boundaries.note("ingest", Counter({"ingest-known": 1}))
    assert boundaries.read(tmp_path) == {}
    write(merged([campaign()]), tmp_path)
    assert "named boundaries" not in (tmp_path / "faults.md").read_text().partition("## Where each line")[0]
    monkeypatch.setenv("HADIR_FAILPOINTS", str(tmp_path))
    monkeypatch.setattr(boundaries, "commit", lambda _: "aaaaaaa")
    for of, killed in (("ingest", {"ingest-known": 1}), ("runtime", {"begun": 3, "statement": 5}), ("ingest", {"ingest-known": 20})):
        boundaries.note(of, Counter(killed))
    write(merged([campaign()]), tmp_path)
    page = (tmp_path / "faults.md").read_text()
    for row in ("| point | ingest | runtime |", "| ingest-known | 20 | – |", "| begun | – | 3 |", "| locked | – | – |"):
        assert row in page
    assert "- ingest: 20 kills, 20" in page
    assert "UTC, commit aaaaaaa; " in page
