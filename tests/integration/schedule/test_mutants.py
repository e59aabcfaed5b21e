"""Violations with their retraction switched off: folding what was published must find it out, else it proves nothing."""

import datetime as dt
from typing import Any

import pytest

from services.schedule import assessing
from services.schedule.rules import Violation, diff_violations
from shared.events import Mark
from tests.integration.schedule.office import DAY, MONDAY, Office, at


def retraction_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raises what a new assessment finds and never takes back what the old one said."""

    def grudging(old: Any, new: Any) -> tuple[tuple[Violation, ...], tuple[Violation, ...]]:
        return diff_violations(old, new)[0], ()

    monkeypatch.setattr(assessing, "diff_violations", grudging)


async def differences(office: Office) -> list[str]:
    """Days that were absent, then late, then in time: where the folded feed of violations and the days differ."""
    await office.tick(at(MONDAY + 3 * DAY, "12:00"))
    for number, clock in enumerate(("08:10", "07:25", "08:40")):
        date = MONDAY + number * DAY
        await office.mark(Mark.IN, at(date, clock))
        await office.mark(Mark.OUT, at(date, "16:05"))
    await office.mark(Mark.IN, at(MONDAY, "07:20"))
    await office.work_off()
    standing: dict[str, tuple[str, str]] = {}
    for told in await office.published("hadir.violation.v1"):
        if told["action"] == "raised":
            standing[told["violation_id"]] = told["date"], told["code"]
        else:
            del standing[told["violation_id"]]
    days: list[dt.date] = [MONDAY + number * DAY for number in range(3)]
    found = sorted([(str(date), code) for date in days for code in await office.codes(date)])
    return [] if sorted(standing.values()) == found else [f"{sorted(standing.values())} stand, {found} were found"]


async def test_violations_as_they_are_told_are_those_of_the_days(office: Office) -> None:
    assert not await differences(office)


async def test_violations_without_retraction_are_found_out(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    retraction_off(monkeypatch)
    wrong = await differences(office)
    print(f"\nretraction_off: {retraction_off.__doc__} {wrong[:1]}")
    assert wrong
