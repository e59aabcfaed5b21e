"""Imports on a real database: a dry run and a wrong row write nothing, the same file twice changes nothing, all of it is published."""

import datetime as dt
from pathlib import Path
from uuid import uuid4

import pytest

from services.schedule import publishing
from services.schedule.importer import (
    import_calendar,
    import_employees,
    import_org_units,
    import_policies,
    import_roster,
    import_week_scopes,
    import_weeks,
)
from shared.database import connect
from shared.imports import Report
from shared.refusal import Refused
from tests.integration.schedule.office import MONDAY, POLICIES

COUNTED = ("employee", "nip", "org_unit", "roster", "calendar", "policy", "policy_in_force", "week_pattern", "outbox", "opening", "due_day")


class Files:
    """Files of one province of its own, and what they left in the database."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database
        self.code = f"OPD-{uuid4().hex[:8]}"
        self.nips = [f"{uuid4().int % 10**18:018}" for _ in range(3)]

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8-sig")
        return path

    @property
    def units(self) -> Path:
        return self.write("opd.csv", f"code;name;timezone\r\n{self.code};Dinas Contoh;WIT\r\n")

    @property
    def people(self) -> Path:
        rows = "".join(f"{nip};Pegawai {n};PNS;pelaksana;{self.code};2026-02-02\n" for n, nip in enumerate(self.nips))
        return self.write("pegawai.csv", f"nip;nama;jenis;kelompok;unit kerja;sejak\n{rows}")

    async def count(self) -> dict[str, int]:
        connection = await connect(self.database, "schedule")
        try:
            return {table: await connection.fetchval(f"select count(*) from {table}") for table in COUNTED}
        finally:
            await connection.close()


@pytest.fixture
def files(tmp_path: Path, schedule_database: str) -> Files:
    return Files(tmp_path, schedule_database)


def counts(report: Report) -> tuple[int, int, int, bool]:
    return report.new, report.changed, report.unchanged, report.applied


async def test_a_dry_run_shows_the_differences_and_writes_nothing(files: Files) -> None:
    await import_org_units(files.database, files.units)
    before = await files.count()

    report = await import_employees(files.database, files.people, dry_run=True)

    assert counts(report) == (3, 0, 0, False)
    assert report.preview[0] == f"baru: pegawai …{files.nips[0][-4:]}"
    assert await files.count() == before


async def test_one_wrong_row_stops_the_whole_file(files: Files) -> None:
    await import_org_units(files.database, files.units)
    before = await files.count()
    path = files.people
    path.write_text(path.read_text(encoding="utf-8") + f"{uuid4().int % 10**18:018};Siti;PNS;pelaksana;TIDAK-ADA;2026-02-02\n")

    report = await import_employees(files.database, path)

    assert [(error.row, error.column) for error in report.errors] == [(5, "org_unit")]
    assert not report.applied
    assert await files.count() == before


async def test_the_same_files_twice_change_nothing(files: Files) -> None:
    first = [await import_org_units(files.database, files.units), await import_employees(files.database, files.people)]
    before = await files.count()
    again = [await import_org_units(files.database, files.units), await import_employees(files.database, files.people)]

    assert [counts(report) for report in first] == [(1, 0, 0, True), (3, 0, 0, True)]
    assert [counts(report) for report in again] == [(0, 0, 1, True), (0, 0, 3, True)]
    assert await files.count() == before


async def test_many_people_go_lane_by_lane_and_an_interrupted_import_is_finished_by_the_next(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    await import_org_units(files.database, files.units)
    monkeypatch.setattr(publishing, "ONE_TRANSACTION", 2)
    put, lanes_done = publishing.put_people, []

    async def put_twice(*arguments: object) -> publishing.Outcome:
        lanes_done.append(1)
        if len(lanes_done) == 2:
            raise ConnectionError("the database went away")
        return await put(*arguments)  # type: ignore[arg-type]

    files.nips = [f"{uuid4().int % 10**18:018}" for _ in range(40)]
    path = files.people
    monkeypatch.setattr(publishing, "put_people", put_twice)
    with pytest.raises(ConnectionError):
        await import_employees(files.database, path)
    monkeypatch.setattr(publishing, "put_people", put)

    report = await import_employees(files.database, path)

    assert report.new < 40
    assert report.new + report.unchanged == 40
    assert counts(await import_employees(files.database, path)) == (0, 0, 40, True)


async def test_a_roster_is_merged_and_published_per_month(files: Files) -> None:
    await import_org_units(files.database, files.units)
    await import_employees(files.database, files.people)
    header = "nip;tanggal;moda;mulai;selesai\n"
    await import_roster(files.database, files.write("a.csv", header + f"{files.nips[0]};02/02/2026;WFO;07.00;14.00\n"))
    report = await import_roster(files.database, files.write("b.csv", header + f"{files.nips[0]};2026-02-03;OFF;;\n"))
    wrong = await import_roster(files.database, files.write("c.csv", header + f"{files.nips[0]};2026-02-07;WFA;;\n"))

    assert counts(report) == (0, 1, 0, True)
    assert [(error.row, error.column) for error in wrong.errors] == [(2, "start")]
    connection = await connect(files.database, "schedule")
    days = await connection.fetchval(
        "select jsonb_agg(d->>'date') from roster join nip using (employee_id), jsonb_array_elements(days) d where nip = $1",
        files.nips[0])
    await connection.close()
    assert days == '["2026-02-02", "2026-02-03"]'


async def test_a_year_is_seeded_once_and_edited_by_a_file(files: Files) -> None:
    await import_calendar(files.database, 2026)
    again = await import_calendar(files.database, 2026)
    path = files.write("libur.csv", "tanggal;jenis;keterangan;sumber\n2026-02-17;hapus;;\n2026-11-27;libur nasional;Pilkada;Keppres\n")
    path.write_text(path.read_text(encoding="utf-8").replace("jenis", "kind"), encoding="utf-8")

    report = await import_calendar(files.database, path)

    assert counts(again) == (0, 0, 1, True)
    assert counts(report) == (0, 1, 0, True)
    assert report.preview == ("hapus: 2026-02-17 Tahun Baru Imlek (libur nasional)", "baru: 2026-11-27 Pilkada (libur nasional)")
    assert not (await import_calendar(files.database, 1900)).ok


async def test_rule_packs_are_put_in_force_and_unknown_names_and_units_refused(files: Files) -> None:
    await import_org_units(files.database, files.units)
    wrong = await import_policies(files.database, POLICIES, [("POL-Z", MONDAY, None), ("POL-A", MONDAY, "TIDAK-ADA")])
    right = await import_policies(files.database, POLICIES, [("POL-A", MONDAY, files.code)])
    again = await import_policies(files.database, POLICIES, [("POL-A", MONDAY, files.code)])

    assert len(wrong.errors) == 2
    assert right.applied
    assert (again.new, again.changed) == (0, 0)


async def test_a_group_that_a_pack_by_group_does_not_name_is_told_before_its_absence_is_free(files: Files) -> None:
    def people(group: str, *nips: str) -> Path:
        return files.write("p.csv", "nip;name;kind;group;org_unit;since\n" + "".join(
            f"{nip};Pegawai;PNS;{group};{files.code};2026-02-02\n" for nip in nips))

    await import_org_units(files.database, files.units)
    assert (await import_employees(files.database, people("fungsional", *files.nips[:2]))).warnings == ()
    refused = await import_policies(files.database, POLICIES, [("POL-D", MONDAY, files.code)])
    assert [str(error) for error in refused.errors] == [
        ("baris 1, kolom in-force: kelompok fungsional (2 pegawai) tidak ada pada tk_day_by_group dan apel_by_group kebijakan POL-D, jadi "
         "hari tanpa keterangan (TK) dan apel yang terlewat tidak dipotong; tulis salah satu dari functional, pelaksana, structural, atau "
         "tambahkan kelompok itu ke kebijakannya")]

    await import_employees(files.database, people("functional", *files.nips[:2]))
    accepted = await import_policies(files.database, POLICIES, [("POL-D", MONDAY, files.code)])
    assert (accepted.errors, accepted.warnings, accepted.applied) == ((), (), True)
    again = await import_employees(files.database, people("fungsional", files.nips[2]), dry_run=True)
    assert [(warning.row, warning.column) for warning in again.warnings] == [(2, "group")]
    assert "kelompok fungsional (1 pegawai)" in again.warnings[0].problem


async def test_people_who_stay_in_another_zone_or_keep_weeks_of_their_own_are_counted_before_a_unit_changes(files: Files) -> None:
    own = f"pola-{uuid4().hex[:6]}"
    await import_weeks(files.database, files.write("w.csv", f"code;name;source;mon\n{own};Senin;SE;07:00-14:00\n"))
    await import_org_units(files.database, files.units)
    await import_employees(files.database, files.people)
    await import_employees(files.database, files.write("p.csv", "nip;name;kind;group;org_unit;since;week_pattern\n"
                                                      f"{files.nips[0]};Pegawai 0;PNS;pelaksana;{files.code};2026-02-02;{own}\n"))

    scope = files.write("s.csv", f"week_pattern;since;until;org_unit\nlima-hari;2026-02-19;2026-03-20;{files.code}\n")
    [kept] = (await import_week_scopes(files.database, scope, dry_run=True)).warnings
    assert "1 dari 3 pegawai punya pola kerja sendiri" in kept.problem

    moved = files.write("u.csv", f"code;name;timezone\n{files.code};Dinas Contoh;WITA\n")
    [stayed] = (await import_org_units(files.database, moved, dry_run=True)).warnings
    assert f"3 pegawai unit {files.code} tetap memakai WIT" in stayed.problem
    assert (await import_org_units(files.database, files.units, dry_run=True)).warnings == ()


async def test_a_rule_pack_with_a_gap_is_refused_by_file_and_line(files: Files) -> None:
    path = files.write("rules.yaml", """\
