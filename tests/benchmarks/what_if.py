"""Times a preview over an invented province that is written straight into the tables: no imports, no stream, one command.

    python -m tests.benchmarks.what_if --people 20000            # a slice
    python -m tests.benchmarks.what_if --people 300000 --after POL-A-STRICT --json    # a province, every day judged anew

Everybody works five days at 07:30 to 16:00 and has two marks a day; one in twelve days is late, one in fifty has no
check-out, one in a hundred is missed altogether. Stamps have seconds, so that half of the late days cost more where every begun
minute counts (POL-A-STRICT): most people change. The tables of 300,000 people take some 8 GB in the folder for temporary files
(TMPDIR) and five minutes to fill; the processes themselves stay below 300 MiB each. PostgreSQL does not wait for its disk, which is
filled sooner so and then only read. The time on the clock is the figure; processor time is told beside it, for a machine that does other
things too, and what the whole would take if two cores shared it without a pause.
"""

import argparse
import asyncio
import datetime as dt
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.local.postgres import start_postgres
from services.payroll.rules import half_up
from services.preview.change import Change, Window
from services.preview.playing import Played, play
from services.schedule.digests import policy_digest
from shared.percent import parse_percent, percent_text
from shared.policy import Policy, load_policies
from shared.schemas import apply_schemas
from shared.topics import lane_of
from tests.benchmarks.stack import cpu_s_of

FIRST: Final = dt.date(2026, 2, 2)
DAY: Final = dt.timedelta(days=1)
UNITS: Final = 40
WIB: Final = dt.timezone(dt.timedelta(hours=7))
PACKS: Final = load_policies(Path(__file__).parents[2] / "services/schedule/policies/golden-policies.yaml")
BEFORE: Final = PACKS["POL-A"]
CHUNK: Final = 5_000
FILLERS: Final = 2
COLUMNS: Final = {
    "employee": ("employee_id", "lane", "version", "nip", "name", "kind", "grp", "timezone", "active", "played_clock", "member_since",
                 "member_unit", "week_since", "week_code"),
    "mark": ("check_in_id", "employee_id", "version", "mark", "captured_at", "received_at", "site", "region", "activity_site",
             "quality", "mock", "evidence", "reason_given"),
    "month": ("employee_id", "month", "lane", "version", "closed", "raw_percent", "percent", "amount", "supplementary", "ceiling",
              "days_assessed", "days_final", "entries", "streak_after", "facts"),
    "assessment": ("employee_id", "date", "version", "state", "status", "content"),
    "ceiling": ("employee_id", "month", "version", "amount", "static_tkd"),
}  # fmt: skip
GOOD: Final = ("inside", "inside", False, "good", False, True, False)


def person_id(number: int) -> UUID:
    return UUID(int=random.Random(number).getrandbits(128), version=4)


def unit_id(number: int) -> UUID:
    return UUID(int=number % UNITS + 1)


def days_of(days: int, first: dt.date) -> list[dt.date]:
    return [first + number * DAY for number in range(days)]


def rows_of(number: int, days: int, first: dt.date = FIRST) -> tuple[list[tuple[Any, ...]], dict[str, list[list[Any]]]]:
    """Marks of a person, and by month the days as payroll keeps them."""
    chance, me = random.Random(-number - 1), person_id(number)
    marks: list[tuple[Any, ...]] = []
    months: dict[str, list[list[Any]]] = {}
    for date in days_of(days, first):
        kept = months.setdefault(date.isoformat()[:7], [])
        if date.weekday() > 4:
            kept.append([date.isoformat(), 1, "OFF", 1, 0, 0, 20, 5, 0])
            continue
        kind = chance.random()
        late = chance.choice((30, 45, 90, 119)) if kind < 1 / 12 else 0
        lines: list[list[Any]] = []
        if kind > 0.99:
            kept.append([date.isoformat(), 1, "ABSENT", 1, 1, 0, 20, 5, 0, [["ABSENT", "TK", "3.00", None, 0]]])
            continue
        came = dt.datetime.combine(date, dt.time(7, 25, 30), WIB) + (late + 5 if late else 0) * dt.timedelta(minutes=1)
        marks.append((UUID(int=chance.getrandbits(128), version=4), me, 1, "in", came, came, *GOOD))
        if late and (band := BEFORE.tl_band(late)) is not None:
            lines.append(["LATE", band.code, percent_text(band.pct), late, 0])
        if kind > 0.97:
            lines.append(["NO_OUT", "PSW4", "1.50", None, 0])
        else:
            left = dt.datetime.combine(date, dt.time(16, 40), WIB)
            marks.append((UUID(int=chance.getrandbits(128), version=4), me, 1, "out", left, left, *GOOD))
        kept.append([date.isoformat(), 1, "PRESENT", 1, 1, 0, 20, 5, late, *([lines] if lines else [])])
    return marks, months


