"""Compares what the services concluded with what the simulator knows to be true: every day, every month, every rupiah."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import orjson

from services.simulator.behaviour import DayPlan, plan
from services.simulator.province import Person, Province
from services.simulator.settled import Observer
from services.simulator.truth import of_day, of_month

_CHUNK: Final = 2_000
_MOST_SHOWN: Final = 20

_DAYS: Final = """
select employee_id, date, state, status, content::text as content from schedule.assessment
where employee_id = any($1::uuid[]) and date between $2 and $3
"""
_MONTHS: Final = """
select m.employee_id, m.month, m.raw_percent, m.percent, m.amount, m.supplementary,
       coalesce((select sum(l.amount) from payroll.ledger l where l.employee_id = m.employee_id and l.month = m.month), 0) as ledger
from payroll.month m where m.employee_id = any($1::uuid[]) and m.month = any($2::text[])
"""
_VIOLATIONS: Final = """
select code, count(*) as count from schedule.violation
where action = 'raised' and employee_id = any($1::uuid[]) and date between $2 and $3 group by code
"""
_LOCATED: Final = "select count(*) from geofence.check_in where employee_id = any($1::uuid[])"
_EXCUSED: Final = frozenset({"LEAVE", "SICK", "IZIN"})


@dataclass(slots=True)
class Compared:
    """What was found: how much there is of everything, and the first differences from the truth (none: equal)."""

    days: int = 0
    located: int = 0
    rupiah: int = 0
    true_rupiah: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    differing: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether everything is as the truth has it."""
        return self.differing == 0

    def differ(self, where: str, true: object, got: object) -> None:
        """Note one difference; only the first ones are kept word for word."""
        self.differing += 1
        if len(self.differences) < _MOST_SHOWN:
            self.differences.append(f"{where}: true is {true}, the services say {got}")


async def compare(
    province: Province, observer: Observer, told: Callable[[int, int], None], besides: Collection[UUID] = frozenset()
) -> Compared:  # fmt: skip
    """Compare everybody of the province but `besides`, whose truth somebody else has changed.

    `told` gets how many people were compared, and of how many.
    """
    found = Compared()
    for people in _chunks(province):
        ids = [person.employee_id for person in people]
        days = await _days(observer, ids, province.first_day, province.last_day)
        months = await _months(observer, ids, province.months)
        for person in people:
            if person.employee_id not in besides:
                _compare(province, person, days, months, found)
        for row in await observer.connection.fetch(_VIOLATIONS, ids, province.first_day, province.last_day):
            found.violations[row["code"]] += row["count"]
        found.located += await observer.connection.fetchval(_LOCATED, ids)
        found.days += len(days)
        told(people[-1].number + 1, province.employees)
    return found


def _chunks(province: Province) -> Iterator[list[Person]]:
    for first in range(0, province.employees, _CHUNK):
        yield [province.person(number) for number in range(first, min(first + _CHUNK, province.employees))]


async def _days(observer: Observer, ids: Sequence[UUID], first: dt.date, last: dt.date) -> dict[tuple[UUID, dt.date], Any]:
    return {
        (row["employee_id"], row["date"]): (row["state"], row["status"], orjson.loads(row["content"]))
        for row in await observer.connection.fetch(_DAYS, ids, first, last)
    }


async def _months(observer: Observer, ids: Sequence[UUID], months: Sequence[str]) -> dict[tuple[UUID, str], Any]:
    return {(row["employee_id"], row["month"]): row for row in await observer.connection.fetch(_MONTHS, ids, months)}


def _compare(province: Province, person: Person, days: dict[Any, Any], months: dict[Any, Any], found: Compared) -> None:
    by_month: dict[str, list[DayPlan]] = {}
    for date in province.dates:
        planned = plan(province, person, date)
        by_month.setdefault(f"{date:%Y-%m}", []).append(planned)
        _compare_day(planned, days.get((person.employee_id, date)), found)
    for month, plans in by_month.items():
        where, true, row = f"{person.name}, {month}", of_month(plans), months.get((person.employee_id, month))
        found.true_rupiah += true.amount
        if row is None:
            found.differ(where, f"Rp {true.amount}", "no month")
            continue
        found.rupiah += row["amount"] or 0
        # Days outside of the play (the clock ended within the next one) are not over and cost nothing yet.
        expected = (Fraction(true.raw_hundredths, 100), Fraction(true.hundredths, 100), true.amount, true.amount)
        got = (Fraction(row["raw_percent"]), Fraction(row["percent"]), row["amount"], row["ledger"] - row["supplementary"])
        if got != expected:
            found.differ(where, _month_text(expected), _month_text(got))


def _compare_day(planned: DayPlan, got: Any, found: Compared) -> None:
    true = of_day(planned)
    where = f"{planned.person.name}, {planned.date} ({planned.owed.mode}, {planned.conduct})"
    if got is None:
        found.differ(where, true.status, "no assessment")
        return
    state, status, content = got
    found.statuses[status] += 1
    codes = tuple(sorted(f["code"] for f in content["findings"] if f["kind"] not in _EXCUSED))
    expected = (true.status, true.codes, true.late, true.early)
    if (status, codes, content["late"], content["early"]) != expected:
        found.differ(where, expected, (status, codes, content["late"], content["early"]))
    elif state != "FINAL" and status != "HELD":
        found.differ(where, "FINAL", state)


def _month_text(month: tuple[Fraction, Fraction, int | None, int]) -> str:
    raw, percent, amount, ledger = month
    return f"{float(raw):.2f} % raw, {float(percent):.2f} %, Rp {amount}, ledger Rp {ledger}"
