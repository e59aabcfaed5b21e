"""What the client knows is on disk, and is read from there: a journal in memory would forgive what the house forgot."""

import os
import time
from pathlib import Path

import pytest

from tests.faults.journal import Journal


def test_what_was_answered_is_on_the_disk_before_anything_else_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, str]] = []
    journal = Journal(tmp_path / "journal")
    monkeypatch.setattr(os, "fsync", lambda number: synced.append((os.fstat(number).st_ino, (tmp_path / "journal").read_text())))
    journal.note(["a", "b"])
    assert synced == [((tmp_path / "journal").stat().st_ino, "a\nb\n")]
    journal.note([])
    journal.note(["c"])
    assert [text for _, text in synced] == ["a\nb\n", "a\nb\nc\n"]
    journal.close()


def test_what_was_accepted_is_what_the_disk_says_and_not_what_is_remembered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.note(["a", "b"])
    (tmp_path / "journal").write_text("a\nelsewhere\n")
    assert journal.accepted() == {"a", "elsewhere"}
    journal.close()


def test_a_journal_tells_when_it_first_heard_anything_since_it_was_asked_to(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.note(["a"])
    begun = time.monotonic()
    told: list[float | None] = []
    journal.first_at = None
    for ids in ([], ["a"], ["b"]):
        journal.note(ids)
        told.append(journal.first_at)
    nothing, first, after = told
    assert (nothing, first) == (None, after)
    assert first is not None
    assert begun <= first <= time.monotonic()
    journal.close()
