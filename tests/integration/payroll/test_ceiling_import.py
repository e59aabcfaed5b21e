"""Importing TPP ceilings: all or nothing, by NIP or id, and months already assessed get their amounts."""

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from services.payroll.api import create_app
from services.payroll.importer import import_ceilings
from services.payroll.store.references import save_employees
from shared.events import DayAssessed, EmployeeKind, EmployeePublished, UnitMembership
from shared.policy import Policy
from shared.topics import CEILING
from tests.calling import acting, keyed, refused, serving

Made: TypeAlias = Callable[..., DayAssessed]
A = Policy.from_content({"tk_day": "3.00"})
FEB_2 = dt.date(2026, 2, 2)
NIP = "199001012015011001"
OTHER_NIP = "198502022010012002"


async def introduce(payroll: Any, people: dict[UUID, str]) -> None:
    told = [
        EmployeePublished(
            employee_id=me, version=1, nip=nip, name="Invented", kind=EmployeeKind.PNS, group="pelaksana",
            memberships=(UnitMembership(since=dt.date(2020, 1, 1), org_unit_id=uuid4()),), timezone="Asia/Jakarta",
        )
        for me, nip in people.items()
    ]
    async with payroll.lanes.pool.acquire() as connection:
        await save_employees(connection, told)


@pytest.fixture
async def people(payroll: Any, absence: Made) -> list[UUID]:
    """Two employees whom payroll knows, the first with a day of absence."""
    me, other = uuid4(), uuid4()
    await introduce(payroll, {me: NIP, other: OTHER_NIP})
    await payroll.publish(A)
    await payroll.hear(absence(me, FEB_2, A))
    return [me, other]


async def test_a_file_with_nips_and_ids_is_applied_to_months_already_assessed(
    payroll: Any, fresh_database: str, people: list[UUID], tmp_path: Path
) -> None:
    me, other = people
    file = tmp_path / "pagu.csv"
    file.write_text(f"\ufeffnip;id;bulan;pagu\n{NIP};;2026-02;5.250.000\n;{other};02/2026;4000000\n", encoding="utf-8")
    report = await import_ceilings(fresh_database, file)
    assert (report.ok, report.applied, report.rows, report.new, report.changed) == (True, True, 2, 2, 0)
    assert (await payroll.month(me))["amount"] == 157_500
    assert await payroll.ledger(me) == [("posted", "TK", 157_500)]
    told = [orjson.loads(row["value"]) for row in await payroll.fetch("select value from outbox where topic = $1", CEILING.name)]
    versions = {(event["employee_id"], event["amount"], event["version"]) for event in told}
    assert versions == {(str(me), 5_250_000, 1), (str(other), 4_000_000, 1)}
    assert await payroll.fetch("select 1 from due_ceiling") == []
    again = await import_ceilings(fresh_database, file)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    assert len(await payroll.fetch("select 1 from outbox where topic = $1", CEILING.name)) == 2


async def test_a_dry_run_shows_the_differences_and_writes_nothing(
    payroll: Any, fresh_database: str, people: list[UUID], tmp_path: Path
) -> None:
    await payroll.set_ceiling(people[0], "2026-02", 5_000_000)
    file = tmp_path / "pagu.csv"
    file.write_text(f"nip,amount\n{NIP},5250000\n{OTHER_NIP},1000\n")
    report = await import_ceilings(fresh_database, file, dry_run=True, month="2026-02")
    assert (report.new, report.changed, report.applied) == (1, 1, False)
    assert report.preview == ("baris 2, 2026-02: Rp 5.000.000 → Rp 5.250.000", "baris 3, 2026-02: belum ada → Rp 1.000")
    assert (await payroll.month(people[0]))["amount"] == 150_000


