"""What the client knows: every id that it sent, and every id that was answered 2xx, on disk before anything else happens."""

import os
import time
from collections.abc import Sequence
from pathlib import Path


class Journal:
    """An append-only file of accepted ids, fsynced at every answer; what was sent is kept in memory, before it is sent."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._output = file.open("ab", buffering=0)
        self.sent: set[str] = set()
        self.noted: set[str] = set()
        self.first_at: float | None = None
        """When anything was first answered 2xx (monotonic seconds), since somebody set this back to None."""

    def note(self, ids: Sequence[str]) -> None:
        """These were answered 2xx."""
        if ids:
            self.first_at = self.first_at or time.monotonic()
            self.noted.update(ids)
            self._output.write("".join(f"{identity}\n" for identity in ids).encode())
            os.fsync(self._output.fileno())

    def accepted(self) -> set[str]:
        """All ids that were ever answered 2xx, read back from the disk."""
        return set(self._file.read_text().split())

    def close(self) -> None:
        """Close the file."""
        self._output.close()
