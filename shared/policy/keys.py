"""Every key that a rule pack may have: its meaning, unit and default, and the check on it alone.

Where a default comes from a regulation its article is named; every other default is our reading and says so
("default"). Percents are exact fractions, written as quoted decimals ("0.50"), never floats.
"""

from fractions import Fraction
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from shared.events import EmployeeKind, Mark, Mode
from shared.policy.parts import (
    Accuracy,
    Band,
    Charge,
    Compensation,
    Cost,
    Date,
    Days,
    LadderRow,
    LeaveKind,
    LeaveRow,
    Minutes,
    MinutesPerDay,
    Name,
    OnDates,
    Part,
    Percent,
    Rate,
    Reach,
    Split,
    Step,
    Text,
    Window,
)
from shared.policy.price import FREE

PP_94_2021: Final[tuple[LadderRow, ...]] = tuple(
    LadderRow(days=days, step=step)
    for days, step in (
        (3, "ORAL_WARNING"), (4, "WRITTEN_WARNING"), (7, "STATEMENT"), (11, "TPP_CUT_6"), (14, "TPP_CUT_9"),
        (17, "TPP_CUT_12"), (21, "DEMOTION"), (25, "RELIEVED"), (28, "DISMISSAL"),
    )
)
"""The ladder of PP 94/2021 for unexcused absence within one year (Art. 11(2)(d) and the lighter articles before it)."""

VoidCode: TypeAlias = Literal["FAKE_GPS", "WFA_OUTSIDE_REGION", "OUTSIDE_SITE", "NO_EVIDENCE"]


class Keys(Part):
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
    late_rate: Rate | None = Field(default=None, description="lateness by the hour, code TL, instead of `tl` and `late_any`")
    early_rate: Rate | None = Field(default=None, description="leaving early by the hour, code PSW, instead of `psw` and `early_any`")
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
    apel: Cost = Field(default=FREE, description="a missed roll-call (Papua 2018: flat rupiah)")
    apel_by_group: dict[Name, Cost] = Field(default={}, description="a missed roll-call by group, before `apel`")
    ceremony: Cost | None = Field(default=None, description="a missed ceremony (upacara); null: as a roll-call")
    izin_day: Cost = Field(default=FREE, description="a day of permission (izin)")
    sakit_day: Cost = Field(default=FREE, description="a day of sick leave, where `leave.sick` has no row")
    leave: dict[LeaveKind, tuple[LeaveRow, ...]] = Field(
        default={}, description="cost per day of leave by kind; the last row that fits counts, none: nothing"
    )
    leave_in_a_row: Literal["continue", "restart"] = Field(
        default="continue", description="leaves of one kind and reason with no duty between them: continue counts their days as those of"
        " one leave, so that a second letter goes on where the first ended (in a row, Permenkop 8/2025 Art. 17); restart begins anew"
    )
    left_during_hours: Cost = Field(default=FREE, description="found away in working hours, code LEFT")
    left_during_hours_by_kind: dict[EmployeeKind, Cost] = Field(
        default={}, description="the same by kind of employee, before it (Perwali Bontang 31/2025: PPPK_PW 5 % of the wage)"
    )
    missed_break: Cost = Field(default=FREE, description="missing break mark (no table gives a percent)")
    fraud: Cost = Field(default=FREE, description="confirmed FAKE_GPS, beside what its void marks cost")
    missed_presence: Cost = Field(default=FREE, description="no mark within working hours where one is required")
    missed_work_report: Cost = Field(default=FREE, description="missing daily work report where required")
    on_dates: tuple[OnDates, ...] = Field(
        default=(), description="other prices on certain dates, e.g. after Lebaran (DKI 2018, Karawang 84/2020, NTT 2019)"
    )
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
    in_window: Window | None = Field(
        default=None, description="scan window for coming; opens at the start minus `flex_early_minutes` or earlier, and closes"
        " at the start plus `flex_minutes` or later"
    )
    out_window: Window | None = Field(
        default=None, description="scan window for going; opens at the end minus `flex_early_minutes` or earlier; its close, at the end"
        " plus the greater of `flex_minutes` and `compensation.max_minutes` or later, makes the day final"
    )
    break_window: Window | None = Field(default=None, description="scan window of the break, clock times or minutes from start")
    final_after_minutes: Minutes = Field(
        default=240, description="without `out_window.close`, or where it does not fit the shift, a day is final so long after its"
        " scheduled end (default), and never sooner than `flex_minutes` and `compensation.max_minutes` after it"
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
    split: Split | None = Field(default=None, description="shares of the TPP; informative, told on the receipt")

    @property
    def sourced(self) -> bool:
        """Whether the pack names the regulation it stands on; without one it cannot be put in force."""
        return bool((self.legal_source or "").strip())
