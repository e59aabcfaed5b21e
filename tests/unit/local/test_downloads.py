"""The locked jars: complete in the lock, verified when fetched, asked for in plain words when there is no network."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import requests

from services.local import downloads
from services.local.process import LocalError


def test_every_locked_jar_has_a_full_checksum_and_a_name_of_its_own() -> None:
    jars = downloads.locked_jars()
    assert {"kafka_2.13-4.3.1.jar", "kafka-clients-4.3.1.jar", "slf4j-simple-2.0.17.jar"} <= {
        jar.filename for jar in jars
    }
    assert len({jar.filename for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 and int(jar.sha256, 16) >= 0 for jar in jars)


def test_without_a_network_the_first_run_says_what_is_missing_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HADIR_CACHE", str(tmp_path))

    def away(*_args: object, **_kwargs: object) -> None:
        raise requests.ConnectionError("Name or service not known")

    monkeypatch.setattr("jgo.util.http.request", away)
    with pytest.raises(LocalError, match=r"(?s)jars.*needed once.*internet.*jgo\.conf.*--kafka"):
        downloads.kafka_jars()
    assert not list(tmp_path.rglob("*.jar"))


def test_a_jar_that_differs_from_the_lock_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADIR_CACHE", str(tmp_path))

    class Altered:
        status_code = 200
        headers: Mapping[str, str] = MappingProxyType({})
        text = "0" * 40

        def iter_content(self, **_kwargs: object) -> list[bytes]:
            return [b"not the jar that was locked"]

    monkeypatch.setattr("jgo.util.http.request", lambda *_args, **_kwargs: Altered())
    with pytest.raises(LocalError, match=r"arrived with SHA-256 .* kafka\.lock demands"):
        downloads.kafka_jars()
    assert not list(tmp_path.rglob("*.jar"))


def test_what_is_in_the_cache_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADIR_CACHE", str(tmp_path))
    folder = tmp_path / "kafka-4.3.1"
    folder.mkdir()
    for jar in downloads.locked_jars():
        (folder / jar.filename).touch()
    monkeypatch.setattr("jgo.util.http.request", lambda *_args, **_kwargs: pytest.fail("went to the network"))
    assert downloads.kafka_jars() == folder
