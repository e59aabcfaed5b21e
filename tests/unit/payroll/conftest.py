"""Makers for payroll's unit tests: policies of the golden file, assessed days, months."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from services.payroll.rules import Ceiling, MonthTotal, fold, priced_day
from shared.events import DayAssessed, DayState, DayStatus, EmployeeKind, Finding, FindingKind, Mode
from shared.policy import Policy, load_policies

GOLDEN = Path(__file__).parents[3] / "services" / "schedule" / "policies" / "golden-policies.yaml"
EMPLOYEE = UUID(int=1)


Assessed: TypeAlias = Callable[..., DayAssessed]
Folded: TypeAlias = Callable[..., MonthTotal]


@pytest.fixture(scope="session")
def packs() -> dict[str, Policy]:
    return load_policies(GOLDEN)


@pytest.fixture(scope="session")
def assessed() -> Assessed:
    """Makes one assessed day of February 2026 (or of a given date) under a policy; fields replace the defaults."""

    def make(day: int | dt.date, policy: Policy, *findings: Finding, **fields: Any) -> DayAssessed:
        status = DayStatus.ABSENT if any(found.kind is FindingKind.ABSENT for found in findings) else DayStatus.PRESENT
        minutes = {found.kind: found.minutes for found in findings}
        content: dict[str, Any] = {
            "employee_id": EMPLOYEE,
            "org_unit_id": UUID(int=2),
            "date": day if isinstance(day, dt.date) else dt.date(2026, 2, day),
            "version": 1,
            "state": DayState.FINAL,
            "status": status,
            "mode": Mode.WFO,
            "scheduled": True,
            "late": minutes.get(FindingKind.LATE),
            "early": minutes.get(FindingKind.EARLY),
            "findings": findings,
            "policy_id": policy.identity,
            "employee_kind": EmployeeKind.PNS,
            "group": "pelaksana",
            "duty_days_in_month": 20,
            "work_week_days": 5,
        }
        return DayAssessed.model_validate(content | fields)

    return make


@pytest.fixture(scope="session")
def folded() -> Folded:
    """Prices and folds assessed days of one month."""

    def make(
        days: Sequence[DayAssessed], *policies: Policy, tpp: int | None = None, static: int | None = None, streak: int = 0
    ) -> MonthTotal:
        known = {policy.identity: policy for policy in policies}
        ceiling = None if tpp is None else Ceiling(tpp, static)
        return fold([priced_day(day, known[day.policy_id]) for day in days], known, ceiling, streak)

    return make


@pytest.fixture(scope="session")
def late() -> Callable[[int, Policy], Finding]:
    def make(minutes: int, policy: Policy) -> Finding:
        band = policy.tl_band(minutes)
        return Finding(kind=FindingKind.LATE, code="TL" if band is None else band.code, minutes=minutes)

    return make


@pytest.fixture(scope="session")
def absent() -> Finding:
    return Finding(kind=FindingKind.ABSENT, code="TK")
