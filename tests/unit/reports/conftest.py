"""Months told by hand: days come in, payroll's own rules make the ledger, and all of it is gathered for a receipt."""

import datetime as dt
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid5

import pytest

from services.payroll.rules import (
    Ceiling,
    EmployeeMonth,
    LedgerRow,
    Supplement,
    close,
    genesis,
    link,
    priced_day,
    restate,
)
from services.reports.gathered import Cause, CheckIn, Correction, Day, Entered, Gathered, Pack, Person
from services.schedule.rules import Duty, duty_on, parse_week
from shared.envelope import derived_id
from shared.events import HADIR_NAMESPACE, DayAssessed, DayState, DayStatus, EmployeeKind, Finding, Mode
from shared.percent import percent_text
from shared.policy import Policy
from shared.topics import CEILING, DAY_ASSESSED, DEDUCTION

ME = UUID(int=7)
UNIT = UUID(int=2)
WIB = dt.timezone(dt.timedelta(hours=7))
WEEK = parse_week({day: ["07:30", "16:00"] for day in ("mon", "tue", "wed", "thu", "fri")})


PERSON = Person(ME, "9" * 18, "Contoh 000001 Sintetis", "PNS", "pelaksana", "Asia/Jakarta")


@dataclass
class Month:
    """One employee-month that is lived through day by day."""

    packs: Mapping[str, Policy]
    month: EmployeeMonth = field(default_factory=lambda: EmployeeMonth(ME, "2026-02"))
    ledger: list[Entered] = field(default_factory=list)
    days: dict[dt.date, Day] = field(default_factory=dict)
    causes: dict[UUID, Cause] = field(default_factory=dict)
    person: Person = PERSON

    @property
    def policies(self) -> dict[UUID, Policy]:
        return {policy.identity: policy for policy in self.packs.values()}

    def ceiling(self, amount: int | None, static: int | None = None, version: int = 1, wage: int | None = None) -> None:
        """The ceiling arrives."""
        self.month = replace(self.month, ceiling=None if amount is None else Ceiling(amount, static, wage))
        event = derived_id(CEILING, f"{ME}|2026-02", version)
        self.causes[event] = Cause("ceiling", "2026-02", version)
        if self.month.version:
            self._restate(event, event)

    def day(
        self, date: int, status: str = "PRESENT", *findings: Finding, pack: str = "A", began: UUID | None = None,
        check_ins: tuple[CheckIn, ...] = (), corrections: tuple[Correction, ...] = (), **fields: Any,
    ) -> None:  # fmt: skip
        """The next version of a day of February; `began` is the id of what it began with (default: the clock)."""
        on = dt.date(2026, 2, date)
        version = self.days[on].assessed.version + 1 if on in self.days else 1
        policy = self.packs[pack]
        assessed = DayAssessed.model_validate({
            "employee_id": ME, "org_unit_id": UNIT, "date": on, "version": version, "state": DayState.FINAL,
            "status": DayStatus(status), "mode": Mode.WFO, "scheduled": True, "findings": findings, "policy_id": policy.identity,
            "employee_kind": EmployeeKind.PNS, "group": "pelaksana", "duty_days_in_month": 20, "work_week_days": 5,
            "evidence": tuple(check_in.check_in_id for check_in in check_ins),
        } | fields)
        duty: Duty = duty_on(on, WEEK, (), None, "Asia/Jakarta")
        self.days[on] = Day(assessed, "DINKES", "Asia/Jakarta", duty, check_ins, corrections)
        event = derived_id(DAY_ASSESSED, f"{ME}|{on}", version)
        self.causes[event] = Cause("day", str(on), version)
        self.month = self.month.with_days([priced_day(assessed, policy)])
        self._restate(event, began or event)

    def close(self) -> None:
        """The month is closed."""
        outcome = close(self.month, self.policies)
        self.month = outcome.month

    def owe(self, origin: str, percent: str, amount: int) -> None:
        """A closed month owes here."""
        self.month = self.month.with_supplement(origin, Supplement(Fraction(percent), amount))
        self._restate(None, None)

    def _restate(self, event: UUID | None, began: UUID | None) -> None:
        outcome = restate(self.month, self.policies)
        head = outcome.month.head or genesis(ME, "2026-02")
        for entry in outcome.entries:
            line = entry.change.line
            row = LedgerRow(
                ME, "2026-02", entry.number, derived_id(DEDUCTION, f"{ME}|2026-02", entry.number), line.key.date, line.key.code,
                line.key.origin, entry.change.action, percent_text(entry.change.percent), entry.change.amount, outcome.month.version,
                entry.reverses, line.policy_id, event, began, dt.datetime(2026, 2, 20, 1, 2, 3, 456789, dt.UTC),
            )
            head = link(head, row.content())
            self.ledger.append(Entered(row, head))
        self.month = replace(outcome.month, head=head)

    def gathered(self) -> Gathered:
        """All of it."""
        named = {policy.identity: Pack(name, policy) for name, policy in self.packs.items()}
        days = tuple(day for _, day in sorted(self.days.items()))
        return Gathered(self.person, self.month, named, days, tuple(self.ledger), self.causes)


@pytest.fixture(scope="session")
def month() -> Callable[..., Month]:
    """Begins a month under these rule packs."""
    return lambda **packs: Month({name: Policy.from_content(content) for name, content in packs.items()})


@pytest.fixture(scope="session")
def check_in() -> Callable[..., CheckIn]:
    """Makes a check-in of February at a local time."""

    def make(name: str, date: int, time: str, mark: str = "in", **fields: Any) -> CheckIn:
        at = dt.datetime.combine(dt.date(2026, 2, date), dt.time.fromisoformat(time), WIB)
        made = CheckIn(
            uuid5(HADIR_NAMESPACE, name), mark, at, at + dt.timedelta(seconds=2), "inside", "Kantor Dinkes", 3, "inside", "good",
            mock=False, photo=True,
        )
        return replace(made, **fields)

    return make


@pytest.fixture(scope="session")
def verifier() -> ModuleType:
    """The verifier as an employee gets it: one file, imported by its path."""
    path = Path(__file__).parents[3] / "docs" / "verify_receipt.py"
    spec = importlib.util.spec_from_file_location("verify_receipt", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
