"""The end of a month on the running stack: excuses, the close, what comes after it, and slips that anyone can recompute."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.schedule.commands import move_clock, record_fact
from shared import topics
from shared.database import open_pool
from shared.lanes import Lanes
from tests.waiting import until

FIRST = dt.date(2026, 4, 27)
DAYS = 4  # to the 30th, the last day of April
PEOPLE = 60
VERIFIER = Path(__file__).parents[2] / "docs" / "verify_receipt.py"


def command(house: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    """An operator's command, whatever comes of it."""
    return subprocess.run(
        [sys.executable, "-m", "services", *arguments], env=house.env, capture_output=True, text=True, timeout=900, check=False
    )


def verify(folder: Path, *receipts: str) -> tuple[int, str]:
    """What the verifier says of a receipt, and of an earlier one beside it."""
    paths = []
    for number, receipt in enumerate(receipts):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(receipt)
    done = subprocess.run([sys.executable, "-I", str(VERIFIER), *map(str, paths)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def grant_leave(house: Any, employee: UUID, date: dt.date) -> UUID:
    """An approved leave for one day."""
    correction = uuid4()
    pool = await open_pool(house.database, "schedule")
    try:
        await record_fact(
            Lanes(pool, "schedule"), correction_id=correction, kind="leave", employee_id=employee, actor="kepala-opd",
            body={"kind": "annual", "from": str(date), "to": str(date)},
        )
    finally:
        await pool.close()
    return correction


def receipt_of(house: Any, employee: UUID, month: str) -> str:
    """The JSON receipt, byte for byte."""
    return str(house.hadir("explain", "--employee", str(employee), "--month", month, "--json"))


async def absent_people(house: Any, clock: str) -> list[tuple[UUID, dt.date]]:
    """People who were absent without leave and lost money by it, each with the date."""
    rows = await house.fetch(
        """select distinct on (a.employee_id) a.employee_id, a.date
           from schedule.assessment a join schedule.employee e using (employee_id)
           join payroll.ledger l on l.employee_id = a.employee_id and l.date = a.date
           where e.played_clock = $1 and a.status = 'ABSENT' and l.amount > 0 order by 1, 2""", clock)
    return [(row["employee_id"], row["date"]) for row in rows]


async def close(house: Any, clock: str) -> None:
    """April is closed: not before it ends, not silently over open days, and with who and why on the audit topic."""
    early = command(house, "month", "close", "--month", "2026-05", "--clock", clock)
    assert (early.returncode, "belum berakhir" in early.stderr, "Traceback" in early.stderr) == (1, True, False), early.stderr
    pool = await open_pool(house.database, "schedule")
    await move_clock(Lanes(pool, "schedule"), clock, dt.datetime(2026, 5, 3, 3, tzinfo=dt.UTC))
    await pool.close()
    # Somebody's request is not decided: the day is held open until a person answers for it.
    [waiting] = await house.fetch(
        """select a.employee_id from schedule.assessment a join schedule.employee e using (employee_id)
           where e.played_clock = $1 and a.status = 'PRESENT' and a.date = $2 order by 1 limit 1""", clock, FIRST)
    await house.fetch("update schedule.assessment set status = 'HELD' where employee_id = $1 and date = $2", waiting["employee_id"], FIRST)
    refused = command(house, "month", "close", "--month", "2026-04", "--clock", clock)
    assert (refused.returncode, "Masih ada" in refused.stderr, "ditahan (HELD)" in refused.stderr) == (1, True, True), refused.stderr
    closed = command(
        house, "month", "close", "--month", "2026-04", "--clock", clock, "--despite-open-days", "--reason", "SK Sekda 900/12",
        "--actor", "bendahara-1",
    )
    assert (closed.returncode, "Bulan 2026-04 ditutup" in closed.stdout) == (0, True), closed.stdout + closed.stderr

    async def of_this_close() -> list[dict[str, Any]]:
        """The audit topic may tell of other commands about that month too."""
        told = await house.records(topics.AUDIT["payroll"], "2026-04", at_least=1)
        return [audit for audit in told if audit["action"] == "month.closed" and audit["detail"]["clock"] == clock]

    mine = await until(of_this_close)
    assert [(audit["actor"], audit["detail"]["reason"]) for audit in mine] == [("bendahara-1", "SK Sekda 900/12")]
    months = await house.fetch(
        "select distinct closed from payroll.month m join payroll.employee e using (employee_id)"
        " where m.month = '2026-04' and e.played_clock = $1", clock)
    assert [row["closed"] for row in months] == [True]


@pytest.mark.timeout(1500)
async def test_a_month_is_explained_closed_and_put_right_afterwards(house, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    played = command(house, "simulate", "--employees", str(PEOPLE), "--days", str(DAYS), "--seed", "4711", "--from", str(FIRST), "--json")
    assert played.returncode == 0, played.stdout + played.stderr
    clock = json.loads(played.stdout)["label"]
    (first, date), (second, second_date), *_ = await absent_people(house, clock)

    # Every slip can be recomputed by who has nothing of ours; what a check-in cost leads back to that check-in.
    people = await house.fetch("select employee_id from schedule.employee where played_clock = $1 order by 1", clock)
    began = set()
    for person in people[:15]:
        receipt = receipt_of(house, person["employee_id"], "2026-04")
        assert verify(tmp_path, receipt) == (0, "accepted\n"), receipt
        began |= {row["began_with"] and row["began_with"]["kind"] for row in json.loads(receipt)["ledger"]}
    assert "check-in" in began

    # An excuse for an absence reverses its line, and the slip says by what.
    earlier = receipt_of(house, first, "2026-04")
    leave = await grant_leave(house, first, date)
    await until(lambda: house.fetch(
        "select 1 from payroll.ledger where employee_id = $1 and month = '2026-04' and action = 'reversed' and date = $2", first, date))
    later = receipt_of(house, first, "2026-04")
    assert verify(tmp_path, later, earlier) == (0, "accepted\n")
    ledger = json.loads(later)["ledger"]
    [back] = [row for row in ledger if row["action"] == "reversed" and row["date"] == str(date)]
    assert (back["began_with"]["kind"], back["began_with"]["about"], back["because"]["kind"]) == ("correction", str(leave), "day")
    [nip] = await house.fetch("select nip from schedule.employee where employee_id = $1", first)
    text = house.hadir("explain", "--employee", nip["nip"], "--month", "2026-04", "--date", str(date))
    assert f"berawal dari koreksi cuti/dinas luar (id {leave}" in text
    assert "Koreksi: cuti/dinas luar disetujui oleh kepala-opd" in text
    published = await house.records(topics.DEDUCTION, f"{first}|2026-04", at_least=len(ledger))
    assert [row["row_hash"] for row in published] == [row["row_hash"] for row in ledger]

    await close(house, clock)

    # What comes after the close is owed in the next month, which names the closed one; both slips still verify.
    frozen = receipt_of(house, second, "2026-04")
    assert verify(tmp_path, frozen) == (0, "accepted\n")
    await grant_leave(house, second, second_date)
    await until(lambda: house.fetch(
        "select 1 from payroll.ledger where employee_id = $1 and month = '2026-05' and code = 'SUPPLEMENT'", second))
    after = receipt_of(house, second, "2026-04")
    assert verify(tmp_path, after, frozen) == (0, "accepted\n")
    assert json.loads(after)["arithmetic"]["total"] == json.loads(frozen)["arithmetic"]["total"]
    may = receipt_of(house, second, "2026-05")
    assert verify(tmp_path, may) == (0, "accepted\n")
    [owed] = json.loads(may)["arithmetic"]["supplements"]
    assert (owed["origin"], owed["amount"] < 0) == ("2026-04", True)
    assert "susulan dari April 2026" in house.hadir("explain", "--employee", str(second), "--month", "2026-05")
