"""F9: every service lives by a clock of its own, off by minutes or by a day, or too fast (libfaketime, out of Debian's package)."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from services.local import debian
from services.local.downloads import cache_folder
from services.local.process import LocalError

SHIFTS = {"ingest": "+10m", "geofence": "-1d", "schedule": "-10m", "payroll": "+1d x1.5"}
"""Ahead, behind, and running half as fast again, in libfaketime's words."""

_PACKAGE = "libfaketime"


def shifted() -> Mapping[str, Mapping[str, str]]:
    """The environment of each service; {} where libfaketime is not to be had."""
    try:
        found = library()
    except LocalError:
        return {}
    # The monotonic clock stays true: no kernel lets that one jump.
    return {
        name: {"LD_PRELOAD": str(found), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"} for name, shift in SHIFTS.items()
    }


def library() -> Path:
    """Where libfaketime lies; it is fetched if need be. Raises LocalError where it is not to be had."""
    kept = cache_folder() / _PACKAGE / "libfaketimeMT.so.1"
    for there in (kept, *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")):
        if there.exists():
            return there
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise LocalError("libfaketime is not installed, and without apt-get it cannot be fetched here")
    with tempfile.TemporaryDirectory() as work:
        package = debian._download(_PACKAGE, Path(work))
        subprocess.run(["dpkg", "-x", str(package), f"{work}/unpacked"], check=True, capture_output=True)
        [found] = Path(work, "unpacked").rglob("libfaketimeMT.so.1")
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(found, kept)
    return kept
