"""The Kafka jars, listed with their checksums in `kafka.lock`, fetched once per user and verified.

They come from Maven Central (or the repositories of the user's jgo.conf) through jgo's Python resolver; no
Maven and no Java is needed for it. A jar whose SHA-256 differs from the list is never used.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from services.local.process import LocalError, make_folder

LOCK = Path(__file__).with_name("kafka.lock")
ROOTS = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:2.0.17")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Jar:
    """One locked jar: Maven coordinate (group:artifact:version) and the SHA-256 of the file."""

    coordinate: str
    sha256: str

    @property
    def filename(self) -> str:
        """Name of the file, as Maven has it."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def locked_jars(lock: Path = LOCK) -> tuple[Jar, ...]:
    """Jars of the lock file."""
    rows = (line.split() for line in lock.read_text().splitlines() if line and not line.startswith("#"))
    return tuple(Jar(coordinate, sha256) for coordinate, sha256 in rows)


def cache_folder() -> Path:
    """Where downloads are kept between clones: HADIR_CACHE, else $XDG_CACHE_HOME/hadir, else ~/.cache/hadir."""
    if chosen := os.environ.get("HADIR_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hadir"


def kafka_jars(progress: Progress = lambda _done, _total: None) -> Path:
    """Folder with all locked jars; fetches what is missing, `progress(done, total)` after each.

    A file found here was verified when it was put here, so a warm start reads names only.
    Raises LocalError when the network, a checksum or the disk is in the way.
    """
    jars = locked_jars()
    folder = cache_folder() / f"kafka-{ROOTS[0].rpartition(':')[2]}"
    missing = [jar for jar in jars if not (folder / jar.filename).is_file()]
    if missing:
        make_folder(folder, "HADIR_CACHE")
        progress(len(jars) - len(missing), len(jars))
        try:
            with (
                tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as work,
                ThreadPoolExecutor(8) as pool,
            ):
                pending = [pool.submit(_fetch, jar, Path(work), folder) for jar in missing]
                with contextlib.ExitStack() as tidy:
                    tidy.callback(lambda: [future.cancel() for future in pending])
                    for done, future in enumerate(as_completed(pending), len(jars) - len(missing) + 1):
                        future.result()
                        progress(done, len(jars))
        except OSError as error:
            # requests' errors are OSErrors too: no route, no name, refused, timed out, disk full.
            raise LocalError(
                f"Could not fetch the Kafka jars (needed once; {len(missing)} of {len(jars)} are missing): "
                f"{_reason(error)}. Connect to the internet and run again, or name a mirror of Maven Central in the "
                "[repositories] section of ~/.config/jgo.conf, or use a Kafka of your own: hadir run --kafka HOST:PORT"
            ) from error
    return folder


def _reason(error: OSError) -> str:
    """What went wrong, shortly: requests' own texts fill half a screen."""
    asked = getattr(getattr(error, "request", None), "url", None)
    return error.strerror or f"{type(error).__name__}{f' at {urlsplit(asked).hostname}' if asked else ''}"


def _fetch(jar: Jar, work: Path, folder: Path) -> None:
    # Imported here: it takes 0.3 s, which a warm start need not pay.
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    group, artifact, version = jar.coordinate.split(":")
    repositories = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    context = MavenContext(repo_cache=work, remote_repos=repositories, timeout=60)
    try:
        fetched = context.project(group, artifact).at_version(version).artifact().resolve()
    except RuntimeError as error:
        # jgo's way to say "no repository has it".
        raise LocalError(f"No Maven repository has {jar.coordinate}: {error}") from error
    found = hashlib.sha256(fetched.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise LocalError(
            f"{jar.filename} arrived with SHA-256 {found}, but {LOCK.name} demands {jar.sha256}. It was not used: the "
            "network or the repository altered it. Try another network or mirror."
        )
    fetched.replace(folder / jar.filename)


def write_lock(lock: Path = LOCK) -> int:
    """Resolve ROOTS anew and write the lock file; returns how many jars it lists (developers: `make lock`)."""
    from jgo.maven import MavenContext, PythonResolver

    with tempfile.TemporaryDirectory() as work:
        context = MavenContext(repo_cache=Path(work), resolver=PythonResolver(), timeout=60)
        dependencies = [context.create_dependency(root) for root in ROOTS]
        direct, transitive = context.resolver.resolve(dependencies)
        rows = sorted(
            f"{item.groupId}:{item.artifactId}:{item.version} "
            f"{hashlib.sha256(item.artifact.resolve().read_bytes()).hexdigest()}"
            for item in [*direct, *transitive]
        )
    lock.write_text(f"# Jars of {' and '.join(ROOTS)}; made by `make lock`.\n" + "\n".join(rows) + "\n")
    return len(rows)


if __name__ == "__main__":
    sys.stdout.write(f"{write_lock()} jars locked\n")
