"""What the importers of schedule say of rows: every error at once, by row and column, with what to do; and what good rows become."""

import datetime as dt
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from services.schedule.importer.hints import without_national
from services.schedule.importer.holidays_of_year import CALENDAR_COLUMNS, edited, read_edits, seed, seeded
from services.schedule.importer.people import EMPLOYEE_COLUMNS, Directory, read_employees
from services.schedule.importer.roster import ROSTER_COLUMNS, merged, read_roster, wfa_warnings
from services.schedule.importer.units import UNIT_COLUMNS, WEEK_COLUMNS, read_units, read_weeks
from services.schedule.reference import CalendarState, EmployeeState, Membership, OrgUnitState, RosterState
from shared.events import CalendarDay, EmployeeKind, Mode, RosterDay
from shared.imports import RowError, Table, parse_table

NIP = "198001012005011001"
OTHER = "198502022010012002"
DINAS = OrgUnitState(uuid4(), "DINAS", "Dinas Pendidikan", "Asia/Jakarta")
RSUD = OrgUnitState(uuid4(), "RSUD", "RSUD", "Asia/Makassar")
JANUARY = dt.date(2026, 1, 1)


def table(text: str, columns: tuple[tuple[str, ...], tuple[str, ...]]) -> Table:
    return parse_table(text.encode(), *columns)


def told(errors: list[RowError]) -> list[tuple[int, str | None]]:
    return [(error.row, error.column) for error in errors]


def directory(*people: EmployeeState) -> Directory:
    return Directory({person.nip: person.employee_id for person in people}, {person.employee_id: person for person in people},
                     {"DINAS": DINAS, "RSUD": RSUD}, frozenset({"lima-hari", "enam-hari-ramadan"}))


def somebody(nip: str = NIP, unit: UUID = DINAS.org_unit_id) -> EmployeeState:
    return EmployeeState(uuid4(), nip, "Siti", EmployeeKind.PNS, "pelaksana", "Asia/Jakarta", (Membership(JANUARY, unit),))


def test_every_wrong_cell_of_every_row_is_named_at_once() -> None:
    _, errors = read_employees(table(
        "nip;name;kind;group;org_unit;since\n"
        f"{NIP};Siti;PNS;pelaksana;DINAS;2026-01-01\n"
        "123;;HONORER;pelaksana;DIANS;31-02-2026\n"
        f"{OTHER};Budi;PPPK;;;01/02/2026\n", EMPLOYEE_COLUMNS), directory())

    assert told(errors) == [
        (3, "nip"), (3, "name"), (3, "kind"), (3, "since"), (3, "org_unit"), (4, "group"), (4, "org_unit")]
    assert all(error.problem and "123" not in error.problem for error in errors)


def test_a_new_nip_gets_a_random_id_and_the_zone_of_its_unit() -> None:
    [person], errors = read_employees(table(
        f"nip;name;kind;group;org_unit;since\n{NIP};Siti;pppk paruh waktu;pelaksana;RSUD;01/02/2026\n", EMPLOYEE_COLUMNS), directory())

    assert errors == []
    assert (person.employee_id.version, person.kind, person.timezone) == (4, EmployeeKind.PPPK_PW, "Asia/Makassar")
    assert person.memberships == (Membership(dt.date(2026, 2, 1), RSUD.org_unit_id),)


def test_a_known_nip_keeps_its_person_and_a_move_is_added_to_the_memberships() -> None:
    known = somebody()
    [person], errors = read_employees(table(
        f"nip;name;kind;group;org_unit;since\n{NIP};Siti;PNS;pelaksana;RSUD;2026-02-10\n", EMPLOYEE_COLUMNS), directory(known))

    assert errors == []
    assert person.employee_id == known.employee_id
    assert [m.org_unit_id for m in person.memberships] == [DINAS.org_unit_id, RSUD.org_unit_id]


def test_reading_the_same_rows_again_changes_nobody() -> None:
    known = somebody()
    [person], _ = read_employees(table(
        f"nip;name;kind;group;org_unit;since\n{NIP};Siti;PNS;pelaksana;DINAS;2026-02-10\n", EMPLOYEE_COLUMNS), directory(known))

    assert person == known


