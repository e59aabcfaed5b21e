"""What a batch of reference records comes to, when versions come late and records are erased and told again."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from shared.reference import Row, Tombstone, standing
from shared.topics import EMPLOYEE

ONE, OTHER = UUID(int=1), UUID(int=2)


def told(key: UUID, version: int) -> Any:
    return SimpleNamespace(key=str(key).encode(), event=(key, version))


def erased(key: UUID) -> Row:
    return Tombstone(EMPLOYEE, 0, 0, str(key).encode())


def test_an_older_version_that_comes_late_does_not_hide_the_newer_one_before_it() -> None:
    assert standing([told(ONE, 5), told(OTHER, 1), told(ONE, 4)]) == ([], [(ONE, 5), (OTHER, 1), (ONE, 4)])


def test_a_tombstone_erases_what_came_before_it_of_its_own_key_only() -> None:
    assert standing([told(ONE, 5), told(OTHER, 1), erased(ONE)]) == ([ONE], [(OTHER, 1)])


def test_what_comes_after_a_tombstone_stands() -> None:
    assert standing([told(ONE, 1), erased(ONE), told(ONE, 2)]) == ([ONE], [(ONE, 2)])
    assert standing([erased(ONE), told(ONE, 2), erased(ONE)]) == ([ONE], [])
