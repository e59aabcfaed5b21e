"""Whatever order, number and delay facts arrive in, corrections included: the rules end where the batch oracle ends, to the rupiah.

The stream is played here on values alone: each arrival re-assesses the days it concerns, each changed assessment
goes to payroll as an event with a version, some of them twice and late, and the month is restated each time. A
correction has versions, of which the last counts: it may be made, taken back and made again.
"""

import datetime as dt
import os
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from services.payroll.rules import Ceiling, EmployeeMonth, counted, month_before, month_of, priced_day, restate
from services.schedule.rules import (
    ApelMissed,
    Assessment,
    DayInputs,
    Fact,
    FraudDecided,
    LadderDay,
    Leave,
    LeftDuringHours,
    Manual,
    MarkSeen,
    Outage,
    OutageDecided,
    Permission,
    Person,
    Placed,
    Reviewed,
    date_of_stamp,
    day_event,
    duty_on,
    numbered,
    parse_week,
    place,
    standing,
    week_days,
)
from services.schedule.rules.assess import assess
from shared.events import HADIR_NAMESPACE, DayAssessed, EmployeeKind, Mark, Mode, RosterDay, Verdict
from shared.policy import Policy
from tests.oracle import days, money
from tests.oracle import ladder as ladder_in_long_hand
from tests.oracle.unusual_packs import PACKS

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
    wage: int | None
    arrivals: list[tuple[str, Any]]
    repeats: list[int]


Correction: TypeAlias = tuple[str, int, dict[str, Any] | None]
"""Id, version and content of a correction; None: this version takes it back."""


def contents(draw: st.DrawFn, world: dict[str, Any], name: str) -> dict[str, Any]:
    """What one version of a correction says; it may name check-ins and outages that are not known yet."""
    date = draw(st.sampled_from(DATES))
    noon = dt.datetime.combine(date, dt.time(12), ZoneInfo(world["people"][ME]["timezone"]))
    check_ins = [mark["id"] for mark in world["marks"]] or [uuid5(HADIR_NAMESPACE, "no check-in")]
    what = draw(st.sampled_from([
        "leave", "leave", "permission", "manual", "manual", "outage", "outage", "outage_decision", "fraud", "review", "apel", "left",
    ]))
    # Two decisions of one moment would be decided by their words; here every decision has a moment of its own.
    at = dt.datetime(2026, 2, 10, tzinfo=dt.UTC) + dt.timedelta(minutes=draw(st.integers(0, 500)), microseconds=int(name[1:]))
    own: dict[str, Any] = {}
    match what:
        case "leave":
            own = {
                "kind": draw(st.sampled_from(["annual", "sick", "sick", "important", "big", "dl"])), "from": date,
                "to": date + dt.timedelta(days=draw(st.integers(0, 5))),
                "state": draw(st.sampled_from(["approved", "approved", "requested"])),
                "letter": draw(st.sampled_from([None, True, False])), "inpatient": draw(st.sampled_from([None, True, False])),
                "reason": draw(st.sampled_from([None, None, "wife_delivery"])),
            }
        case "permission":
            own = {"date": date, "state": draw(st.sampled_from(["approved", "requested"]))}
        case "manual":
            own = {
                "mark": draw(st.sampled_from(["in", "out", "break"])), "at": noon + dt.timedelta(minutes=draw(st.integers(-400, 400))),
                "nth_forgotten": draw(st.sampled_from([None, 1, 2])),
            }
        case "outage":
            since = noon + dt.timedelta(minutes=draw(st.integers(-400, 300)))
            own = {"from": since, "to": since + dt.timedelta(minutes=draw(st.integers(1, 300)))}
        case "outage_decision":
            own = {
                "outage": uuid5(HADIR_NAMESPACE, draw(st.sampled_from(CORRECTIONS))), "at": at,
                "decision": draw(st.sampled_from(["confirmed", "rejected"])),
            }
        case "fraud" | "review":
            words = ["confirmed", "cleared"] if what == "fraud" else ["accepted", "rejected"]
            own = {"check_in": draw(st.sampled_from(check_ins)), "decision": draw(st.sampled_from(words)), "at": at}
        case "apel":
            own = {"date": date, "ceremony": draw(st.booleans())}
        case "left":
            own = {"date": date}
    return {"what": what, "id": uuid5(HADIR_NAMESPACE, name), "person": ME} | own