def test_several_rows_of_one_person_tell_several_moves() -> None:
    people, errors = read_employees(table(
        "nip;name;kind;group;org_unit;since\n"
        f"{NIP};Siti;PNS;pelaksana;RSUD;2026-03-01\n{NIP};Siti;PNS;pelaksana;DINAS;2026-01-01\n", EMPLOYEE_COLUMNS), directory())

    assert (len(people), errors) == (1, [])
    assert [m.since for m in people[0].memberships] == [JANUARY, dt.date(2026, 3, 1)]


def test_moves_of_one_file_count_in_any_order_of_its_rows() -> None:
    rows = [f"{NIP};Siti;PNS;pelaksana;{unit};{since}\n" for unit, since in (
        ("DINAS", "2026-03-01"), ("DINAS", "2026-01-01"), ("RSUD", "2026-02-01"))]
    [person], _ = read_employees(table("nip;name;kind;group;org_unit;since\n" + "".join(rows), EMPLOYEE_COLUMNS), directory())

    assert [m.org_unit_id for m in person.memberships] == [DINAS.org_unit_id, RSUD.org_unit_id, DINAS.org_unit_id]


def test_two_units_on_one_date_and_a_nip_of_somebody_else_are_refused() -> None:
    _, errors = read_employees(table(
        "nip;name;kind;group;org_unit;since;employee_id\n"
        f"{OTHER};Budi;PNS;pelaksana;DINAS;2026-01-01;\n{OTHER};Budi;PNS;pelaksana;RSUD;2026-01-01;\n"
        f"{NIP};Siti;PNS;pelaksana;DINAS;2026-01-01;{uuid4()}\n", EMPLOYEE_COLUMNS), directory(somebody()))

    assert sorted(told(errors)) == [(3, "since"), (4, "nip")]


def test_a_pppk_who_becomes_pns_keeps_the_person_under_a_new_nip() -> None:
    known = somebody()
    [person], errors = read_employees(table(
        f"nip;name;kind;group;org_unit;since;employee_id\n{OTHER};Siti;PNS;pelaksana;DINAS;2026-01-01;{known.employee_id}\n",
        EMPLOYEE_COLUMNS), directory(known))

    assert errors == []
    assert (person.employee_id, person.nip) == (known.employee_id, OTHER)


def test_units_keep_their_ids_and_doubled_codes_and_unknown_zones_are_refused() -> None:
    units, errors = read_units(table(
        "code;name;timezone\nDINAS;Dinas Pendidikan dan Kebudayaan;WIB\nBARU;Badan Baru;WITA\nBARU;Badan Lama;WIT\nX;Y;GMT+7\n",
        UNIT_COLUMNS), {"DINAS": DINAS}, ())

    assert [(unit.code, unit.timezone) for unit in units] == [("DINAS", "Asia/Jakarta"), ("BARU", "Asia/Makassar")]
    assert units[0].org_unit_id == DINAS.org_unit_id
    assert told(errors) == [(4, "code"), (5, "timezone")]


def test_a_unit_lives_by_a_calendar_that_has_a_holiday_or_keeps_the_one_it_has() -> None:
    text = "code;name;timezone;calendar\nA;Satu;WIB;tiada\nB;Dua;WIB;daerah\nC;Tiga;WIB;nasional\nDINAS;Dinas;WIB;lama\n"
    units, errors = read_units(table(text, UNIT_COLUMNS), {"DINAS": replace(DINAS, calendar="lama")}, {"daerah"})

    assert [unit.code for unit in units] == ["B", "C", "DINAS"]
    assert (told(errors), "hadir import calendar" in errors[0].problem) == ([(2, "calendar")], True)


def test_a_last_day_before_the_first_one_is_refused_and_so_is_work_after_it() -> None:
    head = "nip;name;kind;group;org_unit;since;until\n"
    ended = replace(somebody(), until=dt.date(2026, 3, 31))

    def errors_of(rows: str, *known: EmployeeState) -> list[RowError]:
        return read_employees(table(head + rows, EMPLOYEE_COLUMNS), directory(*known))[1]

    assert told(errors_of(f"{NIP};Siti;PNS;pelaksana;DINAS;2026-02-01;2026-01-31\n")) == [(2, "until")]
    assert told(errors_of(f"{NIP};Siti;PNS;pelaksana;DINAS;2026-05-01;2026-04-30\n", somebody())) == [(2, "until")]
    [again] = errors_of(f"{NIP};Siti;PNS;pelaksana;RSUD;2026-05-01;\n", ended)
    assert (again.column, "tulis -" in again.problem) == ("until", True)
    assert errors_of(f"{NIP};Siti;PNS;pelaksana;RSUD;2026-05-01;-\n", replace(ended, until=None)) == []
    assert errors_of(f"{NIP};Siti;PNS;pelaksana;DINAS;2026-01-01;2026-03-31\n", ended) == []
    assert errors_of(f"{NIP};Siti;PNS;pelaksana;DINAS;2026-02-01;2026-02-01\n") == []


