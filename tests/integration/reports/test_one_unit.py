"""Reports of one org unit among many: they tell the same of it as those of the province, and read the rows of its own people only."""

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, TypeAlias

import asyncpg
import pytest

from services.reports.recapping import people_of
from services.reports.tallies import from_anywhere, unit_days, worked
from shared.database import Connection, connect_auditor

UNITS, PEOPLE = 60, 1_500
"""Twenty-five in a unit, of whom some move to the next on the 15th."""

LAST: Final = dt.date(2026, 2, 28)
SPAN: Final = (dt.date(2026, 1, 1), dt.date(2026, 3, 1))
Report: TypeAlias = Callable[[Connection, str | None], Awaitable[list[Any]]]

REPORTS: Final[dict[str, Report]] = {
    "recap": lambda connection, unit: people_of(connection, "2026-02", unit),
    "compliance": lambda connection, unit: unit_days(connection, LAST, unit),
    "assessed": lambda connection, unit: from_anywhere(connection, LAST, unit),
    "rostered": lambda connection, unit: from_anywhere(connection, LAST + dt.timedelta(days=1), unit),
    "evaluation": lambda connection, unit: worked(connection, *SPAN, unit),
}
TOLD: Final = ("owed", "present", "punctual", "complete", "reported", "absent", "violations", "deducted")
BY_PERSON: Final = {
    "schedule": ("assessment", "roster", "work_report", "violation", "mark", "due_day"), "payroll": ("ledger", "month", "ceiling"),
}  # fmt: skip
"""Tables that grow with people and time: of these a report of a unit reads no row of somebody else."""

_PROVINCE: Final = f"""
create function pg_temp.id(prefix int, number int) returns uuid language sql immutable
as $$ select (lpad(prefix::text, 8, '0') || '-0000-0000-0000-' || lpad(number::text, 12, '0'))::uuid $$;
create temp table person as
    select pg_temp.id(1, p) as id, p as number, pg_temp.id(2, p % {UNITS}) as unit, p % 11 = 0 as moves,
           pg_temp.id(2, (p + 1) % {UNITS}) as next from generate_series(1, {PEOPLE}) p;
create temp table day as
    select p.*, d::date as date, case when p.moves and d >= '2026-02-15' then next else unit end as of_unit,
           (number + extract(doy from d)::int) % 7 as turn, repeat('x', 400) as more
    from person p, generate_series(timestamp '2026-01-20', '2026-02-28', '1 day') d;
insert into schedule.org_unit select pg_temp.id(2, u), 1, 'U' || u, 'Unit ' || u, 'Asia/Jakarta', 'nasional', false
    from generate_series(0, {UNITS} - 1) u;
insert into schedule.employee
    select id, 0, 1, lpad(number::text, 18, '0'), 'Orang ' || number, 'PNS', 'pelaksana', 'Asia/Jakarta', true, '',
           case when moves then '{{2020-01-01,2026-02-15}}' else '{{2020-01-01}}' end::date[],
           case when moves then array[unit, next] else array[unit] end, '{{}}', '{{}}' from person;
insert into schedule.assessment
    select id, date, 1, 'FINAL', (array['PRESENT', 'PRESENT', 'ABSENT', 'LEAVE', 'PRESENT', 'HELD', 'PRESENT'])[turn + 1],
           jsonb_build_object('org_unit_id', of_unit, 'scheduled', true, 'mode', (array['WFO', 'WFA'])[number % 2 + 1], 'late', turn,
                              'early', turn % 2, 'findings', '[]'::jsonb, 'more', more) from day order by date, id;
insert into schedule.roster
    select id, month::date, 1, jsonb_build_array(jsonb_build_object('date', '2026-03-01', 'mode', 'WFA', 'more', more))
    from day, generate_series(timestamp '2026-01-01', '2026-06-01', '1 month') month where date = '2026-02-28' order by month, id;
insert into schedule.work_report select gen_random_uuid(), id, date, now() from day where turn < 2 order by date, id;
insert into schedule.violation
    select gen_random_uuid(), id, date, 1, 'raised', 'LATE', 'TL', 5, 1 from day where turn < 4 order by date, id;
insert into schedule.mark
    select gen_random_uuid(), id, 1, 'in', date + time '00:30', date + time '00:30', 'outside', 'inside', false, 'good', false, true, false
    from day where turn < 2 order by date, id;
insert into payroll.ledger (employee_id, month, number, entry_id, date, code, action, percent, amount, month_version)
    select id, to_char(date, 'YYYY-MM'), extract(day from date)::int, gen_random_uuid(), date, 'TL', 'posted', '0.50', number, 1
    from day where turn in (1, 2, 3) order by date, id;
insert into payroll.month
    select id, to_char(month, 'YYYY-MM'), 0, 1, false, '1.50', '1.50', 1, 0, 1000000, 20, 20, 3, 0, json_build_object('more', more)
    from day, generate_series(timestamp '2025-10-01', '2026-04-01', '1 month') month where date = '2026-02-28' order by month, id;
insert into payroll.ceiling select employee_id, month, 1, 1000000 from payroll.month;
insert into schedule.due_day
    select id, date + 1, 0, '', 1, 'epoch' from day where date > '2026-02-20';
analyze;
"""


