"""One check-in, end to end: the story of README "Follow one check-in", by what topics and tables show."""

import asyncio
import datetime as dt
import json
from pathlib import Path
from uuid import uuid4

import pytest

from services.schedule.commands import move_clock
from shared import topics
from shared.database import open_pool
from shared.lanes import Lanes

PACKS = Path(__file__).parents[2] / "services" / "schedule" / "policies" / "golden-policies.yaml"


async def set_clock(url: str, name: str, at: str) -> None:
    pool = await open_pool(url, "schedule")
    try:
        await move_clock(Lanes(pool, "schedule"), name, dt.datetime.fromisoformat(at))
    finally:
        await pool.close()


@pytest.mark.timeout(600)
async def test_a_check_in_travels_from_the_phone_to_a_ledger_line_and_the_running_aggregate(house, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    # What an officer imports: a unit, its office, one invented person, the rule pack, the ceiling.
    unit, employee, check_in = (str(uuid4()) for _ in range(3))
    code, nip, clock = f"OPD-{unit[:8]}", f"99{uuid4().int % 10**16:016}", f"e2e-{unit[:8]}"
    (tmp_path / "units.csv").write_text(f"org_unit_id;code;name;timezone\n{unit};{code};Dinas Contoh;WIB\n")
    (tmp_path / "people.csv").write_text(
        "employee_id;nip;name;kind;group;org_unit;since;played_clock\n"
        f"{employee};{nip};Contoh 000001 Sintetis;PNS;pelaksana;{code};2026-02-01;{clock}\n"
    )
    (tmp_path / "offices.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [{
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [102.27, -3.8]},
        "properties": {"code": f"KANTOR-{code}", "name": "Kantor Contoh", "kind": "office", "radius_m": 50, "org_units": [code]},
    }]}))
    (tmp_path / "ceilings.csv").write_text(f"nip;month;amount\n{nip};2026-02;5.250.000\n")
    house.hadir("import", "org-units", tmp_path / "units.csv")
    house.hadir("import", "policies", PACKS, "--in-force", f"POL-A@2026-02-02@{code}")
    await set_clock(house.database, clock, "2026-02-02T05:00:00+07:00")
    house.hadir("import", "employees", tmp_path / "people.csv")
    house.hadir("import", "sites", tmp_path / "offices.geojson")
    house.hadir("import", "ceilings", tmp_path / "ceilings.csv")

    # 1. The phone sends; ingest answers only after Kafka has the event.
    body = {
        "check_in_id": check_in, "employee_id": employee, "mark": "in", "captured_at": "2026-02-02T07:42:10+07:00",
        "latitude": -3.80001, "longitude": 102.27001, "accuracy_m": 6.5, "device_id": "phone-1", "source_app": "e2e",
        "evidence": {"reference": "photos/1", "sha256": "a" * 64},
    }
    await set_clock(house.database, clock, "2026-02-02T07:43:00+07:00")
    receipt = house.post("/v1/check-ins", body)
    assert receipt.status_code == 202, receipt.text

    # 2. The raw check-in is on its topic, keyed by the pseudonymous id.
    [recorded] = await house.records(topics.CHECK_IN_RECORDED, check_in, at_least=1)
    assert (recorded["key"], recorded["latitude"]) == (employee, -3.80001)

    # 3. Geofence has judged the place; the verdict carries no coordinates.
    [located] = await house.records(topics.CHECK_IN_LOCATED, check_in, at_least=1)
    assert (located["site"], located["version"]) == ("inside", 1)
    assert not {"latitude", "longitude"} & located.keys()

    # 4. Schedule has assessed the day as far as it goes: 12 minutes late, not final.
    day = f"{employee}|2026-02-02"
    assessed = (await house.records(topics.DAY_ASSESSED, day, at_least=1))[-1]
    assert (assessed["late"], assessed["state"], assessed["status"]) == (12, "PROVISIONAL", "PENDING")

    # 5. The violation is raised, with its evidence.
    violations = await house.fetch("select violation_id, code, action from schedule.violation where employee_id = $1", employee)
    assert [(row["code"], row["action"]) for row in violations] == [("TL1", "raised")]
    [raised] = await house.records(topics.VIOLATION, str(violations[0]["violation_id"]), at_least=1)
    assert raised["evidence"] == [check_in]

    # 6. Payroll has priced it into the append-only ledger.
    [line] = await house.records(topics.DEDUCTION, f"{employee}|2026-02", at_least=1)
    assert (line["action"], line["code"], line["percent"], line["amount"]) == ("posted", "TL1", "0.50", 26250)

    # 7. The running aggregate tells it to whoever listens, and leads back to the check-in.
    month = (await house.records(topics.TPP_MONTH, f"{employee}|2026-02", at_least=1))[-1]
    assert (month["raw_percent"], month["percent"], month["amount"], month["state"]) == ("0.50", "0.50", 26250, "OPEN")
    for event in (recorded, located, assessed, raised, line):
        assert event["headers"]["ce_correlationid"] == check_in

    # 8. The same check-in again changes nothing; other words under its id are refused; the window closes in the evening.
    again = house.post("/v1/check-ins", body)
    assert (again.status_code, again.content) == (202, receipt.content)
    assert house.post("/v1/check-ins", body | {"mark": "out"}).status_code == 409
    await set_clock(house.database, clock, "2026-02-02T20:00:00+07:00")
    versions = await house.records(topics.DAY_ASSESSED, day, at_least=assessed["version"] + 1)
    assert [version["version"] for version in versions] == list(range(1, len(versions) + 1))
    assert (versions[-1]["state"], versions[-1]["status"]) == ("FINAL", "PRESENT")
    lines = await house.records(topics.DEDUCTION, f"{employee}|2026-02", at_least=2)
    assert [(entry["code"], entry["amount"]) for entry in lines] == [("TL1", 26250), ("PSW4", 78750)]
    async with asyncio.timeout(120):
        while True:
            [kept] = await house.fetch("select raw_percent, amount from payroll.month where employee_id = $1", employee)
            if kept["amount"] == 105000:
                break
            await asyncio.sleep(0.1)
    assert kept["raw_percent"] == "2.00"
