"""The what-if of a whole province is told by the clock, that of a slice is reckoned, and its note says which."""

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.benchmarks import preview
from tests.benchmarks.preview import asked, what_if


def found(people: int, seconds: float) -> dict[str, Any]:
    return {
        "people": people, "employee_days": 22 * people, "seconds": seconds, "cpu_seconds": 3.0, "us_per_employee_day": 13.6,
        "postgres_cpu_seconds": 1.5, "minutes_for_300000_on_two_cores": seconds / 100, "peak_mib_of_a_process": 240,
    }  # fmt: skip


def test_the_whole_is_told_by_the_clock_and_a_slice_is_reckoned() -> None:
    whole, part = what_if(found(300_000, 240.0), found(300_000, 120.0)), what_if(found(10_000, 240.0), found(10_000, 120.0))

    assert (whole["value"], whole["reference_value"], "; by the clock. " in whole["note"]) == (4.0, 2.0, True)
    assert (part["value"], part["reference_value"], "; reckoned from processor time" in part["note"]) == (2.4, 1.2, True)


def test_people_are_asked_for_with_a_month_of_days_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> SimpleNamespace:
        return SimpleNamespace(stdout=json.dumps({option: command[command.index(option) + 1] for option in ("--people", "--days")}))

    monkeypatch.setattr(subprocess, "run", run)

    assert asked(300_000, "POL-B") == {"--people": "300000", "--days": "22"}


def test_the_figure_is_the_dear_change_beside_the_cheap_one_and_its_note_says_that_postgresql_did_not_wait_for_its_disk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preview, "asked", lambda people, after: found(people, {"POL-A-STRICT": 4.8, "POL-B": 2.4}[after]))
    monkeypatch.setattr(sys, "argv", ["preview"])
    preview.main()
    [said] = json.loads(capsys.readouterr().out)["figures"]

    assert (said["value"], said["reference_value"]) == (0.048, 0.024)
    assert said["note"].startswith("the dear change: every day judged anew (POL-A-STRICT); ")
    assert "220,000 employee-days took 4.8 s by the clock" in said["note"].partition("; only priced anew: ")[0]
    assert "220,000 employee-days took 2.4 s by the clock" in said["note"].partition("; only priced anew: ")[2]
    assert "PostgreSQL without waiting for its disk" in said["note"]
    assert said["reference"] == "the cheap change, which only prices anew (POL-B)"
