"""What a preview of a scheme found: people and person-days against it by unit, the worst cases; parts are added up and told."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.preview.result import WORST_LISTED, by_weight


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody's own person-days against the scheme that holds, and against the one that would hold."""

    employee_id: UUID
    org_unit_id: UUID
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class UnitStanding:
    """A unit: people whom it concerns, breaches that differ, person-days against the scheme that come and that go.

    A share of the unit that is no longer kept concerns everybody whose days make it up.
    """

    people: int = 0
    breaches: int = 0
    more: int = 0
    less: int = 0

    def __add__(self, other: "UnitStanding") -> "UnitStanding":
        return UnitStanding(
            self.people + other.people, self.breaches + other.breaches, self.more + other.more, self.less + other.less)


@dataclass(frozen=True, slots=True)
class Standings:
    """A part of a preview, or all of it; `codes` are person-days against the scheme by code, before and after, warnings too."""

    people: int = 0
    days: int = 0
    units: Mapping[UUID, UnitStanding] = field(default_factory=dict)
    codes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    worst: tuple[Case, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def total(self) -> UnitStanding:
        """Sums over all units."""
        return sum(self.units.values(), UnitStanding())

    def __add__(self, other: "Standings") -> "Standings":
        units, codes = dict(self.units), dict(self.codes)
        for unit, one in other.units.items():
            units[unit] = units.get(unit, UnitStanding()) + one
        for code, (before, after) in other.codes.items():
            known = codes.get(code, (0, 0))
            codes[code] = known[0] + before, known[1] + after
        return Standings(
            self.people + other.people, self.days + other.days, units, codes, worst_of((*self.worst, *other.worst)),
            (*self.remarks, *other.remarks))


def worst_of(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The people for whom most changes, more breaches first; ties by id, so that every run tells the same."""
    return tuple(heapq.nsmallest(WORST_LISTED, cases, key=lambda one: (-abs(one.after - one.before), -one.after, one.employee_id)))


def as_json(found: Standings, units: Mapping[UUID, str]) -> dict[str, Any]:
    """The result for programs; units by code, people by their pseudonymous id. No rupiah moves: a scheme prices no day."""
    total = found.total
    return {
        "people_looked_at": found.people, "days_looked_at": found.days, "people_changed": total.people,
        "breaches_changed": total.breaches, "person_days_more": total.more, "person_days_less": total.less, "rupiah_more": 0,
        "rupiah_less": 0,
        "codes": [{"code": code, "before": before, "after": after} for code, (before, after) in sorted(found.codes.items())],
        "units": [
            {"org_unit": units.get(unit, str(unit)), "people": one.people, "breaches": one.breaches, "person_days_more": one.more,
             "person_days_less": one.less}
            for unit, one in by_weight(found.units, units)
        ],
        "worst": [
            {"employee_id": str(case.employee_id), "org_unit": units.get(case.org_unit_id, str(case.org_unit_id)),
             "before": case.before, "after": case.after}
            for case in found.worst
        ],
        "remarks": [*found.remarks],
    }  # fmt: skip


def as_lines(found: Standings, units: Mapping[UUID, str]) -> Iterator[str]:
    """The result as an officer reads it."""
    total = found.total
    yield f"{found.people:,} employees, {found.days:,} employee-days of units where another scheme would hold"
    yield (f"{total.people:,} employees concerned; {total.more:,} person-days more against the scheme, {total.less:,} less; "
           "no rupiah moves: a scheme prices no day, the roster that follows from it does (hadir preview roster)")
    yield from (f"note: {remark}" for remark in found.remarks)
    if found.codes:
        yield ""
        yield f"{'person-days against it':24} {'before':>9} {'after':>9}"
        for code, (before, after) in sorted(found.codes.items()):
            yield f"{code:24} {before:>9,} {after:>9,}"
    if found.units:
        yield ""
        yield f"{'org unit':24} {'employees':>9} {'breaches':>9} {'days more':>9} {'days less':>9}"
        for unit, one in by_weight(found.units, units):
            yield f"{units.get(unit, str(unit))[:24]:24} {one.people:>9,} {one.breaches:>9,} {one.more:>9,} {one.less:>9,}"
    if found.worst:
        yield ""
        yield f"{'worst cases (employee id)':36}  {'org unit':20} {'before':>9} {'after':>9}"
        for case in found.worst:
            code = units.get(case.org_unit_id, str(case.org_unit_id))[:20]
            yield f"{case.employee_id!s:36}  {code:20} {case.before:>9,} {case.after:>9,}"
