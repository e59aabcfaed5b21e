"""Payroll with one of its guarantees switched off: the comparison with the oracle must find it out, else it proves nothing."""

import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias
from uuid import uuid4

import pytest

from services.payroll.rules.fold import BaseTotal
from services.payroll.rules.ledger import Change, Ledger, diff_ledger
from shared.events import DayAssessed, Finding, FindingKind
from shared.percent import parse_percent
from shared.policy import Policy
from tests.oracle import money

Made: TypeAlias = Callable[..., DayAssessed]
FOLD = sys.modules["services.payroll.rules.fold"]  # `rules.fold` is the function of that name
MONTH = sys.modules["services.payroll.rules.month"]
CAPPED = Policy.from_content({"tk_day": "3.00", "cap": "25", "late_rate": {"pct": "0.50", "minutes": 5}})
"""Five hours late cost 30 %: only a price by the minute may be above the cap by itself, of all others the check of packs refuses it."""


def retraction_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Posts what a new version costs and never takes back what the old one did."""

    def hoarding(old: Ledger, new: Ledger) -> tuple[Change, ...]:
        return tuple(change for change in diff_ledger(old, new) if change.action == "posted")

    monkeypatch.setattr(MONTH, "diff_ledger", hoarding)


def cap_before_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caps each line and then adds up, instead of capping the sum of the month."""
    whole = FOLD._Account.add
    monkeypatch.setattr(FOLD._Account, "add", lambda self, day, code, percent: whole(self, day, code, min(percent, self.cap)))
    no_cap(monkeypatch)


def no_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes whatever the days sum to."""
    capping = FOLD.held

    def uncapped(sums: Any, ceiling: Any) -> tuple[BaseTotal, ...]:
        return tuple(replace(total, percent=total.raw_percent) for total in capping(sums, ceiling))

    monkeypatch.setattr(FOLD, "held", uncapped)


def rounding_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds down to whole rupiah instead of half up."""
    monkeypatch.setattr(FOLD, "half_up", lambda value: value.numerator // value.denominator)


MUTANTS = (retraction_off, cap_before_sum, no_cap, rounding_down)


async def differences(payroll: Any, day: Made) -> list[str]:
    """A month of random days, in several versions and any order: where payroll and the oracle differ."""
    chance = Random(20261128)
    await payroll.publish(CAPPED)
    late, hours_late = (Finding(kind=FindingKind.LATE, code="TL", minutes=minutes) for minutes in (5, 300))
    absent = Finding(kind=FindingKind.ABSENT, code="TK")
    found = [[], [late], [absent]] * 10 + [[hours_late]]
    people = {uuid4(): chance.randrange(1_000_000, 9_999_999) for _ in range(12)}
    versions = [
        day(me, dt.date(2026, 2, number), CAPPED, chance.choice(found), version=version)
        for me in people for number in range(1, 29) for version in (1, 2)
    ]  # fmt: skip
    final = {(told.employee_id, told.date): told for told in versions}
    for me, ceiling in people.items():
        await payroll.set_ceiling(me, "2026-02", ceiling)
    chance.shuffle(versions)
    for start in range(0, len(versions), 90):
        await payroll.hear(*versions[start : start + 90])
    wrong = []
    for me, ceiling in people.items():
        expected = money.month([_as_the_oracle_wants(told) for (who, _), told in final.items() if who == me], ceiling)
        row = await payroll.month(me)
        told = (parse_percent(row["raw_percent"]), parse_percent(row["percent"]), row["amount"])
        if told != (expected["raw_percent"], expected["percent"], expected["amount"]):
            wrong.append(f"month {told}, the oracle says {expected['raw_percent'], expected['percent'], expected['amount']}")
        booked = sum(amount for _, _, amount in await payroll.ledger(me))
        if booked != expected["amount"]:
            wrong.append(f"ledger {booked}, the oracle says {expected['amount']}")
    return wrong


def _as_the_oracle_wants(told: DayAssessed) -> money.Day:
    return {
        "date": told.date, "policy": CAPPED.content(), "status": told.status.value, "scheduled": told.scheduled,
        "late": sum(found.minutes or 0 for found in told.findings), "early": 0, "no_in": False, "no_out": False,
        "group": told.group, "duty_days": told.duty_days_in_month, "six_days": False,
    }  # fmt: skip


async def test_a_cap_of_each_line_and_no_cap_at_all_come_to_different_months(
    payroll: Any, day: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for mutant in (cap_before_sum, no_cap):
        with monkeypatch.context() as patched:
            mutant(patched)
            told.append(await differences(payroll, day))

    assert all(told)
    assert told[0] != told[1]


async def test_payroll_as_it_is_equals_the_oracle(payroll: Any, day: Made) -> None:
    assert not await differences(payroll, day)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
async def test_payroll_without_one_of_its_guarantees_is_found_out(
    mutant: Callable[[pytest.MonkeyPatch], None], payroll: Any, day: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    wrong = await differences(payroll, day)
    print(f"\n{mutant.__name__}: {mutant.__doc__} {len(wrong)} differences, e.g. {wrong[:1]}")
    assert wrong
