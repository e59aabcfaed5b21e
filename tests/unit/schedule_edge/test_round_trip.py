"""People, units and rosters written to a file and read again are the same: as csv and as a workbook."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.replay.restoring import person_of
from services.schedule.importer.exports import PEOPLE, ROSTER, UNITS
from services.schedule.importer.people import EMPLOYEE_COLUMNS, Directory, person_rows, read_employees
from services.schedule.importer.roster import ROSTER_COLUMNS, merged, read_roster, roster_rows
from services.schedule.importer.units import UNIT_COLUMNS, read_units, unit_rows
from services.schedule.reference import EmployeeState, Membership, OrgUnitState, Rank, RosterState, WeekAssignment
from shared.events import EmployeeKind, Mode, RosterDay
from shared.imports import Table, nip_problem, parse_table, read_nip, read_table
from shared.sheets import Column, write_csv, write_xlsx
from shared.workbook import text_of

NAMES = st.text("aé漢 ;,\"'=+-@0", min_size=1, max_size=8).map(str.strip).filter(bool) | st.sampled_from(
    ["=1+1", "-5", "@SUM(A1)", "Dinas; Kota", 'A "B"', "1.250", "00123", "+62"])
DATES = st.dates(dt.date(2020, 1, 1), dt.date(2027, 12, 31))
DUTIES = [(Mode.OFF, None, None), (Mode.WFA, "07:30", "16:00"), (Mode.WFO, "21:00", "07:00")]
ONCE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def units(draw: st.DrawFn) -> list[OrgUnitState]:
    made: list[OrgUnitState] = []
    for number in range(draw(st.integers(1, 5))):
        parent = draw(st.none() | st.sampled_from(made)) if made else None
        made.append(OrgUnitState(
            UUID(int=number + 1), f"U{number}", draw(NAMES), draw(st.sampled_from(["Asia/Jakarta", "Asia/Jayapura"])),
            draw(st.sampled_from(["nasional", "daerah"])), draw(st.booleans()), draw(st.sampled_from([None, "OPD", "UPT"])),
            parent.org_unit_id if parent else None, draw(st.booleans()),
        ))  # fmt: skip
    return made


@st.composite
def people(draw: st.DrawFn, known: Sequence[OrgUnitState]) -> list[EmployeeState]:
    first_nip = draw(st.integers(0, 10**17))
    nips = (f"{first_nip + number:018}" for number in range(8))
    made = []
    for number in range(draw(st.integers(1, 4))):
        dates = sorted(draw(st.sets(DATES, min_size=1, max_size=3)))
        person = EmployeeState(
            UUID(int=100 + number), next(nips), draw(NAMES), draw(st.sampled_from(EmployeeKind)), draw(NAMES), "Asia/Makassar",
            (Membership(dates[0], draw(st.sampled_from(known)).org_unit_id),), (), draw(st.booleans()),
            draw(st.none() | st.just("latihan")), draw(st.none() | st.integers(1, 17)),
            draw(st.none() | st.dates(dates[0], dt.date(2027, 12, 31))),
            tuple([next(nips)] if draw(st.booleans()) else []),
        )  # fmt: skip
        for date in dates[1:]:
            unit = draw(st.sampled_from(known))
            person = person.joined(date, unit.org_unit_id, draw(st.none() | st.just(unit.timezone)))
        for later in draw(st.sets(st.integers(0, 500), max_size=2)):
            person = person.working(dates[0] + dt.timedelta(days=later), draw(st.sampled_from(["enam-hari", "lima-hari-ramadan"])))
        for later in draw(st.sets(st.integers(0, 500), max_size=2)):
            rank = Rank(draw(st.sampled_from(EmployeeKind)), draw(NAMES), person.job_class and draw(st.integers(1, 17)))
            person = person.ranked(dates[0] + dt.timedelta(days=later), rank)
        for later in draw(st.sets(st.integers(0, 500), max_size=2)):
            person = person.zoned(dates[0] + dt.timedelta(days=later), draw(st.sampled_from(["Asia/Jakarta", "Asia/Jayapura"])))
        made.append(person)
    return made


def through(folder: Path, form: str, names: Sequence[str], rows: Iterable[Mapping[str, str]], columns: tuple[Sequence[str], ...]) -> Table:
    """What is read of a file into which the rows were written."""
    path = folder / f"table.{form}"
    (write_xlsx if form == "xlsx" else write_csv)(path, [Column(name) for name in names], [[row[name] for name in names] for row in rows])
    table = read_table(path, *columns)
    assert table.errors == []
    return table


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@ONCE
@given(data=st.data())
def test_an_export_of_people_and_units_imported_again_changes_nothing(form: str, tmp_path: Path, data: st.DataObject) -> None:
    known = data.draw(units())
    table = through(tmp_path, form, UNITS, unit_rows(known), UNIT_COLUMNS)
    for before in ({}, {unit.code: unit for unit in known}):
        read, errors = read_units(table, before, {"daerah"})
        assert (sorted(read, key=lambda unit: unit.code), errors) == (known, [])

    persons = data.draw(people(known))
    codes = {unit.org_unit_id: unit.code for unit in known}
    rows = [row for person in persons for row in person_rows(person, codes)]
    table = through(tmp_path, form, PEOPLE, rows, EMPLOYEE_COLUMNS)
    weeks = frozenset({"lima-hari-ramadan", "enam-hari"})
    by_code = {unit.code: unit for unit in known}
    ids = {nip: person.employee_id for person in persons for nip in (person.nip, *person.former_nips)}
    for directory in (
        Directory({}, {}, by_code, weeks),
        Directory(ids, {person.employee_id: person for person in persons}, by_code, weeks),
    ):
        found, wrong = read_employees(table, directory)
        assert wrong == []
        assert sorted(found, key=lambda person: person.employee_id) == persons


@given(data=st.data())
def test_a_person_is_restored_from_what_was_published(data: st.DataObject) -> None:
    for person in data.draw(people(data.draw(units()))):
        assert person_of(person.published(1)) == person


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@ONCE
@given(days=st.dictionaries(st.integers(1, 28), st.sampled_from(DUTIES), min_size=1))
def test_an_export_of_a_roster_imported_again_changes_nothing(
    form: str, tmp_path: Path, days: dict[int, tuple[Mode, str | None, str | None]]
) -> None:
    month, nip = dt.date(2026, 2, 1), "198001012005011001"
    known = RosterState(UUID(int=7), month, tuple(
        RosterDay(date=month.replace(day=day), mode=mode, start=start, end=end) for day, (mode, start, end) in sorted(days.items())))
    table = through(tmp_path, form, ROSTER, roster_rows(known, nip), ROSTER_COLUMNS)

    asked, errors = read_roster(table, {nip: known.employee_id}, {known.employee_id}, lambda _who, _date: True)
    assert (merged(asked, {}), merged(asked, {(known.employee_id, month): known}), errors) == ([known], [known], [])


def test_a_workbook_says_what_its_cells_stand_for_and_a_nip_that_excel_made_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pegawai.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        page.write_row(0, 0, ["NIP", "Nama", "TMT", "Kode"])
        page.write_string(2, 0, "198001012005011001")
        page.write_row(2, 1, ["Contoh"])
        page.write_datetime(2, 2, dt.date(2026, 2, 1), day)
        page.write_number(2, 3, 101)
        page.write_number(3, 0, 198001012005011001)
    table = read_table(path, ("nip", "name"), ("since", "code"))

    first, second = table.rows
    assert (first.number, first["nip"], first["since"], first["code"]) == (3, "198001012005011001", "2026-02-01", "101")
    assert second.number == 4
    assert read_nip(second["nip"]) is None
    assert "rusak oleh Excel" in nip_problem(second["nip"])


@pytest.mark.parametrize(("cell", "text"), [
    (True, "ya"), (5_250_000.0, "5250000"), (7.5, "7.5"), (dt.time(7, 30), "07:30"), (dt.datetime(2026, 2, 1, 7, 30), "2026-02-01 07:30"),  # noqa: DTZ001 - as a sheet has it

    (dt.timedelta(hours=25), "25:00"), ("", ""), (1.98001012005011e17, "1.98001012005011E+17"),
])
def test_cells_are_read_as_an_officer_would_have_typed_them(cell: str | float | bool | dt.date | dt.time, text: str) -> None:
    assert text_of(cell) == text


def test_what_is_no_workbook_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "rusak.xlsx"
    path.write_bytes(b"PK\x03\x04 not really")
    [error] = read_table(path, ("nip",)).errors
    assert "buku kerja rusak" in str(error)
    assert "Bad" not in str(error)
    path.write_text("halo, ini bukan tabel")
    [error] = read_table(path, ("nip", "name")).errors
    assert "nama berkas berakhir .xlsx, tetapi isinya bukan buku kerja" in str(error)
    path.write_text("nip;name\n1;Siti\n")
    assert len(read_table(path, ("nip", "name")).rows) == 1, "what can be read is read, whatever its name"


def test_somebody_with_a_new_nip_stays_the_same_person_and_an_old_file_does_not_take_it_away() -> None:
    unit = OrgUnitState(UUID(int=1), "DINKES", "Dinas Contoh", "Asia/Jakarta")
    old = EmployeeState(UUID(int=5), "1" * 18, "Contoh", EmployeeKind.PPPK, "pelaksana", "Asia/Jakarta", (
        Membership(dt.date(2024, 1, 1), unit.org_unit_id),), (WeekAssignment(dt.date(2024, 1, 1), "lima-hari"),))
    directory = Directory({old.nip: old.employee_id}, {old.employee_id: old}, {"DINKES": unit}, frozenset({"lima-hari"}))

    def read(text: str, known: Directory) -> tuple[list[EmployeeState], list[str]]:
        people, errors = read_employees(parse_table(text.encode(), *EMPLOYEE_COLUMNS), known)
        return people, [str(error) for error in errors]

    rows = f"nip;nip lama;nama;jenis;kelompok;opd;tmt\n{'2' * 18};{'1' * 18};Contoh;PNS;pelaksana;DINKES;2026-03-01\n"
    [person], _ = read(rows, directory)
    assert (person.employee_id, person.nip, person.former_nips, person.kind) == (old.employee_id, "2" * 18, ("1" * 18,), EmployeeKind.PNS)

    both = Directory({"1" * 18: old.employee_id, "2" * 18: old.employee_id}, {old.employee_id: person}, directory.units, directory.weeks)
    [still], _ = read(f"nip;nama;jenis;kelompok;opd;tmt\n{'1' * 18};Contoh;PNS;pelaksana;DINKES;2024-01-01\n", both)
    assert (still.nip, still.former_nips) == ("2" * 18, ("1" * 18,))

    two = Directory({"1" * 18: old.employee_id, "2" * 18: UUID(int=6)}, {old.employee_id: old}, directory.units, directory.weeks)
    none, [problem] = read(rows, two)
    assert none == []
    assert "dua pegawai" in problem


def test_nobody_belongs_anywhere_after_the_last_day_and_a_circle_of_parents_is_refused() -> None:
    person = EmployeeState(UUID(int=5), "1" * 18, "Contoh", EmployeeKind.PNS, "x", "Asia/Jakarta", (
        Membership(dt.date(2024, 1, 1), UUID(int=1)),), until=dt.date(2026, 2, 28))
    assert person.unit_on(dt.date(2026, 2, 28)) == UUID(int=1)
    assert person.unit_on(dt.date(2026, 3, 1)) is None

    text = "kode;nama;zona waktu;induk\nA;Satu;WIB;B\nB;Dua;WIB;A\nC;Tiga;WIB;Z\n"
    _, errors = read_units(parse_table(text.encode(), *UNIT_COLUMNS), {}, ())
    assert [(error.row, error.column) for error in errors] == [(4, "parent"), (2, "parent"), (3, "parent")]
