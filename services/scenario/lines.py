"""What every line of a scenario file is made of: words it may use, and their bounds."""

from typing import Annotated, Literal, TypeAlias
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.percent import parse_percent, percent_text


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone such as Asia/Jakarta, Asia/Makassar or Asia/Jayapura")
    return name


Name = Annotated[str, Field(min_length=1, max_length=100)]
Zone = Annotated[Name, AfterValidator(_known_zone)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Radius = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
Hour = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Percent = Annotated[str, AfterValidator(lambda text: percent_text(parse_percent(text)))]
Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LeaveKind: TypeAlias = Literal["annual", "sick", "maternity", "important", "big", "unpaid", "study", "dl"]


class Line(BaseModel):
    """A mapping of the file; a word the format does not know is refused, so that a typo cannot pass a test."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