async def test_one_wrong_row_keeps_the_whole_file_out_and_all_errors_are_told(
    payroll: Any, fresh_database: str, people: list[UUID], tmp_path: Path
) -> None:
    file = tmp_path / "pagu.csv"
    file.write_text(
        "nip;employee_id;month;amount\n"
        f"{NIP};;2026-02;5250000\n"
        "199001012015011009;;2026-02;5250000\n"
        f";{uuid4()};2026-02;5250000\n"
        f"{NIP};{people[1]};2026-02;5250000\n"
        f"{OTHER_NIP};;2026-02;lima juta\n"
        f";{people[0]};2026-02;1\n"
    )
    report = await import_ceilings(fresh_database, file, patience_s=0)
    assert not report.applied
    assert [(error.row, error.column) for error in report.errors] == [
        (3, "nip"), (4, "employee_id"), (5, "nip"), (6, "amount"), (7, None),
    ]
    assert all("199001012015011009" not in line for line in report.lines())
    assert await payroll.fetch("select 1 from ceiling") == []


async def test_employees_who_are_on_their_way_are_waited_for(payroll: Any, fresh_database: str, tmp_path: Path) -> None:
    file = tmp_path / "pagu.csv"
    file.write_text(f"nip;month;amount\n{NIP};2026-02;5250000\n")
    importing = asyncio.create_task(import_ceilings(fresh_database, file, patience_s=120))
    await introduce(payroll, {uuid4(): NIP})
    assert (await importing).applied


async def test_thousands_of_rows_reach_every_lane(payroll: Any, fresh_database: str, tmp_path: Path) -> None:
    people = {uuid4(): f"{number:018}" for number in range(6_000)}
    await introduce(payroll, people)
    file = tmp_path / "pagu.csv"
    file.write_text("nip;month;amount\n" + "".join(f"{nip};2026-02;5250000\n" for nip in people.values()))
    report = await import_ceilings(fresh_database, file)
    assert (report.applied, report.new) == (True, 6_000)
    ((count, lanes),) = await payroll.fetch("select count(*), count(distinct lane) from outbox where topic = $1", CEILING.name)
    assert (count, lanes) == (6_000, 24)


async def test_ceilings_come_over_http_with_a_dry_run_all_row_errors_and_the_audit_record(
    payroll: Any, fresh_database: str, people: list[UUID]
) -> None:
    await payroll.set_ceiling(people[0], "2026-02", 5_000_000)
    good, bad = f"nip,amount\n{NIP},5250000\n{OTHER_NIP},1000\n", f"nip,amount\n{NIP},banyak\n{'9' * 18},1000\n"
    async with serving(create_app, "payroll", fresh_database) as api:

        async def send(body: str, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
            return await api.post("/v1/ceilings:import", content=body.encode(), headers=keyed() | (headers or {}),
                                  params={"reason": "SK TPP 2/2026", "month": "2026-02", **query})

        shown = (await send(good, dry_run=True)).json()
        assert (shown["applied"], shown["new"], shown["changed"]) == (False, 1, 1)
        assert shown["preview"][0] == "baris 2, 2026-02: Rp 5.000.000 → Rp 5.250.000"
        wrong = await send(bad)
        assert refused(wrong) == (422, "invalid-file")
        assert [fault["field"] for fault in wrong.json()["errors"]] == ["rows.2.amount", "rows.3.nip"]
        assert refused(await send(good, acting("admin"))) == (403, "forbidden")
        assert refused(await send(good, month="2026-13")) == (422, "invalid-request")
        done = await send(good, acting("payroll_officer", "bendahara"))
        assert (done.status_code, done.json()["applied"]) == (200, True)
        given = await api.get("/v1/ceilings:export", params={"month": "2026-02"})
        assert (await send(given.text)).json()["unchanged"] == 2
    assert (await payroll.month(people[0]))["amount"] == 157_500
    told = [orjson.loads(row["value"]) for row in await payroll.fetch("select value from outbox where topic = 'hadir.payroll.audit.v1'")]
    assert {(one["actor"], one["action"]) for one in told} == {("bendahara", "ceilings.import"), ("bendahara", "ceilings.accepted")}
