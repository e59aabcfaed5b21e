"""Day cases as stories, so that the running pipeline can be asked too: one invented employee a case, one story a rule pack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from services.scenario.cases import Case
from services.scenario.compare import DayGot, Got
from services.scenario.day_case import CaseError, DayCase, differences
from services.scenario.model import Scenario
from shared.percent import percent_text
from shared.policy import Policy

_OVER: Final = timedelta(days=2)
"""So long after its date every day is final, whatever its policy's windows."""


@dataclass(slots=True)
class Stories:
    """The stories of some day cases, the rule packs that they name, and which employee of which story plays which case."""

    scenarios: list[Scenario] = field(default_factory=list)
    packs: dict[str, Policy] = field(default_factory=dict)
    parts: list[tuple[DayCase, int, str]] = field(default_factory=list)

    def cases(self, got: Sequence[Got]) -> list[Case]:
        """What came of each case, in the order of the files."""
        told = []
        for case, story, employee in self.parts:
            found = _told(got[story].days[employee, case.date])
            told.append(Case(case.id, found, tuple(differences(case.expect, found))))
        return told


def stories(cases: Sequence[DayCase], policies: Mapping[str, Policy]) -> Stories:
    """The cases as stories. Nothing but its own date is rostered for an employee, so that its month has no other, as in the pure run.

    Raises CaseError for a duty of more than a day, which no roster can say.
    """
    made = Stories()
    groups: dict[str, list[tuple[str, DayCase]]] = {}
    for number, case in enumerate(cases):
        if case.overnight and case.end > case.start:
            raise CaseError(f"{case.id}: a duty of more than a day cannot be rostered, so it is tried by the pure rules only")
        name, pack = case.policy, policies[case.policy]
        if case.out_pick is not None:
            name, pack = f"{name} out_pick {case.out_pick}", pack.model_copy(update={"out_pick": case.out_pick})
        made.packs[name] = pack
        groups.setdefault(name, []).append((f"case-{number}", case))
    places = {name: place for place, name in enumerate(groups)}
    made.scenarios = [Scenario.model_validate(_story(name, group)) for name, group in groups.items()]
    part_of = {employee: (case, places[name], employee) for name, group in groups.items() for employee, case in group}
    made.parts = [part_of[f"case-{number}"] for number in range(len(cases))]
    return made


def _story(pack: str, group: Sequence[tuple[str, DayCase]]) -> dict[str, Any]:
    arrivals: list[dict[str, Any]] = [
        {"check_in": f"{employee} {mark} {number}", "employee": employee, "mark": mark, "at": at, "place": place}
        for employee, case in group
        for mark, place, stamps in (("in", "inside", case.came), ("out", "inside", case.left), ("in", "outside", case.void))
        for number, at in enumerate(stamps, 100 if place == "outside" else 0)
    ]
    dates: list[date] = [case.date for _, case in group]
    return {
        "scenario": 1, "id": f"DAY-CASES {pack}"[:100], "policies": [{"from": min(dates), "policy": pack}],
        "employees": [{"id": employee, "timezone": case.tz} for employee, case in group],
        "roster": [
            {"employee": employee, "date": case.date, "mode": "WFO", "start": case.start, "end": case.end} for employee, case in group
        ],
        "arrivals": [*sorted(arrivals, key=lambda row: row["at"]), {"now": f"{max(dates) + _OVER}T12:00:00Z"}],
        "expect": {"days": [{"employee": employee, "date": case.date} for employee, case in group]},
    }  # fmt: skip


def _told(day: DayGot) -> dict[str, Any]:
    return {"status": day.status, "late": day.late, "early": day.early, "codes": list(day.codes), "percent": percent_text(day.percent)}
