"""Measures what an event costs in processor time when there are many times the people, each with a month or a year behind them.

    python -m tests.benchmarks.history --people 10000     # 10,000, 100,000, and 10,000 with a year: most of an hour
    python -m tests.benchmarks.history --people 100000 --name history-large --only people     # 100,000 and 1,000,000: an hour or more
    python -m tests.benchmarks.history --people 100000 --name history-large --only year       # 100,000, and they with a year: likewise

Each size has a stack of its own. Two provinces are imported, the days before are written straight into the
tables as they would stand (marks, assessed days, located check-ins, receipts, priced months), the day of one province is
opened, and the same number of its people's check-ins goes from a filled topic to the ledger: the others are there, with their days, and
sleep, since opening a million days takes an hour and moves no table much. Those who are awake stand evenly among those who sleep in
every table that is written, so that with more people the rows that a check-in touches lie further apart. Processor seconds of broker,
database and workers count, so that other work on the machine matters little. The fewest people are the reference. A person's day
takes 2.1 KB of disk, so 1,000,000 people with a month need 62 GB with the log of their writing, and 100,000 with a year 82:
a size for which there is not so much free space where temporary files lie (TMPDIR) is left out, and told as not measured.

What is not there, though it would be in life: ledger lines, violations, traces and device uses of the days before. A month's late days
are charged by the first check-in of its person, in every size alike. All rows of a person lie together, where in life those of a day do.
"""

import argparse
import asyncio
import datetime as dt
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.geofence.agent import COORDINATES_KEPT
from services.simulator.province import Province
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
NOT_THERE = "The days before have no ledger lines, violations, traces and device uses"
_PAGES = "select blks_read from pg_stat_database where datname = current_database()"
CHUNK = 250
"""People that are written at once: some 130,000 rows with a year behind each."""
TEMPLATES = 500
"""People who are invented; everybody has the days of one of them."""
PERSON, UNIT = "(person)", "(unit)"
"""Stand in a template's JSON where each person's own ids go."""
BYTES_A_DAY, BYTES_A_PERSON, BYTES_OF_LOG = 2_100, 5_000, 4_500_000_000
"""Of disk, as was seen: of a person's day in all tables, of a person before any day, and of the log of so much writing, at most. Each size
has the disk for itself, as its stack is removed."""


_TEMPLATES = """
create temp table of_mark (template int, mark text, at timestamptz);
create temp table of_assessment (template int, date date, version int, status text, content text);
create temp table of_month (template int, month text, percent text, days int, facts text);
"""

_PEOPLE = "unnest($1::int[], $2::uuid[], $3::uuid[], $4::int[], $5::bigint[]) with ordinality p(template, me, unit, lane, ceiling, place)"
_KEPT = f"case when at >= '{FRIDAY - COORDINATES_KEPT}' then {{}} end"
"""A coordinate that is still there on Friday. All are received now, so that neither geofence nor ingest has anything to erase meanwhile, as
they would have by the clock of today."""
_WRITE = (
    f"""
    with made as materialized (
      select gen_random_uuid() as id, p.me, p.lane, t.mark, t.at from {_PEOPLE} join of_mark t using (template) order by p.place, t.at
    ), marks as (
      insert into schedule.mark ({', '.join(what_if.COLUMNS['mark'])})
      select id, me, 1, mark, at, at, 'inside', 'inside', false, 'good', false, true, false from made
    ), located as (
      insert into geofence.check_in (check_in_id, employee_id, lane, digest, event_id, correlation_id, mark, captured_at, received_at,
        latitude, longitude, accuracy_m, mock, evidence, reason_given, version, site, site_distance_m, activity_site, region, quality)
      select id, me, lane, sha256(id::text::bytea), id, id, mark, at, now(),
        {_KEPT.format(-3.79)}, {_KEPT.format(102.26)}, {_KEPT.format(12)}, false, true, false, 1,
        'inside', 20, false, 'inside', 'good' from made
    )
    insert into ingest.receipt (id, digest, received_at, published) select id, sha256(id::text::bytea), now(), true from made
    """,
    f"""
    insert into schedule.assessment ({', '.join(what_if.COLUMNS['assessment'])})
    select p.me, t.date, t.version, 'FINAL', t.status, replace(replace(t.content, '{PERSON}', p.me::text), '{UNIT}', p.unit::text)::jsonb
    from {_PEOPLE} join of_assessment t using (template) order by p.place, t.date
    """,
    f"""
    insert into payroll.month ({', '.join(what_if.COLUMNS['month'])})
    select p.me, t.month, p.lane, 1, false, t.percent, t.percent, round(p.ceiling * t.percent::numeric / 100), 0, p.ceiling,
      t.days, t.days, 0, 0, t.facts::json
    from {_PEOPLE} join of_month t using (template) order by p.place, t.month
    """,
)
"""Rows of people, one place of the line after the other: their marks with check-ins and receipts, their assessed days, their months."""


