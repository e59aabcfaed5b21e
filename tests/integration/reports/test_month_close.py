"""Closing a month on a real broker and database: what it waits for, what it refuses, what it leaves behind."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.commands.month import perform
from services.local.kafka import start_kafka
from services.payroll.agent import post_assessed_days
from services.payroll.rules import Ceiling
from services.payroll.store import ceilings
from services.payroll.store.references import Policies, save_employees, save_policies
from shared.database import open_pool
from shared.envelope import Envelope, encode
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
from shared.kafka import apply_topics, new_producer
from shared.lanes import Lanes, Record
from shared.policy import Policy
from shared.refusal import Refusal
from shared.settings import Settings
from shared.topics import DAY_ASSESSED, SERVICES, lane_of

A = Policy.from_content({"tk_day": "3.00"})
FEB_2 = dt.date(2026, 2, 2)
CLOCK = "rehearsal"
UNIT = UUID(int=2)


def nobody(_what: str, _done: int, _whole: int) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of these tests alone: other tests' records would be waited for."""
    server = start_kafka(tmp_path_factory.mktemp("kafka"))
    try:
        server.wait_ready()
        asyncio.run(apply_topics(server.bootstrap))
        yield server.bootstrap
    finally:
        server.stop(5)


class Books:
    """Schedule's and payroll's tables with one employee, absent on 2 February; workers are played by the tests."""

    def __init__(self, database: str, connection: Any, pool: Any) -> None:
        self.database, self.connection, self.pool = database, connection, pool
        self.me = uuid4()

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
        day = DayAssessed(
            employee_id=self.me, org_unit_id=UNIT, date=FEB_2, version=1, state=DayState.FINAL, status=DayStatus.ABSENT, mode=Mode.WFO,
            scheduled=True, findings=(Finding(kind=FindingKind.ABSENT, code="TK"),), policy_id=A.identity,
            employee_kind=EmployeeKind.PNS, group="pelaksana", duty_days_in_month=20, work_week_days=5,
        )
        envelope = Envelope(uuid4(), DAY_ASSESSED.ce_type, "/hadir/schedule", dt.datetime.now(dt.UTC), "day", None, uuid4())
        lanes = Lanes(self.pool, "payroll")
        async with lanes.hold([lane_of(self.me)]) as work:
            await post_assessed_days(
                work, [Record(DAY_ASSESSED, lane_of(self.me), 1, b"", day, envelope, encode(day))], Policies()
            )
        await self.relay()

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


def on(books: Books, broker: str) -> Settings:
    return Settings(kafka=broker, database=books.database, home=Path("nowhere"))


async def test_a_closed_month_is_frozen_and_the_audit_topic_knows_who_and_why(books: Books, broker: str) -> None:
    lines = await perform(on(books, broker), "2026-02", CLOCK, nobody, reason="akhir bulan", actor="bendahara-1")

    assert lines == ["Bulan 2026-02 ditutup: 1 pegawai, potongan Rp 30.000. Perubahan sesudah ini menjadi susulan."]
    assert await books.months() == [("2026-02", True, 30_000)]
    [audit] = await books.audits()
    assert (audit["actor"], audit["action"], audit["subject"]) == ("bendahara-1", "month.closed", "2026-02")
    assert (audit["detail"]["reason"], audit["detail"]["clock"], audit["detail"]["open_days"]) == ("akhir bulan", CLOCK, {})
    assert audit["detail"]["offsets"].keys() >= {DAY_ASSESSED.name}

    [again] = await perform(on(books, broker), "2026-02", CLOCK, nobody)
    assert "sudah ditutup" in again
    assert len(await books.audits()) == 1


async def test_a_month_that_goes_on_or_a_clock_nobody_has_is_refused(books: Books, broker: str) -> None:
    with pytest.raises(Refusal, match="belum berakhir menurut jam 'rehearsal'"):
        await perform(on(books, broker), "2026-03", CLOCK, nobody)
    with pytest.raises(Refusal, match="tidak dikenal"):
        await perform(on(books, broker), "2026-02", "no such clock", nobody)
    assert await books.audits() == []


