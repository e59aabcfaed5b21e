"""Whatever order, number and delay check-ins arrive in: the rules end where the batch oracle ends, to the rupiah.

The stream is played here on values alone: each arrival re-assesses the days it concerns, each changed assessment
goes to payroll as an event with a version, some of them twice and late, and the month is restated each time.
"""

import datetime as dt
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from services.payroll.rules import Ceiling, EmployeeMonth, month_before, month_of, priced_day, restate
from services.schedule.rules import (
    Assessment,
    DayInputs,
    Leave,
    MarkSeen,
    Person,
    Placed,
    date_of_stamp,
    day_event,
    duty_on,
    parse_week,
    place,
    week_days,
)
from services.schedule.rules.assess import assess
from shared.events import HADIR_NAMESPACE, DayAssessed, EmployeeKind, Mark, Mode, RosterDay, Verdict
from shared.policy import Policy
from tests.oracle import days, money
from tests.oracle.packs import read_packs

GOLDEN = Path(__file__).parents[2] / "services" / "schedule" / "policies" / "golden-policies.yaml"
PACKS = read_packs(GOLDEN)
A = PACKS["POL-A"]
PACKS |= {
    "COMPENSATED": A | {"compensation": {"max_minutes": 30, "per_month": 2}},
    "LOW-CAP": A | {"cap": "4.75"},
    "FLEXIBLE": A | {"flex_minutes": 60},
    "FIRST-OUT": A | {"out_pick": "first"},
    "WINDOWED": A | {
        "in_window": {"open": "06:00", "close": "09:00", "after_close": "refuse"},
        "out_window": {"open": "15:00", "close": "18:00", "after_close": "refuse"},
    },
    "SIX-DAY-STEPS": PACKS["POL-F"] | {"minutes_per_day": {"five_day": 100, "six_day": 60}},
    "MADE-UP-STEPS": PACKS["POL-F"] | {
        "minutes_per_day": {"five_day": 60, "six_day": 40}, "compensation": {"max_minutes": 60, "per_month": 2},
    },
    "THREE-IN-A-ROW": PACKS["POL-H"] | {"consecutive_full": {"days": 3, "pct": "100"}},
}
POLICIES = {name: Policy.from_content(pack) for name, pack in PACKS.items()}
BY_ID = {policy.identity: policy for policy in POLICIES.values()}
WEEKS = (
    {day: ["07:30", "16:30" if day == "fri" else "16:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    {day: ["08:00", "14:30"] for day in ("mon", "tue", "wed", "thu", "fri", "sat")},
)
FIRST = dt.date(2026, 1, 27)
DATES = [FIRST + dt.timedelta(days=n) for n in range(10)]  # from January into February
CHANGE = dt.timedelta(days=7)
"""The second pack of a story holds from so long after the first day."""
LATER = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
ME = "e1"


@dataclass(frozen=True)
class Story:
    """A world as the oracle wants it, and an order in which a system might learn of it."""

    world: dict[str, Any]
    tpp: int
    static_tkd: int | None
    arrivals: list[tuple[str, Any]]
    repeats: list[int]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    zone = draw(st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]))
    names = draw(st.lists(st.sampled_from(sorted(PACKS)), min_size=1, max_size=2))
    # The windows' clock times are for the day shift; the others are tried under the other packs.
    shifts = [("07:00", "14:00")] + ([] if "WINDOWED" in names else [("14:00", "21:00"), ("21:00", "07:00")])
    roster: dict[tuple[str, dt.date], dict[str, str]] = {}
    for date in draw(st.sets(st.sampled_from(DATES), max_size=6)):
        mode = draw(st.sampled_from(["WFO", "WFA", "OFF"]))
        start, end = draw(st.sampled_from(shifts))
        roster[ME, date] = {"mode": mode} | ({} if mode == "OFF" else {"start": start, "end": end})
    world: dict[str, Any] = {
        "week": draw(st.sampled_from(WEEKS)),
        "holidays": draw(st.sets(st.sampled_from(DATES), max_size=2)),
        "roster": roster,
        "policies": [(FIRST + n * CHANGE, None, PACKS[name]) for n, name in enumerate(names)],
        "names": names,
        "people": {ME: {"unit": "u", "timezone": zone, "group": draw(st.sampled_from(["structural", "pelaksana"]))}},
        "leaves": [],
        "marks": [],
    }
    if draw(st.booleans()):
        since = draw(st.sampled_from(DATES))
        kind = draw(st.sampled_from(["annual", "sick", "dl"]))
        world["leaves"].append({"person": ME, "kind": kind, "from": since, "to": since + dt.timedelta(days=draw(st.integers(0, 3)))})
    places = st.sampled_from(["inside"] * 8 + ["outside", "unsure"])
    for date in DATES:
        owed = days.duty(world, ME, date)
        if owed["mode"] == "OFF" and draw(st.integers(0, 3)):
            continue
        moments = [owed["start"], owed["end"]] if owed["mode"] != "OFF" else [dt.datetime.combine(date, dt.time(9), dt.UTC)]
        for number in range(draw(st.sampled_from([0, 1, 2, 2, 2, 3]))):
            late = dt.timedelta(minutes=draw(st.integers(-100, 100) | st.integers(-400, 500)), seconds=draw(st.sampled_from([0, 0, 1, 59])))
            world["marks"].append({
                "id": uuid5(HADIR_NAMESPACE, f"{date}|{number}"), "person": ME,
                "mark": ("in", "out")[number % 2] if draw(st.integers(0, 9)) else draw(st.sampled_from(["in", "out"])),
                "at": moments[number % len(moments)] + late,
                "site": draw(places), "region": draw(places), "evidence": draw(st.integers(0, 7)) > 0,
            })
    told: list[tuple[str, Any]] = [("mark", mark) for mark in world["marks"]] + [("leave", leave) for leave in world["leaves"]]
    told += draw(st.lists(st.sampled_from(told), max_size=6)) if told else []
    told += [("now", dt.datetime.combine(date, dt.time(14), dt.UTC)) for date in draw(st.sets(st.sampled_from(DATES), max_size=3))]
    return Story(
        world, draw(st.integers(1_000_000, 15_000_000)), draw(st.none() | st.integers(500_000, 3_000_000)),
        draw(st.permutations(told)), draw(st.lists(st.integers(0, 200), max_size=10)),
    )