def month_row(number: int, month: str, days: list[list[Any]]) -> tuple[Any, ...]:
    percent = sum((parse_percent(line[2]) for day in days for line in (day[9] if len(day) > 9 else ())), parse_percent("0.00"))
    ceiling = 3_000_000 + number % 5_000_000
    facts = json.dumps({"days": days, "lines": [], "policies": [str(BEFORE.identity)]})
    return (
        person_id(number), month, lane_of(person_id(number)), 1, False, percent_text(percent), percent_text(percent),
        half_up(ceiling * percent / 100), 0, ceiling, len(days), len(days), 0, 0, facts,
    )


async def fill(url: str, people: int, days: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.executemany(
            "insert into schedule.org_unit (org_unit_id, version, code, name, timezone, calendar, public_service)"
            " values ($1, 1, $2, $3, 'Asia/Jakarta', 'nasional', false)",
            [(unit_id(number), f"OPD-{number:02}", f"Dinas {number}") for number in range(UNITS)])
        for schema in ("schedule", "payroll"):
            await connection.execute(
                f"insert into {schema}.policy (policy_id, version, name, content) values ($1, 1, 'POL-A', $2)", BEFORE.identity,
                json.dumps(BEFORE.content()))
        await connection.execute(
            "insert into schedule.policy_in_force (policy_id, since) values ($1, $2)", BEFORE.identity, FIRST - 400 * DAY)
        chunks = [range(start, min(start + CHUNK, people)) for start in range(0, people, CHUNK)]
        with ProcessPoolExecutor(FILLERS, mp_context=multiprocessing.get_context("spawn")) as pool:
            await asyncio.gather(*(
                asyncio.get_running_loop().run_in_executor(pool, _fill_alone, url, chunk, days) for chunk in chunks))
        for table in ("schedule.mark", "schedule.employee", "schedule.assessment", "payroll.month", "payroll.ceiling"):
            await connection.execute(f"vacuum analyze {table}")
    finally:
        await connection.close()


def _fill_alone(url: str, numbers: range, days: int) -> None:
    """Fill in a process of its own."""

    async def filled() -> None:
        connection = await asyncpg.connect(url)
        try:
            await _fill_chunk(connection, numbers, days)
        finally:
            await connection.close()

    asyncio.run(filled())


async def _fill_chunk(connection: Any, numbers: range, days: int) -> None:
    marks: list[tuple[Any, ...]] = []
    months: list[tuple[Any, ...]] = []
    assessed: list[tuple[Any, ...]] = []
    for number in numbers:
        mine, kept = rows_of(number, days)
        marks += mine
        months += [month_row(number, month, month_days) for month, month_days in kept.items()]
        assessed += _assessed(number, kept)
    ceilings = [(row[0], row[1], 1, row[9], None) for row in months]
    for schema, table, records in (
        ("schedule", "employee", list(_people(numbers))), ("schedule", "mark", marks), ("payroll", "month", months),
        ("payroll", "ceiling", ceilings), ("schedule", "assessment", assessed),
    ):
        await connection.copy_records_to_table(table, schema_name=schema, records=records, columns=COLUMNS[table])


def _assessed(number: int, months: Mapping[str, list[list[Any]]]) -> Iterator[tuple[Any, ...]]:
    """The days as schedule keeps them, with all that an event says, so that rows are as large as in life."""
    me, unit = str(person_id(number)), str(unit_id(number))
    for date, version, status, *_, late, lines in (row if len(row) > 9 else [*row, []] for kept in months.values() for row in kept):
        found = [{"kind": kind, "code": code, "minutes": minutes, "compensable": False} for kind, code, _, minutes, _ in lines]
        content = {
            "employee_id": me, "org_unit_id": unit, "date": date, "version": version, "state": "FINAL", "status": status, "mode": "WFO",
            "scheduled": status != "OFF", "late": late, "early": 0, "made_up": False, "findings": found,
            "policy_id": str(BEFORE.identity), "employee_kind": "PNS", "group": "pelaksana", "duty_days_in_month": 20,
            "work_week_days": 5, "in_at": f"{date}T00:25:00Z", "out_at": f"{date}T09:40:00Z", "evidence": [me, unit],
        }
        yield person_id(number), dt.date.fromisoformat(date), version, "FINAL", status, json.dumps(content)


def _people(numbers: range) -> Iterator[tuple[Any, ...]]:
    for number in numbers:
        me = person_id(number)
        yield (me, lane_of(me), 1, f"{number:018}", "Contoh Sintetis", "PNS", "pelaksana", "Asia/Jakarta", True, "",
               [FIRST - 400 * DAY], [unit_id(number)], [], [])


def change(pack: Policy) -> Change:
    scopes = ((None, FIRST, pack.identity),)
    return Change("policy", "from POL-A", policy_digest(scopes), policies={pack.identity: pack}, scopes=scopes)


def told(done: Played, people: int, processes: int, postgres_cpu_s: float) -> dict[str, Any]:
    found = done.found
    return {
        "people": people, "employee_days": found.days, "judged": found.judged, "people_changed": found.total.people,
        "rupiah_more": found.total.more, "processes": processes, "seconds": round(done.seconds, 1),
        "cpu_seconds": round(found.cpu_s, 1), "us_per_employee_day": round(found.cpu_s / max(found.days, 1) * 1e6, 1),
        "postgres_cpu_seconds": round(postgres_cpu_s, 1),
        "minutes_for_300000_on_two_cores": round((found.cpu_s + postgres_cpu_s) / max(found.people, 1) * 300_000 / 2 / 60, 2),
        "peak_mib_of_a_process": round(max(
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024),
    }  # fmt: skip


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--people", type=int, default=20_000)
    ask.add_argument("--days", type=int, default=22)
    ask.add_argument("--processes", type=int, default=2)
    ask.add_argument("--after", default="POL-B", help="the pack to try; POL-A-STRICT judges every day anew, POL-B prices anew")
    ask.add_argument("--json", action="store_true")
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = start_postgres(Path(folder), durable=False)
        try:
            server.wait_ready()
            url = server.url("what_if")
            asyncio.run(apply_schemas(url))
            started = time.monotonic()
            asyncio.run(fill(url, given.people, given.days))
            print(f"filled in {time.monotonic() - started:.0f} s", file=sys.stderr)
            before = cpu_s_of(server.child.popen.pid)
            done = play(
                url, change(PACKS[given.after]), Window(FIRST, FIRST + (given.days - 1) * DAY), dt.datetime.now(dt.UTC),
                processes=given.processes,
                progress=lambda so_far, all_of: print(f"{so_far:,} of {all_of:,}", file=sys.stderr),
            )
            result = told(done, given.people, given.processes, cpu_s_of(server.child.popen.pid) - before)
        finally:
            server.stop(10)
    print(json.dumps(result, indent=2) if given.json else "\n".join(f"{name:34} {value:,}" for name, value in result.items()))


if __name__ == "__main__":
    main()
