"""Has everything that was sent come to rest? Reads positions, outboxes and due days of all services; writes nothing.

The stages are looked at in the order in which events flow. Nothing new comes in at the front, so a stage that was
empty when it was looked at stays empty, and one pass that finds every stage empty proves that all is at rest.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.reports.flow import CONSUMED, Flow
from shared.topics import Service, lane_of

_WAITING: Final[dict[Service, str]] = {
    "geofence": "select count(*) from geofence.due_check_in",
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is under way: events not yet processed, records not yet published, work not yet done, by service."""

    events: dict[str, int]
    outbox: dict[str, int]
    due: dict[str, int]

    @property
    def total(self) -> int:
        """Everything that is under way."""
        return sum(sum(part.values()) for part in (self.events, self.outbox, self.due))

    def __str__(self) -> str:
        parts = {"events": self.events, "outbox": self.outbox, "due": self.due}
        return ", ".join(f"{n} {what} at {service}" for what, part in parts.items() for service, n in part.items() if n)


class Observer(Flow):
    """Looks at the stack until it has come to rest; use as an asynchronous context."""

    async def look(self, clock: str, until: dt.date) -> Waiting:
        """One pass over all stages; days of people living by `clock` are to be open up to `until`."""
        waiting = Waiting({}, {}, {})
        for service, topics in CONSUMED:
            waiting.events[service] = await self.behind(service, topics)
            arguments = (clock, until) if service == "schedule" else ()
            waiting.due[service] = int(await self.connection.fetchval(_WAITING[service], *arguments))
            waiting.outbox[service] = await self.unpublished(service)
        return waiting

    async def lag(self) -> int:
        """Events that wait in front of any service."""
        return sum([await self.behind(service, topics) for service, topics in CONSUMED])

    async def until_no_lag(self, services: Collection[Service] = ("geofence", "schedule", "payroll"), *, patience_s: float = 120.0) -> None:
        """Wait until no event waits in front of these services; raises NotSettled after `patience_s` seconds."""
        deadline = asyncio.get_running_loop().time() + patience_s
        for service, topics in CONSUMED:
            while service in services and (await self.behind(service, topics) or await self.unpublished(service)):
                if asyncio.get_running_loop().time() > deadline:
                    raise NotSettled(f"events still wait at {service} after {patience_s:.0f} s")
                await asyncio.sleep(_LOOK_OFTEN_S)

    async def until_settled(
        self, clock: str, until: dt.date, told: Callable[[int, int], None], *, patience_s: float = 120.0
    ) -> float:
        """Wait until nothing is under way; returns the seconds it took.

        `told` gets how much was done and the whole. Raises NotSettled when nothing moves for `patience_s` seconds.
        """
        loop = asyncio.get_running_loop()
        began = moved = loop.time()
        fewest = most = 0
        while True:
            waiting = await self.look(clock, until)
            if waiting.total == 0:
                told(most, most)
                return loop.time() - began
            if waiting.total > most:  # work brings work: days are opened before they are judged
                most = fewest = waiting.total
                moved = loop.time()
            elif waiting.total < fewest:
                fewest, moved = waiting.total, loop.time()
            told(most - waiting.total, most)
            if loop.time() - moved > patience_s:
                raise NotSettled(f"nothing moved for {patience_s:.0f} s; still under way: {waiting}")
            await asyncio.sleep(_LOOK_EVERY_S)

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
