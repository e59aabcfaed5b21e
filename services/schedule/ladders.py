"""What the steps of the discipline ladder are called, what they mean for the TPP, and on which article they stand: data."""

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from shared.percent import parse_percent
from shared.policy.parts import LadderRow
from shared.yaml_document import read_document

SHIPPED: Final = Path(__file__).parent / "policies" / "ladders.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cut(_Part):
    """A cut of the TPP: percent of the month's ceiling, and for how many months."""

    percent: Annotated[Fraction, PlainValidator(lambda text: text if isinstance(text, Fraction) else parse_percent(text))]
    months: Annotated[int, Field(ge=1, le=120)]


class Step(_Part):
    """A step: its Indonesian name, how heavy it is, its article, and the cut that it means, if it means one."""

    name: str
    level: Literal["ringan", "sedang", "berat"]
    source: str
    cut: Cut | None = None


class Table(_Part):
    """Rows that a rule pack may take over, and where they come from."""

    source: str
    rows: tuple[LadderRow, ...]


class Ladders(_Part):
    """All steps and tables that are shipped."""

    steps: dict[str, Step]
    tables: dict[str, Table]

    def source_of(self, step: str, otherwise: str) -> str:
        """The article on which a step stands; `otherwise` for a step of a province's own."""
        known = self.steps.get(step)
        return known.source.removesuffix(" [B]") if known else otherwise


@lru_cache(maxsize=1)
def ladders() -> Ladders:
    """The shipped catalogue."""
    return Ladders.model_validate(read_document(SHIPPED).value)


def named() -> Mapping[str, Step]:
    """The steps by their stable names."""
    return ladders().steps
