"""Nothing is built for hours that the disk has no room for."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks import history
from tests.benchmarks.history import too_little

LARGE = [(100_000, 25), (1_000_000, 25), (100_000, 365)]
"""People and days of `hadir bench history-large --long`."""
DATA = Path("/data")


def test_the_largest_size_decides_how_much_disk_is_needed() -> None:
    assert too_little(LARGE, 87_600_000_000, DATA) is None
    assert too_little(LARGE, 87_599_999_999, DATA) == (
        "100,000 people with 365 days each need about 87.6 GB of disk, and 87.6 GB are free in /data (TMPDIR chooses another folder)"
    )
    assert too_little(LARGE[:2], 60_000_000_000, DATA) is None
    assert "1,000,000 people with 25 days each need about 60.0 GB of disk, and 0.0 GB are free" in str(too_little(LARGE[:2], 0, DATA))


def test_what_finds_no_room_is_refused_before_any_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["history", "--people", "1000000000000"])
    monkeypatch.setattr(history, "running", lambda: pytest.fail("a stack was started"))
    with pytest.raises(SystemExit, match=r"^1,000,000,000,000 people with 365 days each need about 876000000.0 GB of disk, and "):
        history.main()
