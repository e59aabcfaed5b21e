"""Schedule's and payroll's tables with one employee on a database of their own; workers are played by the tests."""

import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.payroll.agent import post_assessed_days
from services.payroll.rules import Ceiling
from services.payroll.store import ceilings
from services.payroll.store.references import Policies, save_employees, save_policies
from shared.database import open_pool
from shared.envelope import Envelope, derived_id, encode
from shared.events import (
    DayAssessed,
    DayState,
    DayStatus,
    EmployeeKind,
    EmployeePublished,
    Finding,
    FindingKind,
    Mode,
    PolicyPublished,
    UnitMembership,
)
from shared.lanes import Lanes, Record
from shared.policy import Policy
from shared.topics import DAY_ASSESSED, SERVICES, lane_of

A = Policy.from_content({"tk_day": "3.00", "legal_source": "Perbup Contoh 1/2026 Pasal 7"})
FEB_2 = dt.date(2026, 2, 2)
CLOCK = "rehearsal"
UNIT = UUID(int=2)


class Books:
    """Schedule's and payroll's tables with one employee, absent on 2 February; workers are played by the tests."""

    def __init__(self, database: str, connection: Any, pool: Any) -> None:
        self.database, self.connection, self.pool = database, connection, pool
        self.me = uuid4()
        self.day: DayAssessed | None = None

    async def set_up(self) -> None:
        """One person living by a clock that stands in March, priced in payroll, with a ceiling that waits."""
        connection = self.connection
        await connection.execute("insert into schedule.clock values ($1, $2)", CLOCK, dt.datetime(2026, 3, 2, tzinfo=dt.UTC))
        await connection.execute(
            "insert into schedule.org_unit values ($1, 1, 'DINKES', 'Dinas Contoh', 'Asia/Jakarta', 'nasional', false)", UNIT
        )
        await connection.execute(
            "insert into schedule.employee values"
            " ($1, $2, 1, $3, 'Contoh', 'PNS', 'pelaksana', 'Asia/Jakarta', true, $4, '{2020-01-01}', $5, '{}', '{}')",
            self.me, lane_of(self.me), "9" * 18, CLOCK, [UNIT],
        )
        await connection.execute("insert into schedule.nip values ($1, $2)", "9" * 18, self.me)
        told = EmployeePublished(
            employee_id=self.me, version=1, nip="9" * 18, name="Contoh", kind=EmployeeKind.PNS, group="pelaksana",
            memberships=(UnitMembership(since=dt.date(2020, 1, 1), org_unit_id=UNIT),), timezone="Asia/Jakarta", played_clock=CLOCK,
        )
        pack = PolicyPublished(policy_id=A.identity, version=1, name="P", content=A.content(), in_force=())
        async with self.pool.acquire() as own, own.transaction():
            await save_employees(own, [told])
            await save_policies(own, [pack])
            await ceilings.accept(own, {(self.me, "2026-02"): Ceiling(1_000_000)})
        await self.connection.execute(
            "insert into payroll.ceiling select employee_id, month, 1, amount, static_tkd from payroll.due_ceiling"
        )
        await self.connection.execute("delete from payroll.due_ceiling")
        self.day = day = DayAssessed(
            employee_id=self.me, org_unit_id=UNIT, date=FEB_2, version=1, state=DayState.FINAL, status=DayStatus.ABSENT, mode=Mode.WFO,
            scheduled=True, findings=(Finding(kind=FindingKind.ABSENT, code="TK"),), policy_id=A.identity,
            employee_kind=EmployeeKind.PNS, group="pelaksana", duty_days_in_month=20, work_week_days=5,
        )
        await self._hear(day)

    async def _hear(self, day: DayAssessed) -> None:
        """Payroll hears of a day, and all outboxes are sent."""
        event = derived_id(DAY_ASSESSED, f"{self.me}|{FEB_2}", day.version)
        envelope = Envelope(event, DAY_ASSESSED.ce_type, "/hadir/schedule", dt.datetime.now(dt.UTC), "day", None, event)
        lanes = Lanes(self.pool, "payroll")
        async with lanes.hold([lane_of(self.me)]) as work:
            await post_assessed_days(
                work, [Record(DAY_ASSESSED, lane_of(self.me), day.version, b"", day, envelope, encode(day))], Policies()
            )
        await self.relay()

    async def excuse(self) -> None:
        """The day turns out to be one of leave."""
        assert self.day is not None
        changed = {"version": self.day.version + 1, "status": DayStatus.LEAVE, "findings": ()}
        self.day = self.day.model_copy(update=changed)
        await self._hear(self.day)

    async def relay(self) -> None:
        """What relays would do: everything in the outboxes is sent."""
        for service in SERVICES:
            await self.connection.execute(
                f"update {service}.relay_cursor c set sent_seq = l.out_seq from {service}.lane l where l.lane = c.lane"
            )

    async def status(self, status: str) -> None:
        """Schedule's own word on the day."""
        await self.connection.execute(
            "insert into schedule.assessment values ($1, $2, 1, 'PROVISIONAL', $3, $4)"
            " on conflict (employee_id, date) do update set status = excluded.status",
            self.me, FEB_2, status, json.dumps({"org_unit_id": str(UNIT)}),
        )

    async def told(self) -> None:
        """Schedule's table says of the day what payroll was told."""
        assert self.day is not None
        await self.connection.execute(
            "insert into schedule.assessment values ($1, $2, 1, 'FINAL', 'ABSENT', $3)", self.me, FEB_2, encode(self.day).decode()
        )

    async def audits(self) -> list[dict[str, Any]]:
        """What payroll's audit topic is told."""
        rows = await self.connection.fetch("select value from payroll.outbox where topic = 'hadir.payroll.audit.v1' order by seq")
        return [json.loads(row["value"]) for row in rows]

    async def months(self) -> list[tuple[str, bool, int | None]]:
        """Month, closed, rupiah of the employee."""
        rows = await self.connection.fetch("select month, closed, amount from payroll.month where employee_id = $1 order by 1", self.me)
        return [tuple(row) for row in rows]


@pytest.fixture
async def books(fresh_database: str) -> AsyncIterator[Books]:
    connection = await asyncpg.connect(fresh_database)
    pool = await open_pool(fresh_database, "payroll", max_size=2)
    try:
        made = Books(fresh_database, connection, pool)
        await made.set_up()
        yield made
    finally:
        await pool.close()
        await connection.close()
