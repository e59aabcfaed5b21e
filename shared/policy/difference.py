"""What changes for people between two rule packs: minute by minute for late and early, key by key for the rest."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal

from shared.percent import percent_text
from shared.policy.leave import LeaveDay
from shared.policy.model import Policy
from shared.policy.parts import LeaveKind, LeaveRow
from shared.policy.price import Price

_LAST_MINUTE: Final = 24 * 60
_PRICES: Final = {
    "tk_day": "a day of absence (TK)", "apel": "a missed roll-call", "izin_day": "a day of permission (izin)",
    "sakit_day": "a day of sick leave", "left_during_hours": "found away in working hours", "missed_break": "a missing break mark",
    "fraud": "a confirmed false position", "missed_work_report": "a missing work report", "missed_presence": "no mark within working hours",
}  # fmt: skip
_TABLES: Final = {"tk_day_by_group": ("tk_day", "a day of absence (TK)"), "apel_by_group": ("apel", "a missed roll-call")}
_PRICES_AND_WORDS: Final = frozenset({
    "tl", "psw", "late_any", "early_any", "late_rate", "early_rate", "no_in", "no_out", "on_dates",
    "tk_steps", "minutes_per_day", "consecutive_full", "leave", "leave_in_a_row", "compensation",
    "cap", "base", "weight", "month_close_day", "ladder", "ladder_by_kind", "ladder_consecutive_days", "ladder_window",
    "convert_minutes_per_day", "effective_from", "effective_until", *_PRICES, *_TABLES,
})  # fmt: skip
"""Keys that cannot change a day on which somebody came in time, left in time, and nothing was found. A key that is not
here is taken to change judgement, so that a new one is safe until somebody thinks about it."""

_LEAVE: Final[tuple[LeaveKind, ...]] = ("annual", "sick", "maternity", "important", "big", "unpaid", "study")
_INFORMATIVE: Final = frozenset({"title", "note", "edition", "confidence", "assumed", "legal_source", "split"})
_TOLD_ELSEWHERE: Final = frozenset({
    "tl", "psw", "late_any", "early_any", "late_rate", "early_rate", "no_in", "no_out", "leave", "tk_steps", *_PRICES,
    *_TABLES,
})


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different for people: what it is about, before and after, and whether it costs more or less.

    `first` and `last` are minutes, both inclusive; `last` None: no upper end.
    """

    topic: Literal["late", "early", "missing", "price", "leave", "rule", "source"]
    key: str
    about: str
    before: str
    after: str
    costs: Literal["more", "less", "other"]
    first: int | None = None
    last: int | None = None

    def sentence(self) -> str:
        """The change in one line."""
        return f"{self.about}: {self.before} → {self.after}{'' if self.costs == 'other' else f' ({self.costs})'}"

    def as_json(self) -> dict[str, Any]:
        """The change for programs."""
        return {name: getattr(self, name) for name in ("topic", "key", "about", "before", "after", "costs", "first", "last")}


def difference(before: Policy, after: Policy) -> tuple[Change, ...]:
    """All that changes for people when `after` takes the place of `before`; nothing for packs that judge alike."""
    return (
        *_minutes(before, after), *_missing(before, after), *_absences(before, after), *_prices(before, after), *_leave(before, after),
        *_rules(before, after),
    )


def judges_alike(before: Policy, after: Policy) -> bool:
    """Whether two packs come to the same for every day on which nobody was late or early and nothing was found."""
    return not any(
        getattr(before, key) != getattr(after, key) for key in Policy.model_fields.keys() - _PRICES_AND_WORDS - _INFORMATIVE
    )


def _minutes(before: Policy, after: Policy) -> Iterator[Change]:
    for topic, key, words in (("late", "tl", "late"), ("early", "psw", "early")):
        told = [(_grade(before, topic, minute), _grade(after, topic, minute)) for minute in range(1, _LAST_MINUTE + 1)]
        start = 0
        for end in range(1, _LAST_MINUTE + 1):
            if end < _LAST_MINUTE and told[end] == told[start]:
                continue
            old, new = told[start]
            if old != new:
                last = None if end == _LAST_MINUTE else end
                span = f"{start + 1} minutes and more" if last is None else f"{start + 1} to {last} minutes"
                yield Change(
                    "late" if topic == "late" else "early", key, f"{span} {words}", _graded(old), _graded(new), _costs(old[1], new[1]),
                    start + 1, last,
                )
            start = end


def _grade(policy: Policy, topic: str, minutes: int) -> tuple[str, Fraction]:
    """Code and percent of so many minutes after the scheduled start, or before the scheduled end."""
    late = topic == "late"
    if late and minutes <= policy.flex_minutes:
        return "", Fraction(0)
    return (policy.late_charge(minutes) if late else policy.early_charge(minutes)) or ("", Fraction(0))


