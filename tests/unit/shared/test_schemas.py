from pathlib import Path

import pytest

from shared.refusal import Refusal
from shared.schemas import Migration, migrations_of, pending
from shared.topics import SERVICES

FIRST, SECOND = Migration("0001_first", "create table a ()"), Migration("0002_second", "create table b ()")


def folder(root: Path, *names: str) -> Path:
    for place in ("shared/migrations", "services/payroll/migrations"):
        (root / place).mkdir(parents=True)
    for name in names:
        (root / "services/payroll/migrations" / name).write_text("select 1")
    return root


@pytest.mark.parametrize("service", SERVICES)
def test_the_runtimes_tables_come_before_the_services_own(service: str) -> None:
    names = [step.name for step in migrations_of(service)]  # type: ignore[arg-type]  # from the closed set itself
    assert names[0] == "runtime/0001_runtime"
    assert names[names.index("0001_first") :] == sorted(names[names.index("0001_first") :])


def test_an_empty_database_needs_every_step_and_a_present_one_none() -> None:
    assert pending((FIRST, SECOND), {}) == (FIRST, SECOND)
    assert pending((FIRST, SECOND), {FIRST.name: FIRST.digest}) == (SECOND,)
    assert pending((FIRST, SECOND), {step.name: step.digest for step in (FIRST, SECOND)}) == ()


def test_a_step_of_a_newer_version_does_not_disturb_an_older_one() -> None:
    assert pending((FIRST,), {step.name: step.digest for step in (FIRST, SECOND)}) == ()


def test_a_step_that_was_changed_after_it_ran_is_refused_by_name() -> None:
    with pytest.raises(Refusal, match="0001_first was changed after it had been applied"):
        pending((Migration("0001_first", "create table a (b int)"),), {FIRST.name: FIRST.digest})


def test_two_steps_of_one_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"0002_b\.sql: 0002_a\.sql has the same number"):
        migrations_of("payroll", folder(tmp_path, "0001_first.sql", "0002_a.sql", "0002_b.sql"))


def test_a_file_without_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="is called like 0002_what_it_adds"):
        migrations_of("payroll", folder(tmp_path, "first.sql"))
