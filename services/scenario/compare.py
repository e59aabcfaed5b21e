"""Holds what came of a story against what its file expects; only what is listed is compared."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from services.scenario.cases import Case, Difference
from services.scenario.lines import Line
from services.scenario.model import DayExpected, MonthExpected, Scenario
from shared.percent import parse_percent, percent_text


@dataclass(frozen=True, slots=True)
class DayGot:
    """One employee-day as it came out; `percent` is of the policy's base."""

    status: str
    late: int | None
    early: int | None
    codes: tuple[str, ...]
    percent: Fraction


@dataclass(frozen=True, slots=True)
class MonthGot:
    """One employee-month as reported; a closed one as it was when it was closed."""

    raw_percent: Fraction
    percent: Fraction
    amount: int | None


@dataclass(frozen=True, slots=True)
class StepGot:
    """A ladder step that stands, with the date of the absence day that crossed it."""

    on: dt.date
    step: str


@dataclass(frozen=True, slots=True)
class Got:
    """All that came out of a story, by employee name."""

    days: dict[tuple[str, dt.date], DayGot] = field(default_factory=dict)
    months: dict[tuple[str, str], MonthGot] = field(default_factory=dict)
    ladder: dict[str, tuple[StepGot, ...]] = field(default_factory=dict)


def compare(scenario: Scenario, got: Got) -> Case:
    """The story as a tried case."""
    differences: list[Difference] = []
    shown: dict[str, Any] = {"days": [], "months": []}
    for row in scenario.expect.days:
        day = got.days.get((row.employee, row.date))
        shown["days"].append({"employee": row.employee, "date": str(row.date), **_shown(day)})
        differences += _row_differences(f"days[{row.employee} {row.date}]", row, day)
    for month_row in scenario.expect.months:
        month = got.months.get((month_row.employee, month_row.month))
        shown["months"].append({"employee": month_row.employee, "month": month_row.month, **_shown(month)})
        differences += _row_differences(f"months[{month_row.employee} {month_row.month}]", month_row, month)
    if scenario.expect.ladder is not None:
        shown["ladder"] = []
        for employee, expected in _expected_ladders(scenario).items():
            steps = [f"{step.on} {step.step}" for step in got.ladder.get(employee, ())]
            shown["ladder"] += [
                {"employee": employee, "on": str(step.on), "step": step.step} for step in got.ladder.get(employee, ())
            ]
            if sorted(steps) != sorted(expected):
                differences.append(Difference(f"ladder[{employee}]", sorted(expected), sorted(steps)))
    return Case(scenario.id, shown, tuple(differences))


def _expected_ladders(scenario: Scenario) -> dict[str, list[str]]:
    """Complete lists by employee: an empty list speaks of the only employee there is."""
    rows = scenario.expect.ladder or ()
    if not rows:
        return {scenario.employees[0].id: []} if len(scenario.employees) == 1 else {}
    ladders: dict[str, list[str]] = {row.employee: [] for row in rows}
    for row in rows:
        ladders[row.employee].append(f"{row.on} {row.step}")
    return ladders


def _row_differences(place: str, expected: DayExpected | MonthExpected, got: DayGot | MonthGot | None) -> Iterator[Difference]:
    for name in _listed(expected):
        wanted = getattr(expected, name)
        if got is None:
            yield Difference(f"{place}.{name}", _plain(wanted), "nothing was assessed")
            continue
        came = getattr(got, name)
        if name.endswith("percent"):
            same = parse_percent(str(wanted)) == came
        elif name == "codes":
            same = sorted(wanted or ()) == sorted(came)
        else:
            same = wanted == came
        if not same:
            yield Difference(f"{place}.{name}", _plain(wanted), _plain(came))


def _listed(row: Line) -> list[str]:
    return [name for name in type(row).model_fields if name in row.model_fields_set and name not in {"employee", "date", "month"}]


def _shown(got: DayGot | MonthGot | None) -> dict[str, Any]:
    if got is None:
        return {}
    return {name: _plain(getattr(got, name)) for name in got.__slots__}


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return percent_text(value)
    return list(value) if isinstance(value, tuple) else value
