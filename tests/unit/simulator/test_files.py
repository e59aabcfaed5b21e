"""The simulator's files are what the officers' importers take, without a single error."""

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

import orjson
import pytest

from services.geofence.rules.sitefile import read_site_file
from services.payroll.importer import read_lines
from services.schedule.importer import holidays_of_year, people, roster, units
from services.simulator.files import CALENDAR, Files, write
from services.simulator.province import Province
from shared.imports import read_nip, read_table
from shared.policy import load_policies


@pytest.fixture(scope="module")
def province() -> Province:
    return Province(5, 400, dt.date(2026, 12, 30), days=4)


@pytest.fixture(scope="module")
def files(province: Province, tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write(province, tmp_path_factory.mktemp("province"))


def test_units_people_and_rosters_are_read_without_errors(province: Province, files: Files) -> None:
    states, errors = units.read_units(read_table(files.org_units, *units.UNIT_COLUMNS), {}, {CALENDAR})
    assert (len(states), errors) == (len(province.units), [])
    assert {state.timezone for state in states} == {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"}

    directory = people.Directory({}, {}, {state.code: state for state in states}, frozenset({"lima-hari"}))
    persons, errors = people.read_employees(read_table(files.employees, *people.EMPLOYEE_COLUMNS), directory)
    assert (len(persons), errors) == (400, [])
    assert {person.played_clock for person in persons} == {province.label}
    assert [person.employee_id for person in persons] == [person.employee_id for person in province.people()]

    known: Mapping[str, UUID] = {}
    table = read_table(files.roster, *roster.ROSTER_COLUMNS)
    asked, errors = roster.read_roster(table, known, {person.employee_id for person in persons}, lambda _who, _date: True)
    assert errors == []
    assert {month for _, month in asked} == {dt.date(2026, 12, 1), dt.date(2027, 1, 1)}


def test_holidays_of_both_years_stand_in_a_calendar_of_the_simulators_own(files: Files) -> None:
    edits, errors = holidays_of_year.read_edits(read_table(files.calendar, *holidays_of_year.CALENDAR_COLUMNS))

    assert errors == []
    assert set(edits) == {("simulasi", 2026), ("simulasi", 2027)}
    assert dt.date(2027, 1, 1) in edits["simulasi", 2027]


def test_sites_ceilings_and_packs_are_read_without_errors(province: Province, files: Files) -> None:
    sites = read_site_file(orjson.loads(files.sites.read_bytes()))
    assert (sites.errors, len(sites.drafts)) == ([], sum(len(unit.offices) for unit in province.units) + 3)
    assert {draft.geometry["type"] for draft in sites.drafts} == {"Point", "Polygon"}

    lines, errors, warnings = read_lines(read_table(files.ceilings, ("amount",), ("employee_id", "nip", "month", "static_tkd")))
    assert (len(lines), errors, warnings) == (800, [], [])

    assert {"POL-A", "POL-B", "POL-E", "POL-G"} == set(load_policies(files.policies))


def test_every_nip_reads_as_one(province: Province) -> None:
    assert all(read_nip(person.nip) == person.nip for person in province.people())
