"""The version before this one, out of the repository's history: its services run beside ours (F13)."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.unpacking import unpack

COMMIT = "364134dd3c3e5c55306f4f60153ee4742ab1034b"
"""The version before: what was delivered last with other tables than ours, so that there is something to migrate. Moved on with every
release that has migrations; `docs/upgrade.md` promises one version's distance."""

_ROOT = Path(__file__).parents[2]


class Missing(Exception):
    """The version before cannot be had here; the text says what is missing and how to get it."""


@dataclass(frozen=True)
class Tree:
    """A version's files, and the Python that has its packages."""

    folder: Path
    python: Path

    @property
    def environment(self) -> dict[str, str]:
        """Its modules go before the installed ones, which are ours."""
        return {"PYTHONPATH": str(self.folder)}

    def run(self, *arguments: str) -> None:
        """Do what by_previous.py can, on that version's modules; raises AssertionError with what it said."""
        script = Path(__file__).with_name("by_previous.py")
        done = subprocess.run(
            [self.python, "-P", script, *arguments], cwd=self.folder, env={**os.environ, **self.environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def unpacked(folder: Path) -> Tree:
    """The version before, in `folder`; raises Missing where this is no clone, or one without that commit.

    With the same locked packages it runs in the environment of this version, else `make setup` gives it one of its own.
    """
    try:
        archive = subprocess.run(["git", "-C", _ROOT, "archive", COMMIT], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        told = error.stderr.decode(errors="replace").strip() if isinstance(error, subprocess.CalledProcessError) else error
        raise Missing(
            f"the version before, commit {COMMIT}, cannot be read out of {_ROOT.name}: a clone with its whole history is needed"
            f" (git fetch --unshallow); git says: {told}"
        ) from error
    unpack(archive, folder)
    lock = "requirements.lock"
    if (folder / lock).read_bytes() == (_ROOT / lock).read_bytes():
        return Tree(folder, Path(sys.executable))
    done = subprocess.run(["make", "-C", folder, "setup", f"PYTHON={sys.executable}"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"commit {COMMIT} is locked to other packages, and they could not be set up: {done.stdout}{done.stderr}")
    return Tree(folder, folder / ".venv" / "bin" / "python")
