"""Checks across a policy's keys: bands without gap or overlap, no percent over the cap, weight with its base."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, pairwise

from shared.events import Mark
from shared.percent import percent_text
from shared.policy.faults import FaultAt
from shared.policy.keys import Keys
from shared.policy.leave import LeaveDay
from shared.policy.parts import Band, Window
from shared.policy.price import RUPIAH, Price
from shared.yaml_document import KeyPath

_SINGLE_PERCENTS = (
    "late_any", "early_any", "tk_day", "apel", "ceremony", "izin_day", "sakit_day", "left_during_hours", "missed_break",
    "fraud", "missed_presence",
    "missed_work_report",
)

_PRICES_BY_NAME = ("tk_day_by_group", "apel_by_group", "left_during_hours_by_kind")


def faults_of(policy: Keys) -> Iterator[FaultAt]:
    """All that is wrong across the keys of a policy whose keys are each well-formed."""
    for key, bands in (("tl", policy.tl), ("psw", policy.psw)):
        yield from _band_faults(key, bands)
    for keys in (("late_rate", "late_any", "tl"), ("early_rate", "early_any", "psw")):
        for key, other in combinations([key for key in keys if getattr(policy, key) not in (None, ())], 2):
            yield FaultAt((key,), "either", {"key": key, "other": other}, (key, other))
    yield from _date_faults(policy)
    yield from _base_faults(policy)
    for path, percent in _percents(policy):
        if percent > policy.cap:
            told = {"percent": percent_text(percent), "cap": percent_text(policy.cap)}
            yield FaultAt(path, "over_cap", told, (str(path[0]),))  # where the cap itself is faulty, 100 stands for it
    yield from _stair_faults(policy)
    if policy.marks.count(Mark.IN) != 1 or policy.marks.count(Mark.OUT) != 1 or policy.marks.count(Mark.BREAK) > 2:
        yield FaultAt(("marks",), "marks_wrong", {}, ("marks",))
    for kind, leave_rows in policy.leave.items():
        for position, row in enumerate(leave_rows):
            if row.to_day is not None and row.to_day < row.from_day:
                yield FaultAt(("leave", kind, position, "to_day"), "leave_backwards", {}, ("leave",))
    if policy.split is not None:
        total = policy.split.fixed + policy.split.performance + policy.split.attendance
        if total != 1:
            yield FaultAt(("split",), "split_sum", {"sum": percent_text(total)}, ("split",))
    for key, window in (("in_window", policy.in_window), ("out_window", policy.out_window), ("break_window", policy.break_window)):
        yield from _window_faults(key, window)
    if policy.effective_from is not None and policy.effective_until is not None and policy.effective_until < policy.effective_from:
        yield FaultAt(("effective_until",), "dates_backwards", {}, ("effective_from", "effective_until"))


def remarks_of(policy: Keys) -> Iterator[FaultAt]:
    """What is allowed but may be a slip: no source, late plus early unlike a day of absence, bands that end or fall, letters that cost."""
    if not policy.sourced:
        yield FaultAt((), "no_source")
    tk = policy.tk_day
    if not (tk or policy.tk_day_by_group or policy.tk_steps):
        yield FaultAt((), "tk_free")
    missing = policy.no_in.pct + policy.no_out.pct
    if tk and missing not in (0, tk):
        yield FaultAt(("tk_day",), "tk_unlike_missing", {"both": percent_text(missing), "tk": percent_text(tk)})
    if tk and policy.tl and policy.psw and (worst := policy.tl[-1].pct + policy.psw[-1].pct) not in (tk, missing):
        yield FaultAt(("tk_day",), "tk_unlike_bands", {
            "late": policy.tl[-1].code, "early": policy.psw[-1].code, "both": percent_text(worst), "tk": percent_text(tk),
            "word": "pays_more" if worst > tk else "pays_less",
        })
    for key, bands in (("tl", policy.tl), ("psw", policy.psw)):
        yield from _band_remarks(key, bands, policy.flex_minutes if key == "tl" else 0)
    for key, bands, charge in (("no_in", policy.tl, policy.no_in), ("no_out", policy.psw, policy.no_out)):
        for band in bands:
            if band.code == charge.code and band.pct != charge.pct:
                told = {"code": band.code, "one": percent_text(band.pct), "other": percent_text(charge.pct)}
                yield FaultAt((key, "code"), "same_code", told)
    if policy.tk_steps and (policy.tk_day or policy.tk_day_by_group):
        yield FaultAt(("tk_day",), "without_effect", {"key": "tk_day", "why": "by_steps"})
    if policy.minutes_per_day is not None and not policy.tk_steps:
        yield FaultAt(("minutes_per_day",), "without_effect", {"key": "minutes_per_day", "why": "no_steps"})
    if Mark.BREAK not in policy.marks:
        for key, given in (("missed_break", policy.missed_break.percent), ("break_window", policy.break_window)):
            if given:
                yield FaultAt((key,), "without_effect", {"key": key, "why": "no_break"})
    yield from _letter_remarks(policy)


def _letter_remarks(policy: Keys) -> Iterator[FaultAt]:
    """A day on which the sick who bring a doctor's letter pay more than those who bring none; the first one is told."""
    rows = policy.leave.get("sick", ())
    since = dt.date(2026, 1, 1)
    for first in sorted({row.from_day if row.count != "months" else 31 * (row.from_day - 1) + 1 for row in rows}):
        date = since + dt.timedelta(days=first - 1)
        day = LeaveDay(date, since, date, first, first)
        for inpatient in (False, True):
            found = []
            for letter in (True, False):
                fitting = [
                    (row.pct, position) for position, row in enumerate(rows)
                    if row.from_day <= day.number(row.count) and (row.to_day is None or day.number(row.count) <= row.to_day)
                    and row.letter in (None, letter) and row.inpatient in (None, inpatient) and row.reason is None
                ]  # fmt: skip
                found.append(fitting[-1] if fitting else (policy.sakit_day.percent, 0))
            (brought, position), (none, _) = found
            if none < brought:
                yield FaultAt(("leave", "sick", position, "letter"), "letter_costs", {
                    "day": first, "brought": percent_text(brought), "none": percent_text(none),
                })  # fmt: skip
                return


