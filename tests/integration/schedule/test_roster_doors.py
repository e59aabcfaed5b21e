"""Schemes and rosters as officers meet them: the command line with its files and picture, and the same over HTTP."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from typer.testing import CliRunner

from services.__main__ import app
from services.schedule import commands
from services.schedule.api import create_app
from services.schedule.reference import EmployeeState, Membership
from shared.database import open_pool
from shared.lanes import Lanes
from tests.calling import acting, keyed, read, refused, serving
from tests.integration.schedule.office import DAY, MONDAY, Office, at

EXAMPLES = Path(__file__).parents[3] / "services" / "schedule" / "policies" / "example-schemes.yaml"
SUNDAY = MONDAY - DAY


async def set_up(lanes: Lanes) -> tuple[Office, list[EmployeeState]]:
    """Four people by a clock that stands on the Sunday before the first Monday of February 2026."""
    office = Office(lanes, since=dt.date(2026, 1, 1))
    await office.set_up(publish_person=False)
    people = [office.person(employee_id=uuid4(), nip=f"{uuid4().int % 10**18:018}", memberships=(Membership(office.since, office.unit),))
              for _ in range(4)]
    await commands.publish_employees(lanes, people)
    await commands.move_clock(lanes, office.clock, at(SUNDAY, "12:00"))
    return office, people


class Shell:
    """`hadir` on one database, about one unit's February."""

    def __init__(self, database: str, unit: str, nips: list[str]) -> None:
        self.database = database
        self.unit = unit
        self.nips = nips

    def __call__(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, [*words, "--database", self.database])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    def roster(self, verb: str, *words: str, code: int = 0) -> str:
        return self("roster", verb, *words, "--unit", self.unit, "--month", "2026-02", code=code)


@pytest.fixture
def hadir(schedule_database: str) -> Shell:
    """The command line, about a new unit."""

    async def begin() -> tuple[str, list[str]]:
        pool = await open_pool(schedule_database, "schedule")
        office, people = await set_up(Lanes(pool, "schedule"))
        await pool.close()
        return f"OPD-{office.unit}", [person.nip for person in people]

    return Shell(schedule_database, *asyncio.run(begin()))


def test_a_scheme_is_applied_shown_and_extended_at_the_command_line(hadir: Shell) -> None:
    unit = hadir.unit
    applied = hadir("scheme", "apply", str(EXAMPLES), "--name", "BENGKULU-25-75", "--in-force", f"2026-02-01..2026-02-28@{unit}",
                    "--reason", "SE 800/12")
    assert "baru 1, berubah 0" in applied
    assert f"berlaku 2026-02-01 sampai 2026-02-28 di {unit}; dasar: Kebijakan Pemprov Bengkulu" in hadir("scheme", "show", "BENGKULU-25-75")
    longer = ("--until", "2026-03-31", "--unit", unit, "--source", "SE 800/31", "--reason", "evaluasi")
    assert "berubah 1" in hadir("scheme", "extend", "BENGKULU-25-75", *longer)
    assert "sampai 2026-03-31" in hadir("scheme", "list")
    assert "sebutkan dasar hukumnya" in hadir(
        "scheme", "apply", str(EXAMPLES), "--name", "BKN-3-2", "--in-force", f"2026-02-01@{unit}", "--reason", "uji", code=1)


def test_a_roster_goes_its_way_at_the_command_line(hadir: Shell, tmp_path: Path) -> None:
    unit, nips = hadir.unit, hadir.nips
    hadir("scheme", "apply", str(EXAMPLES), "--name", "BENGKULU-25-75", "--in-force", f"2026-02-01@{unit}", "--reason", "SE 800/12")
    proposed = hadir.roster("propose")
    assert "Adil: ya; selisih terbesar di antara orang yang hari kerjanya sama: 0 hari WFA" in proposed
    assert "belum disimpan" in proposed
    assert "versi 1, masih rancangan" in hadir.roster("propose", "--save")
    picture = hadir.roster("show")
    rows = [line.split()[2:] for line in picture.splitlines() if line.startswith("pegawai …")]
    assert [row.count("A") for row in rows] == [15, 15, 15, 15]
    assert [line.split()[1:] for line in picture.splitlines() if line.startswith(("WFA ", "skema "))] == [["3"] * 20, ["3"] * 20]

    for name in ("februari.csv", "februari.xlsx"):
        file = tmp_path / name
        assert "80 hari dari 4 pegawai" in hadir.roster("show", "--export", str(file))
        dry = hadir.roster("import", str(file), "--dry-run").splitlines()
        assert (dry[-1], [line for line in dry if "pelanggaran" in line]) == ("Uji coba: belum ada yang disimpan.", [])
    wrong = tmp_path / "salah.csv"
    wrong.write_text(f"nip;tanggal;moda\n{nips[0]};2026-02-02;WFA\n{nips[1]};2026-03-02;WFA\n123;2026-02-03;WFO\n{nips[2]};2026-02-04;X\n")
    told = hadir.roster("import", str(wrong), code=1)
    assert "baris 3, kolom date: di luar bulan 2026-02" in told
    assert "baris 4, kolom nip: NIP harus 18 angka" in told
    assert "baris 5, kolom mode: bukan moda kerja" in told
    assert "tidak ada yang diterapkan" in told
    right = tmp_path / "benar.csv"
    right.write_text("nip;tanggal;moda\n" + "".join(f"{nip};2026-02-02;WFA\n" for nip in nips))
    assert "1 pelanggaran skema" in hadir.roster("import", str(right))
    assert "pelanggaran QUOTA_OVER: Senin 2026-02-02: 4 dari 4 orang-hari WFA, skema menetapkan 3" in hadir.roster("validate", code=1)

    assert "versi 3, menunggu persetujuan" in hadir.roster("submit", "--reason", "nota dinas 12", "--actor", "kasubag")
    assert "melanggar skema pada 1 tempat" in hadir.roster("approve", "--reason", "ok", code=1)
    assert "versi 4" in hadir.roster("adjust", "--day", f"{nips[0]}@2026-02-02@WFO", "--reason", "loket")
    assert "sekarang versi 4" in hadir.roster("approve", "--reason", "ok", "--version", "3", code=1)
    assert "versi 5, masih rancangan" in hadir.roster("return", "--reason", "lihat lagi Jumat")
    hadir.roster("submit", "--reason", "sudah dilihat", "--actor", "kasubag")
    assert "versi 7, sudah disetujui" in hadir.roster("approve", "--reason", "sesuai")
    assert "versi 8, sudah diterbitkan" in hadir.roster("publish", "--reason", "SE 800/12")
    shown = hadir.roster("show", "--names")
    assert shown.count("Siti Contoh") == 4
    assert "oleh kasubag (unit_officer): nota dinas 12" in shown
    assert "dikembalikan oleh operator (bkd): lihat lagi Jumat" in shown

    forecast = hadir("roster", "forecast", "--unit", unit, "--date", "2026-02-02..2026-02-03")
    assert f"{unit} Senin 2026-02-02 [BENGKULU-25-75]: WFA 3 dari 4 (skema 3 sampai 3); WFO 1; tidak masuk 0" in forecast
    assert "belum diketahui" not in forecast
    assert hadir("roster", "compliance", "--unit", unit, "--date", "2026-02-02").startswith("Tidak ada hari kerja")


