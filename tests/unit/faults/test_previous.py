"""The version before is had on every Python that Hadir promises, and only where it is struck."""

import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.faults import campaign, previous
from tests.faults.campaign import Wanted
from tests.unpacking import unpack


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    return subprocess.run(["git", "-C", folder, *identity, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_the_version_before_is_unpacked_without_what_came_to_tarfile_with_a_later_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_3_11_2(*_: Any, **asked: Any) -> None:
        raise AssertionError(f"extractall of Python 3.11.2 is asked for {asked}")

    monkeypatch.setattr(tarfile.TarFile, "extractall", of_3_11_2)
    (root := tmp_path / "root").mkdir()
    git(root, "init", "-q")
    (root / "requirements.lock").write_text("nothing\n")
    (root / "program").write_text("#!/bin/sh\n")
    (root / "program").chmod(0o755)
    git(root, "add", ".")
    git(root, "commit", "-qm", "Begin")
    monkeypatch.setattr(previous, "_ROOT", root)
    monkeypatch.setattr(previous, "COMMIT", git(root, "rev-parse", "HEAD"))

    tree = previous.unpacked(tmp_path / "before")

    assert (tree.folder / "requirements.lock").read_text() == "nothing\n"
    assert (tree.folder / "program").stat().st_mode & 0o111


@pytest.mark.parametrize("name", ["../outside", "link/outside"])
def test_an_archive_whose_member_would_lie_outside_of_its_folder_writes_nothing_there(name: str, tmp_path: Path) -> None:
    (target := tmp_path / "target").mkdir()
    (content := tmp_path / "content").write_text("evil")
    with tarfile.open(archive := tmp_path / "evil.tar", "w") as packed:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(target)
        packed.addfile(link)
        packed.add(content, name)
    with pytest.raises(subprocess.CalledProcessError):
        unpack(archive, tmp_path / "folder")
    assert not (tmp_path / "outside").exists()
    assert list(target.iterdir()) == []


class _Begun(Exception):
    """The house would start now."""


@pytest.mark.parametrize(("only", "unpacked"), [(("F1", "F8"), 0), (("F13",), 1), ((), 1)])
async def test_the_version_before_is_unpacked_only_if_it_is_among_what_is_to_strike(
    only: tuple[str, ...], unpacked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def before(folder: Path) -> previous.Tree:
        asked.append(folder)
        return previous.Tree(tmp_path, tmp_path)

    def running(**_: Any) -> Any:
        raise _Begun

    monkeypatch.setattr(campaign, "unpacked", before)
    monkeypatch.setattr(campaign, "running", running)
    with pytest.raises(_Begun):
        await campaign.campaign(Wanted(4, 1, only=only), lambda _: None)
    assert len(asked) == unpacked
