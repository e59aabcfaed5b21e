"""Every story of tests/scenarios, played through HTTP, Kafka, the services and Postgres: the same answers as from the pure rules."""

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DAY_CASES = ROOT / "tests" / "unit" / "golden" / "golden-cases.yaml"
STORIES = ROOT / "tests" / "scenarios"
GOLDEN = ROOT / "services" / "schedule" / "policies" / "golden-policies.yaml"


def play(house: Any, files: list[Path], policies: Path) -> None:
    told = house.hadir("scenario", "test", "--live", *files, "--policies", policies)
    lines = told.splitlines()

    assert all(line.startswith("ok ") for line in lines[:-1]), told
    assert lines[-1] == f"{len(lines) - 1} passed, 0 failed", told
    assert len(lines) > len(files), told


@pytest.mark.timeout(600)
def test_every_golden_sequence_comes_out_of_the_running_pipeline_as_out_of_the_rules(house: Any) -> None:
    play(house, [STORIES / "golden-sequences.yaml"], GOLDEN)


@pytest.mark.timeout(600)
def test_every_golden_day_case_comes_out_of_the_running_pipeline_as_out_of_the_rules(house: Any) -> None:
    told = house.hadir("policy", "test", "--live", DAY_CASES, "--policies", GOLDEN)
    pure = house.hadir("policy", "test", DAY_CASES, "--policies", GOLDEN)

    assert told == pure
    assert told.splitlines()[-1] == "26 passed, 0 failed"


@pytest.mark.timeout(600)
def test_the_users_five_texts_and_the_known_disasters_come_out_of_the_running_pipeline(house: Any) -> None:
    others = [file for file in sorted(STORIES.glob("*.yaml")) if file.stem not in {"golden-sequences", "day-rules", "packs", "tables"}]

    assert {f"seed-00{n}" for n in range(5)} <= {file.stem for file in others}
    play(house, others, GOLDEN)


@pytest.mark.timeout(600)
def test_the_rules_of_a_day_come_out_of_the_running_pipeline(house: Any) -> None:
    play(house, [STORIES / "day-rules.yaml"], STORIES / "packs.yaml")


@pytest.mark.timeout(600)
def test_leave_tables_hours_dates_flat_rupiah_and_wages_come_out_of_the_running_pipeline(house: Any) -> None:
    play(house, [STORIES / "tables.yaml"], GOLDEN.parent / "example-packs.yaml")
