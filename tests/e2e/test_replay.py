"""What the topics hold is enough: all of a house, whatever this session did in it, is rebuilt from them."""

import asyncio
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from services.replay.digest import compare, digest
from shared.topics import CONSUMES

PATIENCE_S = 240
PLAIN_COLUMNS, PERCENT = 9, 2
"""Of a priced day as `write_facts` writes it: columns before its lines, where it has any; and the place of a line's percent."""
FIRST = dt.date(2026, 2, 5)
"""A Thursday: nobody who lives by the week works on a Sunday, which the day before the last may be."""


@pytest.fixture(scope="module")
def played(house: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The session's house with a province played in it: late corrections and closed months if others ran before.

    Then its units work by the hours of Ramadan on the first date, as an officer's file says; of the second this is taken back.
    """
    before = asyncio.run(units(house))
    play = [
        sys.executable, "-m", "services", "simulate", "--employees", "150", "--days", "2", "--from", str(FIRST), "--seed", "77", "--json",
    ]
    report = json.loads(subprocess.run(play, env=house.env, capture_output=True, text=True, check=True).stdout)
    assert report["equal"], report["differences"]
    codes = sorted(asyncio.run(units(house)) - before)
    late, dates = asyncio.run(lateness(house, codes))
    file = tmp_path_factory.mktemp("weeks") / "berlaku.csv"
    for rows in (
        [f"lima-hari-ramadan;{date};{date};{code}" for code in codes for date in dates],
        [f"-;{dates[1]};;{code}" for code in codes],
    ):
        file.write_text("\n".join(["week_pattern;since;until;org_unit", *rows]) + "\n")
        house.hadir("import", "weeks-in-force", file)
    asyncio.run(settle(house))
    assert asyncio.run(lateness(house, codes))[0] < late, "no assessed day says that other hours held"
    return house


async def units(house: Any) -> set[str]:
    return {row["code"] for row in await house.fetch("select code from schedule.org_unit")}


async def lateness(house: Any, codes: Sequence[str]) -> tuple[int, list[Any]]:
    """How many minutes the people of these units were late altogether, and the dates of their days."""
    [row] = await house.fetch(
        """select coalesce(sum((a.content->>'late')::int), 0) as late, array_agg(distinct a.date order by a.date) as dates
           from schedule.assessment a join schedule.employee e using (employee_id)
             join schedule.org_unit u on u.org_unit_id = e.member_unit[1]
           where u.code = any($1::text[])""", codes)
    return row["late"], row["dates"]


def hadir(house: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "services", *words], env=house.env, capture_output=True, text=True, check=False)


async def settle(house: Any) -> None:
    """Waits until nothing is under way: no due day, no change for many to be carried on, no outbox, no position behind."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        [row] = await house.fetch(
            "select (select count(*) from schedule.due_day where due_at <= 'epoch') as due,"
            " (select count(*) from schedule.restatement) as spreading,"
            + ", ".join(
                f"(select count(*) from {service}.outbox o join {service}.relay_cursor c using (lane) where o.seq > c.sent_seq)"
                f" as {service}"
                for service in ("geofence", "schedule", "payroll")
            )
        )
        if not any(row.values()):
            return
        assert time.monotonic() < deadline, dict(row)
        time.sleep(0.2)  # polls with the deadline above


async def test_all_that_a_house_knows_is_rebuilt_from_its_topics_to_the_rupiah(played: Any) -> None:
    await settle(played)
    done = hadir(played, "replay", "--into", "rebuilt", "--json")

    assert done.returncode == 0, (done.stdout, done.stderr)
    report = json.loads(done.stdout)
    assert report["equal"]
    rows = {statement["name"]: statement["rows"] for statement in report["statements"]}
    assert all(here == there for here, there in rows.values())
    assert rows["assessed days"][0] >= 300
    assert rows["deductions by month of origin"][0] > 0
    weeks = "select week, org_unit_id, since, until from schedule.week_in_force order by since, org_unit_id"
    held = await played.fetch(weeks)
    connection = await asyncpg.connect(urlunsplit(urlsplit(played.database)._replace(path="/rebuilt")))
    assert await connection.fetch(weeks) == held != []
    await connection.close()

    again = hadir(played, "replay", "--into", "rebuilt")
    assert again.returncode == 2
    assert "holds something already" in again.stderr