def test_local_calendars_are_compared_with_the_national_one_year_by_year() -> None:
    def year_of(calendar: str, year: int, *days: int) -> CalendarState:
        return CalendarState(calendar, year, tuple(
            CalendarDay(date=dt.date(year, 1, day), name="Libur", kind="holiday", source="SK") for day in days))

    known = [year_of("nasional", 2026, 1, 16), year_of("provinsi", 2026, 2), year_of("kota", 2026, 1, 16, 20), year_of("nasional", 2027, 1)]
    told = [warning.problem for warning in without_national(
        ["nasional", "provinsi", "kota"], {(one.calendar, one.year): one for one in known}, [2026, 2027])]

    assert [problem.split(":")[0] for problem in told] == [
        "kalender kota tidak memuat 1 dari 1 hari libur nasional 2027", "kalender provinsi tidak memuat 2 dari 2 hari libur nasional 2026",
        "kalender provinsi tidak memuat 1 dari 1 hari libur nasional 2027"]


def test_weeks_are_read_with_their_hours_and_a_wrong_hour_is_named() -> None:
    weeks, errors = read_weeks(table(
        "code;name;source;mon;fri;sat\nkalteng;Jumat pagi;SE Gub. 2025;07:30-16:00;7.00 - 16.00;\nx;y;z;0730-1600;;\n", WEEK_COLUMNS))

    assert dict(weeks[0].hours) == {"mon": ("07:30", "16:00"), "fri": ("07:00", "16:00")}
    assert told(errors) == [(3, "mon")]


def test_roster_rows_are_checked_one_by_one() -> None:
    known = somebody()
    _, errors = read_roster(table(
        "nip;date;mode;start;end\n"
        f"{NIP};2026-02-02;WFO;07.00;14:00\n"
        f"{NIP};2026-02-02;OFF;;\n"
        f"{NIP};2026-02-03;OFF;07:00;\n"
        f"{NIP};2026-02-04;WFO;07:00;\n"
        f"{NIP};2026-02-07;WFO;;\n"
        f"{NIP};2026-13-01;DINAS;07:00;07:00\n"
        f"{OTHER};2026-02-02;WFA;;\n", ROSTER_COLUMNS), {NIP: known.employee_id}, {known.employee_id},
        lambda _, date: date.weekday() < 5)

    assert told(errors) == [
        (3, "date"), (4, "start"), (5, "end"), (6, "start"), (7, "date"), (7, "mode"), (8, "nip")]


def test_a_duty_of_24_hours_is_for_units_that_work_round_the_clock() -> None:
    known = somebody()
    read = table("employee_id;date;mode;start;end\n"
                 f"{known.employee_id};2026-02-02;WFO;07:00;07:00\n{known.employee_id};2026-02-03;WFO;07:30;07:30\n", ROSTER_COLUMNS)

    asked, errors = read_roster(
        read, {}, {known.employee_id}, lambda _, __: True, lambda _, date: date == dt.date(2026, 2, 2))

    assert told(errors) == [(3, "end")]
    assert "round_the_clock" in errors[0].problem
    assert list(asked.values()) == [{dt.date(2026, 2, 2): RosterDay(date=dt.date(2026, 2, 2), mode=Mode.WFO, start="07:00", end="07:00")}]


def test_roster_rows_replace_their_dates_only_and_pola_takes_a_date_off() -> None:
    known, february = somebody(), dt.date(2026, 2, 1)
    kept, gone = RosterDay(date=dt.date(2026, 2, 2), mode=Mode.OFF), RosterDay(date=dt.date(2026, 2, 3), mode=Mode.WFA)
    asked, errors = read_roster(table(
        f"employee_id,date,mode,start,end\n{known.employee_id},2026-02-03,POLA,,\n{known.employee_id},2026-02-04,WFO,21:00,07:00\n",
        ROSTER_COLUMNS), {}, {known.employee_id}, lambda _, __: True)

    [state] = merged(asked, {(known.employee_id, february): RosterState(known.employee_id, february, (kept, gone))})

    assert errors == []
    assert state.days == (kept, RosterDay(date=dt.date(2026, 2, 4), mode=Mode.WFO, start="21:00", end="07:00"))