@dataclass
class Stream:
    """The product's rules, fed one arrival at a time."""

    story: Story
    now: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    marks: list[MarkSeen] = field(default_factory=list)
    leaves: list[Leave] = field(default_factory=list)
    assessed: dict[dt.date, Assessment] = field(default_factory=dict)
    versions: dict[dt.date, int] = field(default_factory=dict)
    published: list[DayAssessed] = field(default_factory=list)
    months: dict[str, EmployeeMonth] = field(default_factory=dict)
    balance: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        world = self.story.world
        zone = world["people"][ME]["timezone"]
        self.week = parse_week(world["week"])
        self.roster = {
            date: RosterDay(date=date, mode=Mode(row["mode"]), start=row.get("start"), end=row.get("end"))
            for (_, date), row in world["roster"].items()
        }
        around = [FIRST + dt.timedelta(days=n) for n in range(-40, 60)]
        self.duties = {date: duty_on(date, self.week, world["holidays"], self.roster.get(date), zone) for date in around}
        self.person = Person(UUID(int=1), EmployeeKind.PNS, world["people"][ME]["group"], UUID(int=2))

    def placed(self, date: dt.date) -> Placed:
        return place(date, self.duties.__getitem__)

    def policy(self, date: dt.date) -> Policy:
        names = self.story.world["names"]
        return POLICIES[names[1] if len(names) > 1 and date >= FIRST + CHANGE else names[0]]

    def learn(self, kind: str, told: Any) -> None:
        match kind:
            case "mark":
                self.marks.append(MarkSeen(
                    told["id"], 1, Mark(told["mark"]), told["at"].astimezone(dt.UTC), Verdict(told["site"]),
                    Verdict(told["region"]), evidence=told["evidence"],
                ))
                day = date_of_stamp(
                    told["at"], Mark(told["mark"]), self.placed, self.policy, self.story.world["people"][ME]["timezone"]
                )
                self.look([day])
            case "leave":
                self.leaves.append(Leave(uuid5(HADIR_NAMESPACE, str(told)), told["kind"], told["from"], told["to"]))
                self.look([date for date in DATES if told["from"] <= date <= told["to"]])
            case _:
                self.now = max(self.now, told)
                self.look(DATES)

    def look(self, dates: list[dt.date]) -> None:
        for date in dates:
            if date not in DATES:
                continue
            policy, inputs = self.policy(date), self.inputs(date)
            found = assess(inputs, policy, self.now)
            before = self.assessed.get(date)
            if before is None or replace(before, next_due=None) != replace(found, next_due=None):
                self.assessed[date] = found
                self.versions[date] = self.versions.get(date, 0) + 1
                told = day_event(found, inputs, version=self.versions[date], policy_id=policy.identity)
                self.published.append(told)
                self.pay(told)

    def inputs(self, date: dt.date) -> DayInputs:
        month = [duty for one, duty in self.duties.items() if (one.year, one.month) == (date.year, date.month)]
        return DayInputs(
            self.person, *self.placed(date), tuple(self.marks), tuple(self.leaves), sum(duty.working for duty in month),
            week_days(date, self.week, self.roster),
        )

    def pay(self, told: DayAssessed) -> None:
        """Hand an assessed day to payroll: its month is restated, and whatever month its streak runs into."""
        first = month_of(told.date)
        ceiling = Ceiling(self.story.tpp, self.story.static_tkd)
        known = self.months.get(first) or EmployeeMonth(told.employee_id, first, ceiling=ceiling)
        self.months[first] = known.with_days([priced_day(told, BY_ID[told.policy_id])])
        for month in sorted(self.months):
            before = self.months.get(month_before(month))
            outcome = restate(replace(self.months[month], streak_before=before.streak_after if before else 0), BY_ID)
            self.months[month] = outcome.month
            self.balance[month] = self.balance.get(month, 0) + sum(entry.change.amount for entry in outcome.entries)


