"""What the checks take from Go: programs built from their modules and modules themselves, by Go's own client."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.local.process import LocalError

_BUILDING = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}


def go(what_for: str) -> str:
    """Path of Go; raises LocalError that says what it was needed for."""
    found = shutil.which("go")
    if found is None:
        raise LocalError(f"Go {what_for}: install it (Debian: apt install golang), or run `make verify-k8s` only.")
    return found


def run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A command of Go to its end, whether it succeeded or not."""
    return subprocess.run(  # noqa: S603 - our own command
        arguments, cwd=folder, env={**os.environ, **_BUILDING, **(environment or {})}, capture_output=True, text=True, check=False
    )


def module(name: str, what_for: str) -> dict[str, Any]:
    """What Go tells of `module@version` after it has fetched it: `Dir`, `GoMod`. Raises LocalError."""
    with tempfile.TemporaryDirectory() as empty:
        told = run([go(what_for), "mod", "download", "-json", name], Path(empty))
    answer: dict[str, Any] = json.loads(told.stdout or "{}")
    if told.returncode or "Dir" not in answer:
        raise LocalError(f"The module {name} could not be fetched: is there a network?\n{answer.get('Error', told.stderr)[-500:]}")
    return answer
