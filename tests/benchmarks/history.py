"""Measures what an event costs in processor time when there are many times the people, each with a month or a year behind them.

    python -m tests.benchmarks.history --people 10000     # 10,000, 100,000, and 10,000 with a year: most of an hour
    python -m tests.benchmarks.history --people 100000 --name history-large     # 100,000, 1,000,000, and 100,000 with a year: hours

Each size has a stack of its own. The province is imported, the days before are written straight into the
tables as they would stand (marks, assessed days, located check-ins, receipts, priced months), the day of some of the people is
opened, and the same number of check-ins of theirs goes from a filled topic to the ledger: the others are there, with their days, and
sleep, since opening a million days takes an hour and moves no table much. Processor seconds of broker,
database and workers count, so that other work on the machine matters little. The fewest people are the reference. A month
takes 52 KB of disk a person, so 1,000,000 people need 60 GB with the log of their writing, and 100,000 with a year nearly 90:
a size for which there is not so much free space where temporary files lie (TMPDIR) is left out, and told as not measured. What is
written has no ledger lines and no violations: a month's late days are charged by the first check-in of its person, in every size alike.
"""

import argparse
import asyncio
import datetime as dt
import itertools
import json
import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.simulator.province import Person, Province
from shared.topics import lane_of
from tests.benchmarks import what_if
from tests.benchmarks.filling import fill, first_copies
from tests.benchmarks.pipeline import opened, through
from tests.benchmarks.stack import Stack, import_people, running, watching
from tests.benchmarks.telling import figure, not_measured, progress, tell

FRIDAY = dt.date(2026, 2, 27)
MONTH = (FRIDAY - what_if.FIRST).days
"""25 days, 19 of them weekdays, of the same month, so that the month's row is as long as it gets."""
YEAR = 365
_PAGES = "select blks_read from pg_stat_database where datname = current_database()"
CHUNK = 2_000
BYTES_A_PERSON_DAY = 2_400
"""Of disk, tables and the log of their writing, as was seen; each size has the disk for itself, as its stack is removed."""


def too_little(people: int, days: int, free: int, folder: Path) -> str | None:
    """Why so many people with so many days behind each are not to be built in this folder, or None; `free` is in bytes."""
    needed = people * days * BYTES_A_PERSON_DAY
    if needed <= free:
        return None
    return (
        f"{people:,} people with {days} days each need about {needed / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free"
        f" in {folder} (TMPDIR chooses another folder)"
    )


async def write_history(stack: Stack, province: Province, days: int, others: int) -> None:
    """So many days before Friday for everybody, as what_if.py invents them, but not those of `others` people before these.

    By as many processes as fill the tables there.
    """
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(what_if.FILLERS, mp_context=multiprocessing.get_context("spawn")) as writers:
        await asyncio.gather(*(
            loop.run_in_executor(writers, _write_chunks, stack.database, province, days, others, number, what_if.FILLERS)
            for number in range(what_if.FILLERS)
        ))  # fmt: skip
    connection = await asyncpg.connect(stack.database)
    try:
        for table in ("schedule.mark", "schedule.assessment", "payroll.month", "geofence.check_in", "ingest.receipt"):
            await connection.execute(f"vacuum analyze {table}")
    finally:
        await connection.close()
    progress(f"{days} days of history written for {province.employees:,} people")


def _write_chunks(database: str, province: Province, days: int, others: int, first: int, step: int) -> None:
    """Every so-many-th chunk of the people, in a process of its own."""

    async def write() -> None:
        connection = await asyncpg.connect(database)
        try:
            policy = await connection.fetchval("select policy_id from payroll.policy order by policy_id limit 1")
            people = province.people()
            for number in itertools.count():
                if not (chunk := list(itertools.islice(people, CHUNK))):
                    break
                if number % step == first:
                    await _chunk(connection, chunk, policy, days, others)
        finally:
            await connection.close()

    asyncio.run(write())


async def _chunk(connection: Any, people: list[Person], policy: UUID, days_before: int, others: int) -> None:
    marks: list[tuple[Any, ...]] = []
    assessed: list[tuple[Any, ...]] = []
    months: list[tuple[Any, ...]] = []
    for person in people:
        number = others + person.number
        mine, kept = what_if.rows_of(number, days_before, FRIDAY - dt.timedelta(days=days_before))
        marks += [(mark[0], person.employee_id, *mark[2:]) for mark in mine]
        for month, days in kept.items():
            row = what_if.month_row(number, month, days)
            facts = json.dumps({"days": days, "lines": [], "policies": [str(policy)]})
            months.append((person.employee_id, month, lane_of(person.employee_id), *row[3:9], person.ceiling, *row[10:14], facts))
            assessed += [
                (person.employee_id, dt.date.fromisoformat(day[0]), day[1], "FINAL", day[2], _content(person, number, day, policy))
                for day in days
            ]
    for schema, table, rows in (("schedule", "mark", marks), ("schedule", "assessment", assessed), ("payroll", "month", months)):
        await connection.copy_records_to_table(table, schema_name=schema, records=rows, columns=what_if.COLUMNS[table])
    ids, owners, at = [mark[0] for mark in marks], [mark[1] for mark in marks], [mark[4] for mark in marks]
    await connection.execute(
        "insert into ingest.receipt (id, digest, received_at, published)"
        " select id, sha256(id::text::bytea), at, true from unnest($1::uuid[], $2::timestamptz[]) v(id, at)", ids, at,
    )  # fmt: skip
    await connection.execute(
        "insert into geofence.check_in (check_in_id, employee_id, lane, digest, event_id, correlation_id, mark, captured_at, received_at,"
        " latitude, longitude, accuracy_m, mock, evidence, reason_given, version, site, site_distance_m, activity_site, region, quality)"
        " select id, employee, lane, sha256(id::text::bytea), id, id, mark, at, now(), -3.79, 102.26, 12, false, true, false, 1,"
        " 'inside', 20, false, 'inside', 'good'"
        " from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[]) v(id, employee, lane, mark, at)",
        ids, owners, [lane_of(owner) for owner in owners], [mark[3] for mark in marks], at,
    )  # fmt: skip


