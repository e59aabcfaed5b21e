"""Payroll on a real database: its lanes, the events that reach it, and what it then holds."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.payroll.agent import post_assessed_days
from services.payroll.chores import apply_due_ceilings, freeze_closed_months
from services.payroll.commands import close_month
from services.payroll.rules import Ceiling
from services.payroll.store import ceilings
from services.payroll.store.references import Policies, save_policies
from shared.database import open_pool
from shared.envelope import Envelope, encode
from shared.events import (
    DayAssessed,
    DayState,
    DayStatus,
    EmployeeKind,
    Finding,
    FindingKind,
    Mode,
    PolicyPublished,
)
from shared.lanes import Lanes, Record
from shared.policy import Policy
from shared.topics import DAY_ASSESSED, LANES, lane_of

ABSENT = Finding(kind=FindingKind.ABSENT, code="TK")


@dataclass
class Payroll:
    """Payroll's own code on a database of its own, without a broker."""

    lanes: Lanes
    policies: Policies = field(default_factory=Policies)
    offset: int = 0

    async def publish(self, policy: Policy) -> UUID:
        """Let payroll know the rule pack; returns its id."""
        told = PolicyPublished(policy_id=policy.identity, version=1, name="P", content=policy.content(), in_force=())
        async with self.lanes.pool.acquire() as connection:
            await save_policies(connection, [told])
        return policy.identity

    def records(self, *days: DayAssessed) -> list[Record[DayAssessed]]:
        """The days as the stream brings them."""
        records = []
        for day in days:
            self.offset += 1
            envelope = Envelope(uuid4(), DAY_ASSESSED.ce_type, "/hadir/schedule", dt.datetime.now(dt.UTC), "day", None, uuid4())
            records.append(Record(DAY_ASSESSED, lane_of(day.employee_id), self.offset, b"", day, envelope, encode(day)))
        return records

    async def hear(self, *days: DayAssessed) -> None:
        """One batch of the stream."""
        records = self.records(*days)
        async with self.lanes.hold({record.partition for record in records}) as work:
            await post_assessed_days(work, records, self.policies)

    async def set_ceiling(
        self, employee: UUID, month: str, amount: int, static: int | None = None, wage: int | None = None
    ) -> None:
        """Accept one ceiling and put it in force."""
        async with self.lanes.pool.acquire() as connection, connection.transaction():
            await ceilings.accept(connection, {(employee, month): Ceiling(amount, static, wage)})
        assert await apply_due_ceilings(self.lanes, range(LANES), self.policies) == 1

    async def close(self, month: str, *, frozen: bool = True) -> None:
        """Close the month; with `frozen` the rows follow at once."""
        assert await close_month(self.lanes, month)
        if frozen:
            await self.freeze()

    async def freeze(self) -> None:
        """Freeze the rows of closed months."""
        while await freeze_closed_months(self.lanes, range(LANES), self.policies):
            pass

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows of a query as the service's role."""
        async with self.lanes.pool.acquire() as connection:
            return list(await connection.fetch(query, *arguments))

    async def month(self, employee: UUID, month: str = "2026-02") -> asyncpg.Record:
        """The row of one employee-month."""
        (row,) = await self.fetch("select * from month where employee_id = $1 and month = $2", employee, month)
        return row

    async def ledger(self, employee: UUID, month: str = "2026-02") -> list[tuple[str, str, int]]:
        """Action, code and rupiah of the entries of one employee-month, in their order."""
        rows = await self.fetch("select * from ledger where employee_id = $1 and month = $2 order by number", employee, month)
        return [(row["action"], row["code"], row["amount"]) for row in rows]


@pytest.fixture
async def payroll(fresh_database: str) -> AsyncIterator[Payroll]:
    pool = await open_pool(fresh_database, "payroll", max_size=8)  # tests let several work at once
    try:
        yield Payroll(Lanes(pool, "payroll"))
    finally:
        await pool.close()


@pytest.fixture(scope="session")
def day() -> Callable[..., DayAssessed]:
    """Makes an assessed day: absent with an ABSENT finding, else present; fields replace the defaults."""

    def make(employee: UUID, date: dt.date, policy: Policy, findings: Sequence[Finding] = (), **fields: Any) -> DayAssessed:
        absent = any(found.kind is FindingKind.ABSENT for found in findings)
        content: dict[str, Any] = {
            "employee_id": employee,
            "org_unit_id": UUID(int=2),
            "date": date,
            "version": 1,
            "state": DayState.FINAL,
            "status": DayStatus.ABSENT if absent else DayStatus.PRESENT,
            "mode": Mode.WFO,
            "scheduled": True,
            "findings": tuple(findings),
            "policy_id": policy.identity,
            "employee_kind": EmployeeKind.PNS,
            "group": "pelaksana",
            "duty_days_in_month": 20,
            "work_week_days": 5,
        }
        return DayAssessed.model_validate(content | fields)

    return make


@pytest.fixture(scope="session")
def absence(day: Callable[..., DayAssessed]) -> Callable[..., DayAssessed]:
    """Makes a day of absence without leave."""

    def make(employee: UUID, date: dt.date, policy: Policy, **fields: Any) -> DayAssessed:
        return day(employee, date, policy, [ABSENT], **fields)

    return make


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Awaitable[Any]]:
    """Asks until the answer is as wished, or fails with the last answer after a while."""

    async def ask(question: Callable[[], Awaitable[Any]], wished: Callable[[Any], bool], within: float = 120.0) -> Any:
        deadline = time.monotonic() + within
        while not wished(answer := await question()):
            assert time.monotonic() < deadline, f"still {answer!r}"
            await asyncio.sleep(0.05)
        return answer

    return ask
