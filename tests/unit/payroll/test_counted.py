"""Days that move no more than counts: what is said without folding is what the fold says, in everything that is stored or told."""

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import TypeAlias
from uuid import UUID

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from services.payroll.rules import (
    Ceiling,
    EmployeeMonth,
    Line,
    Outcome,
    PricedDay,
    Sanction,
    Supplement,
    close,
    counted,
    opened_closed,
    restate,
)
from services.payroll.store.facts import read_facts, write_facts
from shared.events import DayStatus, FindingKind
from shared.policy import Policy, load_policies
from shared.policy.price import Base

FILES = Path(__file__).parents[3] / "services" / "schedule" / "policies"
A = {"tk_day": "3.00"}
STEPS = {"tk_steps": [{"days": 1, "pct": "4.50"}, {"days": 2, "pct": "9.00"}, {"days": 3, "pct": "100"}]}
PER_DAY = {"minutes_per_day": {"five_day": 60, "six_day": 50}}
IN_A_ROW = {"consecutive_full": {"days": 2, "pct": "40"}}
MADE = [
    Policy.from_content(content)
    for content in (
        A, A | {"cap": "5"}, A | IN_A_ROW, A | {"base": "static_tkd"}, STEPS, STEPS | PER_DAY, STEPS | PER_DAY | IN_A_ROW,
        STEPS | PER_DAY | {"compensation": {"max_minutes": 30, "per_month": 1}, "base": "daily_net_tpp"},
        {"tk_steps": [{"days": 1, "pct": "7.00"}]},
        A | {"compensation": {"max_minutes": 30, "per_month": 1}}, A | {"compensation": {"max_minutes": 30}},
        A | {"base": "discipline_component", "weight": "0.40"}, {"base": "daily_net_tpp", "tk_day": "100"},
    )
]
PACKS = [
    *(pack for name in ("golden-policies.yaml", "example-packs.yaml") for pack in load_policies(FILES / name).values()),
    *MADE,
]
BY_ID = {pack.identity: pack for pack in PACKS}
PLAIN = MADE[0]
ME = UUID(int=1)
MINUTES = (0, 0, 20, 45, 130)
CODES = ((FindingKind.LATE, "TL1"), (FindingKind.EARLY, "PSW1"), (FindingKind.APEL, "APEL"))
BASES: tuple[Base | None, ...] = (
    None, None, None, ("wage", Fraction(1)), ("total_tpp", Fraction(1)), ("rupiah", Fraction(150_000)),
)

EXAMPLES = 5 * int(os.environ.get("HADIR_EXAMPLES", "40"))

Made: TypeAlias = Callable[..., PricedDay]
Batch: TypeAlias = list[PricedDay]
Found: TypeAlias = tuple[tuple[Line, ...], int]
NOTHING: Found = (), 0


@st.composite
def lines(draw: st.DrawFn) -> tuple[Line, ...]:
    found = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=2, unique=True))
    percents = st.sampled_from([Fraction(1, 2), Fraction(5, 4), Fraction(1, 3), Fraction(30), Fraction(0)])
    return tuple(
        Line(kind, code, draw(percents), draw(st.sampled_from(MINUTES)), draw(st.booleans()), draw(st.sampled_from(BASES)))
        for kind, code in found
    )


@st.composite
def priced(draw: st.DrawFn, packs: list[Policy], findings: list[Found], absences: bool) -> PricedDay:
    """A version of a day, many of them free of charge, of a week of February 2026 so that versions meet and repeat each other."""
    statuses = [status for status in DayStatus if absences or status is not DayStatus.ABSENT]
    status = draw(st.sampled_from(statuses))
    pack = draw(st.sampled_from(packs))
    found, minutes = draw(st.sampled_from([NOTHING, NOTHING, *findings]))
    if status is DayStatus.ABSENT and not pack.tk_steps:
        found = (Line(FindingKind.ABSENT, "TK", pack.tk_day),)
    return PricedDay(
        dt.date(2026, 2, draw(st.integers(1, 8))), draw(st.integers(1, 6)), status, draw(st.booleans()), draw(st.booleans()),
        pack.identity, found, minutes, draw(st.sampled_from([19, 20, 20])),
        draw(st.sampled_from([5, 5, 6])),
    )  # fmt: skip


