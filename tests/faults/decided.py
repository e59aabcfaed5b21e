"""What officers have decided in a house, and must find again: corrections, duty travels, closed months."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.simulator.behaviour import plan
from services.simulator.province import Province
from services.simulator.truth import of_month


@dataclass(frozen=True)
class Fact:
    """A correction as it stands in the end; `steps` of its trail, which is a request's: what an officer found by himself has none."""

    state: str
    version: int
    steps: int


@dataclass
class Decided:
    """Told by `Officers` after each command was answered; grows for as long as the house stands."""

    answered: set[str] = field(default_factory=set)
    """Ids of the commands that were answered 2xx, which are those of their audit records."""

    facts: dict[UUID, Fact] = field(default_factory=dict)

    travels: dict[UUID, dt.date] = field(default_factory=dict)
    """Who was sent on duty travel, and on which day."""

    closed: set[tuple[str, str]] = field(default_factory=set)
    """Clock and month of each that was closed."""


async def facts_otherwise(connection: Any, decided: Decided) -> list[str]:
    """Corrections that stand otherwise than they were decided, and trails that tell more or less than was done."""
    stand = {
        row["correction_id"]: (row["state"], row["version"])
        for row in await connection.fetch("select correction_id, state, version from schedule.fact")
    }
    trails = dict(await connection.fetch("select request_id, count(*) from schedule.correction_trail group by 1"))
    return [
        *(
            f"{one} is {stand.get(one)}, not {fact.state} in version {fact.version}" for one, fact in decided.facts.items()
            if stand.get(one) != (fact.state, fact.version)
        ),
        *(
            f"{one} has {trails.get(one, 0)} steps, not {fact.steps}" for one, fact in decided.facts.items()
            if trails.get(one, 0) != fact.steps
        ),
    ]  # fmt: skip


async def travels_otherwise(connection: Any, decided: Decided, province: Province) -> list[str]:
    """People of the province on duty travel whose day is no travel, or whose money is another than without that day.

    What was cut before the month was closed is given back in the next one: both together must be what is right.
    """
    mine = {person.employee_id: person for person in province.people() if person.employee_id in decided.travels}
    days = {
        (row["employee_id"], row["date"]): (row["status"], row["findings"]) for row in await connection.fetch(
            "select employee_id, date, status, content ->> 'findings' as findings from schedule.assessment"
            " where employee_id = any($1::uuid[])", list(mine),
        )
    }  # fmt: skip
    cut = dict(await connection.fetch(
        "select employee_id, sum(amount)::bigint from payroll.ledger where employee_id = any($1::uuid[]) group by 1", list(mine)))
    wrong = []
    for employee_id, person in mine.items():
        travelled = decided.travels[employee_id]
        if (day := days.get((employee_id, travelled))) != ("DL", "[]"):
            wrong.append(f"{person.name}, {travelled}: {day}")
        others = [plan(province, person, date) for date in province.dates if date != travelled]
        true = of_month(others).amount if others else 0
        if cut.get(employee_id, 0) != true:
            wrong.append(f"{person.name}: cut by Rp {cut.get(employee_id, 0)}, and without that day it is Rp {true}")
    return wrong


async def not_closed(connection: Any, decided: Decided) -> int:
    """How many rows of closed months are not frozen yet."""
    return sum([
        await connection.fetchval(
            "select count(*) from payroll.month m join payroll.employee e using (employee_id)"
            " where e.played_clock = $1 and m.month = $2 and not m.closed", clock, month,
        )
        for clock, month in decided.closed
    ])  # fmt: skip
