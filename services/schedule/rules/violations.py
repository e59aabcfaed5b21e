"""Violations of a day and how they change: what a new assessment raises and what it takes back.

A violation is one finding of one employee-day that is no excused cost. Its id is derived from employee, date, kind
and code, so that the same violation found again is the same one, and a retraction names what was raised.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from services.schedule.rules.assessment import EXCUSED, Found
from shared.events import HADIR_NAMESPACE, FindingKind


@dataclass(frozen=True, slots=True)
class Violation:
    """A raised finding; `minutes` where they matter (late, early)."""

    id: UUID
    kind: FindingKind
    code: str
    minutes: int | None


def violations_of(employee_id: UUID, date: dt.date, findings: Iterable[Found]) -> tuple[Violation, ...]:
    """The violations among a day's findings, in their order."""
    return tuple(
        Violation(violation_id(employee_id, date, found.kind, found.code), found.kind, found.code, found.minutes)
        for found in findings
        if found.kind not in EXCUSED
    )


def violation_id(employee_id: UUID, date: dt.date, kind: FindingKind, code: str) -> UUID:
    """UUIDv5 of what a violation is: who, when, which kind, which code."""
    return uuid5(HADIR_NAMESPACE, f"violation|{employee_id}|{date.isoformat()}|{kind}|{code}")


def diff_violations(
    old: Iterable[Violation], new: Iterable[Violation]
) -> tuple[tuple[Violation, ...], tuple[Violation, ...]]:
    """What the new assessment raises and what it retracts, as (raised, retracted); nothing for equal ones.

    A violation whose minutes changed is retracted and raised again under its id, so that raised minus
    retracted always counts what stands. Publish the retractions first.
    """
    before = {violation.id: violation for violation in old}
    after = {violation.id: violation for violation in new}
    raised = tuple(violation for key, violation in after.items() if before.get(key) != violation)
    retracted = tuple(violation for key, violation in before.items() if after.get(key) != violation)
    return raised, retracted