CORRECTIONS = [f"c{number}" for number in range(6)]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    zone = draw(st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]))
    names = draw(st.lists(st.sampled_from(sorted(PACKS)), min_size=1, max_size=2))
    # The windows' clock times are for the day shift; the others are tried under the other packs.
    shifts = [("07:00", "14:00")] + ([] if any(name.startswith("WINDOWED") for name in names) else [("14:00", "21:00"), ("21:00", "07:00")])
    week = draw(st.sampled_from(WEEKS))
    roster: dict[tuple[str, dt.date], dict[str, str]] = {}
    for date in draw(st.sets(st.sampled_from(DATES), max_size=6)):
        mode = draw(st.sampled_from(["WFO", "WFA", "OFF"]))
        start, end = draw(st.sampled_from(shifts))
        only_where = mode == "OFF" or (days.WEEKDAYS[date.weekday()] in week and draw(st.booleans()))
        roster[ME, date] = {"mode": mode} | ({} if only_where else {"start": start, "end": end})
    world: dict[str, Any] = {
        "week": week,
        "holidays": draw(st.sets(st.sampled_from(DATES), max_size=2)),
        "roster": roster,
        "policies": [(FIRST + n * CHANGE, None, PACKS[name]) for n, name in enumerate(names)],
        "names": names,
        "people": {ME: {"unit": "u", "timezone": zone, "group": draw(st.sampled_from(["structural", "pelaksana"])),
                        "kind": draw(st.sampled_from(["PNS", "PNS", "PPPK_PW"]))}},
        "marks": [],
    }
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
                "mark": ("in", "out")[number % 2] if draw(st.integers(0, 9)) else draw(st.sampled_from(["in", "out", "break"])),
                "at": moments[number % len(moments)] + late,
                "site": draw(places), "region": draw(places), "evidence": draw(st.integers(0, 7)) > 0,
                "mock": draw(st.integers(0, 9)) == 0, "bad_fix": draw(st.integers(0, 19)) == 0,
            })
    corrections: list[Correction] = []
    for name in draw(st.lists(st.sampled_from(CORRECTIONS), max_size=6, unique=True)):
        content = contents(draw, world, name)
        versions = [content] if draw(st.booleans()) else [content, None, content, contents(draw, world, name)][:draw(st.integers(2, 4))]
        corrections += [(name, number, version) for number, version in enumerate(versions, 1)]
    last = {name: content for name, _, content in corrections}
    world["facts"] = [content for content in last.values() if content is not None]
    told: list[tuple[str, Any]] = [("mark", mark) for mark in world["marks"]] + [("correction", one) for one in corrections]
    told += draw(st.lists(st.sampled_from(told), max_size=6)) if told else []
    told += [("now", dt.datetime.combine(date, dt.time(14), dt.UTC)) for date in draw(st.sets(st.sampled_from(DATES), max_size=3))]
    return Story(
        world, draw(st.integers(1_000_000, 15_000_000)), draw(st.none() | st.integers(500_000, 3_000_000)),
        draw(st.none() | st.integers(500_000, 3_000_000)),
        draw(st.permutations(told)), draw(st.lists(st.integers(0, 200), max_size=10)),
    )


def fact_of(told: dict[str, Any]) -> Fact:
    """The product's fact of the oracle's."""
    fact_id = told["id"]
    match told["what"]:
        case "leave":
            return Leave(
                fact_id, told["kind"], told["from"], told["to"], told["state"], told["letter"], told["inpatient"], reason=told["reason"]
            )
        case "permission":
            return Permission(fact_id, told["date"], told["state"])
        case "manual":
            return Manual(fact_id, Mark(told["mark"]), told["at"], told["nth_forgotten"])
        case "outage":
            return Outage(fact_id, told["from"], told["to"])
        case "outage_decision":
            return OutageDecided(told["outage"], told["decision"], told["at"])
        case "fraud":
            return FraudDecided(told["check_in"], told["decision"], told["at"])
        case "review":
            return Reviewed(told["check_in"], told["decision"], told["at"])
        case "apel":
            return ApelMissed(fact_id, told["date"], told["ceremony"])
        case _:
            return LeftDuringHours(fact_id, told["date"])


