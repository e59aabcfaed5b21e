"""Checks across a policy's keys: bands without gap or overlap, no percent over the cap, weight with its base."""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from shared.events import Mark
from shared.percent import percent_text

if TYPE_CHECKING:  # the model runs these checks, so importing it here would go in a circle
    from shared.policy.model import Band, Policy

FaultAt: TypeAlias = tuple[tuple[str | int, ...], str]


class PolicyFaults(ValueError):
    """What is wrong across keys: pairs of key path and sentence."""

    def __init__(self, faults: tuple[FaultAt, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(message for _, message in faults))


def faults_of(policy: "Policy") -> Iterator[FaultAt]:
    """All that is wrong across the keys of a policy whose keys are each well-formed."""
    for key, bands in (("tl", policy.tl), ("psw", policy.psw)):
        yield from _band_faults(key, bands)
    for any_key, key in (("late_any", "tl"), ("early_any", "psw")):
        if getattr(policy, any_key) is not None and getattr(policy, key):
            yield (any_key,), f"give either {any_key} or {key}, not both"
    if policy.weight is not None and policy.base != "discipline_component":
        yield ("weight",), f"weight goes with base discipline_component only; the base here is {policy.base}"
    if policy.base == "discipline_component" and policy.weight is None:
        yield ("weight",), "base discipline_component needs its weight in the total TPP"
    if policy.weight is not None and not 0 < policy.weight <= 1:
        yield ("weight",), "weight is a share of the total TPP, more than 0 and at most 1"
    if policy.cap > 100:
        yield ("cap",), "the cap is at most 100 percent of the base"
    for path, percent in _percents(policy):
        if percent > policy.cap:
            yield path, f"{percent_text(percent)} is over the cap of {percent_text(policy.cap)}"
    stairs: list[tuple[tuple[str | int, ...], list[int]]] = [
        (("tk_steps",), [step.days for step in policy.tk_steps]),
        (("ladder",), [step.days for step in policy.ladder]),
    ]
    stairs += [(("ladder_by_kind", kind), [step.days for step in rows]) for kind, rows in policy.ladder_by_kind.items()]
    for path, days in stairs:
        for position in range(1, len(days)):
            if days[position] <= days[position - 1]:
                yield (*path, position, "days"), "days must rise from step to step"
    for position in range(1, len(policy.tk_steps)):
        if policy.tk_steps[position].pct < policy.tk_steps[position - 1].pct:
            yield ("tk_steps", position, "pct"), "more days may not cost less"
    if len(set(policy.marks)) != len(policy.marks) or not {Mark.IN, Mark.OUT} <= set(policy.marks):
        yield ("marks",), "marks are in and out, and maybe break, each once"
    for kind, leave_rows in policy.leave.items():
        for position, row in enumerate(leave_rows):
            if row.to_day is not None and row.to_day < row.from_day:
                yield ("leave", kind, position, "to_day"), "to_day is before from_day"
    if policy.split is not None and policy.split.fixed + policy.split.performance + policy.split.attendance != 1:
        yield ("split",), "fixed, performance and attendance must add up to 1"


def _band_faults(key: str, bands: "tuple[Band, ...]") -> Iterator[FaultAt]:
    for position, band in enumerate(bands):
        if band.max is not None and band.max < band.min:
            yield (key, position, "max"), f"the band ends at {band.max}, before it begins at {band.min}"
        if band.max is None and position < len(bands) - 1:
            yield (key, position, "max"), "only the last band may be open (max: null)"
        if position == 0:
            continue
        before = bands[position - 1].max
        if before is not None and band.min > before + 1:
            yield (key, position, "min"), f"a gap: minutes {before + 1} to {band.min - 1} are in no band"
        elif before is not None and band.min <= before:
            yield (key, position, "min"), f"an overlap: minute {band.min} is in the band before as well"


def _percents(policy: "Policy") -> Iterator[tuple[tuple[str | int, ...], Fraction]]:
    for key, bands in (("tl", policy.tl), ("psw", policy.psw)):
        for position, band in enumerate(bands):
            yield (key, position, "pct"), band.pct
    for position, step in enumerate(policy.tk_steps):
        yield ("tk_steps", position, "pct"), step.pct
    yield ("no_in", "pct"), policy.no_in.pct
    yield ("no_out", "pct"), policy.no_out.pct
    if policy.consecutive_full is not None:
        yield ("consecutive_full", "pct"), policy.consecutive_full.pct
    for key in (
        "late_any", "early_any", "tk_day", "apel", "izin_day", "sakit_day", "left_during_hours", "missed_break",
        "fraud", "missed_work_report",
    ):
        if (percent := getattr(policy, key)) is not None:
            yield (key,), percent
    for key, table in (("tk_day_by_group", policy.tk_day_by_group), ("apel_by_group", policy.apel_by_group)):
        for group, percent in table.items():
            yield (key, group), percent
    for kind, leave_rows in policy.leave.items():
        for position, leave_row in enumerate(leave_rows):
            yield ("leave", kind, position, "pct"), leave_row.pct
