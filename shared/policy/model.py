"""The policy as a frozen value: its keys (`keys`), checked against each other (`check`), and what they say of a day.

Equal packs have equal content, and their identity is that of the content.
"""

import datetime as dt
import json
from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any, Final
from uuid import UUID, uuid5

from pydantic import model_validator

from shared.events import HADIR_NAMESPACE, EmployeeKind
from shared.policy.check import faults_of
from shared.policy.faults import PolicyFaults
from shared.policy.keys import Keys
from shared.policy.leave import LeaveDay
from shared.policy.parts import (
    Band,
    LadderRow,
    OnDates,
    Rate,
)
from shared.policy.price import FREE, Price, of_base

_OF_CONTRACT: Final = frozenset({EmployeeKind.PPPK, EmployeeKind.PPPK_PW})


class Policy(Keys):
    """A rule pack: all that decides what a day is called and what it costs. Absent keys have the stated defaults."""

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
        for kept in ("identity", "dated"):
            copy.__dict__.pop(kept, None)
        return copy

    def on(self, date: dt.date) -> "Policy":
        """The pack with the prices that hold on this business date (`on_dates`); most dates have none of their own."""
        return self.dated.get(date, self) if self.on_dates else self

    @cached_property
    def dated(self) -> Mapping[dt.date, "Policy"]:
        """The pack as it holds on each date that has prices of its own."""
        return {date: self.model_copy(update=_instead(row)) for row in self.on_dates for date in row.dates}

    def late_charge(self, minutes: int) -> tuple[str, Fraction] | None:
        """Code and percent of so many minutes late, from 1, beyond what flexible start allows; None if they are called nothing."""
        return _charge(minutes, "TL", self.tl_band(minutes), self.late_any, self.late_rate)

    def early_charge(self, minutes: int) -> tuple[str, Fraction] | None:
        """Code and percent of so many minutes early; None if they are called nothing."""
        return _charge(minutes, "PSW", self.psw_band(minutes), self.early_any, self.early_rate)

    def uses_compensation(self, date: dt.date, minutes: int) -> bool:
        """Whether a lateness of so many minutes that was made up on a business date is one of `compensation`'s `per_month`.

        It is where it would cost something, or where its minutes count towards a day of `tk_steps`; another needs no making up.
        """
        charge = self.on(date).late_charge(minutes)
        return self.minutes_per_day is not None or (charge is not None and charge[1] > 0)

    def tl_band(self, minutes: int) -> Band | None:
        """Band of this many minutes late; None if they fall in none."""
        return _band(self.tl, minutes)

    def psw_band(self, minutes: int) -> Band | None:
        """Band of this many minutes early; None if they fall in none."""
        return _band(self.psw, minutes)

    def tk_percent(self, group: str) -> Fraction:
        """Percent of one TK day for this group, before steps and streaks."""
        return self.tk_day_by_group.get(group, self.tk_day)

    def apel_price(self, group: str, *, ceremony: bool = False) -> Price:
        """Price of one missed roll-call or ceremony for this group."""
        return self.ceremony if ceremony and self.ceremony is not None else self.apel_by_group.get(group, self.apel)

    def silent_of(self, group: str) -> tuple[str, ...]:
        """The tables by group that do not say what this group owes, where nothing else of the pack does: there it would pay nothing."""
        tk = self.tk_day_by_group and group not in self.tk_day_by_group and not self.tk_day and not self.tk_steps
        apel = self.apel_by_group and group not in self.apel_by_group and not self.apel.percent
        return (*(["tk_day_by_group"] if tk else []), *(["apel_by_group"] if apel else []))

    def left_price(self, kind: EmployeeKind) -> Price:
        """Price of being found away in working hours for this kind of employee."""
        return self.left_during_hours_by_kind.get(kind, self.left_during_hours)

    def leave_price(
        self, kind: str, day: LeaveDay, *, letter: bool | None, inpatient: bool | None, reason: str | None = None,
        duty_days_in_month: int = 1,
    ) -> Price:
        """Price of a day of leave of this kind; what is not known of letter, bed and reason fits only open rows.

        A row for one sort of sick leave, in hospital or out of it, counts the days of that sort alone.
        """
        price = self.sakit_day if kind == "sick" else FREE
        for row in self.leave.get(kind, ()):  # type: ignore[call-overload]
            within = day.alone or day if row.inpatient is not None else day
            number = within.number(row.count) if row.of == "day" else within.length(row.count)
            fits = row.from_day <= number and (row.to_day is None or number <= row.to_day)
            if fits and row.letter in (None, letter) and row.inpatient in (None, inpatient) and row.reason in (None, reason):
                price = of_base(row.pct if row.per == "day" else row.pct / max(duty_days_in_month, 1), row.base)
        return price

    def ladder_for(self, kind: EmployeeKind) -> tuple[LadderRow, ...]:
        """The discipline ladder of this kind of employee; empty for PPPK without a table of their own.

        PP 94/2021 is for PNS and those who are to become PNS. For PPPK each agency sets its table (PP 49/2018 Art. 52), and until
        then the work contract governs, which nobody can propose steps from.
        """
        return self.ladder_by_kind.get(kind, () if kind in _OF_CONTRACT else self.ladder)

    def consecutive_days_for(self, kind: EmployeeKind) -> int | None:
        """So many days in a row propose dismissal; None: never, as for PPPK without a table of their own (`ladder_for`)."""
        return None if kind in _OF_CONTRACT and kind not in self.ladder_by_kind else self.ladder_consecutive_days

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


def _charge(minutes: int, code: str, band: Band | None, flat: Fraction | None, rate: Rate | None) -> tuple[str, Fraction] | None:
    if band is not None:
        return band.code, band.pct
    percent = rate.percent(minutes) if rate is not None else flat
    return None if percent is None else (code, percent)


_ABOUT_ALL: Final[Mapping[str, Mapping[str, Any]]] = {
    "tk_day": {"tk_day_by_group": {}, "tk_steps": ()},
    "late_any": {"tl": (), "late_rate": None},
    "early_any": {"psw": (), "early_rate": None},
    "apel": {"apel_by_group": {}},
    "left_during_hours": {"left_during_hours_by_kind": {}},
}
"""What gives way on a date to a price that holds for everybody."""


def _instead(row: OnDates) -> dict[str, Any]:
    """The keys of a pack that are other on the dates of a row."""
    changed: dict[str, Any] = {"on_dates": ()}
    for key in OnDates.model_fields.keys() - {"dates", "reason"}:
        if (value := getattr(row, key)) is not None:
            changed |= {key: value, **_ABOUT_ALL.get(key, {})}
    return changed