@pytest.fixture
async def api(schedule_database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app, "schedule", schedule_database) as client:
        yield client


async def test_the_same_way_over_http(api: httpx.AsyncClient, lanes: Lanes) -> None:
    office, people = await set_up(lanes)
    bkd, opd = acting("bkd"), acting("unit_officer", units=(office.unit,))
    scheme = {"name": "UJI", "content": {"title": "uji", "legal_source": "SE uji", "quotas": [{"per": "day", "wfa": "50"}]},
              "since": "2026-02-01", "org_unit_id": str(office.unit), "reason": "SE uji"}
    assert refused(await api.post("/v1/schemes", json=scheme, headers={**opd, **keyed()})) == (403, "forbidden")
    made = await api.post("/v1/schemes", json=scheme, headers={**bkd, **keyed()})
    assert (made.status_code, made.json()["new"]) == (201, 1)
    assert (await read(api, f"/schemes/{made.json()['scheme_id']}"))["in_force"][0]["legal_source"] == "SE uji"
    assert made.json()["scheme_id"] in [one["scheme_id"] for one in (await read(api, "/schemes"))["items"]]

    address = f"/v1/org-units/{office.unit}/rosters/2026-02"
    key = keyed()
    drafts = [await api.post(f"{address}/drafts", json={"propose": True, "reason": "uji"}, headers={**opd, **key}) for _ in range(2)]
    assert [draft.json()["plan"]["version"] for draft in drafts] == [1, 1]
    other = acting("unit_officer", units=(uuid4(),))
    stranger = await api.post(f"{address}/drafts", json={"propose": True, "reason": "uji"}, headers={**other, **keyed()})
    assert refused(stranger) == (422, "refused")
    assert refused(await api.get(f"{address}", headers=other)) == (403, "out-of-reach")

    days = [{"employee_id": str(person.employee_id), "date": "2026-02-02", "mode": "WFA"} for person in people]
    draft = await api.post(f"{address}/drafts", json={"version": 1, "days": days, "reason": "uji"}, headers={**opd, **keyed()})
    assert [breach["code"] for breach in draft.json()["breaches"] if not breach["warning"]] == ["QUOTA_OVER"]
    late = await api.post(f"{address}/submissions", json={"version": 1, "reason": "uji"}, headers={**opd, **keyed()})
    assert refused(late) == (409, "roster-changed")
    await api.post(f"{address}/submissions", json={"version": 2, "reason": "uji"}, headers={**opd, **keyed()})
    waiting = await read(api, "/unit-rosters", opd, state="submitted")
    assert [(one["version"], one["month"]) for one in waiting["items"]] == [(3, "2026-02")]

    async def decide(version: int, action: str, **more: object) -> httpx.Response:
        word = {"version": version, "action": action, "reason": "uji", **more}
        return await api.post(f"{address}/decisions", json=word, headers={**bkd, **keyed()})

    assert refused(await decide(3, "approve")) == (422, "roster-breaches-scheme")
    adjusted = await decide(3, "adjust", days=[{**day, "mode": "WFO"} for day in days[:2]])
    assert [breach["code"] for breach in adjusted.json()["breaches"] if not breach["warning"]] == []
    assert (await decide(4, "approve")).json()["plan"]["state"] == "approved"
    assert (await decide(5, "publish")).json()["plan"]["state"] == "published"

    shown = await read(api, f"/org-units/{office.unit}/rosters/2026-02")
    assert [entry["action"] for entry in shown["trail"]] == ["draft", "draft", "submit", "adjust", "approve", "publish"]
    assert {UUID(person["employee_id"]) for person in shown["people"]} == {person.employee_id for person in people}
    shares = await read(api, f"/org-units/{office.unit}/shares", **{"from": "2026-02-02", "until": "2026-02-02"})
    [share] = shares["shares"]
    assert (share["owed"], share["wfa"], share["wfa_most"], share["scheme"]) == (4, 2, 2, "UJI")
