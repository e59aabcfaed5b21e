"""What all events are made of: the frozen model, the words of closed sets, bounded texts, numbers and moments."""

import datetime as dt
import math
from enum import StrEnum
from typing import Annotated
from uuid import NAMESPACE_URL, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

HADIR_NAMESPACE = uuid5(NAMESPACE_URL, "https://hadir.example/events")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain NUL")
    return value


def _of_our_times(month: str) -> str:
    if not "2000-01" <= month <= "2100-12":
        raise ValueError("must be a month from 2000 to 2100")
    return month


def _countable(value: int) -> int:
    if value >= 2**31:
        raise ValueError("must be below 2^31, as the tables of its readers are")
    return value


Latitude = Annotated[float, Field(ge=-90, le=90), AfterValidator(_finite)]
Longitude = Annotated[float, Field(ge=-180, le=180), AfterValidator(_finite)]
Metres = Annotated[float, Field(ge=0, le=10_000_000), AfterValidator(_finite)]
Text = Annotated[str, Field(max_length=500), AfterValidator(_no_nul)]
Code = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_nul)]
Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$"), AfterValidator(_of_our_times)]
"""A month that a duty of ours can have, as `Moment`: the day after its last one exists."""
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0), AfterValidator(_countable)]
Minutes = Annotated[int, Field(ge=0, le=10_000)]
Moment = Annotated[
    AwareDatetime, Field(ge=dt.datetime(2000, 1, 1, tzinfo=dt.UTC), lt=dt.datetime(2101, 1, 1, tzinfo=dt.UTC))
]
"""An instant that a duty of ours can have; "year 9999" ends here, before any arithmetic with zones."""
BusinessDate = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), lt=dt.date(2101, 1, 1))]


class Event(BaseModel):
    """Base of all events; a subclass says in its docstring when it is published and who reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Mark(StrEnum):
    """Which of the day's marks a check-in is (absen masuk, istirahat, pulang)."""

    IN = "in"
    BREAK = "break"
    OUT = "out"


class Mode(StrEnum):
    """How a day is worked: at the office, anywhere, or not at all."""

    WFO = "WFO"
    WFA = "WFA"
    OFF = "OFF"


class Verdict(StrEnum):
    """Three-valued answer to "was it there?"; UNSURE never costs money, it waits for a person."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNSURE = "unsure"


class EmployeeKind(StrEnum):
    """Kinds of ASN (UU 20/2023) plus PPPK paruh waktu and candidates."""

    PNS = "PNS"
    PPPK = "PPPK"
    PPPK_PW = "PPPK_PW"
    CPNS = "CPNS"
