"""What a preview found: people and rupiah by unit, the worst cases; parts are added up, and told as a table or as JSON."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

WORST_LISTED: Final = 20


class Weighed(Protocol):
    """What changes for a unit, upwards and downwards."""

    @property
    def more(self) -> int: ...  # noqa: D102 - as the class says

    @property
    def less(self) -> int: ...  # noqa: D102 - as the class says


W = TypeVar("W", bound=Weighed)


@dataclass(frozen=True, slots=True)
class Case:
    """One person whose deduction would change: rupiah of all looked-at months together, before and after."""

    employee_id: UUID
    org_unit_id: UUID
    before: int
    after: int
    days: int

    @property
    def delta(self) -> int:
        """Rupiah more (positive) or less that would be deducted."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class UnitTotal:
    """Sums of one unit: people and days that change, rupiah that would be deducted more, and less (positive too)."""

    people: int = 0
    days: int = 0
    more: int = 0
    less: int = 0

    def __add__(self, other: "UnitTotal") -> "UnitTotal":
        return UnitTotal(self.people + other.people, self.days + other.days, self.more + other.more, self.less + other.less)


@dataclass(frozen=True, slots=True)
class Found:
    """A part of a preview, or all of it.

    `people` and `days` were looked at, `judged` days were assessed anew because their inputs would differ. `without_ceiling`
    people change but have no TPP ceiling, so that no rupiah can be told. `cpu_s` is processor time, not time on the clock.
    """

    people: int = 0
    days: int = 0
    judged: int = 0
    without_ceiling: int = 0
    waiting: int = 0
    cpu_s: float = 0.0
    units: Mapping[UUID, UnitTotal] = field(default_factory=dict)
    worst: tuple[Case, ...] = ()

    @property
    def total(self) -> UnitTotal:
        """Sums over all units."""
        return sum(self.units.values(), UnitTotal())

    def __add__(self, other: "Found") -> "Found":
        units = dict(self.units)
        for unit, total in other.units.items():
            units[unit] = units.get(unit, UnitTotal()) + total
        return Found(
            self.people + other.people, self.days + other.days, self.judged + other.judged,
            self.without_ceiling + other.without_ceiling, self.waiting + other.waiting, self.cpu_s + other.cpu_s, units,
            worst_of((*self.worst, *other.worst)),
        )  # fmt: skip

    def with_waiting(self, days: int) -> "Found":
        """The same, with the number of days whose present state is not up to date."""
        return replace(self, waiting=days)


def worst_of(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases with the greatest change, those that would pay more first; ties by id, so that every run tells the same."""
    return tuple(heapq.nsmallest(WORST_LISTED, cases, key=lambda case: (-abs(case.delta), case.employee_id)))


def as_json(found: Found, units: Mapping[UUID, str]) -> dict[str, Any]:
    """The result for programs; units by code, people by their pseudonymous id."""
    total = found.total
    return {
        "people_looked_at": found.people, "days_looked_at": found.days, "days_judged_anew": found.judged,
        "days_waiting": found.waiting, "people_changed": total.people, "days_changed": total.days, "rupiah_more": total.more,
        "rupiah_less": total.less, "people_without_ceiling": found.without_ceiling,
        "units": [
            {"org_unit": units.get(unit, str(unit)), "people": one.people, "days": one.days, "rupiah_more": one.more,
             "rupiah_less": one.less}
            for unit, one in by_weight(found.units, units)
        ],
        "worst": [
            {"employee_id": str(case.employee_id), "org_unit": units.get(case.org_unit_id, str(case.org_unit_id)),
             "before": case.before, "after": case.after, "delta": case.delta, "days": case.days}
            for case in found.worst
        ],
        "cpu_seconds": round(found.cpu_s, 3),
    }  # fmt: skip


def as_lines(found: Found, units: Mapping[UUID, str]) -> Iterator[str]:
    """The result as an officer reads it."""
    total = found.total
    yield (f"{found.people:,} employees, {found.days:,} employee-days looked at, {found.judged:,} judged anew; "
           f"{total.people:,} employees and {total.days:,} days would change")
    yield f"deducted more  Rp {total.more:,}"
    yield f"deducted less  Rp {total.less:,}"
    if found.without_ceiling:
        yield f"{found.without_ceiling:,} of them have no TPP ceiling for the month: their rupiah cannot be told"
    if found.waiting:
        yield f"{found.waiting:,} days wait to be assessed anyway; what that changes is counted here as well"
    if found.units:
        yield ""
        yield f"{'org unit':24} {'employees':>9} {'days':>9} {'Rp more':>18} {'Rp less':>18}"
        for unit, one in by_weight(found.units, units):
            yield f"{units.get(unit, str(unit))[:24]:24} {one.people:>9,} {one.days:>9,} {one.more:>18,} {one.less:>18,}"
    if found.worst:
        yield ""
        yield f"{'worst cases (employee id)':36}  {'org unit':20} {'Rp before':>14} {'Rp after':>14} {'Rp change':>14}"
        for case in found.worst:
            code = units.get(case.org_unit_id, str(case.org_unit_id))[:20]
            yield f"{case.employee_id!s:36}  {code:20} {case.before:>14,} {case.after:>14,} {case.delta:>+14,}"


def by_weight(totals: Mapping[UUID, W], codes: Mapping[UUID, str]) -> list[tuple[UUID, W]]:
    """Units by how much changes for them, the most first; ties by code."""
    return sorted(totals.items(), key=lambda item: (-(item[1].more + item[1].less), codes.get(item[0], str(item[0]))))
