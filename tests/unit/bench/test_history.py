"""Nothing is built for hours that the disk has no room for."""

import contextlib
import itertools
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.simulator.province import Province
from tests.benchmarks import history
from tests.benchmarks.history import FRIDAY, Cost, standing, too_little, written

DATA = Path("/data")


def test_people_and_days_behind_each_decide_how_much_disk_is_needed() -> None:
    assert too_little(100_000, 365, 81_650_000_000, DATA) is None
    assert too_little(100_000, 365, 81_649_999_999, DATA) == (
        "100,000 people with 365 days each need about 81.7 GB of disk, and 81.6 GB are free in /data (TMPDIR chooses another folder)"
    )
    assert too_little(1_000_000, 25, 62_000_000_000, DATA) is None


@pytest.mark.parametrize(("asleep", "awake"), [(5_000, 5_000), (95_000, 5_000), (60, 60), (90, 30), (7, 3), (0, 4), (4, 0)])
def test_everybody_stands_once_in_the_line_and_those_who_are_awake_evenly_among_the_others(asleep: int, awake: int) -> None:
    line = [standing(place, asleep, awake) for place in range(asleep + awake)]

    assert [number for is_awake, number in line if is_awake] == list(range(awake))
    assert [number for is_awake, number in line if not is_awake] == list(range(asleep))
    places = [place for place, (is_awake, _) in enumerate(line) if is_awake]
    apart = {later - earlier for earlier, later in itertools.pairwise(places)}
    assert not apart or apart <= {len(line) // awake, -(-len(line) // awake)}


def test_those_who_are_awake_have_the_same_days_in_every_size_and_everybody_an_id_of_their_own() -> None:
    awake = Province(2, 20, FRIDAY)
    few, many = (
        [written(place, Province(1, others, FRIDAY), awake) for place in range(others + 20)] for others in (20, 180)
    )  # fmt: skip
    theirs = {person.employee_id for person in awake.people()}

    assert [row for row in few if row[1] in theirs] == [row for row in many if row[1] in theirs]
    assert len({template for template, me, *_ in many if me in theirs}) == 20
    assert len({me for _, me, *_ in many}) == 200


def test_a_size_for_which_there_is_no_room_is_told_as_not_measured_and_the_others_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def cost(people: int, days: int, *_: object) -> Cost:
        return Cost({"all": people * days / 250}, 0.0)

    monkeypatch.setattr(sys, "argv", ["history", "--people", "1000"])
    monkeypatch.setattr(history, "running", contextlib.nullcontext)
    monkeypatch.setattr(history, "cost", cost)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1_500_000_000))
    history.main()
    people, year = json.loads(capsys.readouterr().out)["figures"]
    assert (people["value"], people["reference_value"]) == (1_000, 100)
    assert (year["value"], year["failed"][:47]) == (None, "1,000 people with 365 days each need about 1.5 ")


@pytest.mark.parametrize(("only", "sizes"), [("people", [(1_000, 25), (10_000, 25)]), ("year", [(1_000, 25), (1_000, 365)])])
def test_more_people_or_a_year_alone_can_be_asked_for_and_each_stands_beside_the_fewest(
    only: str, sizes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built: list[tuple[int, int]] = []

    async def cost(people: int, days: int, *_: object) -> Cost:
        built.append((people, days))
        return Cost({"all": 1.0}, 0.0)

    monkeypatch.setattr(sys, "argv", ["history", "--people", "1000", "--only", only])
    monkeypatch.setattr(history, "running", contextlib.nullcontext)
    monkeypatch.setattr(history, "cost", cost)
    history.main()
    assert built == sizes
    assert [told["figure"] for told in json.loads(capsys.readouterr().out)["figures"]] == [f"history-{only}"]


def test_the_fewest_are_not_built_for_what_finds_no_room_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["history", "--people", "1000", "--only", "year"])
    monkeypatch.setattr(history, "running", lambda: pytest.fail("a stack was started"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1_500_000_000))
    with pytest.raises(SystemExit, match=r"^1,000 people with 365 days each need about 1.5 GB of disk, and 1.5 GB are free in "):
        history.main()


def test_what_finds_no_room_is_refused_before_any_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["history", "--people", "1000000000000"])
    monkeypatch.setattr(history, "running", lambda: pytest.fail("a stack was started"))
    with pytest.raises(SystemExit, match=r"^1,000,000,000,000 people with 25 days each need about 57500004.5 GB of disk, and "):
        history.main()
