"""Every table that can be imported has an empty file of its own, by the name of its import, which the import reads without a mistake."""

from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from services.commands.imports import app
from services.payroll.importer import OPTIONAL
from services.schedule.importer import people, roster, units
from services.schedule.importer.holidays_of_year import CALENDAR_COLUMNS
from shared.imports import read_table

READ = {
    "org-units": units.UNIT_COLUMNS, "weeks": units.WEEK_COLUMNS, "weeks-in-force": units.SCOPE_COLUMNS,
    "employees": people.EMPLOYEE_COLUMNS, "roster": roster.ROSTER_COLUMNS, "calendar": CALENDAR_COLUMNS,
    "ceilings": (("amount",), OPTIONAL),
}  # fmt: skip


def test_all_imports_of_tables_are_tried() -> None:
    imports = set(getattr(typer.main.get_command(app), "commands"))  # noqa: B009 - a group has it
    assert imports - {"template", "policies", "sites"} == READ.keys()  # these are no tables


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("what", READ)
def test_an_import_reads_the_columns_of_its_template(what: str, form: str, tmp_path: Path) -> None:
    file = tmp_path / f"kosong.{form}"

    done = CliRunner().invoke(app, ["template", what, str(file)])

    assert done.exit_code == 0, done.output
    table = read_table(file, *READ[what])
    assert (table.rows, table.errors, table.warnings) == ([], [], [])