def _graded(grade: tuple[str, Fraction]) -> str:
    return f"{grade[0]} {percent_text(grade[1])} %" if grade[0] else "nothing"


def _missing(before: Policy, after: Policy) -> Iterator[Change]:
    for key, about in (("no_in", "no check-in"), ("no_out", "no check-out")):
        old, new = getattr(before, key), getattr(after, key)
        if old != new:
            told = _graded((old.code, old.pct)), _graded((new.code, new.pct))
            yield Change("missing", key, about, *told, _costs(old.pct, new.pct))


def _absences(before: Policy, after: Policy) -> Iterator[Change]:
    """Where absences are priced by their number in the month: the month's percent at one day and at every step of either pack."""
    if not (before.tk_steps or after.tk_steps):
        return
    for days in sorted({1, *(step.days for pack in (before, after) for step in pack.tk_steps)}):
        old, new = _absent(before, days), _absent(after, days)
        if old != new:
            about = f"{days} {'day' if days == 1 else 'days'} of absence (TK) in a month"
            yield Change("price", "tk_steps", about, f"{percent_text(old)} %", f"{percent_text(new)} %", _costs(old, new))


def _absent(policy: Policy, days: int) -> Fraction:
    if policy.tk_steps:
        return max((step.pct for step in policy.tk_steps if step.days <= days), default=Fraction(0))
    return min(days * policy.tk_day, policy.cap)


def _prices(before: Policy, after: Policy) -> Iterator[Change]:
    by_steps = bool(before.tk_steps or after.tk_steps)  # then `_absences` tells what a day comes to
    for key, about in _PRICES.items():
        old, new = getattr(before, key), getattr(after, key)
        if old != new and not (by_steps and key == "tk_day"):
            yield _priced(key, about, old, new)
    for key, (single, about) in _TABLES.items():
        tables = getattr(before, key), getattr(after, key)
        for group in sorted({*tables[0], *tables[1]}):
            old, new = (table.get(group, getattr(pack, single)) for table, pack in zip(tables, (before, after), strict=True))
            if old != new:
                yield _priced(key, f"{about}, group {group}", old, new)


def _priced(key: str, about: str, old: Price | Fraction, new: Price | Fraction) -> Change:
    before, after = (price if isinstance(price, Price) else Price(price) for price in (old, new))
    # of another base it is told what each is, not which is more: that depends on the wage or the ceiling
    comparable = before.base == after.base or not (before.percent and after.percent)
    costs = _costs(before.percent, after.percent) if comparable else "other"
    return Change("price", key, about, before.text(), after.text(), costs)


def _day(number: int) -> LeaveDay:
    """A day of a leave of a year on all of whose days work is owed."""
    since = dt.date(2026, 1, 1)
    return LeaveDay(since + dt.timedelta(days=number - 1), since, since + dt.timedelta(days=365), number, 366)


def _leave(before: Policy, after: Policy) -> Iterator[Change]:
    """The leave tables, row by row; the last row that fits a day counts, so that the order of rows is told with them."""
    for kind in _LEAVE:
        old, new = (tuple(_row(row) for row in pack.leave.get(kind, ())) for pack in (before, after))
        if old != new:
            told = "; then ".join(old) or "no table", "; then ".join(new) or "no table"
            yield Change("leave", f"leave.{kind}", f"{kind} leave", *told, "other")


def _row(row: LeaveRow) -> str:
    """A row of a leave table with what it says beside its defaults."""
    said = [f"{key} {_shown(value)}" for key, value in row.model_dump(mode="json", exclude_defaults=True).items() if key != "pct"]
    return " ".join([f"{percent_text(row.pct)} %", f"({', '.join(said)})" if said else ""]).strip()


def _rules(before: Policy, after: Policy) -> Iterator[Change]:
    """Every other key whose value differs, in the order of the model, so that nothing is left out."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    for key, field in Policy.model_fields.items():
        if key in _TOLD_ELSEWHERE or old[key] == new[key]:
            continue
        about = f"{key} ({(field.description or key).split(';')[0].split(' (')[0]})"
        topic: Literal["rule", "source"] = "source" if key in _INFORMATIVE else "rule"
        yield Change(topic, key, about, _shown(old[key]), _shown(new[key]), "other")


def _shown(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(inner)}" for key, inner in value.items() if inner is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(inner) for inner in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _costs(before: Fraction, after: Fraction) -> Literal["more", "less", "other"]:
    return "more" if after > before else "less" if after < before else "other"
