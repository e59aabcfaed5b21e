"""Percents as exact fractions: how they are read from files and written out again, never through a float."""

import re
from fractions import Fraction
from typing import Final

_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def parse_percent(value: object) -> Fraction:
    """Exact value of a quoted decimal such as "0.50"; anything else is refused (a float has lost its exactness)."""
    if isinstance(value, Fraction):
        if value < 0:
            raise ValueError("a percent is never negative")
        return value
    if not isinstance(value, str):
        # a ValueError, since that is what pydantic turns into an error with the key's path
        raise ValueError(f'a percent is a quoted decimal such as "0.50", not {value!r}')  # noqa: TRY004
    if not _DECIMAL.fullmatch(value):
        raise ValueError(f'{value!r} is not a decimal such as "0.50"')
    return Fraction(value)


def format_percent(value: Fraction) -> str:
    """Exact text with at least two decimals ("0.50", "1.125"), or a fraction ("25/22") where the decimal never ends."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    decimals = 2
    while (value * 10**decimals).denominator != 1:
        decimals += 1
    digits = str(abs(value.numerator) * 10**decimals // value.denominator).rjust(decimals + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"
