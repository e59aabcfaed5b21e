"""A small town whose schedule and payroll run in the test's process on one database: what a preview is compared with."""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import orjson

from services.payroll.agent import post_assessed_days
from services.payroll.chores import apply_due_ceilings
from services.payroll.rules import Ceiling
from services.payroll.sanctions import follow_decisions
from services.payroll.store import ceilings
from services.payroll.store.references import Policies, save_employees, save_policies
from services.preview.change import Change, Window
from services.preview.playing import play
from services.preview.result import Found
from services.schedule import commands
from services.schedule.agent import Schedule
from services.schedule.chores import Chores
from services.schedule.memory import Memory
from services.schedule.reference import EmployeeState, Membership, OrgUnitState
from shared.envelope import Envelope, encode
from shared.events import (
    CheckInLocated,
    DayAssessed,
    DisciplineStepChanged,
    EmployeeKind,
    EmployeePublished,
    Mark,
    PolicyPublished,
    Verdict,
)
from shared.lanes import Lanes, Record
from shared.policy import Policy, load_policies
from shared.topics import CHECK_IN_LOCATED, DAY_ASSESSED, DISCIPLINE, EMPLOYEE, LANES, POLICY, lane_of

WIB: Final = dt.timezone(dt.timedelta(hours=7))
MONDAY: Final = dt.date(2026, 2, 2)
DAY: Final = dt.timedelta(days=1)
PACKS: Final = load_policies(Path(__file__).parents[3] / "services/schedule/policies/golden-policies.yaml")


