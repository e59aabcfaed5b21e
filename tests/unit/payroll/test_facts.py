"""What is written down of a month is read back as it was, and is small."""

import datetime as dt
from dataclasses import replace
from fractions import Fraction
from uuid import UUID

from services.payroll.rules import (
    Basis,
    Ceiling,
    EmployeeMonth,
    LedgerLine,
    Line,
    LineKey,
    Posting,
    PricedDay,
    Reported,
    Supplement,
)
from services.payroll.store.facts import read_facts, write_facts
from shared.events import DayStatus, FindingKind

PACK, OTHER = UUID(int=1), UUID(int=2)


def month_of(*days: PricedDay) -> EmployeeMonth:
    key, cap = LineKey(dt.date(2026, 2, 3), "TL1"), LineKey(None, "SUPPLEMENT", "2026-01")
    return EmployeeMonth(
        UUID(int=9),
        "2026-02",
        days={day.date: day for day in days},
        supplements={"2026-01": Supplement(Fraction(25, 22), -50_000)},
        in_force={
            key: Posting(LedgerLine(key, Fraction(1, 2), 26_250, OTHER), 3),
            cap: Posting(LedgerLine(cap, Fraction(25, 22), -50_000), 1),
        },
        reported=Reported(closed=True),
        settled=Supplement(Fraction(1, 8), 7),
    )


def test_facts_are_read_back_as_they_were_written() -> None:
    month = month_of(
        PricedDay(dt.date(2026, 2, 2), 4, DayStatus.PENDING, final=False, scheduled=True, policy_id=PACK, minutes=17),
        PricedDay(
            dt.date(2026, 2, 3), 1, DayStatus.PRESENT, final=True, scheduled=True, policy_id=OTHER,
            lines=(
                Line(FindingKind.LATE, "TL1", Fraction(1, 2), 12, compensable=True),
                Line(FindingKind.EARLY, "PSW1", Fraction(25, 22), 4),
            ),
            minutes=16, duty_days_in_month=22, work_week_days=6,
        ),
    )
    facts = read_facts(write_facts(month))
    assert (facts.days, facts.in_force, facts.supplements, facts.settled) == (
        month.days, month.in_force, month.supplements, month.settled,
    )


def test_a_month_without_a_fault_stays_far_below_a_page() -> None:
    month = month_of(*(
        PricedDay(dt.date(2026, 3, day), 12, DayStatus.PRESENT, final=True, scheduled=True, policy_id=PACK, duty_days_in_month=22)
        for day in range(1, 32)
    ))
    assert len(write_facts(month)) < 2_000


def test_what_a_closed_month_was_computed_from_is_read_back_and_takes_room_only_once_it_differs() -> None:
    first = PricedDay(dt.date(2026, 2, 2), 1, DayStatus.ABSENT, True, True, PACK, duty_days_in_month=20)
    month = month_of(first)
    for ceiling in (None, Ceiling(5_250_000), Ceiling(5_250_000, 1_000_000)):
        closed = replace(month, closed_on=Basis(month.days, ceiling, 2))
        assert read_facts(write_facts(closed)).closed_on == closed.closed_on
        corrected = closed.with_days([replace(first, version=2, policy_id=OTHER, duty_days_in_month=19)])
        assert read_facts(write_facts(corrected)).closed_on == closed.closed_on
        assert read_facts(write_facts(corrected)).days == corrected.days
        assert len(write_facts(closed)) < len(write_facts(corrected)) - 40
    assert read_facts(write_facts(month)).closed_on is None
