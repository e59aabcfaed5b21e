"""What it costs: ledger entries, the running month, TPP ceilings."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.events.base import Code, Event, Month, Text, Version


class DeductionEntered(Event):
    """One ledger line (payroll → outsiders): posted, or the reversal of an earlier posting.

    `amount` is signed rupiah: positive takes from the employee; a reversal carries exactly the negative
    of what it reverses. Σ amount over an employee-month is the month's `amount` + `supplementary`. `number` runs
    from 1 within the employee-month, without holes. A supplement (susulan) names the closed month it is for
    as its `origin`; one that names its own month is what its TPP does not hold, carried to the next. `row_hash` is the
    entry's place in the hash chain of the employee-month (services/payroll/rules/chain.py).
    """

    entry_id: UUID
    employee_id: UUID
    month: Month
    date: dt.date | None = None
    code: Code
    action: Literal["posted", "reversed"]
    percent: Code
    amount: int
    month_version: Version
    reverses: UUID | None = None
    policy_id: UUID | None = None
    legal_source: Text | None = None
    number: Version | None = None
    origin: Month | None = None
    row_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class TppMonthChanged(Event):
    """The running TPP aggregate of one employee-month (compacted, full state; apply if version is newer).

    `raw_percent` is uncapped, `percent` capped, both of the policy's base; `amount` in rupiah, rounded
    once, half up; None while the ceiling of the month, or a wage that is charged, has not been imported. `supplementary` is
    what months that were closed already owe in this one, and comes on top. `of_wage` is the part of `amount` that is taken from
    the wage and not from the TPP (PPPK paruh waktu); flat rupiah are in no percent's base, and in `percent` of the total TPP.
    """

    employee_id: UUID
    month: Month
    version: Version
    state: Literal["OPEN", "CLOSED"]
    raw_percent: Code
    percent: Code
    amount: int | None
    ceiling: int | None
    days_assessed: int
    days_final: int
    supplementary: int = 0
    of_wage: int = 0


class CeilingPublished(Event):
    """The TPP ceiling of one employee-month in rupiah, with the static TKD and the wage where the rule pack needs them."""

    employee_id: UUID
    month: Month
    version: Version
    amount: Annotated[int, Field(ge=0)]
    static_tkd: Annotated[int, Field(ge=0)] | None = None
    wage: Annotated[int, Field(ge=0)] | None = None
