"""How exact percents are written and read: "0.50", "100.00", and "25/22" where the decimal does not end."""

from fractions import Fraction
from functools import lru_cache
from re import compile as pattern

_DECIMAL = pattern(r"-?[0-9]{1,9}(\.[0-9]{1,12})?")
_RATIO = pattern(r"-?[0-9]{1,18}/[0-9]{1,18}")


def percent_text(percent: Fraction) -> str:
    """Exact text of a percent: a decimal with at least two decimals, or a fraction if it does not terminate.

    >>> percent_text(Fraction(1, 2)), percent_text(Fraction(1, 8)), percent_text(Fraction(25, 22))
    ('0.50', '0.125', '25/22')
    """
    numerator, denominator = percent.numerator, percent.denominator
    if 100 % denominator == 0:
        places, scaled = 2, numerator * (100 // denominator)
    else:
        rest, twos, fives = denominator, 0, 0
        while rest % 2 == 0:
            rest, twos = rest // 2, twos + 1
        while rest % 5 == 0:
            rest, fives = rest // 5, fives + 1
        if rest != 1:
            return f"{numerator}/{denominator}"
        places = max(twos, fives)
        scaled = numerator * 10**places // denominator
    digits = str(abs(scaled)).rjust(places + 1, "0")
    return f"{'-' if scaled < 0 else ''}{digits[:-places]}.{digits[-places:]}"


@lru_cache(maxsize=4096)  # rule packs have few percents, and months read them again and again
def parse_percent(text: str) -> Fraction:
    """The percent that `percent_text` wrote, or that a person wrote as "1.25" or "25/22".

    Raises ValueError for anything else: no exponent, no NaN, no percent sign, no zero denominator.
    """
    if _DECIMAL.fullmatch(text):
        return Fraction(text)
    if _RATIO.fullmatch(text) and int(text.partition("/")[2]) != 0:
        return Fraction(text)
    raise ValueError('a percent is written as an exact decimal ("1.25") or a fraction ("25/22")')