@dataclass
class Stream:
    """The product's rules, fed one arrival at a time."""

    story: Story
    now: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    marks: list[MarkSeen] = field(default_factory=list)
    corrections: dict[str, tuple[int, dict[str, Any] | None]] = field(default_factory=dict)
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
        around = [FIRST + dt.timedelta(days=n) for n in range(-60, 80)]
        self.duties = {date: duty_on(date, self.week, world["holidays"], self.roster.get(date), zone) for date in around}
        self.person = Person(UUID(int=1), EmployeeKind(world["people"][ME].get("kind", "PNS")), world["people"][ME]["group"], UUID(int=2))

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
                    Verdict(told["region"]), evidence=told["evidence"], mock=told.get("mock", False), bad_fix=told.get("bad_fix", False),
                ))
                day = date_of_stamp(
                    told["at"], Mark(told["mark"]), self.placed, self.policy, self.story.world["people"][ME]["timezone"]
                )
                self.look([day])
            case "correction":
                name, version, content = told
                if self.corrections.get(name, (0, None))[0] < version:
                    self.corrections[name] = version, content
                    self.look(DATES)
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
        facts = [fact_of(content) for _, content in self.corrections.values() if content is not None]
        return DayInputs(
            self.person, *self.placed(date), tuple(self.marks),
            numbered(facts, date, self.policy(date), lambda one: self.duties[one].working),
            sum(duty.working for duty in month), week_days(date, self.week, self.roster),
        )

    def steps(self) -> set[tuple[dt.date, str]]:
        """The ladder as it stands."""
        found = [(LadderDay.of(date, day), self.policy(date), self.person.kind) for date, day in self.assessed.items()]
        return {(step.date, step.step) for step in standing(found)}

    def pay(self, told: DayAssessed) -> None:
        """Hand an assessed day to payroll: its month is counted or restated, and whatever month its streak runs into."""
        first = month_of(told.date)
        ceiling = Ceiling(self.story.tpp, self.story.static_tkd, self.story.wage)
        begun = self.months.get(first) or EmployeeMonth(told.employee_id, first, ceiling=ceiling)
        days = [priced_day(told, BY_ID[told.policy_id])]
        for month, known in sorted((self.months | {first: begun}).items()):
            before = self.months.get(month_before(month))
            streak = before.streak_after if before else 0
            quick = counted(known, days) if month == first and streak == known.streak_before else None
            fresh = replace(known.with_days(days if month == first else ()), streak_before=streak)
            outcome = quick or restate(fresh, BY_ID)
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
        charged = sorted(code for code, _ in money.charges(day) if code not in {"SAKIT", "CUTI", "IZIN"})
        assert (found.status, found.late, found.early, sorted(found.codes)) == (day["status"], day["late"], day["early"], charged), date
    assert stream.steps() == ladder_in_long_hand.steps(list(oracle.values()), story.world["people"][ME]["kind"])
    for month in {month_of(date) for date in DATES}:
        of_month = [day for date, day in oracle.items() if month_of(date) == month]
        earlier = [day for date, day in oracle.items() if month_of(date) < month]
        total = money.month(of_month, story.tpp, story.static_tkd, earlier, story.wage)
        reported = stream.months[month].reported
        assert (reported.raw_percent, reported.percent, reported.amount) == (total["raw_percent"], total["percent"], total["amount"])
        assert stream.balance[month] == (total["amount"] or 0)


@pytest.mark.parametrize(("kind", "tpp"), [("PNS", 5_250_001), ("PPPK_PW", 300_001)])
@pytest.mark.parametrize("name", sorted(PACKS))
def test_every_pack_is_read_alike_by_product_and_oracle(name: str, kind: str, tpp: int) -> None:
    """One plain month with a bit of everything, so that no pack goes untried however hypothesis draws."""
    world: dict[str, Any] = {
        "week": WEEKS[0], "holidays": set(), "roster": {}, "policies": [(FIRST, None, PACKS[name])], "names": [name],
        "people": {ME: {"unit": "u", "timezone": "Asia/Jakarta", "group": "pelaksana", "kind": kind}}, "marks": [],
    }
    for number, date in enumerate(date for date in DATES if days.duty(world, ME, date)["mode"] != "OFF"):
        if number in (2, 3, 4):
            continue  # three days of absence in a row
        owed = days.duty(world, ME, date)
        # earlier both ways, and a lateness for which he stays as long; the others are late and leave early by more each day
        late, early = {0: (-40, 40), 5: (85, -85)}.get(number, (17 * number, 13 * (number - 2)))
        for mark, at in (("in", owed["start"] + dt.timedelta(minutes=late)), ("out", owed["end"] - dt.timedelta(minutes=early))):
            world["marks"].append({
                "id": uuid5(HADIR_NAMESPACE, f"{date}|{mark}"), "person": ME, "mark": mark, "at": at,
                "site": "inside", "region": "inside", "evidence": True,
            })
    owing = [date for date in DATES if days.duty(world, ME, date)["mode"] != "OFF"]
    world["facts"] = [{"what": what, "id": uuid5(HADIR_NAMESPACE, f"{what}|{at}"), "person": ME} | own for what, at, own in (
        ("apel", 0, {"date": owing[0], "ceremony": False}), ("apel", 1, {"date": owing[1], "ceremony": True}),
        ("left", 0, {"date": owing[0]}), ("left", 1, {"date": owing[1]}), ("left", 5, {"date": owing[5]}),
        ("permission", 6, {"date": owing[6], "state": "approved"}),
        ("leave", 7, dict.fromkeys(("letter", "inpatient", "reason")) | {
            "kind": "big", "from": owing[7], "to": owing[7], "state": "approved",
        }),
    )]
    told_of = [("correction", (str(fact["id"]), 1, fact)) for fact in world["facts"]]
    story = Story(world, tpp, None, 2_000_003, [*told_of, *(("mark", mark) for mark in reversed(world["marks"]))], [])
    stream = Stream(story)
    for word, told in [*story.arrivals, ("now", LATER)]:
        stream.learn(word, told)

    oracle = {date: days.assess(world, ME, date) for date in DATES}
    for month in ("2026-01", "2026-02"):
        of_month = [day for date, day in oracle.items() if month_of(date) == month]
        earlier = [day for date, day in oracle.items() if month_of(date) < month]
        total = money.month(of_month, story.tpp, None, earlier, story.wage)
        reported = stream.months[month].reported
        assert (reported.raw_percent, reported.percent, reported.amount) == (total["raw_percent"], total["percent"], total["amount"])
        assert stream.balance[month] == total["amount"]
