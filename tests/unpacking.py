"""Archives unpacked by `tar`, since Python's own safe unpacking, `extractall(filter=...)`, came with 3.11.4 only."""

import subprocess
from pathlib import Path


def unpack(archive: bytes | Path, folder: Path) -> None:
    """Put what is in a tar into a folder, as our own files. GNU and BSD tar refuse members that would lie outside of it."""
    file, content = ("-", archive) if isinstance(archive, bytes) else (archive, None)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-x", "-f", file, "-C", folder, "--no-same-owner"], input=content, capture_output=True, check=True)