def too_little(people: int, days: int, free: int, folder: Path) -> str | None:
    """Why so many people with so many days behind each are not to be built in this folder, or None; `free` is in bytes."""
    rows = people * (BYTES_A_PERSON + days * BYTES_A_DAY)
    needed = rows + min(rows, BYTES_OF_LOG)
    if needed <= free:
        return None
    return (
        f"{people:,} people with {days} days each need about {needed / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free"
        f" in {folder} (TMPDIR chooses another folder)"
    )


def standing(place: int, asleep: int, awake: int) -> tuple[bool, int]:
    """Who stands in this place of the line of everybody: whether one of those who are awake, and which of them or of the others.

    Those who are awake stand evenly among the others, so that what one of them touches lies among the rows of strangers.
    """
    before = place * awake // (asleep + awake)
    is_awake = (place + 1) * awake // (asleep + awake) > before
    return is_awake, before if is_awake else place - before


def written(place: int, asleep: Province, awake: Province) -> tuple[int, UUID, UUID, int, int]:
    """What is written of whoever stands in this place: whose days, and their own id, unit, lane and ceiling.

    Those who are awake have the same days in every size.
    """
    is_awake, number = standing(place, asleep.employees, awake.employees)
    province = awake if is_awake else asleep
    person = province.person(number)
    unit = province.identity("unit", person.unit.number)
    return number % TEMPLATES, person.employee_id, unit, lane_of(person.employee_id), person.ceiling


async def write_history(stack: Stack, asleep: Province, awake: Province, days: int) -> None:
    """So many days before Friday for everybody of both provinces, as what_if.py invents them, in one pass along the line of all.

    Python invents some hundreds of people; PostgreSQL gives everybody the days of one of them, with what is everybody's own.
    """
    began, whole = time.monotonic(), asleep.employees + awake.employees
    chunks = iter(range(0, whole, CHUNK))  # whoever is free takes the next one, so that the line is written as it stands

    async def write() -> None:
        connection = await asyncpg.connect(stack.database)
        try:
            await _templates(connection, days)
            for first in chunks:
                people = [written(place, asleep, awake) for place in range(first, min(first + CHUNK, whole))]
                columns = [list(column) for column in zip(*people, strict=True)]
                for statement in _WRITE:
                    await connection.execute(statement, *columns)
        finally:
            await connection.close()

    await asyncio.gather(*(write() for _ in range(what_if.FILLERS)))
    connection = await asyncpg.connect(stack.database)
    try:
        for table in ("schedule.mark", "schedule.assessment", "payroll.month", "geofence.check_in", "ingest.receipt"):
            await connection.execute(f"vacuum analyze {table}")
    finally:
        await connection.close()
    progress(f"{days} days of history written for {whole:,} people in {time.monotonic() - began:.0f} s")