@pytest.fixture(scope="module")
def province(module_database: str) -> str:
    """Address of a database with many units."""

    async def fill() -> None:
        connection = await asyncpg.connect(module_database)
        try:
            await connection.execute(_PROVINCE)
        finally:
            await connection.close()

    asyncio.run(fill())
    return module_database


@pytest.fixture
async def auditor(province: str) -> AsyncIterator[Connection]:
    """Reads as the reports do."""
    connection = await connect_auditor(province)
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_report_of_a_unit_tells_of_it_what_the_province_s_does(auditor: Connection) -> None:
    for name in ("recap", "compliance", "assessed", "rostered"):
        everybody = await REPORTS[name](auditor, None)
        assert len({one.unit for one in everybody}) > UNITS / 2, name
        for unit in ("U7", "U11", "U12"):
            of_unit = await REPORTS[name](auditor, unit)
            assert of_unit == [one for one in everybody if one.unit == unit], (name, unit)
            assert of_unit, (name, unit)

    sums: Counter[tuple[str, str, str]] = Counter()
    for number in range(UNITS):
        for one in await worked(auditor, *SPAN, f"U{number}"):
            sums.update({(one.month, one.mode, told): getattr(one, told) for told in TOLD})
    for one in await worked(auditor, *SPAN):
        for told in TOLD:
            assert sums[one.month, one.mode, told] == getattr(one, told) > 0, (one, told)


async def test_a_report_of_a_unit_finds_what_it_reads_by_person_and_looks_at_nobody_outside(auditor: Connection) -> None:
    own = {
        table: await auditor.fetchval(
            f"select count(*) from {schema}.{table} join schedule.employee e using (employee_id)"
            " join schedule.org_unit u on u.org_unit_id = any(e.member_unit) where u.code = 'U7'"
        )
        for schema, tables in BY_PERSON.items() for table in tables
    }  # fmt: skip
    seen: set[str] = set()
    for name, report in REPORTS.items():
        read = await read_of(auditor, report, "U7")
        for table, (rows, by_person) in read.items():
            assert by_person, (name, table)
            assert rows <= own[table] * (31 if (name, table) == ("evaluation", "ledger") else 1), (name, table)  # a month's for each day
        seen |= set(read)
    assert seen >= set(own)

    rows, by_person = (await read_of(auditor, REPORTS["recap"], None))["assessment"]
    assert (rows > 31 * own["assessment"], by_person) == (True, False)  # the province's own scan, which shows what this would see


async def read_of(connection: Connection, report: Report, unit: str | None) -> dict[str, tuple[int, bool]]:
    """By table, how many rows a report looks at, and whether it finds them by person; by the plans of the very statements that it makes."""
    asked: list[Any] = []
    with connection.query_logger(asked.append):
        assert await report(connection, unit)
        await asyncio.sleep(0)  # the loop calls the logger
    read: dict[str, tuple[int, bool]] = {}
    for one in asked:
        [[plan]] = await connection.fetch(f"explain (analyze, timing off, format json) {one.query}", *one.args)
        for node in nodes(json.loads(plan)[0]["Plan"]):
            table = node.get("Relation Name", "")
            if any(table in tables for tables in BY_PERSON.values()):
                left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
                rows, by_person = read.get(table, (0, True))
                found_by = " ".join(below.get("Index Cond", "") for below in nodes(node))
                read[table] = (
                    rows + round((node["Actual Rows"] + left_out) * node["Actual Loops"]), by_person and "employee_id = " in found_by,
                )  # fmt: skip
    return read


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's node and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
