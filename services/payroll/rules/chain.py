"""The hash chain of an employee-month's ledger: each entry's hash stands on the one before, so that none can be altered unseen.

It is made when an entry is made, kept beside it, and published with it; `docs/verify_receipt.py` recomputes it with
nothing of ours.
"""

import datetime as dt
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias
from uuid import UUID

Content: TypeAlias = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A ledger entry as it is kept: `percent` is exact text, `amount` signed rupiah, `entered_at` aware.

    `cause` is the event that brought it, `correlation` the check-in or command with which it all began.
    """

    employee_id: UUID
    month: str
    number: int
    entry_id: UUID
    date: dt.date | None
    code: str
    origin: str | None
    action: str
    percent: str
    amount: int
    month_version: int
    reverses: int | None
    policy_id: UUID | None
    cause: UUID | None
    correlation: UUID | None
    entered_at: dt.datetime

    def content(self) -> Content:
        """What is hashed: every field of the row, employee and month apart, on which the whole chain stands."""
        return {
            "number": self.number,
            "entry_id": str(self.entry_id),
            "date": _text(self.date),
            "code": self.code,
            "origin": self.origin,
            "action": self.action,
            "percent": self.percent,
            "amount": self.amount,
            "month_version": self.month_version,
            "reverses": self.reverses,
            "policy_id": _text(self.policy_id),
            "cause": _text(self.cause),
            "correlation": _text(self.correlation),
            "entered_at": self.entered_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        }


def genesis(employee_id: UUID, month: str) -> str:
    """What the first entry of an employee-month stands on (SHA-256, hexadecimal)."""
    return sha256(f"hadir-ledger/1|{employee_id}|{month}".encode()).hexdigest()


def link(previous: str, content: Content) -> str:
    """Hash of an entry: SHA-256 of the previous hash, a newline, and the content as JSON with sorted keys and no spaces."""
    body = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(f"{previous}\n{body}".encode()).hexdigest()


def _text(value: UUID | dt.date | None) -> str | None:
    return None if value is None else str(value)
