"""The policy as a frozen value: every key a rule pack may have, its meaning, unit, default and the check on it.

Where a default comes from a regulation its article is named; every other default is our reading and says so
("default"). Percents are exact fractions, written as quoted decimals ("0.50"), never floats.
"""

import datetime as dt
import json
from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID, uuid5

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.events import HADIR_NAMESPACE, EmployeeKind, Mark, Mode
from shared.percent import percent_text
from shared.policy.check import faults_of
from shared.policy.faults import PolicyFaults
from shared.policy.leave import LeaveCount, LeaveDay
from shared.policy.percent import read_percent

Percent = Annotated[
    Fraction,
    PlainValidator(read_percent),
    PlainSerializer(percent_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?$", "examples": ["0.50"]}),
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
    """How the region divides its TPP; informative, no rule reads it (row 8, Kalsel 2019)."""

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
        default=None, description="only inpatient (true) or outpatient (false); null: either"
    )


class LadderRow(Part):
    """From this many days of unexcused absence on, this step is proposed."""

    days: Days = Field(description="days of absence reached")
    step: Name = Field(description="the step, e.g. ORAL_WARNING")


PP_94_2021: Final[tuple[LadderRow, ...]] = tuple(
    LadderRow(days=days, step=step)
    for days, step in (
        (3, "ORAL_WARNING"), (4, "WRITTEN_WARNING"), (7, "STATEMENT"), (11, "TPP_CUT_6"), (14, "TPP_CUT_9"),
        (17, "TPP_CUT_12"), (21, "DEMOTION"), (25, "RELIEVED"), (28, "DISMISSAL"),
    )
)
"""The ladder of PP 94/2021 for unexcused absence within one year (Art. 11(2)(d) and the lighter articles before it)."""

VoidCode: TypeAlias = Literal["FAKE_GPS", "WFA_OUTSIDE_REGION", "OUTSIDE_SITE", "NO_EVIDENCE"]


class Policy(Part):
    """A rule pack: all that decides what a day is called and what it costs. Absent keys have the stated defaults."""

    title: Text | None = Field(default=None, description="what people call the pack; informative (default: none)")
    legal_source: Text | None = Field(
        default=None, description="regulation and article the pack stands on; without it the pack cannot be put in force (default: none)"
    )
    edition: Name | None = Field(default=None, description="which version of the pack this is; informative (default: none)")
    effective_from: Date | None = Field(
        default=None, description="first business date on which the regulation holds; cannot be put in force before it (default: no limit)"
    )
    effective_until: Date | None = Field(
        default=None, description="last business date on which the regulation holds; cannot be put in force after it (default: no limit)"
    )
    confidence: Literal["V", "V-code", "S", "B", "D"] | None = Field(
        default=None,
        description="how sure the source is; V: read in a text, V-code: in a running application, S: in the news, B: background, "
        "D: derived; informative (default: not stated)",
    )
    assumed: dict[Name, Text] = Field(
        default={}, description="keys that the source does not state, and why they are as they are; informative (default: none)"
    )
    note: Text | None = Field(default=None, description="what else a reader must know; informative (default: none)")
    seconds: Literal["stamp_floor", "strict"] = Field(
        default="stamp_floor",
        description="stamp_floor: stamps are cut to the minute (ANRI 18/2016, default); strict: a started minute counts",
    )
    base: Literal["total_tpp", "discipline_component", "static_tkd", "daily_net_tpp"] = Field(
        default="total_tpp", description="what the percents are of"
    )
    weight: Percent | None = Field(
        default=None, description="share of the discipline component in the total TPP, 0 to 1; only with that base"
    )
    tl: tuple[Band, ...] = Field(default=(), description="bands of lateness (terlambat); none: lateness costs nothing")
    psw: tuple[Band, ...] = Field(default=(), description="bands of leaving early (pulang sebelum waktunya)")
    late_any: Percent | None = Field(default=None, description="any lateness, code TL, instead of `tl`")
    early_any: Percent | None = Field(default=None, description="any leaving early, code PSW, instead of `psw`")
    no_in: Charge = Field(
        default=Charge(code="TL4", pct=Fraction(0)), description="missing check-in (default: TL4 at no cost)"
    )
    no_out: Charge = Field(
        default=Charge(code="PSW4", pct=Fraction(0)), description="missing check-out (default: PSW4 at no cost)"
    )
    tk_day: Percent = Field(default=Fraction(0), description="a day of absence without leave (TK)")
    tk_day_by_group: dict[Name, Percent] = Field(default={}, description="TK by the employee's group, before `tk_day`")
    tk_steps: tuple[Step, ...] = Field(
        default=(), description="TK by the number of days in the month; the highest step reached is the month's percent"
    )
    minutes_per_day: MinutesPerDay | None = Field(
        default=None, description="late and early minutes of the month that make one more day for `tk_steps`"
    )
    consecutive_full: Step | None = Field(
        default=None, description="so many TK days in a row make this the month's percent (Permendikdasmen 14/2025)"
    )
    apel: Percent = Field(default=Fraction(0), description="a missed roll-call")
    apel_by_group: dict[Name, Percent] = Field(default={}, description="a missed roll-call by group, before `apel`")
    ceremony: Percent | None = Field(default=None, description="a missed ceremony (upacara); null: as a roll-call")
    izin_day: Percent = Field(default=Fraction(0), description="a day of permission (izin)")
    sakit_day: Percent = Field(default=Fraction(0), description="a day of sick leave, where `leave.sick` has no row")
    leave: dict[LeaveKind, tuple[LeaveRow, ...]] = Field(
        default={}, description="cost per day of leave by kind; the last row that fits counts, none: nothing"
    )
    leave_in_a_row: Literal["continue", "restart"] = Field(
        default="continue", description="leaves of one kind and reason with no duty between them: continue counts their days as those of"
        " one leave, so that a second letter goes on where the first ended (in a row, Permenkop 8/2025 Art. 17); restart begins anew"
    )
    left_during_hours: Percent = Field(default=Fraction(0), description="found away in working hours, code LEFT")
    left_during_hours_by_kind: dict[EmployeeKind, Percent] = Field(
        default={}, description="the same by kind of employee, before it (Perwali Bontang 31/2025: PPPK_PW 5 % of the wage)"
    )
    missed_break: Percent = Field(default=Fraction(0), description="missing break mark (no table gives a percent)")
    fraud: Percent = Field(default=Fraction(0), description="confirmed FAKE_GPS, beside what its void marks cost")
    missed_presence: Percent = Field(default=Fraction(0), description="no mark within working hours where one is required")
    missed_work_report: Percent = Field(default=Fraction(0), description="missing daily work report where required")
    flex_minutes: Minutes = Field(
        default=0, description="flexible start: so much later is not late and moves the end as far (PMK 221/2021)"
    )
    flex_early_minutes: Minutes = Field(
        default=0, description="flexible start, the other way: who comes before the start may go as much earlier, up to so much"
        " (SE Gub. DKI 1/SE/2026: 60, with flex_minutes 60); 0, our default: coming early moves nothing"
    )
    compensation: Compensation | None = Field(default=None, description="lateness made up on the same day; null: never")
    cap: Percent = Field(
        default=Fraction(100), description="most that a month may cost, in percent of the base (Bapanas 23/2023 Art. 10(3))"
    )
    marks: tuple[Mark, ...] = Field(default=(Mark.IN, Mark.OUT), description="the day's marks: in, out, and maybe one break or two")
    out_pick: Literal["first", "last"] = Field(
        default="last", description="which of several check-outs counts (last: default; first: ANRI 18/2016 (6))"
    )
    in_window: Window | None = Field(default=None, description="scan window for coming")
    out_window: Window | None = Field(default=None, description="scan window for going; its close makes the day final")
    break_window: Window | None = Field(default=None, description="scan window of the break, clock times or minutes from start")
    final_after_minutes: Minutes = Field(
        default=240, description="without `out_window.close` a day is final so long after its scheduled end (default)"
    )
    reach: Reach = Field(default=Reach(), description="how far around a duty a mark belongs to it")
    evidence_required: tuple[Mode, ...] = Field(
        default=(Mode.WFA,), description="modes in which a mark without a photo is void (Rejang Lebong's WFA rule)"
    )
    presence_required: tuple[Mode, ...] = Field(
        default=(), description="modes in which at least one valid mark must be made within working hours, as proof of being "
        "there (Rejang Lebong's WFA rule); missing: NO_PRESENCE"
    )
    work_report_required: tuple[Mode, ...] = Field(
        default=(), description="modes in which a daily work report is owed; missing: NO_WORK_REPORT"
    )
    void_violations: tuple[VoidCode, ...] = Field(
        default=("FAKE_GPS", "WFA_OUTSIDE_REGION"),
        description="void marks that are a violation of their own beside the missing mark (default)",
    )
    outage_margin_minutes: Minutes = Field(
        default=60, description="an outage explains marks due within so many minutes around it (default)"
    )
    accuracy: Accuracy | None = Field(default=None, description="accuracy rule of the geofence; null: its own setting")
    forgot_limit_per_month: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="forgotten marks that may be put right in a month; null: no limit found in any rule"
    )
    month_close_day: Annotated[int, Field(strict=True, ge=1, le=28)] = Field(
        default=3, description="day of the next month on which corrections of the month end (one city's practice)"
    )
    ladder: tuple[LadderRow, ...] = Field(default=PP_94_2021, description="discipline ladder (default: PP 94/2021)")
    ladder_by_kind: dict[EmployeeKind, tuple[LadderRow, ...]] = Field(
        default={}, description="another ladder for a kind of employee, e.g. PPPK (PP 49/2018 Art. 52)"
    )
    ladder_consecutive_days: Days | None = Field(
        default=10, description="so many days in a row propose CONSECUTIVE_10 (PP 94/2021 Art. 11(2)(d)4); null: never"
    )
    ladder_window: Literal["calendar_year", "rolling_12m"] = Field(
        default="calendar_year", description="when the ladder's count starts again (default: 1 January)"
    )
    convert_minutes_per_day: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        default=None, description="minutes late and early that count as one day on the ladder (450); null: never (default)"
    )
    split: Split | None = Field(default=None, description="shares of the TPP; informative")

    @model_validator(mode="after")
    def _consistent(self) -> "Policy":
        if faults := tuple(faults_of(self)):
            raise PolicyFaults(faults)
        return self

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Policy":
        """The policy of `content()`; raises pydantic.ValidationError."""
        return cls.model_validate(dict(content))

    def content(self) -> dict[str, Any]:
        """JSON-safe keys and values that differ from the defaults: equal policies have equal content."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Policy":
        """A changed copy; it does not keep the identity of what it was copied from."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("identity", None)
        return copy

    def tl_band(self, minutes: int) -> Band | None:
        """Band of this many minutes late; None if they fall in none."""
        return _band(self.tl, minutes)

    def psw_band(self, minutes: int) -> Band | None:
        """Band of this many minutes early; None if they fall in none."""
        return _band(self.psw, minutes)

    def tk_percent(self, group: str) -> Fraction:
        """Percent of one TK day for this group, before steps and streaks."""
        return self.tk_day_by_group.get(group, self.tk_day)

    def apel_percent(self, group: str, *, ceremony: bool = False) -> Fraction:
        """Percent of one missed roll-call or ceremony for this group."""
        return self.ceremony if ceremony and self.ceremony is not None else self.apel_by_group.get(group, self.apel)

    def left_percent(self, kind: EmployeeKind) -> Fraction:
        """Percent of being found away in working hours for this kind of employee."""
        return self.left_during_hours_by_kind.get(kind, self.left_during_hours)

    def leave_percent(
        self, kind: str, day: LeaveDay, *, letter: bool | None, inpatient: bool | None, reason: str | None = None,
        duty_days_in_month: int = 1,
    ) -> Fraction:
        """Percent of a day of leave of this kind; what is not known of letter, bed and reason fits only open rows."""
        percent = self.sakit_day if kind == "sick" else Fraction(0)
        for row in self.leave.get(kind, ()):  # type: ignore[call-overload]
            number = day.number(row.count) if row.of == "day" else day.length(row.count)
            fits = row.from_day <= number and (row.to_day is None or number <= row.to_day)
            if fits and row.letter in (None, letter) and row.inpatient in (None, inpatient) and row.reason in (None, reason):
                percent = row.pct if row.per == "day" else row.pct / max(duty_days_in_month, 1)
        return percent

    def ladder_for(self, kind: EmployeeKind) -> tuple[LadderRow, ...]:
        """The discipline ladder of this kind of employee; empty for PPPK without a table of their own.

        PP 94/2021 is for PNS and those who are to become PNS. For PPPK each agency sets its table (PP 49/2018 Art. 52), and until
        then the work contract governs, which nobody can propose steps from.
        """
        of_contract = kind in {EmployeeKind.PPPK, EmployeeKind.PPPK_PW}
        return self.ladder_by_kind.get(kind, () if of_contract else self.ladder)

    @cached_property
    def identity(self) -> UUID:
        """UUIDv5 of the canonical content, so that content under an id never changes."""
        return policy_id(self)


def policy_id(policy: Policy) -> UUID:
    """UUIDv5 of the policy's canonical content: the same rules have the same id wherever and whenever they are loaded."""
    canonical = json.dumps(policy.content(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return uuid5(HADIR_NAMESPACE, f"policy|{canonical}")


def _band(bands: tuple[Band, ...], minutes: int) -> Band | None:
    for band in bands:
        if band.min <= minutes and (band.max is None or minutes <= band.max):
            return band
    return None
