"""Programs of other worlds (node, go, java) that some tests run, and what those must fetch: found once, kept between runs."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from services.local.downloads import cache_folder


def program(name: str) -> str:
    """Path of a program; without it the test is skipped with a reason, or fails where HADIR_REQUIRE_TOOLS says that all are there."""
    return shutil.which(name) or missing(f"{name} is not installed on this machine")


def npm_folder(source: Path) -> Path:
    """A copy of `source` with the packages of its package-lock.json installed, kept in the cache under the lock's hash."""
    npm = program("npm")
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = cache_folder() / "npm" / f"{source.name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.suffix in (".json", ".js", ".mjs", ".yaml"):
            shutil.copy(file, folder)
    done = folder / ".installed"
    if not done.exists():
        run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
        done.touch()
    return folder


def run(command: list[str], folder: Path, timeout: float = 480, **environment: str) -> str:
    """Output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def missing(reason: str, required: str = "HADIR_REQUIRE_TOOLS") -> NoReturn:
    """Skips the test with the reason, or fails it where the variable `required` says that it is there."""
    if os.environ.get(required):
        pytest.fail(f"{reason}, and {required} is set")
    pytest.skip(reason)
