"""A unit, a person and a clock of their own, with the schedule's code running in the test's process on a real database."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.schedule import commands
from services.schedule.agent import Schedule
from services.schedule.chores import Chores
from services.schedule.memory import Memory
from services.schedule.reference import EmployeeState, Membership, OrgUnitState
from shared.envelope import Envelope, encode
from shared.events import CheckInLocated, EmployeeKind, Mark, Verdict, WorkReportSubmitted
from shared.lanes import Lanes, Record
from shared.policy import Policy, load_policies
from shared.topics import CHECK_IN_LOCATED, LANES, WORK_REPORT_SUBMITTED, Topic, lane_of

DAY = dt.timedelta(days=1)
WIB = dt.timezone(dt.timedelta(hours=7))
MONDAY = dt.date(2026, 2, 2)
POLICIES = Path(__file__).parents[3] / "services" / "schedule" / "policies" / "golden-policies.yaml"
_OFFSETS = count()


def at(date: dt.date, clock: str) -> dt.datetime:
    """A local time in Bengkulu (WIB)."""
    return dt.datetime.combine(date, dt.time.fromisoformat(clock), WIB)


@cache
def packs() -> dict[str, Policy]:
    """The golden rule packs by name."""
    return load_policies(POLICIES)


@dataclass
class Office:
    """One org unit under POL-A from `since` on, one person, one played clock."""

    lanes: Lanes
    since: dt.date = MONDAY
    employee: UUID = field(default_factory=uuid4)
    unit: UUID = field(default_factory=uuid4)
    clock: str = field(default_factory=lambda: f"clock-{uuid4()}")
    calendar: str = field(default_factory=lambda: f"cal-{uuid4()}")
    nip: str = field(default_factory=lambda: f"{uuid4().int % 10**18:018}")
    memory: Memory = field(default_factory=Memory)

    def person(self, **more: Any) -> EmployeeState:
        given: dict[str, Any] = {
            "employee_id": self.employee, "nip": self.nip, "name": "Siti Contoh", "kind": EmployeeKind.PNS, "group": "pelaksana",
            "timezone": "Asia/Jakarta", "memberships": (Membership(self.since, self.unit),), "played_clock": self.clock,
        }
        return EmployeeState(**{**given, **more})

    async def set_up(self, policy: str = "POL-A", *, publish_person: bool = True) -> None:
        await commands.publish_org_units(self.lanes, [
            OrgUnitState(self.unit, f"OPD-{self.unit}", "Dinas", "Asia/Jakarta", self.calendar)])
        await commands.publish_policies(self.lanes, packs(), [(policy, self.since, self.unit)])
        if publish_person:
            await commands.publish_employees(self.lanes, [self.person()])

    def located(self, mark: Mark, moment: dt.datetime, **more: Any) -> CheckInLocated:
        given: dict[str, Any] = {
            "check_in_id": uuid4(), "employee_id": self.employee, "version": 1, "mark": mark, "captured_at": moment,
            "received_at": moment, "site": Verdict.INSIDE, "region": Verdict.INSIDE, "evidence": True,
        }
        return CheckInLocated(**{**given, **more})

    async def tell(self, *events: CheckInLocated | WorkReportSubmitted) -> None:
        """Hands events to the edge, as the runtime would."""
        await self.hand_over([record_of(event) for event in events])

    async def hand_over(self, records: Sequence[Record[Any]]) -> None:
        """Hands records to the edge in one unit of work."""
        async with self.lanes.hold({record.partition for record in records}) as work:
            await Schedule(self.memory).assess_arrivals(work, records)

    async def mark(self, mark: Mark, moment: dt.datetime, **more: Any) -> CheckInLocated:
        event = self.located(mark, moment, **more)
        await self.tell(event)
        return event

    async def work_off(self) -> int:
        """Does all chores until there is nothing to do; returns how much was done."""
        chores, done = Chores(self.lanes, self.memory), 0
        while step := sum([await chore(range(LANES)) for chore in (chores.carry_changes, chores.open_days, chores.close_due_days)]):
            done += step
        return done

    async def tick(self, moment: dt.datetime) -> None:
        await commands.move_clock(self.lanes, self.clock, moment)
        await self.work_off()

    async def day(self, date: dt.date, employee: UUID | None = None) -> dict[str, Any] | None:
        async with self.lanes.pool.acquire() as connection:
            text = await connection.fetchval(
                "select content::text from assessment where employee_id = $1 and date = $2", employee or self.employee, date)
        return orjson.loads(text) if text else None

    async def the_day(self, date: dt.date) -> dict[str, Any]:
        """A day that must be there."""
        day = await self.day(date)
        assert day is not None
        return day

    async def the_day_of(self, employee: UUID, date: dt.date) -> dict[str, Any]:
        """A day of somebody else that must be there."""
        day = await self.day(date, employee)
        assert day is not None
        return day

    async def codes(self, date: dt.date) -> list[str]:
        return [finding["code"] for finding in (await self.the_day(date))["findings"]]

    async def summary(self, date: dt.date) -> tuple[str, list[str], int] | None:
        """(status, codes, version) of a day."""
        day = await self.day(date)
        return (day["status"], [finding["code"] for finding in day["findings"]], day["version"]) if day else None

    async def published(self, topic: str, employee: UUID | None = None) -> list[dict[str, Any]]:
        """Events of a topic about a person, in the order of the outbox."""
        async with self.lanes.pool.acquire() as connection:
            rows = await connection.fetch(
                "select convert_from(value, 'UTF8') as value from outbox where topic = $1 and key = $2 order by lane, seq", topic,
                str(employee or self.employee).encode())
        return [orjson.loads(row["value"]) for row in rows]

    async def violations(self) -> list[tuple[str, str, int]]:
        """(action, code, version) of what was told about violations, in order."""
        return [(event["action"], event["code"], event["version"]) for event in await self.published("hadir.violation.v1")]


def record_of(event: CheckInLocated | WorkReportSubmitted) -> Record[Any]:
    """A record as it would stand on its topic."""
    topic: Topic[Any] = CHECK_IN_LOCATED if isinstance(event, CheckInLocated) else WORK_REPORT_SUBMITTED
    own = uuid4()
    envelope = Envelope(own, topic.ce_type, "/test", dt.datetime.now(dt.UTC), "", None, own)
    return Record(topic, lane_of(event.employee_id), next(_OFFSETS), None, event, envelope, encode(event))