async def test_a_rebuilt_database_that_says_something_else_is_told_apart_row_by_row(played: Any) -> None:
    address = urlsplit(played.database)
    assert hadir(played, "replay", "--into", "altered", "--no-compare").returncode == 0
    altered = urlunsplit(address._replace(path="/altered"))
    connection = await asyncpg.connect(altered)
    [day] = await connection.fetch(
        "update schedule.assessment set content = jsonb_set(content, '{status}', '\"LEAVE\"') where (employee_id, date) ="
        " (select employee_id, date from schedule.assessment where status = 'ABSENT' limit 1) returning employee_id, date"
    )
    # A line of one day costs another percent, while the month still takes as much in all.
    [month] = await connection.fetch("select employee_id, month, facts from payroll.month where entries > 0 limit 1")
    facts = json.loads(month["facts"])
    priced = next(one for one in facts["days"] if len(one) > PLAIN_COLUMNS)
    priced[PLAIN_COLUMNS][0][PERCENT] = "0.01"
    await connection.execute("update payroll.month set facts = $3 where (employee_id, month) = ($1, $2)", month["employee_id"],
                             month["month"], json.dumps(facts))  # fmt: skip
    await connection.close()

    differing = {s.name: s.differing for s in await compare(played.database, altered) if not s.equal}
    assert differing == {
        "assessed days": [f"{day['employee_id']} {day['date']}"], "priced days": [f"{month['employee_id']} {priced[0]}"],
    }  # fmt: skip


async def positions(house: Any, service: str) -> dict[tuple[str, int], int]:
    """Where a service stands in each partition of each topic, streams and reference data."""
    found = await house.fetch(
        f"select topic, partition, next_offset from {service}.reference_position"
        f" union all select topic, lane, next_offset from {service}.position"
    )
    return {(row["topic"], row["partition"]): row["next_offset"] for row in found}


async def test_every_event_delivered_once_more_from_the_beginning_changes_nothing(played: Any) -> None:
    await settle(played)
    before = await digest(played.database)
    counts = (
        "select (select coalesce(sum(version), 0) from schedule.assessment) as days,"
        " (select coalesce(sum(version), 0) from geofence.check_in) as verdicts, (select count(*) from schedule.mark) as marks,"
        " (select coalesce(sum(version), 0) from schedule.violation) as violations,"
        " (select count(*) from payroll.ledger) as entries, (select coalesce(sum(version), 0) from payroll.month) as months,"
        # What ingest and schedule number goes on by itself, with each minute that ingest tells of.
        " (select sum(out_seq) from geofence.lane) as told_by_geofence, (select sum(out_seq) from payroll.lane) as told_by_payroll, "
        + ", ".join(f"(select count(*) from {service}.dead_letter) as buried_by_{service}" for service in CONSUMES)
    )
    [versions] = await played.fetch(counts)
    ends = {}
    for service in CONSUMES:
        children = json.loads((played.home / "running.json").read_text())["children"]
        [process] = [child["pid"] for child in children if child["name"] == service]
        os.kill(process, signal.SIGSTOP)  # so that it writes no position of its own over these
        ends[service] = await positions(played, service)
        assert {topic for topic, _ in ends[service]} == {topic.name for topic in CONSUMES[service]}
        for table in ("position", "reference_position"):
            await played.fetch(f"update {service}.{table} set next_offset = 0 returning topic")
        assert set((await positions(played, service)).values()) == {0}
        os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    for service, wanted in ends.items():
        # At least as far as before: ingest tells of its own minutes meanwhile, and schedule reads on.
        while behind := {place for place, now in (await positions(played, service)).items() if now < wanted.get(place, 0)}:
            assert time.monotonic() < deadline, (service, behind)
            time.sleep(0.2)  # polls with the deadline above
    await settle(played)

    assert await digest(played.database) == before
    assert (await played.fetch(counts))[0] == versions
