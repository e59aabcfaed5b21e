"""What a policy's keys are made of: its scalars, bands, charges, windows, and the rows of its tables, each frozen and checked."""

import datetime as dt
from fractions import Fraction
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.percent import percent_text
from shared.policy.leave import LeaveCount
from shared.policy.percent import read_percent
from shared.policy.price import OtherBase, Price, read_price, written_price

Percent = Annotated[
    Fraction,
    PlainValidator(read_percent),
    PlainSerializer(percent_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?$", "examples": ["0.50"]}),
]
Cost = Annotated[
    Price,
    PlainValidator(read_price),
    PlainSerializer(written_price),
    WithJsonSchema({"anyOf": [
        {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?$", "examples": ["2.00"], "description": "percent of the pack's base"},
        {
            "type": "object", "additionalProperties": False, "required": ["pct", "base"], "description": "percent of another base",
            "properties": {
                "pct": {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?$"}, "base": {"enum": ["wage", "total_tpp"]},
            },
        },
        {
            "type": "object", "additionalProperties": False, "required": ["rupiah"], "description": "flat rupiah each time",
            "properties": {"rupiah": {"type": "integer", "minimum": 1, "maximum": 1_000_000_000}},
        },
    ]}),
]
Minutes = Annotated[int, Field(strict=True, ge=0, le=24 * 60)]
Days = Annotated[int, Field(strict=True, ge=1, le=366)]
Clock = Annotated[str, Field(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Offset = Annotated[int, Field(strict=True, ge=-24 * 60, le=24 * 60)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=100)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=600)]


def _read_date(value: object) -> object:
    """A date as files write it; a bare number is none, though it could be read as seconds since 1970."""
    if isinstance(value, dt.date | None):
        return value
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else _no_date()
    except ValueError:
        return _no_date()


def _no_date() -> object:
    raise PydanticCustomError("not_date", "is not a date")


Date = Annotated[dt.date, BeforeValidator(_read_date)]


class Part(BaseModel):
    """A mapping inside a policy: frozen, and a key nobody knows is refused, so that no typo passes as a rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(Part):
    """Whole minutes from `min` to `max`, both inclusive (`max` null: no upper end), their code and percent."""

    code: Name = Field(description="what the violation is called, e.g. TL1")
    min: Annotated[int, Field(strict=True, ge=1, le=24 * 60)] = Field(description="first minute of the band")
    max: Annotated[int, Field(strict=True, ge=1)] | None = Field(description="last minute; null: no upper end")
    pct: Percent = Field(description="percent of the base")


class Charge(Part):
    """A code with its percent of the base."""

    code: Name = Field(description="what the violation is called, e.g. TL4")
    pct: Percent = Field(description="percent of the base")


class Rate(Part):
    """So much for every stretch of minutes, code TL or PSW (DKI 2018: a day is 5 % and five hours; Bengkulu Utara: per hour)."""

    minutes: Annotated[int, Field(strict=True, ge=1, le=24 * 60)] = Field(default=60, description="one stretch (default: an hour)")
    pct: Percent = Field(description="percent of the base for one stretch")
    count: Literal["full", "started", "share"] = Field(
        default="full", description="full: only stretches that have passed whole cost (our default, no text says it); started: a begun "
        "one counts as a whole; share: each minute its exact part"
    )
    most: Percent | None = Field(default=None, description="most that one day's lateness or leaving early costs; null: no such limit")

    def percent(self, minutes: int) -> Fraction:
        """Percent of the base for so many minutes, exact."""
        if self.count == "share":
            times = Fraction(minutes, self.minutes)
        else:
            times = Fraction(minutes // self.minutes if self.count == "full" else -(-minutes // self.minutes))
        return self.pct * times if self.most is None else min(self.pct * times, self.most)


class OnDates(Part):
    """Other prices on certain business dates, such as the first day after Lebaran; a key that is not given stays the pack's.

    What is given holds for everybody: a table by group or kind, and the bands beside `late_any` or `early_any`, do not
    hold on these dates. Bases, cap, steps and streaks stay the pack's.
    """

    dates: tuple[Date, ...] = Field(description="business dates, e.g. the first duty day after a holiday; a pack is renewed each year")
    reason: Text = Field(description="what the dates are; informative")
    tk_day: Percent | None = Field(default=None, description="absence on these dates (DKI 2018: the whole month, 100)")
    late_any: Percent | None = Field(default=None, description="any lateness on these dates, code TL (NTT 2019: 25)")
    early_any: Percent | None = Field(default=None, description="any leaving early on these dates, code PSW")
    no_in: Charge | None = Field(default=None, description="missing check-in on these dates")
    no_out: Charge | None = Field(default=None, description="missing check-out on these dates")
    apel: Cost | None = Field(default=None, description="a missed roll-call on these dates (NTT 2019: 25)")
    ceremony: Cost | None = Field(default=None, description="a missed ceremony on these dates; null: as the pack's, or as the roll-call")
    left_during_hours: Cost | None = Field(default=None, description="found away in working hours on these dates")
    izin_day: Cost | None = Field(default=None, description="permission (izin) on these dates")


class Step(Part):
    """From this many days on, this percent of the base (the highest step reached counts, not the sum)."""

    days: Days = Field(description="days reached")
    pct: Percent = Field(description="percent of the base")


class MinutesPerDay(Part):
    """Minutes of late and early that make one day of absence (PP 53/2010: 7.5 hours; Ngawi: 6.5 in six-day weeks)."""

    five_day: Annotated[int, Field(strict=True, ge=1)] = Field(description="for weeks of at most five duty days")
    six_day: Annotated[int, Field(strict=True, ge=1)] = Field(description="for weeks of six duty days")


class Compensation(Part):
    """Ganti waktu: lateness made up by staying as long on the same day costs nothing (PermenPANRB 6/2018)."""

    max_minutes: Minutes = Field(description="the longest lateness that may be made up")
    per_month: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="how often in a month; null: without limit (default)"
    )


class Window(Part):
    """A scan window, as local clock times "HH:MM" or as minutes from the scheduled start (in) or end (out).

    A mark before `open` does not count. After `close` it does not count under `refuse` and is graded
    under `grade`. A clock time is taken at the duty: `in_window.open` the last one not after the start,
    `in_window.close` the first one after `open` (without `open`: the one nearest to the start),
    `out_window.open` the one nearest to the end, `out_window.close` the first one not before the end.
    Clock times that do not fit a shift (coming closes over an hour before its start; going opens over an hour after
    its end, or closes over twelve hours after it) were not meant for it and set no limit there: give minutes instead.
    A window refuses nobody who is in time when hours move (Ramadan, flexible hours): coming never opens later than
    `flex_early_minutes` before the start, and never closes before the start and `flex_minutes` after it; going never opens
    later than `flex_early_minutes` before the end, and never closes before the end and `flex_minutes` or, if that is more,
    `compensation.max_minutes` after it.
    """

    open: Clock | Offset | None = Field(default=None, description="marks before it do not count; null: no such limit")
    close: Clock | Offset | None = Field(default=None, description="end of the window; null: no such limit")
    after_close: Literal["refuse", "grade"] = Field(
        default="grade", description="refuse: a later mark does not count; grade: it counts and is graded (default)"
    )


LONGEST_REACH_MINUTES: Final = 12 * 60
"""No mark further from its duty belongs to it, whatever a policy says (our default: half a day)."""


class Reach(Part):
    """How far around a duty a mark still belongs to it.

    A neighbouring duty takes what is nearer to its own start (in), end (out) or middle (break).
    """

    before_minutes: Annotated[int, Field(strict=True, ge=0, le=LONGEST_REACH_MINUTES)] = Field(
        default=480, description="minutes before the start (default: eight hours)"
    )
    after_minutes: Annotated[int, Field(strict=True, ge=0, le=LONGEST_REACH_MINUTES)] = Field(
        default=720, description="minutes after the end (default: twelve hours)"
    )


class Split(Part):
    """How the region divides its TPP (row 8, Kalsel 2019); informative: the receipt names it, no rule reckons with it."""

    fixed: Percent = Field(description="share that nothing takes from")
    performance: Percent = Field(description="share for performance")
    attendance: Percent = Field(description="share for attendance")
    after_tax: Annotated[bool, Field(strict=True)] = Field(default=False, description="whether shares are of the net")


class Accuracy(Part):
    """How a reported position accuracy is used: `distance − min(accuracy, cap_m) ≤ radius`; over `max_m` it is unsure."""

    cap_m: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="at most this much of the accuracy helps the employee; null: geofence's own setting"
    )
    max_m: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        default=None, description="a worse accuracy proves nothing; null: geofence's own setting"
    )


LeaveKind: TypeAlias = Literal["annual", "sick", "maternity", "important", "big", "unpaid", "study"]


class LeaveRow(Part):
    """Cost of a day of leave from its `from_day`-th day on (domain: Permenkop 8/2025 Art. 17 and others)."""

    from_day: Days = Field(default=1, description="first day (or month, see `count`) of the leave on which the row holds")
    to_day: Days | None = Field(default=None, description="last one on which the row holds; null: to the end")
    count: LeaveCount = Field(
        default="duty_days", description="what from_day and to_day count: duty_days (Permenkop 8/2025 Art. 17, default), "
        "calendar_days (BKKBN 6/2023 Art. 23) or months (Permen PDT 5/2013 Art. 10)"
    )
    of: Literal["day", "length"] = Field(
        default="day", description="day: by the running number of the day within its leave (default); length: all days of a "
        "leave of that whole length (Kumham Imipas 3/2025 Art. 18)"
    )
    pct: Percent = Field(description="percent of the base per day, or per month (see `per`)")
    base: OtherBase | None = Field(
        default=None, description="what pct is of where it is not the pack's base (Permentan 20/2025 Art. 19: big leave of the whole "
        "TPP, sick leave of the attendance component): total_tpp or wage; null: the pack's base"
    )
    per: Literal["day", "month"] = Field(
        default="day", description="day: each day of the leave costs pct (default); month: a whole month of leave costs pct, "
        "so that each day costs its share of the month's duty days (80/60/40 % paid: Permen PDT 5/2013 Art. 10)"
    )
    reason: Name | None = Field(
        default=None, description="only leave for this reason, e.g. work_accident, miscarriage, wife_delivery, family_death, "
        "hajj, third_child; null: whatever the reason"
    )
    letter: Annotated[bool, Field(strict=True)] | None = Field(
        default=None, description="only with (true) or without (false) a doctor's letter; null: either"
    )
    inpatient: Annotated[bool, Field(strict=True)] | None = Field(
        default=None, description="only inpatient (true) or outpatient (false), and the row counts such days in a row alone (Permenkop "
        "8/2025 Art. 17: 25 days in hospital, 3 out of it); null: either, and the row counts both"
    )


class LadderRow(Part):
    """From this many days of unexcused absence on, this step is proposed."""

    days: Days = Field(description="days of absence reached")
    step: Name = Field(description="the step, e.g. ORAL_WARNING")
