"""F9: every service lives by a clock of its own, off by minutes or a day, or too fast, and it jumps (libfaketime, a Debian package)."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from services.local import debian
from services.local.downloads import cache_folder
from services.local.process import LocalError

SHIFTS = {"ingest": "+10m", "geofence": "-1d", "schedule": "-10m", "payroll": "+1d x1.5"}
"""How the clocks stand at first: ahead, behind, and running half as fast again, in libfaketime's words."""

JUMPS = ("+0", "+10m", "-10m", "-1d", "+1d", "+1d x1.5")
"""How any of them may stand when it is started anew. While it runs libfaketime would have to read a file, and threads stall for seconds."""

_PACKAGE = "libfaketime"


class Clocks:
    """How the clock of each service stands when it is started next. Raises LocalError where libfaketime is not to be had."""

    def __init__(self) -> None:
        self._library = library()
        self.shifts = dict(SHIFTS)

    def environment(self, name: str) -> dict[str, str]:
        """What a service must be started with."""
        # The monotonic clock stays true: no kernel lets that one jump.
        return {"LD_PRELOAD": str(self._library), "FAKETIME": self.shifts[name], "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


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