def sanctions() -> st.SearchStrategy[tuple[Sanction, ...]]:
    cut = Sanction("TPP_25_6", Fraction(25), "Pasal 10", False, dt.date(2026, 1, 20), "2026-02", "2026-07")
    return st.sampled_from([(), (), (cut,), (replace(cut, withdrawn=True),)])


CEILINGS = st.none() | st.builds(
    Ceiling, st.sampled_from([0, 1_234_567, 5_250_000]), st.none() | st.just(777_777), st.none() | st.just(2_000_001)
)
OWED = st.dictionaries(
    st.sampled_from(["2025-12", "2026-01"]), st.builds(Supplement, st.just(Fraction(3)), st.integers(-90_000, 6_000_000)), max_size=2
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[EmployeeMonth, list[Batch]]:
    """A month as it is stored, open or closed, with or without anything known of it, and batches of versions that come to it."""
    packs = draw(st.lists(st.sampled_from(MADE) | st.sampled_from(PACKS), min_size=1, max_size=draw(st.sampled_from([1, 1, 3]))))
    findings = draw(st.lists(st.tuples(st.just(()) | lines(), st.sampled_from(MINUTES)), min_size=1, max_size=2))
    day = priced(packs, findings, absences=draw(st.sampled_from([False, False, True])))
    month = EmployeeMonth(
        ME, "2026-02", ceiling=draw(CEILINGS), streak_before=draw(st.integers(0, 3)), sanctions=draw(sanctions()), supplements=draw(OWED)
    )
    month = restate(month.with_days(draw(st.lists(day, max_size=12))), BY_ID).month
    state = draw(st.sampled_from(["open", "open", "open", "closed", "closed before it began", "new"]))
    if state == "closed":
        month = close(month, BY_ID).month
    elif state != "open":
        begun = EmployeeMonth(ME, "2026-02") if state == "new" else opened_closed(ME, "2026-02")
        month = replace(begun, ceiling=month.ceiling, streak_before=month.streak_before, sanctions=month.sanctions)
    return month, draw(st.lists(st.lists(day, min_size=1, max_size=3), min_size=1, max_size=8))


def stored(month: EmployeeMonth) -> EmployeeMonth:
    """The month as it is read again from its row."""
    facts = read_facts(write_facts(month))
    return replace(month, days=facts.days, in_force=facts.in_force, supplements=facts.supplements, closed_on=facts.closed_on)


def as_it_is_stored_and_told(outcome: Outcome) -> tuple[object, ...]:
    return outcome, write_facts(outcome.month), list(outcome.month.days)


@given(stories())
@settings(max_examples=EXAMPLES, deadline=None)
def test_what_is_counted_is_what_the_fold_says(story: tuple[EmployeeMonth, list[Batch]]) -> None:
    month, batches = story
    for batch in batches:
        folded = restate(month.with_days(batch), BY_ID)
        quick = counted(month, batch)
        event("folded" if quick is None else "counted, told" if quick.told else "counted")
        if quick is not None:
            assert as_it_is_stored_and_told(quick) == as_it_is_stored_and_told(folded)
        month = stored(folded.month)


@pytest.fixture
def day() -> Made:
    """Makes a day of February 2026 on duty, without a finding, under the plain pack; fields replace the defaults."""

    def make(number: int, pack: Policy = PLAIN, **fields: object) -> PricedDay:
        plain = PricedDay(dt.date(2026, 2, number), 1, DayStatus.PRESENT, True, True, pack.identity, (), 0, 20, 5)
        return replace(plain, **fields)  # type: ignore[arg-type]  # fields by name

    return make


LATE = {"lines": (Line(FindingKind.LATE, "TL1", Fraction(1, 2), 20),), "minutes": 20}
ABSENT = {"status": DayStatus.ABSENT, "lines": (Line(FindingKind.ABSENT, "TK", Fraction(3)),)}


def month_of(*days: PricedDay, streak: int = 0) -> EmployeeMonth:
    begun = EmployeeMonth(ME, "2026-02", ceiling=Ceiling(1_000_000), streak_before=streak)
    return restate(begun.with_days(days), BY_ID).month


def test_a_free_day_is_counted_beside_days_that_cost_and_ends_absences_in_a_row(day: Made) -> None:
    month = month_of(day(2, **LATE), day(3, scheduled=False, status=DayStatus.OFF), streak=2)
    assert month.streak_after == 0
    month = month_of(day(3, scheduled=False, status=DayStatus.OFF), streak=2)
    outcome = counted(month, [day(4, final=False)])
    assert outcome is not None
    told = outcome.month.reported
    assert (outcome.told, outcome.month.version, outcome.month.streak_after) == (True, 2, 0)
    assert (told.days_assessed, told.days_final) == (2, 1)


def test_a_late_day_that_is_decided_as_it_was_is_counted(day: Made) -> None:
    waiting = day(2, status=DayStatus.PENDING, final=False, **LATE)
    outcome = counted(month_of(waiting), [day(2, version=2, **LATE)])
    assert outcome is not None
    assert (outcome.told, outcome.month.reported.days_final, outcome.month.reported.amount) == (True, 1, 5_000)


def test_each_of_these_must_be_folded_since_more_than_counts_would_move(day: Made) -> None:
    steps, hours, stricter, in_a_row, share, of_the_day = (MADE[number] for number in (4, 5, 8, 2, 11, 12))
    one_absence = {"status": DayStatus.ABSENT}
    cases = {
        "costs now": (month_of(day(2)), day(2, version=2, **LATE)),
        "cost before": (month_of(day(2, **LATE)), day(2, version=2)),
        "costs more": (
            month_of(day(2, **LATE)), day(2, version=2, lines=(Line(FindingKind.LATE, "TL2", Fraction(1), 20),), minutes=20),
        ),
        "has minutes that no line names": (month_of(day(2, pack=hours)), day(2, version=2, pack=hours, minutes=130)),
        "is of another week": (
            month_of(day(2, pack=hours, minutes=55)), day(2, version=2, pack=hours, minutes=55, work_week_days=6),
        ),
        "is one of other duty days": (
            month_of(day(2, pack=of_the_day, **LATE)), day(2, version=2, pack=of_the_day, duty_days_in_month=19, **LATE),
        ),
        "was absent": (month_of(day(2, **one_absence, pack=steps)), day(2, version=2, pack=steps)),
        "is absent": (month_of(day(2, pack=steps)), day(2, version=2, pack=steps, **one_absence)),
        "breaks a streak": (
            month_of(day(2, pack=in_a_row, **ABSENT), day(4, pack=in_a_row, **ABSENT)), day(3, pack=in_a_row)
        ),
        "is under another table of steps": (month_of(day(2, pack=steps, **one_absence)), day(3, pack=stricter)),
        "is under another cap": (
            month_of(day(2, lines=(Line(FindingKind.LATE, "TL9", Fraction(9)),), minutes=20)), day(3, pack=MADE[1]),
        ),
        "is under another base": (month_of(day(2, pack=share, **LATE)), day(3, pack=of_the_day)),
        "moves from one pack to another": (month_of(day(2, pack=share, **LATE), day(3, pack=share)), day(3, version=2)),
    }
    for name, (month, fresh) in cases.items():
        folded = restate(month.with_days([fresh]), BY_ID).month.reported
        moved = replace(month.reported, days_assessed=folded.days_assessed, days_final=folded.days_final)
        assert folded != moved, f"{name}: the fold moves no more than counts"
        assert counted(month, [fresh]) is None, name


def test_a_month_is_begun_and_a_closed_one_taken_up_again_by_the_fold(day: Made) -> None:
    assert counted(EmployeeMonth(ME, "2026-02"), [day(2)]) is None
    closed = close(month_of(day(2)), BY_ID).month
    assert counted(closed, [day(3)]) is None
    repeated = counted(closed, [day(2, version=2)])
    assert repeated is not None
    assert repeated.month == closed.with_days([day(2, version=2)])


def test_an_ordinary_month_is_folded_only_where_something_was_found(day: Made) -> None:
    chance, month, folds = Random(7), month_of(day(1, status=DayStatus.OFF, scheduled=False)), 0
    late = {number for number in range(2, 22) if chance.random() < 0.1}
    for number in range(2, 22):
        found = LATE if number in late else {}
        for version, final in ((1, False), (2, False), (3, True)):
            fresh = day(number, version=version, final=final, status=DayStatus.PRESENT if final else DayStatus.PENDING, **found)
            outcome = counted(month, [fresh])
            folds += outcome is None
            month = (outcome or restate(month.with_days([fresh]), BY_ID)).month
    assert 0 < len(late) == folds
    assert (month.reported.days_assessed, month.reported.days_final) == (21, 21)