def test_more_than_two_wfa_days_a_week_are_a_warning_never_an_error() -> None:
    known = somebody()
    read = table("employee_id,date,mode\n" + "".join(
        f"{known.employee_id},2026-02-0{day},WFA\n" for day in (2, 3, 4)), ROSTER_COLUMNS)
    asked, errors = read_roster(read, {}, {known.employee_id}, lambda _, __: True)

    assert errors == []
    assert ["PermenPANRB 4/2025" in warning.problem for warning in wfa_warnings(read, asked)] == [True]


def test_a_roster_needs_somebody_to_be_about() -> None:
    _, errors = read_roster(table("date,mode\n2026-02-02,WFO\n", ROSTER_COLUMNS), {}, set(), lambda _, __: True)

    assert "nip atau employee_id" in errors[0].problem


@pytest.mark.parametrize(("text", "column", "advice"), [
    ("employee_id;date;mode\nsiti;2026-02-02;WFO\n", "employee_id", "isi NIP di kolom nip"),
    (f"employee_id;date;mode\n{NIP};2026-02-02;WFO\n", "employee_id", "pindahkan ke kolom nip"),
    ("employee_id;date;mode\n;2026-02-02;WFO\n", "employee_id", "hadir export employees"),
    ("nip;date;mode\n;2026-02-02;WFO\n", "nip", "isi NIP 18 angka"),
    ("nip;employee_id;date;mode\n;;2026-02-02;WFO\n", "nip", "atau employee_id"),
    ("nip;date;mode\n198001012005011001;2026-02-02\n", None, "mode tidak ada"),
])
def test_a_roster_row_of_nobody_gets_advice_that_fits_its_columns(text: str, column: str | None, advice: str) -> None:
    _, errors = read_roster(table(text, ROSTER_COLUMNS), {NIP: UUID(int=1)}, {UUID(int=1)}, lambda _, __: True)

    assert told(errors) == [(2, column)]
    assert advice in errors[0].problem


def test_the_seed_of_2026_is_the_joint_decree() -> None:
    days = seed(2026)
    holidays = {f"{day.date:%m-%d}" for day in days.values() if day.kind == "holiday"}
    joint_leave = {f"{day.date:%m-%d}" for day in days.values() if day.kind == "joint_leave"}

    assert holidays == {"01-01", "01-16", "02-17", "03-19", "03-21", "03-22", "04-03", "04-05", "05-01", "05-14", "05-27", "05-31",
                        "06-01", "06-16", "08-17", "08-25", "12-25"}
    assert joint_leave == {"02-16", "03-18", "03-20", "03-23", "03-24", "05-15", "05-28", "12-24"}
    assert days[dt.date(2026, 3, 18)].name == "Cuti Bersama Hari Suci Nyepi"


def test_a_seed_never_overwrites_what_officers_entered() -> None:
    entered = CalendarDay(date=dt.date(2026, 2, 17), name="Imlek (diralat)", kind="holiday", source="SKB")
    [state], _ = seeded(2026, {("nasional", 2026): CalendarState("nasional", 2026, (entered,))})

    assert entered in state.days
    assert len(state.days) == 25


def test_edits_add_change_and_remove_days_of_the_calendar_they_name() -> None:
    old = CalendarState("nasional", 2026, tuple(seed(2026).values()))
    edits, errors = read_edits(table(
        "date;kind;name;source;calendar\n2026-02-17;hapus;;;\n2026-07-01;libur nasional;Pemilihan;Keppres 1;\n"
        "2026-03-18;cuti bersama;Nyepi;Pergub 7;bali\n2026-02-30;libur;x;;\n2026-08-01;pesta;x;;\n2026-08-02;libur;;;\n",
        CALENDAR_COLUMNS))
    states = {state.calendar: state for state in edited(edits, {("nasional", 2026): old})}

    assert told(errors) == [(5, "date"), (6, "kind"), (7, "name")]
    dates = {day.date for day in states["nasional"].days}
    assert dt.date(2026, 2, 17) not in dates
    assert dt.date(2026, 7, 1) in dates
    assert [day.source for day in states["bali"].days] == ["Pergub 7"]