POL-X:
  tl:
    - {code: TL1, min: 1, max: 30, pct: "0.50"}
    - {code: TL2, min: 32, max: null, pct: "1"}
""")
    path.write_text(path.read_text(encoding="utf-8-sig"), encoding="utf-8")

    report = await import_policies(files.database, path)

    assert [(error.row, error.column) for error in report.errors] == [(4, "POL-X.tl[1].min")]


async def test_hours_of_a_week_in_use_cannot_be_rewritten(files: Files) -> None:
    code = f"pola-{uuid4().hex[:6]}"
    header = "code;name;source;mon\n"
    assert (await import_weeks(files.database, files.write("w.csv", f"{header}{code};Senin;SE;07:00-14:00\n"))).applied
    await import_org_units(files.database, files.units)
    await import_employees(files.database, files.write("p.csv", "nip;name;kind;group;org_unit;since;week_pattern\n"
                                                      f"{files.nips[0]};Siti;PNS;pelaksana;{files.code};2026-02-02;{code}\n"))

    with pytest.raises(Refused, match="buat kode baru"):
        await import_weeks(files.database, files.write("w.csv", f"{header}{code};Senin;SE;08:00-15:00\n"))


async def test_what_is_published_names_nobody_in_keys_and_headers(files: Files) -> None:
    await import_org_units(files.database, files.units)
    await import_employees(files.database, files.people)
    connection = await connect(files.database, "schedule")
    rows = await connection.fetch("select convert_from(key, 'UTF8') as key, headers::text as headers, made_on from outbox")
    await connection.close()

    told = " ".join(f"{row['key']} {row['headers']}" for row in rows)
    # any date: a row of today, or of yesterday if midnight has passed since
    assert rows[0]["made_on"] <= dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    assert not any(nip in told for nip in files.nips)
    assert "Pegawai" not in told
