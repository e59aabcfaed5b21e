"""Has everything that was sent come to rest? Reads positions, outboxes and due days of all services; writes nothing.

The services are looked at in the order in which events flow. Where one ends is noted once nothing waits before it, and
what comes later is not waited for: others may go on checking in, and the days of another province may close meanwhile.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.reports.flow import CONSUMED, Ends, Flow
from shared.topics import Service, lane_of

_WAITING: Final[dict[Service, str]] = {
    "geofence": """select (select count(*) from geofence.due_check_in)
                        + (select coalesce(sum(parts_left), 0) from geofence.reached_lane)""",
    "schedule": """select (select count(*) from schedule.due_day d join schedule.clock c on c.name = d.clock
                           where d.clock = $1 and d.due_at <= c.at)
                        + (select count(*) from schedule.opening where clock = $1 and opened_until < $2)
                        + (select count(*) from schedule.restatement_lane)""",
    "payroll": "select count(*) from payroll.due_ceiling",
}

_LOOK_EVERY_S: Final = 0.25
_LOOK_OFTEN_S: Final = 0.05


class NotSettled(Exception):
    """The services stopped making progress, or took longer than they may; the text says where what waits."""


class Waiting(dict[str, int]):
    """What is under way: events not yet processed, work not yet done, records not yet published, in the order in which events flow."""

    @property
    def nothing(self) -> bool:
        """Whether nothing is under way, as far as was looked."""
        return not any(self.values())

    @property
    def first(self) -> tuple[str, int]:
        """What waits before all else, and how much of it; nothing, if nothing waits."""
        return next(((what, count) for what, count in self.items() if count), ("", 0))

    def __str__(self) -> str:
        return ", ".join(f"{count:,} {what}" for what, count in self.items() if count)


@dataclass(frozen=True, slots=True)
class Course:
    """The way of what was sent through these services, and how far each has to come; `days` of which clock are to be open until when."""

    services: Collection[Service] = ("geofence", "schedule", "payroll")
    days: tuple[str, dt.date] | None = None
    """None if work that is due by a clock is not waited for."""
    ends: dict[Service, Ends] = field(default_factory=dict)
    issued: dict[Service, Mapping[int, int]] = field(default_factory=dict)


class Observer(Flow):
    """Looks at the stack until it has come to rest; use as an asynchronous context."""

    async def look(self, course: Course) -> Waiting:
        """One pass over the services of this course; where one ends is noted once nothing waits before it."""
        waiting = Waiting()
        for service, topics in CONSUMED:
            if service not in course.services:
                continue
            ends = course.ends.get(service) or await self.ends(topics)
            if waiting.nothing:
                course.ends[service] = ends
            waiting[f"events at {service}"] = await self.short_of(service, ends)
            if course.days is not None:
                arguments = course.days if service == "schedule" else ()
                waiting[f"due at {service}"] = int(await self.connection.fetchval(_WAITING[service], *arguments))
            issued = course.issued.get(service) or await self.issued(service)
            if waiting.nothing:
                course.issued[service] = issued
            waiting[f"unsent by {service}"] = await self.unsent(service, issued)
        return waiting

    async def lag(self) -> int:
        """Events that wait in front of any service."""
        return sum([await self.behind(service, topics) for service, topics in CONSUMED])

    async def until_no_lag(self, services: Collection[Service] = ("geofence", "schedule", "payroll"), *, patience_s: float = 120.0) -> None:
        """Wait until these services are done with every event that is there, and have sent what came of it.

        Raises NotSettled when nothing moves for `patience_s` seconds.
        """
        await self._until_through(Course(services), lambda _done, _whole: None, _LOOK_OFTEN_S, patience_s)

    async def until_settled(
        self, clock: str, until: dt.date, told: Callable[[int, int], None], *, patience_s: float = 120.0
    ) -> float:
        """Wait until nothing that was sent is under way and nothing is due by `clock`, its days being open up to `until`.

        Returns the seconds it took. `told` gets how much was done and the whole. Raises NotSettled when nothing moves
        for `patience_s` seconds.
        """
        return await self._until_through(Course(days=(clock, until)), told, _LOOK_EVERY_S, patience_s)

    async def _until_through(self, course: Course, told: Callable[[int, int], None], every_s: float, patience_s: float) -> float:
        loop = asyncio.get_running_loop()
        began = moved = loop.time()
        at, fewest, most, whole = "", 0, 0, 0
        while not (waiting := await self.look(course)).nothing:
            left = sum(waiting.values())
            whole = max(whole, left)
            told(whole - left, whole)
            first, count = waiting.first
            # Only what waits first tells movement: behind it others come and go. Work brings work: days are opened before they are judged.
            if first != at or count > most:
                at, fewest, most, moved = first, count, count, loop.time()
            elif count < fewest:
                fewest, moved = count, loop.time()
            elif loop.time() - moved > patience_s:
                raise NotSettled(f"nothing moved for {patience_s:.0f} s; still under way: {waiting}")
            await asyncio.sleep(every_s)
        told(whole, whole)
        return loop.time() - began

    async def until_known(self, employee_ids: Sequence[UUID], *, patience_s: float = 60.0) -> None:
        """Wait until ingest and geofence know these people, in the order in which they were imported.

        Reference topics are read in order per partition, so the last person of each lane stands for all.
        """
        last = list({lane_of(employee_id): employee_id for employee_id in employee_ids}.values())
        deadline = asyncio.get_running_loop().time() + patience_s
        for service in ("ingest", "geofence"):
            while await self._known(service, last) < len(last):
                if asyncio.get_running_loop().time() > deadline:
                    raise NotSettled(f"{service} did not learn of the imported employees within {patience_s:.0f} s")
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _known(self, service: str, ids: Collection[UUID]) -> int:
        return int(await self.connection.fetchval(
            f"select count(*) from {service}.employee where employee_id = any($1::uuid[])", ids  # noqa: S608 (one of two names)
        ))

    async def used(self, unit_code: str) -> bool:
        """Whether an org unit with this code exists: an earlier play of the same province left it."""
        return bool(await self.connection.fetchval("select exists (select from schedule.org_unit where code = $1)", unit_code))
