"""Where the machine has no file descriptor left, nothing is said of the file or the zone: it may be read later."""

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from services.geofence import importer
from services.schedule.approvals import SHIPPED, read_approvals
from shared.imports import read_table
from shared.yaml_document import DocumentError, read_document
from shared.zones import is_zone


@contextmanager
def none_left() -> Iterator[None]:
    """Nothing more can be opened by this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_names_of_zones_are_told_from_other_words() -> None:
    assert [is_zone(name) for name in ("Asia/Jakarta", "Asia/Makassar", "UTC")] == [True] * 3
    others = ("", "Asia", "Asia/Jakarta/x", "WIB", "../etc/passwd", "a\0b", "x" * 5_000, "/etc/passwd")
    assert [is_zone(name) for name in others] == [False] * len(others)


def test_a_zone_that_cannot_be_read_for_want_of_a_descriptor_is_not_called_unknown() -> None:
    with none_left(), pytest.raises(OSError) as raised:
        is_zone("Pacific/Galapagos")  # nobody has asked for it before
    assert raised.value.errno == errno.EMFILE
    assert is_zone("Pacific/Galapagos")


def test_a_file_that_cannot_be_read_for_want_of_a_descriptor_is_not_called_unreadable(tmp_path: Path) -> None:
    file = tmp_path / "berkas.csv"
    file.write_text("nip,nama\n")
    for read in (read_document, read_approvals, partial(read_table, required=("nip",)), importer._read):
        with none_left(), pytest.raises(OSError) as raised:
            read(file)
        assert raised.value.errno == errno.EMFILE


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(DocumentError, match="No such file"):
        read_document(SHIPPED.with_name("hilang.yaml"))
