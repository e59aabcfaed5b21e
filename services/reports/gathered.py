"""What a receipt is made of: values as the services have them, without coordinates."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from services.payroll.rules import EmployeeMonth, LedgerRow
from services.schedule.rules import Duty
from shared.events import DayAssessed
from shared.policy import Policy


@dataclass(frozen=True, slots=True)
class Person:
    """Whose month it is, as of its end. NIP and name are for the slip that the person gets, never for the JSON receipt."""

    employee_id: UUID
    nip: str
    name: str
    kind: str
    group: str
    timezone: str


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A check-in as geofence judged it; `site` is the name of the place it was compared with. No coordinates.

    `region_known` false: no region for work from anywhere was in force for the person, so that `region` says nothing.
    """

    check_in_id: UUID
    mark: str
    captured_at: dt.datetime
    received_at: dt.datetime
    verdict: str
    site: str | None
    distance_m: int | None
    region: str
    quality: str
    mock: bool
    photo: bool
    region_known: bool = True


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction that bears on a day, in its newest version; `fields` as the scenario format names them."""

    correction_id: UUID
    kind: str
    state: str
    actor: str
    decided_at: dt.datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """One assessed day with the duty it was compared with and what it rests on."""

    assessed: DayAssessed
    unit: str
    timezone: str
    duty: Duty | None
    check_ins: tuple[CheckIn, ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class Entered:
    """A ledger entry as it is kept; `row_hash` is None in entries that are older than the hash chain."""

    row: LedgerRow
    row_hash: str | None


CauseKind: TypeAlias = Literal["check-in", "correction", "day", "ceiling", "discipline"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What an event id stands for: a check-in, a correction, a version of a day, a ceiling, a decision on discipline.

    `about` is the id of the check-in or correction, the date or the month; `word` the mark, the kind of correction or the step.
    """

    kind: CauseKind
    about: str
    version: int | None = None
    word: str | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """A rule pack and what it is called."""

    name: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Sanction:
    """A decided cut of the TPP that bears on the month: of which step and absence day, how much, by which article and document."""

    step: str
    date: dt.date
    percent: str
    first_month: str
    last_month: str
    legal_source: str
    document: Mapping[str, Any] | None
    decided_by: str | None
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that is known of one employee-month."""

    person: Person
    month: EmployeeMonth
    packs: Mapping[UUID, Pack]
    days: tuple[Day, ...]
    ledger: tuple[Entered, ...]
    causes: Mapping[UUID, Cause]
    sanctions: tuple[Sanction, ...] = ()
