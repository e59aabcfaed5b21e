"""The ledger's lines always sum to the amount, and every change is a reversal and a new posting."""

import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

from services.payroll.rules import (
    CAP,
    ROUNDING,
    LedgerLine,
    LineKey,
    MonthTotal,
    balance_of,
    diff_ledger,
    ledger_lines,
)
from shared.events import DayAssessed, Finding, FindingKind
from shared.policy import Policy

Assessed: TypeAlias = Callable[..., DayAssessed]
Folded: TypeAlias = Callable[..., MonthTotal]
FEB_2 = dt.date(2026, 2, 2)


def line(day: int, code: str, amount: int, percent: str = "1.00") -> LedgerLine:
    return LedgerLine(LineKey(dt.date(2026, 2, day), code), Fraction(percent), amount)


def test_there_is_one_line_per_date_and_code(assessed: Assessed, folded: Folded, packs: dict[str, Policy], absent: Finding) -> None:
    policy = packs["POL-A"]
    late = Finding(kind=FindingKind.LATE, code="TL2", minutes=35)
    early = Finding(kind=FindingKind.EARLY, code="PSW2", minutes=40)
    lines = ledger_lines(folded([assessed(2, policy, late, early), assessed(3, policy, absent)], policy, tpp=5_250_000))
    assert {(key.date.day if key.date else 0, key.code): found.amount for key, found in lines.items()} == {
        (2, "TL2"): 52_500, (2, "PSW2"): 52_500, (3, "TK"): 157_500,
    }
    assert all(found.policy_id == policy.identity for found in lines.values())


def test_what_exceeds_the_cap_is_taken_back_by_a_line_of_its_own(
    assessed: Assessed, folded: Folded, packs: dict[str, Policy], absent: Finding
) -> None:
    policy = packs["POL-C"]
    total = folded([assessed(day, policy, absent) for day in range(1, 22)], policy, tpp=1_000_000)
    lines = ledger_lines(total)
    assert lines[LineKey(None, CAP)].amount == -50_000
    assert lines[LineKey(None, CAP)].percent == -5
    assert balance_of(lines) == total.amount == 1_000_000


def test_rupiah_lost_by_rounding_lines_are_a_line_of_their_own(assessed: Assessed, folded: Folded) -> None:
    policy = Policy.from_content({"late_any": "0.50"})
    late = Finding(kind=FindingKind.LATE, code="TL", minutes=1)
    total = folded([assessed(day, policy, late) for day in (2, 3, 4)], policy, tpp=5_000_100)
    lines = ledger_lines(total)
    assert [found.amount for key, found in lines.items() if key.code == "TL"] == [25_001, 25_001, 25_001]
    assert total.amount == 75_002
    assert lines[LineKey(None, ROUNDING)].amount == -1


def test_without_a_ceiling_there_is_no_line(assessed: Assessed, folded: Folded, packs: dict[str, Policy], absent: Finding) -> None:
    assert ledger_lines(folded([assessed(2, packs["POL-A"], absent)], packs["POL-A"])) == {}


def test_a_ceiling_of_nothing_still_documents_its_lines(
    assessed: Assessed, folded: Folded, packs: dict[str, Policy], absent: Finding
) -> None:
    lines = ledger_lines(folded([assessed(2, packs["POL-A"], absent)], packs["POL-A"], tpp=0))
    assert [found.amount for found in lines.values()] == [0]


def test_a_changed_line_is_reversed_exactly_and_posted_anew() -> None:
    old = {found.key: found for found in (line(2, "TL4", 78_750), line(3, "TK", 157_500))}
    new = {found.key: found for found in (line(2, "TL4", 80_000), line(4, "PSW1", 26_250))}
    changes = diff_ledger(old, new)
    assert [(change.action, change.line.key.code, change.amount) for change in changes] == [
        ("reversed", "TL4", -78_750), ("posted", "TL4", 80_000), ("reversed", "TK", -157_500), ("posted", "PSW1", 26_250),
    ]
    assert changes[0].percent == -old[LineKey(FEB_2, "TL4")].percent


def test_nothing_changed_means_no_entry() -> None:
    lines = {found.key: found for found in (line(2, "TL4", 78_750),)}
    assert diff_ledger(lines, dict(lines)) == ()
