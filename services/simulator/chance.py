"""Reproducible chance: numbers that depend on a key alone, not on the order of drawing or the Python version."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


class Chance:
    """A stream of numbers for one key; the same key always gives the same numbers (splitmix64)."""

    __slots__ = ("_state",)

    def __init__(self, *key: object) -> None:
        text = "|".join(map(str, key))
        self._state = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % limit

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def spread(self, width: float) -> float:
        """A real number from -`width` to +`width`."""
        return (self.below(2_000_001) / 1_000_000 - 1.0) * width

    def pick(self, choices: Sequence[tuple[T, int]]) -> T:
        """One of the choices, each as likely as its weight."""
        drawn = self.below(sum(weight for _, weight in choices))
        for choice, weight in choices:
            if drawn < weight:
                return choice
            drawn -= weight
        raise AssertionError("weights are not negative")
