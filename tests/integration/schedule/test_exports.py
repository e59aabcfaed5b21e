"""What was imported from a workbook is exported, and imported again changes nothing; moves, last days and two NIPs included."""

from pathlib import Path
from uuid import uuid4

import pytest

from services.schedule.importer import (
    exports,
    import_calendar,
    import_employees,
    import_org_units,
    import_roster,
    import_weeks,
)
from shared.database import open_pool
from shared.sheets import Column, write_csv, write_xlsx


def sheet(path: Path, *rows: tuple[str, ...]) -> Path:
    """A workbook as an officer keeps it."""
    head, *rest = rows
    write_xlsx(path, [Column(name) for name in head], rest)
    return path


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_people_units_and_rosters_go_out_and_come_in_again_unchanged(schedule_database: str, tmp_path: Path, form: str) -> None:
    code, clock = uuid4().hex[:8].upper(), f"ekspor-{uuid4().hex[:8]}"
    one, two, former = (f"{uuid4().int % 10**18:018}" for _ in range(3))
    units = sheet(
        tmp_path / "opd.xlsx", ("kode", "nama", "zona waktu", "kind", "induk", "24 jam"),
        (code, "Dinas Contoh", "WIB", "OPD", "", "tidak"), (f"{code}-1", "Puskesmas Contoh", "WIB", "UPT", code, "ya"),
    )
    assert (await import_org_units(schedule_database, units)).applied
    people = sheet(
        tmp_path / "pegawai.xlsx",
        ("nip", "nama", "jenis", "kelompok", "opd", "tmt", "kelas jabatan", "sampai", "nip lama", "played_clock"),
        (one, "Contoh Satu", "PNS", "pelaksana", code, "2026-01-01", "7", "", former, clock),
        (one, "Contoh Satu", "PNS", "pelaksana", f"{code}-1", "2026-02-01", "7", "", former, clock),
        (two, "=Contoh Dua", "PPPK", "pelaksana", code, "2026-01-01", "", "2026-02-27", "", clock),
    )
    told = await import_employees(schedule_database, people)
    assert (told.applied, told.new, told.ended) == (True, 2, 0)
    days = ("nip", "tanggal", "moda", "mulai", "selesai"), (former, "2026-02-03", "WFA", "07:30", "16:00")
    roster = sheet(tmp_path / "roster.xlsx", *days)
    assert (await import_roster(schedule_database, roster)).applied

    pattern, calendar = f"pola-{code.lower()}", f"kalender-{code.lower()}"
    weeks = sheet(
        tmp_path / "pola.xlsx", ("kode", "nama", "sumber", "mon", "fri"), (pattern, "Dua hari", "SE 1", "07.30-16.00", "8:00-11:30"))
    assert (await import_weeks(schedule_database, weeks)).applied
    holidays = sheet(
        tmp_path / "libur.xlsx", ("tanggal", "kind", "nama", "sumber", "calendar"),
        ("2093-03-18", "libur", "Hari jadi", "Perda 5", calendar), ("2093-03-19", "cuti bersama", "Cuti", "SKB", calendar),
        ("2094-01-01", "libur", "Tahun lain", "SKB", calendar),
    )
    assert (await import_calendar(schedule_database, holidays)).applied

    pool = await open_pool(schedule_database, "schedule", max_size=1)
    try:
        async with pool.acquire() as connection, connection.transaction(readonly=True):
            tables = {
                "opd": (exports.UNITS, [row async for row in exports.units_table(connection)]),
                "pegawai": (exports.PEOPLE, [row async for row in exports.people_table(connection, clock)]),
                "pola": (exports.WEEKS, [row async for row in exports.weeks_table(connection)]),
                "libur": (exports.CALENDAR, [row async for row in exports.calendar_table(connection, 2093)]),
                "roster": (exports.ROSTER, [row async for row in exports.roster_table(connection, "2026-02", clock)]),
            }
    finally:
        await pool.close()
    assert [len(rows) for _, rows in (tables["pegawai"], tables["roster"])] == [3, 1]
    assert [row[3:] for row in tables["pola"][1] if row[0] == pattern] == [["07:30-16:00", "", "", "", "08:00-11:30", "", ""]]
    assert [row for row in tables["libur"][1] if row[4] == calendar] == [
        ["2093-03-18", "holiday", "Hari jadi", "Perda 5", calendar], ["2093-03-19", "joint_leave", "Cuti", "SKB", calendar]]
    for name, (columns, rows) in tables.items():
        file = tmp_path / f"{name}-keluar.{form}"
        (write_xlsx if form == "xlsx" else write_csv)(file, [Column(column) for column in columns], rows)
        again = {
            "opd": import_org_units, "pegawai": import_employees, "roster": import_roster, "pola": import_weeks, "libur": import_calendar,
        }[name]
        report = await again(schedule_database, file)
        assert (report.errors, report.new, report.changed) == ((), 0, 0), name
