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
"""How any of them may stand after a jump."""

_PACKAGE = "libfaketime"


class Clocks:
    """The clock of each service, in a file of its own that libfaketime reads once a second. Raises LocalError where it is not to be had."""

    def __init__(self, folder: Path) -> None:
        self._library, self._folder = library(), folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, shift in SHIFTS.items():
            self.put(name, shift)

    def put(self, name: str, shift: str) -> None:
        """From its next look on the service's clock stands so; whole at once, since it may look at any moment."""
        fresh = self._folder / f"{name}.new"
        fresh.write_text(shift + "\n")
        fresh.replace(self._folder / name)

    def environment(self, name: str) -> dict[str, str]:
        """What a service must be started with."""
        return {
            "LD_PRELOAD": str(self._library), "FAKETIME_TIMESTAMP_FILE": str(self._folder / name), "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # no kernel lets that one jump
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
