"""The sink's files: their names are its position, and a file is there wholly or not at all.

`<folder>/<topic>/recorded_on=YYYY-MM-DD/<topic>.p<partition>.<first offset>-<last offset>.parquet`. A file holds every record
of its partition from its first offset to its last, so that the next to be read is known from the names alone.
"""

import fcntl
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared.refusal import Refusal

_NAME: Final = re.compile(r"(?P<topic>.+)\.p(?P<partition>[0-9]{3,})\.(?P<first>[0-9]{12,})-(?P<last>[0-9]{12,})\.parquet")
_UNFINISHED: Final = ".unfinished"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The records of a partition from `first` to `last`, both included."""

    partition: int
    first: int
    last: int


class Folder:
    """A folder that one sink at a time writes into."""

    def __init__(self, root: Path) -> None:
        """Take possession; raises `Refusal` when another process has it or it cannot be written."""
        self.root: Final = root
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(root / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(
                f"Another sink writes into {root}: two would write each record twice. Stop it, or name another --folder."
            ) from error
        except OSError as error:
            raise Refusal(f"Cannot write into {root} ({error.strerror}): name another --folder.") from error

    def close(self) -> None:
        """Let another sink have it."""
        os.close(self._lock)

    def positions(self, topic: str) -> dict[int, int]:
        """The next offset of each partition that has files; removes what a crash left unfinished.

        Raises `Refusal`, naming both files, when two hold the same record: nobody can say then which one counts.
        """
        for left in (self.root / topic).rglob(f"*{_UNFINISHED}"):
            left.unlink()
        spans = self.spans(topic)
        for partition, files in spans.items():
            for (one, path), (other, after) in pairwise(files):
                if other.first <= one.last:
                    raise Refusal(
                        f"{path.name} and {after.name} both hold offset {other.first} of partition {partition}: they were written by two"
                        " sinks. Keep one of the two, after comparing them, and start again."
                    )
        return {partition: files[-1][0].last + 1 for partition, files in spans.items()}

    def spans(self, topic: str) -> Mapping[int, list[tuple[Span, Path]]]:
        """What the files of a topic hold, in order, by partition."""
        found: dict[int, list[tuple[Span, Path]]] = defaultdict(list)
        for path in (self.root / topic).glob("*/*.parquet"):
            name = _NAME.fullmatch(path.name)
            if name is None or name["topic"] != topic:
                raise Refusal(f"{path} is no file of the sink: its folder is for nothing else.")
            span = Span(int(name["partition"]), int(name["first"]), int(name["last"]))
            found[span.partition].append((span, path))
        return {partition: sorted(files) for partition, files in sorted(found.items())}

    def write(self, topic: str, span: Span, recorded_on: date, table: pa.Table) -> Path:
        """Write a file that is there wholly or not at all, also after the power fails; raises OSError when the disk is full."""
        folder = self.root / topic / f"recorded_on={recorded_on:%Y-%m-%d}"
        fresh = [path for path in (folder.parent, folder) if not path.is_dir()]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{topic}.p{span.partition:03}.{span.first:012}-{span.last:012}.parquet"
        unfinished = path.with_name(path.name + _UNFINISHED)
        with unfinished.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync([folder, *(made.parent for made in fresh)])
        return path


def _sync(folders: Iterable[Path]) -> None:
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
