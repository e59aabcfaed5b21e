"""The golden sequences, played through HTTP, Kafka, the services and Postgres: the same answers as from the pure rules."""

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_every_golden_sequence_comes_out_of_the_running_pipeline_as_out_of_the_rules(house: Any) -> None:
    told = house.hadir(
        "scenario", "test", "--live", ROOT / "tests" / "scenarios" / "golden-sequences.yaml",
        "--policies", ROOT / "services" / "schedule" / "policies" / "golden-policies.yaml",
    )  # fmt: skip

    assert told.splitlines()[-1] == "22 passed, 0 failed", told