EXAMPLES = int(os.environ.get("HADIR_EXAMPLES", "40"))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(stories())
def test_any_order_of_arrival_ends_where_the_batch_ends(story: Story) -> None:
    stream = Stream(story)
    for kind, told in story.arrivals:
        stream.learn(kind, told)
    stream.learn("now", LATER)
    for number in story.repeats:  # old and doubled events after newer ones: versions absorb them
        stream.pay(stream.published[number % len(stream.published)])

    oracle = {date: days.assess(story.world, ME, date) for date in DATES}
    for date, day in oracle.items():
        found = stream.assessed[date]
        event(f"status {day['status']}")
        codes = sorted(code for code in found.codes if code != "WFA_OUTSIDE_REGION")
        charged = sorted(code for code, _ in money.charges(day) if code != "SAKIT")
        assert (found.status, found.late, found.early, codes) == (day["status"], day["late"], day["early"], charged), date
    for month in {month_of(date) for date in DATES}:
        of_month = [day for date, day in oracle.items() if month_of(date) == month]
        earlier = [day for date, day in oracle.items() if month_of(date) < month]
        total = money.month(of_month, story.tpp, story.static_tkd, earlier)
        reported = stream.months[month].reported
        assert (reported.raw_percent, reported.percent, reported.amount) == (total["raw_percent"], total["percent"], total["amount"])
        assert stream.balance[month] == total["amount"]


@pytest.mark.parametrize("name", sorted(PACKS))
def test_every_pack_is_read_alike_by_product_and_oracle(name: str) -> None:
    """One plain month with a bit of everything, so that no pack goes untried however hypothesis draws."""
    world: dict[str, Any] = {
        "week": WEEKS[0], "holidays": set(), "roster": {}, "policies": [(FIRST, None, PACKS[name])], "names": [name],
        "people": {ME: {"unit": "u", "timezone": "Asia/Jakarta", "group": "pelaksana"}}, "leaves": [], "marks": [],
    }
    for number, date in enumerate(date for date in DATES if days.duty(world, ME, date)["mode"] != "OFF"):
        if number in (2, 3, 4):
            continue  # three days of absence in a row
        owed = days.duty(world, ME, date)
        late, early = dt.timedelta(minutes=17 * number), dt.timedelta(minutes=13 * (number - 2))
        for mark, at in (("in", owed["start"] + late), ("out", owed["end"] - early)):
            world["marks"].append({
                "id": uuid5(HADIR_NAMESPACE, f"{date}|{mark}"), "person": ME, "mark": mark, "at": at,
                "site": "inside", "region": "inside", "evidence": True,
            })
    story = Story(world, 5_250_001, None, [("mark", mark) for mark in reversed(world["marks"])], [])
    stream = Stream(story)
    for kind, told in [*story.arrivals, ("now", LATER)]:
        stream.learn(kind, told)

    oracle = {date: days.assess(world, ME, date) for date in DATES}
    for month in ("2026-01", "2026-02"):
        of_month = [day for date, day in oracle.items() if month_of(date) == month]
        earlier = [day for date, day in oracle.items() if month_of(date) < month]
        total = money.month(of_month, story.tpp, None, earlier)
        reported = stream.months[month].reported
        assert (reported.raw_percent, reported.percent, reported.amount) == (total["raw_percent"], total["percent"], total["amount"])
        assert stream.balance[month] == total["amount"]
