"""How percents are written in policy files: quoted exact decimals, stricter than what the wire may carry."""

import re
from fractions import Fraction
from typing import Final

from pydantic_core import PydanticCustomError

_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def read_percent(value: object) -> Fraction:
    """Exact value of a quoted decimal such as "0.50"; anything else is refused (a float has lost its exactness).

    Raises PydanticCustomError, a ValueError whose type is the code of the fault (`shared.policy.wording`).
    """
    if isinstance(value, Fraction):
        if value < 0:
            raise PydanticCustomError("percent_negative", "a percent is never negative")
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("percent_not_text", "a percent is a quoted decimal")
    if not _DECIMAL.fullmatch(value):
        raise PydanticCustomError("percent_not_decimal", "is not a decimal")
    return Fraction(value)
