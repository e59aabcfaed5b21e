"""Who decided what, and what nobody could read: corrections, audit records, dead letters."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.events.base import Code, Event, Text, Version
from shared.events.days import Document


class CorrectionDecided(Event):
    """A correction (leave, duty travel, manual mark, outage, decision) was requested or decided.

    `body` holds the fields of its kind exactly as the scenario format names them. What went through levels of approval
    says what was done (`action`: request, approve, reject, withdraw, overturn), in which `role` and on what `document`.
    """

    correction_id: UUID
    version: Version
    kind: Code
    employee_id: UUID | None = None
    org_unit_id: UUID | None = None
    state: Literal["requested", "approved", "rejected"]
    actor: Code
    decided_at: AwareDatetime
    body: dict[str, Any]
    action: Code | None = None
    role: Code | None = None
    document: Document | None = None


class AuditRecorded(Event):
    """Who commanded or decided what; the subject is an id, never a name."""

    audit_id: UUID
    actor: Code
    action: Code
    subject: Code
    at: AwareDatetime
    detail: dict[str, Any]


class DeadLetterBuried(Event):
    """A message nobody could process: where it stood, why, and its raw bytes (base64).

    A key or value is null where there was none, and where it is too large to travel; the service's table `dead_letter` keeps that too.
    """

    service: Code
    topic: Code
    partition: int
    offset: int
    reason: Code
    detail: Text
    key_base64: str | None
    value_base64: str | None
    buried_at: AwareDatetime