async def _templates(connection: Any, days_before: int) -> None:
    """The days of some hundreds of people, in tables of this connection alone, with a blank where a person and a unit are named."""
    policy = await connection.fetchval("select policy_id from payroll.policy order by policy_id limit 1")
    marks: list[tuple[Any, ...]] = []
    assessed: list[tuple[Any, ...]] = []
    months: list[tuple[Any, ...]] = []
    for number in range(TEMPLATES):
        mine, kept = what_if.rows_of(number, days_before, FRIDAY - dt.timedelta(days=days_before))
        marks += [(number, mark[3], mark[4]) for mark in mine]
        for month, days in kept.items():
            row = what_if.month_row(number, month, days)
            facts = json.dumps({"days": days, "lines": [], "policies": [str(policy)]})
            months.append((number, month, row[6], len(days), facts))
            assessed += [(number, dt.date.fromisoformat(day[0]), day[1], day[2], content(day, policy)) for day in days]
    await connection.execute(_TEMPLATES)
    for table, rows in (("of_mark", marks), ("of_assessment", assessed), ("of_month", months)):
        await connection.copy_records_to_table(table, records=rows)
        await connection.execute(f"analyze {table}")


def content(day: list[Any], policy: UUID) -> str:
    """An assessed day as schedule keeps it, with a blank for the person and the unit."""
    lines = day[9] if len(day) > 9 else []
    found = [{"kind": kind, "code": code, "minutes": minutes, "compensable": False} for kind, code, _, minutes, _ in lines]
    return json.dumps({
        "employee_id": PERSON, "org_unit_id": UNIT, "date": day[0], "version": day[1], "state": "FINAL",
        "status": day[2], "mode": "WFO", "scheduled": day[2] != "OFF", "late": day[8], "early": 0, "made_up": False, "findings": found,
        "policy_id": str(policy), "employee_kind": "PNS", "group": "pelaksana", "duty_days_in_month": 20, "work_week_days": 5,
        "in_at": f"{day[0]}T00:25:00Z", "out_at": f"{day[0]}T09:40:00Z", "evidence": [PERSON],
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
        for province in (asleep, awake):
            await import_people(stack, province, observer)
            # Its places reach its people's check-ins, and none is there yet: what is written below stays as it is written.
            await observer.until_settled(province.label, province.first_day - dt.timedelta(days=1), lambda _done, _whole: None)
        await write_history(stack, asleep, awake, days)
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
    ask.add_argument("--only", choices=("people", "year"), help="what stands beside the fewest: more people, or their year (default: both)")
    given = ask.parse_args()
    events = min(given.events, given.people)  # of every size as many, so that the beginning weighs the same
    more = {"people": (given.times, MONTH), "year": (1, YEAR)}
    sizes = {"": (1, MONTH)} | {f"{given.name}-{what}": size for what, size in more.items() if given.only in (None, what)}
    folder = Path(tempfile.gettempdir())  # where `running` lays the data
    free = shutil.disk_usage(folder).free  # for each, since the stack of the one before is removed
    no_room = {name: why for name, (times, days) in sizes.items() if (why := too_little(given.people * times, days, free, folder))}
    if len(no_room) >= len(sizes) - 1:  # at most the fewest would be built, and stand beside nothing
        sys.exit("; ".join(no_room.values()))
    costs: dict[str, Cost] = {}
    told = []
    for name, (times, days) in sizes.items():
        if name in no_room:
            progress(no_room[name])
            told.append(not_measured(name, no_room[name]))
            continue
        people = given.people * times
        with running() as stack:
            costs[name] = asyncio.run(cost(people, days, events, stack))
        if name:
            told.append(figure(
                name, costs[name].whole, reference=f"with {given.people:,} people and {MONTH} days", reference_value=costs[""].whole,
                note=f"{people:,} people with {days} days of history each ({costs[name]}); the reference: {costs['']}. {NOT_THERE}",
            ))  # fmt: skip
    tell(*told)


if __name__ == "__main__":
    main()
