"""Names every reason for not accepting something, as values; the words for people are in `problems`."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from shared.faults import Fault

RefusalCode: TypeAlias = Literal[
    "invalid-body",
    "malformed-json",
    "duplicate-key",
    "unknown-employee",
    "inactive-employee",
    "captured-in-future",
    "org-unit-mismatch",
    "id-conflict",
    "batch-size",
    "body-too-large",
    "body-too-slow",
    "unsupported-media-type",
    "not-found",
    "method-not-allowed",
    "overloaded",
    "kafka-unavailable",
    "database-unavailable",
    "not-confirmed",
    "internal-error",
]
"""Stable codes: clients and the metric `hadir_ingest_refused_total` rely on them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not accepted, with the fields to blame."""

    code: RefusalCode
    faults: tuple[Fault, ...] = ()
