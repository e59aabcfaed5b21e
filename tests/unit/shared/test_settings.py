"""Settings: defaults for one machine, environment first, and a password that is never shown."""

from pathlib import Path

import pytest

from shared.settings import Settings, running_file


def test_the_password_of_the_database_is_hidden_when_settings_are_shown() -> None:
    shown = Settings(database="postgresql://hadir:very@secret@db.example:5432/hadir").masked()
    assert shown["database"] == "postgresql://hadir:***@db.example:5432/hadir"
    assert "secret" not in str(shown)


def test_every_setting_has_a_default_and_says_what_it_means() -> None:
    assert all(field.description and not field.is_required() for field in Settings.model_fields.values())


def test_the_environment_wins_over_what_hadir_run_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running_file(tmp_path).write_text('HADIR_KAFKA="written:1"\n')
    monkeypatch.setenv("HADIR_KAFKA", "told:2")
    assert Settings(_env_file=running_file(tmp_path)).kafka == "told:2"
    monkeypatch.delenv("HADIR_KAFKA")
    assert Settings(_env_file=running_file(tmp_path)).kafka == "written:1"