def _base_faults(policy: Keys) -> Iterator[FaultAt]:
    if policy.weight is not None and policy.base != "discipline_component":
        yield FaultAt(("weight",), "weight_alone", {"base": policy.base}, ("weight", "base"))
    if policy.base == "discipline_component" and policy.weight is None:
        yield FaultAt(("weight",), "weight_missing", {}, ("base", "weight"))
    if policy.weight is not None and not 0 < policy.weight <= 1:
        yield FaultAt(("weight",), "weight_share", {}, ("weight",))
    if policy.cap > 100:
        yield FaultAt(("cap",), "cap_over", {}, ("cap",))


def _stair_faults(policy: Keys) -> Iterator[FaultAt]:
    stairs: list[tuple[KeyPath, list[int]]] = [
        (("tk_steps",), [step.days for step in policy.tk_steps]),
        (("ladder",), [step.days for step in policy.ladder]),
    ]
    stairs += [(("ladder_by_kind", kind), [step.days for step in rows]) for kind, rows in policy.ladder_by_kind.items()]
    for path, days in stairs:
        for position, (before, here) in enumerate(pairwise(days), start=1):
            if here <= before:
                yield FaultAt((*path, position, "days"), "days_not_rising", {}, (str(path[0]),))
    for position, (lower, step) in enumerate(pairwise(policy.tk_steps), start=1):
        if step.pct < lower.pct:
            yield FaultAt(("tk_steps", position, "pct"), "steps_falling", {"before": percent_text(lower.pct)}, ("tk_steps",))


def _window_faults(key: str, window: Window | None) -> Iterator[FaultAt]:
    if window is not None and isinstance(window.open, int) and isinstance(window.close, int) and window.close < window.open:
        yield FaultAt((key, "close"), "window_backwards", {"open": window.open, "close": window.close}, (key,))


