"""A unit's roster on the running stack: applied, proposed, approved, published; on its topics, and worth a day's duty."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.schedule.commands import move_clock
from shared import topics
from shared.database import open_pool
from shared.lanes import Lanes

POLICIES = Path(__file__).parents[2] / "services" / "schedule" / "policies"


async def set_clock(url: str, name: str, at: str) -> None:
    pool = await open_pool(url, "schedule")
    try:
        await move_clock(Lanes(pool, "schedule"), name, dt.datetime.fromisoformat(at))
    finally:
        await pool.close()


@pytest.mark.timeout(600)
async def test_a_roster_that_bkd_approved_decides_where_a_day_is_owed(house: Any, tmp_path: Path) -> None:
    code, clock = f"ROSTER-{uuid4().hex[:8]}", f"roster-{uuid4().hex[:8]}"
    people = {str(uuid4()): f"98{uuid4().int % 10**16:016}" for _ in range(4)}
    (tmp_path / "units.csv").write_text(f"code;name;timezone\n{code};Bappeda Contoh;WIB\n")
    (tmp_path / "people.csv").write_text("employee_id;nip;name;kind;group;org_unit;since;played_clock\n" + "".join(
        f"{employee};{nip};Contoh Sintetis;PNS;pelaksana;{code};2026-02-01;{clock}\n" for employee, nip in people.items()))
    house.hadir("import", "org-units", tmp_path / "units.csv")
    house.hadir("import", "policies", POLICIES / "golden-policies.yaml", "--in-force", f"POL-A@2026-02-01@{code}")
    await set_clock(house.database, clock, "2026-02-01T12:00:00+07:00")
    house.hadir("import", "employees", tmp_path / "people.csv")

    month = ("--unit", code, "--month", "2026-02")
    told = [
        house.hadir("scheme", "apply", POLICIES / "example-schemes.yaml", "--name", "BENGKULU-25-75",
                    "--in-force", f"2026-02-01..2026-02-28@{code}", "--reason", "SE 800/12/2026"),
        house.hadir("roster", "propose", *month, "--save"),
        house.hadir("roster", "submit", *month, "--actor", "kasubag-1", "--reason", "nota dinas 12"),
        house.hadir("roster", "approve", *month, "--actor", "bkd-1", "--reason", "sesuai SE 800/12/2026"),
        house.hadir("roster", "publish", *month, "--actor", "bkd-1", "--reason", "SE 800/12/2026"),
        house.hadir("roster", "show", *month),
        house.hadir("roster", "forecast", "--unit", code, "--date", "2026-02-02..2026-02-03"),
    ]
    assert "versi 4, sudah diterbitkan" in told[4]
    assert f"{code} Senin 2026-02-02 [BENGKULU-25-75]: WFA 3 dari 4 (skema 3 sampai 3); WFO 1; tidak masuk 0" in told[6]
    assert [line.split()[1:] for line in told[5].splitlines() if line.startswith("WFA ")] == [["3"] * 20]

    rosters = {
        employee: record["days"]
        for employee in people for record in await house.records(topics.ROSTER, f"{employee}|2026-02", at_least=1)
    }
    monday = {employee: days[0]["mode"] for employee, days in rosters.items()}
    assert sorted(monday.values()) == ["WFA", "WFA", "WFA", "WFO"]
    [unit] = await house.fetch("select org_unit_id from schedule.org_unit where code = $1", code)
    [scheme] = await house.fetch("select scheme_id from schedule.scheme_in_force where org_unit_id = $1", unit["org_unit_id"])
    schemes = await house.records(topics.SCHEME, str(scheme["scheme_id"]), at_least=1)
    assert schemes[-1]["content"]["quotas"] == [{"per": "day", "wfa": "75.00", "wfo": "25.00"}]
    [plan] = await house.fetch("select plan_id from schedule.roster_plan where org_unit_id = $1", unit["org_unit_id"])
    audit = await house.records(topics.AUDIT["schedule"], str(plan["plan_id"]), at_least=4)
    mine = [(event["action"], event["actor"], event["detail"]["reason"]) for event in audit]
    assert sorted(mine) == [
        ("roster-approve", "bkd-1", "sesuai SE 800/12/2026"), ("roster-draft", "operator", "usulan sistem"),
        ("roster-publish", "bkd-1", "SE 800/12/2026"), ("roster-submit", "kasubag-1", "nota dinas 12")]

    await set_clock(house.database, clock, "2026-02-02T21:00:00+07:00")
    for employee, mode in monday.items():
        days = await house.records(topics.DAY_ASSESSED, employee, at_least=2)  # Sunday, which is off, and Monday
        assert [day["mode"] for day in days if day["date"] == "2026-02-02"] == [mode]
