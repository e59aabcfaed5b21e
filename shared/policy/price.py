"""What one occurrence costs: a percent of the pack's base, of the wage or of the whole TPP, or flat rupiah.

Written as a quoted percent ("2.00", of the pack's base), as `{pct: "5.00", base: wage}` (Perwali Bontang 31/2025), or as
`{rupiah: 500000}` (Papua 2018: a missed joint roll-call).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeAlias, cast

from pydantic_core import PydanticCustomError

from shared.percent import percent_text
from shared.policy.percent import read_percent

Base: TypeAlias = tuple[str, Fraction]
"""What a percent is of, and its share of the total TPP (domain §3.1): ("discipline_component", 2/5). Of the wage, ("wage", 1);
of a flat amount, ("rupiah", its rupiah), so that one occurrence is 100 percent of it."""

OtherBase: TypeAlias = Literal["wage", "total_tpp"]
"""What a single price may be of in the place of the pack's own base."""

WAGE: Final = "wage"
RUPIAH: Final = "rupiah"
MOST_RUPIAH: Final = 1_000_000_000
"""A flat amount above a thousand million rupiah is a slip of the pen."""

WHOLE: Final = Fraction(100)


@dataclass(frozen=True, slots=True)
class Price:
    """A percent, and what it is of; `base` None: of the pack's own base."""

    percent: Fraction = Fraction(0)
    base: Base | None = None

    def text(self) -> str:
        """The price in words: "2.00 %", "5.00 % of wage", "Rp 500000"."""
        if self.base is None:
            return f"{percent_text(self.percent)} %"
        kind, share = self.base
        return f"Rp {share}" if kind == RUPIAH else f"{percent_text(self.percent)} % of {kind}"


FREE: Final = Price()


def of_base(percent: Fraction, base: OtherBase | None) -> Price:
    """A percent of the base named, of the pack's own where none is."""
    return Price(percent, None if base is None else (base, Fraction(1)))


def read_price(value: object) -> Price:
    """The price that a policy file, or a default, says.

    Raises PydanticCustomError, a ValueError whose type is the code of the fault (`shared.policy.wording`).
    """
    if isinstance(value, Price):
        return value
    if not isinstance(value, Mapping):
        return Price(read_percent(value))
    if set(value) == {"rupiah"}:
        rupiah = value["rupiah"]
        if isinstance(rupiah, int) and not isinstance(rupiah, bool) and 1 <= rupiah <= MOST_RUPIAH:
            return Price(WHOLE, (RUPIAH, Fraction(rupiah)))
    elif set(value) == {"pct", "base"} and value["base"] in ("wage", "total_tpp"):
        return of_base(read_percent(value["pct"]), cast("OtherBase", value["base"]))
    raise PydanticCustomError("not_price", "is no price")


def written_price(price: Price) -> str | dict[str, str | int]:
    """The price as files have it; a percent of the pack's own base is its text alone."""
    if price.base is None:
        return percent_text(price.percent)
    kind, share = price.base
    return {"rupiah": int(share)} if kind == RUPIAH else {"pct": percent_text(price.percent), "base": kind}
