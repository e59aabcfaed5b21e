"""Tests that are told to end leave nothing behind."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.waiting import until

TESTS = """
import threading
from pathlib import Path
import pytest

@pytest.fixture(scope="session")
def server():
    yield
    Path(__file__).with_name("taken down").touch()

def test_that_takes_long(server):
    Path(__file__).with_name("begun").touch()
    threading.Event().wait()
"""


async def test_a_session_that_is_told_to_end_and_told_once_more_takes_down_what_it_started(tmp_path: Path) -> None:
    file = tmp_path / "test_long.py"
    file.write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(file)]
    # Its Ctrl-C is ignored, as where a shell starts it in the background.
    with subprocess.Popen(["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command], cwd=Path(__file__).parents[2]) as session:
        try:
            await until((tmp_path / "begun").exists)
            session.send_signal(signal.SIGTERM)
            session.send_signal(signal.SIGTERM)
            ended = session.wait(60)
        finally:
            session.kill()

    assert (tmp_path / "taken down").exists()
    assert ended == 2  # what pytest ends with after Ctrl-C