@dataclass
class Town:
    """Units with people who live by one played clock, under POL-A since 2 February 2026.

    Units that have one `above` them have no pack of their own.
    """

    url: str
    schedule: Lanes
    payroll: Lanes
    chance: random.Random
    clock: str = field(default_factory=lambda: f"town-{uuid4()}")
    calendar: str = field(default_factory=lambda: f"cal-{uuid4()}")
    units: list[UUID] = field(default_factory=lambda: [uuid4(), uuid4()])
    above: dict[UUID, UUID] = field(default_factory=dict)
    people: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(8)])
    memory: Memory = field(default_factory=Memory)
    policies: Policies = field(default_factory=Policies)
    heard: int = 0
    last: dt.date = MONDAY

    async def set_up(self, days: int, pack: str = "POL-A") -> None:
        """Everybody comes, late or not or not at all, for so many days; then the month stands as it stands."""
        await commands.publish_org_units(self.schedule, [self.unit(unit, self.above.get(unit)) for unit in self.units])
        await commands.publish_policies(self.schedule, PACKS, [(pack, MONDAY, unit) for unit in self.units if unit not in self.above])
        await commands.publish_employees(self.schedule, [
            EmployeeState(
                person, f"{uuid4().int % 10**18:018}", "Contoh Sintetis", EmployeeKind.PNS, "pelaksana", "Asia/Jakarta",
                (Membership(MONDAY, self.units[number % len(self.units)]),), played_clock=self.clock,
            ) for number, person in enumerate(self.people)
        ])
        self.last = MONDAY + (days - 1) * DAY
        await self.tick(dt.datetime.combine(MONDAY, dt.time(5), WIB))
        for number in range(days):
            await self.come(MONDAY + number * DAY)
        await self.tick(dt.datetime.combine(self.last + DAY, dt.time(3), WIB))
        async with self.payroll.pool.acquire() as connection, connection.transaction():
            await ceilings.accept(connection, {
                (person, "2026-02"): Ceiling(self.chance.randrange(1_000_000, 9_999_999)) for person in self.people})
        await self.settle()

    def unit(self, key: UUID, above: UUID | None = None) -> OrgUnitState:
        """A unit of the town."""
        return OrgUnitState(key, f"OPD-{key}", "Dinas", "Asia/Jakarta", self.calendar, parent_id=above)

    async def come(self, date: dt.date) -> None:
        """Check-ins of a day: early, late by up to two hours, one mark only, or none."""
        events = []
        for person in self.people:
            late, early = self.chance.choice([-10, -10, -3, 7, 40, 75, 119]), self.chance.choice([-20, -5, 0, 3, 33, 80])
            kind = self.chance.random()
            if kind < 0.8:
                events.append(self.mark(person, Mark.IN, dt.datetime.combine(date, dt.time(7, 30), WIB) + late * dt.timedelta(minutes=1)))
            if 0.1 < kind < 0.9:
                events.append(self.mark(person, Mark.OUT, dt.datetime.combine(date, dt.time(16), WIB) - early * dt.timedelta(minutes=1)))
        records = []
        for event in events:
            own = uuid4()
            envelope = Envelope(own, CHECK_IN_LOCATED.ce_type, "/test", dt.datetime.now(dt.UTC), "", None, own)
            self.heard += 1
            records.append(Record(CHECK_IN_LOCATED, lane_of(event.employee_id), self.heard, None, event, envelope, encode(event)))
        async with self.schedule.hold({record.partition for record in records}) as work:
            await Schedule(self.memory).assess_arrivals(work, records)

    def mark(self, person: UUID, mark: Mark, at: dt.datetime) -> CheckInLocated:
        """A good check-in at the office."""
        return CheckInLocated(
            check_in_id=uuid4(), employee_id=person, version=1, mark=mark, captured_at=at, received_at=at, site=Verdict.INSIDE,
            region=Verdict.INSIDE, evidence=True,
        )

    async def tick(self, at: dt.datetime) -> None:
        """The clock moves, and what falls due is assessed."""
        await commands.move_clock(self.schedule, self.clock, at)
        await self.work_off()

    async def work_off(self) -> None:
        """All chores of schedule until there is nothing to do."""
        chores = Chores(self.schedule, self.memory)
        while sum([await chore(range(LANES)) for chore in (chores.carry_changes, chores.open_days, chores.close_due_days)]):
            pass

    async def settle(self) -> None:
        """Schedule works off what is due, payroll hears all that schedule has said, and applies its ceilings."""
        await self.work_off()
        async with self.schedule.pool.acquire() as connection:
            rows = await connection.fetch(
                "select topic, convert_from(value, 'UTF8') as value from outbox where topic = any($1::text[]) order by lane, seq",
                [DAY_ASSESSED.name, EMPLOYEE.name, POLICY.name])
        told: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            told.setdefault(row["topic"], []).append(orjson.loads(row["value"]))
        async with self.payroll.pool.acquire() as connection:
            await save_policies(connection, [PolicyPublished.model_validate(one) for one in told.get(POLICY.name, ())])
            await save_employees(connection, [EmployeePublished.model_validate(one) for one in told.get(EMPLOYEE.name, ())])
        days = [DayAssessed.model_validate(one) for one in told.get(DAY_ASSESSED.name, ())]
        records = [
            Record(DAY_ASSESSED, lane_of(day.employee_id), number, b"", day,
                   Envelope(uuid4(), DAY_ASSESSED.ce_type, "/hadir/schedule", dt.datetime.now(dt.UTC), "day", None, uuid4()), encode(day))
            for number, day in enumerate(days) if day.employee_id in self.people
        ]
        async with self.payroll.hold(range(LANES)) as work:
            await post_assessed_days(work, records, self.policies)
        while await apply_due_ceilings(self.payroll, range(LANES), self.policies):
            pass

    async def cut(self, person: UUID) -> None:
        """Somebody decides that a quarter of this person's TPP is cut for six months."""
        event = DisciplineStepChanged(
            employee_id=person, step="TPP_CUT_6", date=MONDAY, version=2, action="decided", unexcused_days=11,
            legal_source="PP 94/2021 Pasal 10", actor="ppk", decided_at=dt.datetime.now(dt.UTC), effective_from="2026-02",
            cut_percent="25", cut_months=6,
        )
        envelope = Envelope(uuid4(), DISCIPLINE.ce_type, "/hadir/schedule", dt.datetime.now(dt.UTC), "step", None, uuid4())
        async with self.payroll.hold(range(LANES)) as work:
            await follow_decisions(work, [Record(DISCIPLINE, lane_of(person), 0, b"", event, envelope, encode(event))], self.policies)

    async def amounts(self) -> dict[UUID, int]:
        """Rupiah that each person's month amounts to now."""
        async with self.payroll.pool.acquire() as connection:
            rows = await connection.fetch("select employee_id, amount from month where employee_id = any($1::uuid[])", self.people)
        return {row["employee_id"]: row["amount"] for row in rows}

    def preview(self, change: Change, window: Window | None = None) -> Found:
        """What a preview of the change finds, in one process."""
        ours = replace(change, clock=self.clock)
        return play(self.url, ours, window or Window(MONDAY, self.last), dt.datetime.now(dt.UTC), processes=1).found

    def unit_of(self, person: UUID) -> UUID:
        """The unit of a person."""
        return self.units[self.people.index(person) % len(self.units)]


def with_price(pack: Policy, **keys: Any) -> Policy:
    """The pack with other keys."""
    return Policy.from_content({**pack.content(), **keys})


Changed = Callable[[], Sequence[int]]
