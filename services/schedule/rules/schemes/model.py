"""A WFO/WFA scheme as a frozen value: every key a scheme file may have, its meaning, default and the check on it.

Shares are exact fractions written as quoted decimals ("75"), as in rule packs. Where a default comes from a regulation its
article is named; every other default says that it is one.
"""

import json
from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self, TypeAlias
from uuid import UUID, uuid5

from pydantic import Field, model_validator

from shared.events import HADIR_NAMESPACE, Mode
from shared.policy.parts import Name, Part, Percent, Text

Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL: Final = Fraction(100)
_Count = Annotated[int, Field(strict=True, ge=0, le=7)]


class Quota(Part):
    """Which share of an org unit works from anywhere, counted over the person-days owed in a day, week or month.

    People on leave or duty travel owe nothing on that day and are not counted. `wfa` (or `wfo`, what is left of it) is the
    share itself; `wfa_at_most` and `wfa_at_least` are limits.
    """

    per: Literal["day", "week", "month"] = Field(description="over which span the share is counted (week: Monday to Sunday)")
    wfa: Percent | None = Field(default=None, description="share that works from anywhere")
    wfo: Percent | None = Field(default=None, description="share that works from the office; the rest is WFA")
    wfa_at_most: Percent | None = Field(default=None, description="no larger share may work from anywhere")
    wfa_at_least: Percent | None = Field(default=None, description="no smaller share may work from anywhere")
    weekdays: tuple[Weekday, ...] = Field(default=(), description="weekdays that count (default: all)")
    rounding: Literal["down", "half_up", "up"] = Field(
        default="down",
        description="how a share of people that is no whole number is rounded, seen from WFA: down (default, so that the office is "
        "never emptier than the share says), half_up, up; limits are never exceeded by rounding",
    )
    tolerance: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=0, description="so many person-days beside the rounded share are no breach (default: none)"
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        given = [share for share in (self.wfa, self.wfo, self.wfa_at_most, self.wfa_at_least) if share is not None]
        if not given:
            raise ValueError("kuota harus menyebut wfa, wfo, wfa_at_most, atau wfa_at_least")
        if any(share > _ALL for share in given):
            raise ValueError("bagian kuota tidak boleh lebih dari 100 persen")
        if self.wfa is not None and self.wfo is not None and self.wfa + self.wfo != _ALL:
            raise ValueError("wfa dan wfo harus berjumlah 100 persen")
        if self.exact is not None and (self.wfa_at_most is not None or self.wfa_at_least is not None):
            raise ValueError("bagian tetap (wfa, wfo) dan batas (wfa_at_most, wfa_at_least) tidak dapat disebut bersama")
        if self.wfa_at_most is not None and self.wfa_at_least is not None and self.wfa_at_least > self.wfa_at_most:
            raise ValueError("wfa_at_least lebih besar dari wfa_at_most")
        return self

    @property
    def exact(self) -> Fraction | None:
        """The share that works from anywhere in percent, if the quota is a share and not a limit."""
        if self.wfa is not None:
            return self.wfa
        return _ALL - self.wfo if self.wfo is not None else None


class PersonWeek(Part):
    """So many office days and days from anywhere for each person and week, e.g. 3 WFO + 2 WFA."""

    wfo: _Count = Field(description="days a week in the office")
    wfa: _Count = Field(description="days a week from anywhere")

    @model_validator(mode="after")
    def _a_week(self) -> Self:
        if not 1 <= self.wfo + self.wfa <= 7:
            raise ValueError("wfo dan wfa seminggu harus berjumlah 1 sampai 7 hari")
        return self


class FixedDay(Part):
    """A weekday on which everybody works the same way, e.g. full WFA on Fridays."""

    weekday: Weekday = Field(description="the weekday")
    mode: Literal[Mode.WFO, Mode.WFA] = Field(description="how it is worked")


class Excluded(Part):
    """Who keeps working from the office: direct service to the public (Perpres 21/2023 Art. 7(1)), or by name."""

    public_service: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="units marked as public service (default: no)"
    )
    units: tuple[Name, ...] = Field(default=(), description="codes of org units (default: none)")
    groups: tuple[Name, ...] = Field(default=(), description="groups of employees, e.g. the leadership (default: none)")


class Scheme(Part):
    """Who works from where: shares of a unit, days of a person's week, fixed weekdays, and who is left out."""

    title: Text = Field(description="what people call the scheme")
    legal_source: Text = Field(description="the regulation or letter the scheme stands on, as far as its source names one")
    standing: Literal["in_force", "planned", "idea"] = Field(
        default="in_force",
        description="what the source says of it; a planned scheme or an idea is put in force only with a legal source of its own",
    )
    confidence: Literal["V", "V-code", "S", "B", "D"] | None = Field(
        default=None, description="how sure the source is, as in rule packs; informative (default: not stated)"
    )
    note: Text | None = Field(default=None, description="what else a reader must know; informative (default: none)")
    quotas: tuple[Quota, ...] = Field(default=(), description="shares of the org unit (default: none)")
    person_week: PersonWeek | None = Field(default=None, description="days of each person's week (default: free)")
    fixed_days: tuple[FixedDay, ...] = Field(
        default=(), description="weekdays that everybody works the same way; day quotas do not count on them (default: none)"
    )
    excluded: Excluded = Field(default=Excluded(), description="who is not in the scheme and stays in the office")
    weekly_wfa_limit: _Count | None = Field(
        default=2,
        description="more WFA days in a person's week are a warning, never a refusal (default: 2, PermenPANRB 4/2025); null: none",
    )
    region: Literal["free", "stay"] = Field(
        default="free", description="stay: WFA only within the region, unless on duty travel (Rejang Lebong); free (default)"
    )
    evidence: Literal["none", "geotag_photo"] = Field(
        default="none", description="what a WFA day needs beside its check-ins: geotag_photo (Rejang Lebong); none (default)"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        days = [fixed.weekday for fixed in self.fixed_days]
        if len(days) != len(set(days)):
            raise ValueError("satu hari disebut dua kali dalam fixed_days")
        if not (self.quotas or self.person_week or self.fixed_days):
            raise ValueError("skema harus punya quotas, person_week, atau fixed_days")
        if self.person_week is not None:
            fixed = sum(1 for day in self.fixed_days if day.mode == Mode.WFA)
            if fixed > self.person_week.wfa:
                raise ValueError("hari WFA tetap lebih banyak daripada hari WFA seminggu dalam person_week")
        return self

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Scheme":
        """The scheme of `content()`; raises pydantic.ValidationError."""
        return cls.model_validate(dict(content))

    def content(self) -> dict[str, Any]:
        """JSON-safe keys and values that differ from the defaults: equal schemes have equal content."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @cached_property
    def identity(self) -> UUID:
        """UUIDv5 of the canonical content, so that content under an id never changes."""
        canonical = json.dumps(self.content(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return uuid5(HADIR_NAMESPACE, f"scheme|{canonical}")

    @cached_property
    def fixed(self) -> Mapping[int, Mode]:
        """The fixed weekdays by number (0 = Monday)."""
        return {WEEKDAYS.index(day.weekday): day.mode for day in self.fixed_days}

    def excludes_unit(self, code: str, *, public_service: bool) -> bool:
        """Whether a whole org unit is left out."""
        return code in self.excluded.units or (public_service and self.excluded.public_service)
