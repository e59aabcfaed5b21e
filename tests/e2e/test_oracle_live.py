"""The running pipeline against the batch oracle: the archive of accepted check-ins says what the ledger must say.

The simulator plays a province (late, doubled, offline, outside, overnight, three zones) over HTTP; the oracle then
computes from the archived topic and the imported files alone. After that the archive is published once more, shuffled,
as a broker or an edge gone wrong might, and nothing may change.
"""

import asyncio
import datetime as dt
import json
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from services.simulator.province import Province
from services.simulator.settled import Observer
from shared import topics
from shared.reading import consuming, partitions_of, to_the_ends
from tests.oracle import days, money
from tests.oracle.archive import ceilings_of, world_of

FIRST = dt.date(2026, 5, 26)  # with Idul Adha on the 27th, joint leave on the 28th, Pancasila on 1 June
DAYS = 7
PEOPLE = 120


def simulate(house: Any, folder: Path) -> dict[str, Any]:
    """Play the province as an operator would; its report."""
    played = subprocess.run(
        [sys.executable, "-m", "services", "simulate", "--employees", str(PEOPLE), "--days", str(DAYS), "--seed", "3107",
         "--from", str(FIRST), "--files", str(folder), "--json"],
        env=house.env, capture_output=True, text=True, timeout=900, check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    report: dict[str, Any] = json.loads(played.stdout)
    return report


async def archive_of(kafka: str) -> list[Any]:
    """All records of the topic of accepted check-ins, from its start to its present end."""
    async with asyncio.timeout(180), consuming(kafka, "archive") as consumer:
        begins = await consumer.beginning_offsets(partitions_of(topics.CHECK_IN_RECORDED))
        return [record async for record in to_the_ends(consumer, begins)]


async def publish_again(kafka: str, records: list[Any]) -> None:
    """The same records once more, byte for byte, in another order within their partitions."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for record in records:
            await producer.send(record.topic, record.value, record.key, record.partition, headers=list(record.headers))
        await producer.flush()
    finally:
        await producer.stop()


async def concluded(house: Any, ids: list[str]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Days and months as the services have them: without versions, which a rebuild may number otherwise."""
    assessed = await house.fetch(
        "select employee_id::text, date, status, content::text from schedule.assessment"
        " where employee_id = any($1::text[]::uuid[]) and date between $2 and $3",
        ids, FIRST, FIRST + dt.timedelta(days=DAYS - 1),
    )
    months = await house.fetch(
        """select m.employee_id::text, m.month, m.raw_percent, m.percent, m.amount, coalesce(
                    (select sum(amount) from payroll.ledger l where (l.employee_id, l.month) = (m.employee_id, m.month)), 0) as ledger
           from payroll.month m where m.employee_id = any($1::text[]::uuid[])""", ids)
    by_day = {}
    for row in assessed:
        content = json.loads(row["content"])
        codes = sorted(found["code"] for found in content["findings"])
        by_day[row["employee_id"], row["date"]] = (row["status"], content["late"], content["early"], codes)
    return by_day, {
        (row["employee_id"], row["month"]): (money.percent(row["raw_percent"]), money.percent(row["percent"]), row["amount"], row["ledger"])
        for row in months
    }


def by_oracle(world: dict[str, Any], ceilings: dict[tuple[str, str], int]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """The same, computed from the archive in one go."""
    marks = defaultdict(list)
    for mark in world["marks"]:
        marks[mark["person"]].append(mark)
    dates = [FIRST + dt.timedelta(days=n) for n in range(DAYS)]
    by_day: dict[Any, Any] = {}
    by_month: dict[Any, Any] = {}
    for person in world["people"]:
        assessed = [days.assess(world | {"marks": marks[person]}, person, date) for date in dates]
        for day in assessed:
            codes = sorted(code for code, _ in money.charges(day))
            by_day[person, day["date"]] = (day["status"], day["late"], day["early"], codes)
        for month in sorted({f"{date:%Y-%m}" for date in dates}):
            of_month = [day for day in assessed if f"{day['date']:%Y-%m}" == month]
            earlier = [day for day in assessed if f"{day['date']:%Y-%m}" < month]
            total = money.month(of_month, ceilings[person, month], None, earlier)
            by_month[person, month] = (total["raw_percent"], total["percent"], total["amount"], total["amount"])
    return by_day, by_month


@pytest.mark.timeout(1200)
async def test_the_ledger_is_what_a_batch_over_the_archive_computes(house, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    report = simulate(house, tmp_path)
    assert (report["equal"], report["lag"]) == (True, 0), report["differences"]

    kafka = house.addresses["kafka"]
    records = await archive_of(kafka)
    accepted = [json.loads(record.value) for record in records]
    province = Province(3107, PEOPLE, FIRST, DAYS, round=int(report["label"].rpartition("-r")[2]))
    in_force = {unit.code: unit.pack for unit in province.units}
    random.Random(1).shuffle(accepted)
    world = world_of(tmp_path, in_force, FIRST, accepted + accepted[::3])
    true_days, true_months = by_oracle(world, ceilings_of(tmp_path / "ceilings.csv"))
    people = list(world["people"])

    got_days, got_months = await concluded(house, people)
    assert got_days == true_days
    assert got_months == true_months
    assert {status for status, *_ in true_days.values()} == {"PRESENT", "ABSENT", "HOLIDAY", "OFF", "HELD"}
    assert sum(amount for *_, amount in true_months.values()) == report["rupiah"] > 0

    random.Random(2).shuffle(records)
    await publish_again(kafka, [record for record in records if json.loads(record.value)["employee_id"] in set(people)])
    async with Observer(house.database, kafka) as observer:
        await observer.until_settled(report["label"], FIRST + dt.timedelta(days=DAYS - 1), lambda _done, _whole: None)
    assert await concluded(house, people) == (true_days, true_months)
