"""How percents are written in policy files: quoted exact decimals, stricter than what the wire may carry."""

import re
from fractions import Fraction
from typing import Final

_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def read_percent(value: object) -> Fraction:
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
