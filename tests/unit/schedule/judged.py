"""An employee-day to judge, in short: Monday 2 February 2026, 07:30 to 16:00 WIB, under POL-A unless said otherwise."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from services.schedule.rules import (
    Assessment,
    DayInputs,
    Fact,
    Leave,
    MarkSeen,
    Person,
    assess,
    duty_on,
    parse_week,
)
from services.schedule.rules.inputs import LeaveWord
from shared.events import HADIR_NAMESPACE, EmployeeKind, Mark, RosterDay, Verdict
from shared.policy import Policy, load_policies

PACKS = load_policies(Path(__file__).parents[3] / "services/schedule/policies/golden-policies.yaml")
WIB = dt.timezone(dt.timedelta(hours=7))
MONDAY = dt.date(2026, 2, 2)
WEEK = parse_week(dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("07:30", "16:00")))
OUTSIDE, INSIDE, UNSURE = Verdict.OUTSIDE, Verdict.INSIDE, Verdict.UNSURE


def an_id(name: str) -> UUID:
    return uuid5(HADIR_NAMESPACE, name)


def at(clock: str, date: dt.date = MONDAY) -> dt.datetime:
    return dt.datetime.combine(date, dt.time.fromisoformat(clock), WIB)


def came(clock: str, name: str = "in", date: dt.date = MONDAY, **more: Any) -> MarkSeen:
    return MarkSeen(an_id(name), 1, Mark.IN, at(clock, date), **more)


def went(clock: str, name: str = "out", date: dt.date = MONDAY, **more: Any) -> MarkSeen:
    return MarkSeen(an_id(name), 1, Mark.OUT, at(clock, date), **more)


def rested(clock: str) -> MarkSeen:
    return MarkSeen(an_id("break"), 1, Mark.BREAK, at(clock))


def a_leave(kind: LeaveWord, **more: Any) -> Leave:
    return Leave(an_id("leave"), kind, MONDAY, MONDAY, **more)


def a_policy(name: str = "POL-A", **changes: Any) -> Policy:
    """A golden pack with some keys replaced, as a file with `extends` would make it."""
    return Policy.from_content({**PACKS[name].content(), **changes})


def judge(
    *things: MarkSeen | Fact,
    policy: Policy = PACKS["POL-A"],
    now: dt.datetime | None = None,
    roster: RosterDay | None = None,
    holidays: tuple[dt.date, ...] = (),
    date: dt.date = MONDAY,
) -> Assessment:
    inputs = DayInputs(
        Person(an_id("employee"), EmployeeKind.PNS, "pelaksana", an_id("unit")),
        duty_on(date, WEEK, holidays, roster, "Asia/Jakarta"),
        marks=tuple(thing for thing in things if isinstance(thing, MarkSeen)),
        facts=tuple(thing for thing in things if not isinstance(thing, MarkSeen)),
    )
    return assess(inputs, policy, now or at("23:59", date))


def told(day: Assessment) -> tuple[str, list[str]]:
    return str(day.status), list(day.codes)