def _band_faults(key: str, bands: tuple[Band, ...]) -> Iterator[FaultAt]:
    for position, band in enumerate(bands):
        if band.max is not None and band.max < band.min:
            yield FaultAt((key, position, "max"), "band_backwards", {"min": band.min, "max": band.max}, (key,))
        if band.max is None and position < len(bands) - 1:
            yield FaultAt((key, position, "max"), "band_open", {}, (key,))
        if position == 0:
            continue
        before = bands[position - 1].max
        if before is not None and band.min > before + 1:
            yield FaultAt((key, position, "min"), "gap", {"first": before + 1, "last": band.min - 1}, (key,))
        elif before is not None and band.min <= before:
            yield FaultAt((key, position, "min"), "overlap", {"min": band.min, "after": before + 1}, (key,))


def _band_remarks(key: str, bands: tuple[Band, ...], flex: int) -> Iterator[FaultAt]:
    if not bands:
        return
    if bands[-1].max is not None:
        yield FaultAt((key, len(bands) - 1, "max"), "uncovered", {"max": bands[-1].max})
    if bands[0].min > flex + 1:
        yield FaultAt((key, 0, "min"), "starts_late", {"last": bands[0].min - 1})
    for position, band in enumerate(bands):
        if band.max is not None and band.max <= flex:
            yield FaultAt((key, position), "unreachable", {"code": band.code, "flex": flex})
    prices: dict[str, Fraction] = {}
    for position, band in enumerate(bands):
        if prices.setdefault(band.code, band.pct) != band.pct:
            told = {"code": band.code, "one": percent_text(prices[band.code]), "other": percent_text(band.pct)}
            yield FaultAt((key, position, "code"), "same_code", told)
    for position, (before, band) in enumerate(pairwise(bands), start=1):
        if band.pct < before.pct:
            yield FaultAt((key, position, "pct"), "falling", {"code": band.code, "before": before.code})


def _percents(policy: Keys) -> Iterator[tuple[KeyPath, Fraction]]:
    for key, bands in (("tl", policy.tl), ("psw", policy.psw)):
        for position, band in enumerate(bands):
            yield (key, position, "pct"), band.pct
    for position, step in enumerate(policy.tk_steps):
        yield ("tk_steps", position, "pct"), step.pct
    yield ("no_in", "pct"), policy.no_in.pct
    yield ("no_out", "pct"), policy.no_out.pct
    if policy.consecutive_full is not None:
        yield ("consecutive_full", "pct"), policy.consecutive_full.pct
    for key in _SINGLE_PERCENTS:
        yield from _price((key,), getattr(policy, key))
    for key in ("late_rate", "early_rate"):
        if (rate := getattr(policy, key)) is not None:
            yield (key, "pct"), rate.pct
            yield from _price((key, "most"), rate.most)
    for key in _PRICES_BY_NAME:
        for name, price in getattr(policy, key).items():
            yield from _price((key, name), price)
    for position, row in enumerate(policy.on_dates):
        for key in ("no_in", "no_out"):
            if (charge := getattr(row, key)) is not None:
                yield ("on_dates", position, key, "pct"), charge.pct
        for key in _SINGLE_PERCENTS:
            yield from _price(("on_dates", position, key), getattr(row, key, None))
    for kind, leave_rows in policy.leave.items():
        for position, leave_row in enumerate(leave_rows):
            yield ("leave", kind, position, "pct"), leave_row.pct


def _price(path: KeyPath, price: Price | Fraction | None) -> Iterator[tuple[KeyPath, Fraction]]:
    """The percent of a price, of whatever base; flat rupiah are none."""
    if isinstance(price, Fraction):
        yield path, price
    elif price is not None and (price.base is None or price.base[0] != RUPIAH):
        yield path, price.percent


def _date_faults(policy: Keys) -> Iterator[FaultAt]:
    seen = set()
    for position, row in enumerate(policy.on_dates):
        for date in row.dates:
            if date in seen:
                yield FaultAt(("on_dates", position, "dates"), "date_twice", {"date": str(date)}, ("on_dates",))
            seen.add(date)
