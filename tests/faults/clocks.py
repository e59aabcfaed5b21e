"""F9: every service lives by a clock of its own, off by minutes or a day, and it jumps (libfaketime, a Debian package)."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from services.local import debian
from services.local.downloads import cache_folder
from services.local.process import LocalError

SHIFTS = {"ingest": "+10m", "geofence": "-1d", "schedule": "-10m", "payroll": "+1d"}
"""How the clocks of the services stand at first, ahead and behind, in libfaketime's words; those of the APIs are right."""

JUMPS = ("+0", "+10m", "-10m", "-1d", "+1d")
"""How any of them may stand when it is started anew."""

_PACKAGE = "libfaketime"


class Clocks:
    """How the clock of each service stands when it is started next. Raises LocalError where libfaketime is not to be had."""

    def __init__(self) -> None:
        self._library = library()
        self.shifts = dict(SHIFTS)

    def environment(self, name: str) -> dict[str, str]:
        """What a service must be started with."""
        # The monotonic clock stays true: no kernel lets that one jump. Without the last one, waits with a limit end late, and so
        # late that threads starve (Python's lock among them); with it they do so if a clock runs faster, so that none does.
        return {
            "LD_PRELOAD": str(self._library), "FAKETIME": self.shifts.get(name, "+0"),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }  # fmt: skip


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