@pytest.mark.parametrize("status", ["HELD", "PENDING"])
async def test_open_days_stand_against_the_close_until_a_person_answers_for_them(books: Books, broker: str, status: str) -> None:
    await books.status(status)

    with pytest.raises(Refusal, match=f"DINKES 1 hari {status}"):
        await perform(on(books, broker), "2026-02", CLOCK, nobody)
    assert await books.months() == [("2026-02", False, 30_000)]

    lines = await perform(on(books, broker), "2026-02", CLOCK, nobody, despite=True, reason="SK Sekda 900/12")
    assert "Ditutup meskipun ada hari terbuka" in lines[-1]
    [audit] = await books.audits()
    assert (audit["detail"]["open_days"], audit["detail"]["reason"]) == ({status: 1}, "SK Sekda 900/12")


async def test_a_day_that_the_clock_has_yet_to_look_at_is_open_too(books: Books, broker: str) -> None:
    await books.connection.execute(
        "insert into schedule.due_day values ($1, '2026-02-28', $2, $3, 2, '2026-03-02 05:00Z')", books.me, lane_of(books.me), CLOCK
    )
    with pytest.raises(Refusal, match="1 hari belum diputuskan"):
        await perform(on(books, broker), "2026-02", CLOCK, nobody)


@pytest.mark.parametrize(
    ("under_way", "undone", "told"),
    [
        ("insert into geofence.due_check_in values (1, gen_random_uuid())", "delete from geofence.due_check_in", "diperiksa ulang"),
        ("update geofence.lane set out_seq = out_seq + 1 where lane = 3", "update geofence.relay_cursor set sent_seq = 1 where lane = 3",
         "belum terkirim (geofence)"),
        ("insert into schedule.due_day values (gen_random_uuid(), '2026-02-27', 1, 'rehearsal', 1, 'epoch')",
         "delete from schedule.due_day", "hari yang menunggu dinilai"),
        ("insert into payroll.due_ceiling values (1, gen_random_uuid(), '2026-02', 1, null)", "delete from payroll.due_ceiling",
         "pagu TPP"),
    ],
)  # fmt: skip
async def test_the_close_waits_for_what_is_under_way_and_says_what(
    books: Books, broker: str, under_way: str, undone: str, told: str
) -> None:
    await books.connection.execute(under_way)
    with pytest.raises(Refusal, match="Belum dapat ditutup") as refusal:
        await perform(on(books, broker), "2026-02", CLOCK, nobody, wait=False)
    assert told in str(refusal.value)
    with pytest.raises(Refusal, match="Berhenti menunggu") as refusal:
        await perform(on(books, broker), "2026-02", CLOCK, nobody, patience_s=0.2)
    assert told in str(refusal.value)

    said: list[str] = []
    closing = asyncio.create_task(
        perform(on(books, broker), "2026-02", CLOCK, lambda what, _done, _whole: said.append(what), patience_s=60)
    )
    while not said:
        assert not closing.done(), closing.result()
        await asyncio.sleep(0.02)  # polls; the task ends after its patience
    assert told in said[0]
    await books.connection.execute(undone)
    assert "ditutup" in (await closing)[0]


async def test_the_close_waits_for_what_was_sent_before_it_was_asked_for_but_not_for_what_comes_after(books: Books, broker: str) -> None:
    producer = new_producer(broker, client_id="test")
    await producer.start()
    try:
        await producer.send_and_wait(DAY_ASSESSED.name, b"{}", key=b"x", partition=5)
        ends = 1
        said: list[str] = []
        closing = asyncio.create_task(
            perform(on(books, broker), "2026-02", CLOCK, lambda what, _done, _whole: said.append(what), patience_s=60)
        )
        while not said:
            assert not closing.done(), closing.result()
            await asyncio.sleep(0.02)  # polls; the task ends after its patience
        assert "menunggu dihitung (payroll)" in said[0]
        await producer.send_and_wait(DAY_ASSESSED.name, b"{}", key=b"x", partition=5)  # somebody goes on working
        await books.connection.execute("insert into payroll.position values ($1, 5, 1, $2)", DAY_ASSESSED.name, ends)
        assert "ditutup" in (await closing)[0]
    finally:
        await producer.stop()