def _content(person: Person, number: int, day: list[Any], policy: UUID) -> str:
    me = str(person.employee_id)
    lines = day[9] if len(day) > 9 else []
    found = [{"kind": kind, "code": code, "minutes": minutes, "compensable": False} for kind, code, _, minutes, _ in lines]
    return json.dumps({
        "employee_id": me, "org_unit_id": str(what_if.unit_id(number)), "date": day[0], "version": day[1], "state": "FINAL",
        "status": day[2], "mode": "WFO", "scheduled": day[2] != "OFF", "late": day[8], "early": 0, "made_up": False, "findings": found,
        "policy_id": str(policy), "employee_kind": "PNS", "group": "pelaksana", "duty_days_in_month": 20, "work_week_days": 5,
        "in_at": f"{day[0]}T00:25:00Z", "out_at": f"{day[0]}T09:40:00Z", "evidence": [me],
    })  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What a check-in costs: processor microseconds by process, and the pages that PostgreSQL had to fetch from outside its memory."""

    by_process: Mapping[str, float]
    pages: float

    @property
    def whole(self) -> float:
        """Microseconds of all processes."""
        return sum(self.by_process.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {cost:.0f}" for name, cost in sorted(self.by_process.items(), key=lambda one: one[0].lower()))
        return f"{parts}; {self.pages:.1f} pages read a check-in"


async def cost(people: int, days: int, events: int, stack: Stack) -> Cost:
    """The cost of a check-in with so many people, each with so many days behind them; half as many as events are to come in and go."""
    awake = Province(2, events // 2, FRIDAY)
    asleep = Province(1, people - awake.employees, FRIDAY)
    async with watching(stack) as observer:
        for province, others in ((asleep, 0), (awake, asleep.employees)):
            await import_people(stack, province, observer)
            # Its places reach its people's check-ins, and none is there yet: what is written below stays as it is written.
            await observer.until_settled(province.label, province.first_day - dt.timedelta(days=1), lambda _done, _whole: None)
            await write_history(stack, province, days, others)
        await opened(stack, awake, next(iter(first_copies(awake))), observer)
        stack.stop("geofence")
        sent = await fill(stack.kafka.bootstrap, first_copies(awake), events)
        before = await observer.connection.fetchval(_PAGES)
        took, counted, used = await through(stack, observer, sent)
        pages = await observer.connection.fetchval(_PAGES) - before
    found = Cost({name: seconds / counted * 1e6 for name, seconds in used.items()}, pages / sent)
    progress(f"{people:,} people, {days} days: {found.whole:,.0f} µs of processor a check-in ({counted / took:,.0f}/s): {found}")
    return found


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--people", type=int, default=1_000)
    ask.add_argument("--times", type=int, default=10, help="how many times the people")
    ask.add_argument("--name", default="history", help="what the figures begin with")
    ask.add_argument("--events", type=int, default=15_000)
    given = ask.parse_args()
    events = min(given.events, given.people)  # of every size as many, so that the beginning weighs the same
    sizes = {"": (1, MONTH), f"{given.name}-people": (given.times, MONTH), f"{given.name}-year": (1, YEAR)}
    folder = Path(tempfile.gettempdir())  # where `running` lays the data
    costs: dict[str, Cost] = {}
    told = []
    for name, (times, days) in sizes.items():
        people = given.people * times
        if why_not := too_little(people, days, shutil.disk_usage(folder).free, folder):
            if not name:
                sys.exit(why_not)
            progress(why_not)
            told.append(not_measured(name, why_not))
            continue
        with running() as stack:
            costs[name] = asyncio.run(cost(people, days, events, stack))
        if name:
            told.append(figure(
                name, costs[name].whole, reference=f"with {given.people:,} people and {MONTH} days", reference_value=costs[""].whole,
                note=f"{people:,} people with {days} days of history each ({costs[name]}); the reference: {costs['']}",
            ))  # fmt: skip
    tell(*told)


if __name__ == "__main__":
    main()
