"""Officers at their desks while faults strike: each command is given with its key until it is answered, and then written down.

What they do leaves the truth known. Most of it leaves no trace in the end: a leave withdrawn, a duty travel rejected, a finding
taken back, rosters, rule packs and ceilings put back as they were, each after days, violations and money have followed it. What stays is
duty travel: it excuses its day, and gives back what the day had cost. Of the province before they change days that are over, close
its month, and send people on duty travel after that, so that what is given back is owed in the next month.
"""

import asyncio
import contextlib
import datetime as dt
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal
from uuid import UUID

import aiohttp
import orjson

from services.payroll.commands import close_month
from services.simulator.behaviour import plan
from services.simulator.comparing import compare
from services.simulator.duty import owed
from services.simulator.files import PACKS
from services.simulator.province import Person, Province, Unit
from services.simulator.settled import Observer
from services.simulator.truth import of_day
from shared.events import Mode
from shared.failures import is_infrastructure
from shared.topics import Service
from shared.web.commands import command_id
from shared.web.problems import IN_PROGRESS
from tests.calling import acting, keyed
from tests.faults.decided import Decided, Fact
from tests.faults.house import House

SEVERAL = 5
"""How many people each kind of story is about, in the province of the round and in the one before."""

_DESKS = 3
_PATIENCE_S = 300.0
_PAUSE_S = 0.5, 10.0
"""So that they are at work for most of a round of faults, and not in its first half minute alone."""
_OTHER_PACK = "POL-B"
_LETTER = {"number": "800/1/2026", "date": "2026-06-01"}


class Officers:
    """The work of one round, on its own province and on the one before; done is told to `decided`."""

    def __init__(self, house: House, decided: Decided, chance: random.Random, hurried: asyncio.Event) -> None:
        self.house, self.decided, self.chance, self.hurried = house, decided, chance, hurried
        self.unanswered: Counter[str] = Counter()
        """Why commands had to be given again."""

    async def work(self, province: Province, before: Province | None) -> None:
        """Do all of it; raises Refused when a command is refused that must be carried out."""
        timeout = aiohttp.ClientTimeout(total=35, sock_connect=5)
        async with aiohttp.ClientSession(timeout=timeout) as self._session, asyncio.TaskGroup() as group:
            for stories in self._desks(province, before):
                group.create_task(_one_after_another(stories))

    def _desks(self, province: Province, before: Province | None) -> Iterator[Sequence[Callable[[], Awaitable[None]]]]:
        """What is done at each desk, one after the other."""
        date = province.first_day
        people = self._drawn(province, date, SEVERAL * 4)
        kinds = (self._travels, self._stays, self._withdraws, self._is_found)
        stories = [partial(kind, province, next(people), date) for kind in kinds for _ in range(SEVERAL)]
        self.chance.shuffle(stories)
        for number in range(_DESKS):
            yield stories[number::_DESKS]
        if before is not None:
            yield [partial(self._ends_the_month, before)]

    def _drawn(self, province: Province, date: dt.date, many: int) -> Iterator[Person]:
        """People on duty that day, whom nothing has been done to; every second one is whom it costs something."""
        costly: list[Person] = []
        other: list[Person] = []
        for person in province.people():
            day = plan(province, person, date)
            if day.owed.mode is not Mode.OFF and not day.unsure and person.employee_id not in self.decided.travels:
                (costly if of_day(day).hundredths else other).append(person)
        half = many // 2
        drawn = self.chance.sample(costly, half) + self.chance.sample(other, many - half)
        self.chance.shuffle(drawn)
        return iter(drawn)

    async def _travels(self, province: Province, person: Person, date: dt.date) -> None:
        await self._is_decided(province, person, date, "approve")
        self.decided.travels[person.employee_id] = date

    async def _stays(self, province: Province, person: Person, date: dt.date) -> None:
        await self._is_decided(province, person, date, "reject")

    async def _is_decided(self, province: Province, person: Person, date: dt.date, action: Literal["approve", "reject"]) -> None:
        """Somebody asks for duty travel, and the superior says so or so."""
        request = await self._asks(person, "duty-travel", {"from": f"{date}", "to": f"{date}", "destination": "Jakarta"}, _LETTER)
        head = acting("supervisor", units=(province.identity("unit", person.unit.number),))
        await self._command("schedule", f"/v1/requests/{request}/decisions", head, {"action": action, "reason": "diputuskan"})
        self.decided.facts[request] = Fact("approved" if action == "approve" else "rejected", 2, 2)

    async def _withdraws(self, _province: Province, person: Person, date: dt.date) -> None:
        request = await self._asks(person, "leave.annual", {"from": f"{date}", "to": f"{date}"}, None)
        me = acting("employee", person.employee_id)
        await self._command("schedule", f"/v1/requests/{request}/withdrawal", me, {"reason": "batal"})
        self.decided.facts[request] = Fact("rejected", 2, 2)

    async def _is_found(self, _province: Province, person: Person, date: dt.date) -> None:
        bkd = acting("bkd")
        finding = {"kind": "apel", "employee_id": str(person.employee_id), "body": {"date": f"{date}"}, "reason": "daftar hadir"}
        made = await self._command("schedule", "/v1/corrections", bkd, finding)
        back = {**finding, "correction_id": made["correction_id"], "state": "rejected", "reason": "keliru"}
        await self._command("schedule", "/v1/corrections", bkd, back)
        self.decided.facts[UUID(made["correction_id"])] = Fact("rejected", 2, 0)

    async def _ends_the_month(self, province: Province) -> None:
        """Days that are over are turned and turned back; the month is closed; more is decided after that."""
        date, [month] = province.last_day, province.months
        people = self._drawn(province, date, SEVERAL * 2)
        for person in self._away(province, date):
            await self._is_rostered(province, person, date, Mode.WFO)
            await self._is_rostered(province, person, date, Mode.WFA)
        for unit in self.chance.sample([unit for unit in province.units if unit.pack != _OTHER_PACK], 2):
            await self._is_priced(unit, date, _OTHER_PACK)
            await self._is_priced(unit, date, unit.pack)
        for _ in range(SEVERAL):
            person = next(people)
            await self._is_paid(person, month, person.ceiling * 2)
            await self._is_paid(person, month, person.ceiling)
        await self._until_right(province)
        await self.house.commanded(
            "payroll", lambda lanes: close_month(lanes, month, province.label, actor="bendahara", reason="SK 900/12"))
        self.decided.closed.add((province.label, month))
        for person in people:
            await self._travels(province, person, date)

    async def _until_right(self, province: Province) -> None:
        """Nobody closes a month whose figures still move: what arrives afterwards would be a supplement."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                async with Observer(self.house.database.url, self.house.brokers.bootstrap) as observer:
                    found = await compare(province, observer, lambda _done, _whole: None, self.decided.travels)
                    if found.equal:
                        return
                    why = "; ".join(found.differences[:3])
            except Exception as error:
                if not is_infrastructure(error):
                    raise
                why = type(error).__name__
            if time.monotonic() > deadline:
                raise Refused(f"the figures of the round before are not right within {_PATIENCE_S:.0f} s: {why}")
            await asyncio.sleep(1)

    def _away(self, province: Province, date: dt.date) -> Sequence[Person]:
        """People who work from anywhere that day."""
        found = [person for person in province.people() if owed(province.seed, person, date).mode is Mode.WFA]
        return self.chance.sample(found, SEVERAL)

    async def _is_rostered(self, province: Province, person: Person, date: dt.date, mode: Mode) -> None:
        hours = owed(province.seed, person, date).hours
        assert hours is not None
        table = f"employee_id,date,mode,start,end\n{person.employee_id},{date},{mode.value},{hours[0]},{hours[1]}\n"
        await self._command("schedule", "/v1/rosters:import", acting("bkd"), table, reason="SK 800/4")

    async def _is_priced(self, unit: Unit, date: dt.date, pack: str) -> None:
        await self._command(
            "schedule", "/v1/policies:import", acting("bkd"), PACKS, kind="application/yaml", in_force=f"{pack}@{date}@{unit.code}",
            reason="SK 800/5",
        )

    async def _is_paid(self, person: Person, month: str, amount: int) -> None:
        table = f"employee_id,month,amount\n{person.employee_id},{month},{amount}\n"
        await self._command("payroll", "/v1/ceilings:import", acting("payroll_officer"), table, reason="SK 900/3")

    async def _asks(self, person: Person, kind: str, body: Mapping[str, str], document: Mapping[str, str] | None) -> UUID:
        asked = {"kind": kind, "employee_id": str(person.employee_id), "body": body, "document": document, "reason": "keperluan"}
        made = await self._command("schedule", "/v1/requests", acting("employee", person.employee_id), asked)
        return UUID(made["request_id"])

    async def _command(
        self, service: Service, path: str, actor: Mapping[str, str], body: Any, *, kind: str = "text/csv", **query: str
    ) -> Any:
        """Give a command until it is answered, with the same key; what was answered 2xx is on disk before this returns."""
        await self._pause()
        headers = {**actor, **keyed(f"{UUID(int=self.chance.getrandbits(128), version=4)}")}
        url = self.house.address(f"{service}_api") + path
        data, kind = (body.encode(), kind) if isinstance(body, str) else (orjson.dumps(body), "application/json")
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                async with self._session.post(url, data=data, params=query, headers={**headers, "Content-Type": kind}) as answer:
                    content = await answer.read()
            except (aiohttp.ClientError, OSError) as away:
                why = type(away).__name__
            else:
                if answer.status < 300:
                    self.house.commands.note([str(command_id(service, actor["Hadir-Actor"], headers["Idempotency-Key"]))])
                    return orjson.loads(content)
                why = _code(content) or str(answer.status)
                if answer.status < 500 and why != IN_PROGRESS.code:
                    raise Refused(f"{path} was refused with {answer.status}: {content.decode(errors='replace')}")
            self.unanswered[why] += 1
            if time.monotonic() > deadline:
                raise Refused(f"{path} was not answered within {_PATIENCE_S:.0f} s: {why}")
            await asyncio.sleep(0.5)

    async def _pause(self) -> None:
        """Between two commands, until the round is hurried."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.hurried.wait(), self.chance.uniform(*_PAUSE_S))


class Refused(Exception):
    """A command was refused, or not answered, that must be carried out."""


async def _one_after_another(stories: Sequence[Callable[[], Awaitable[None]]]) -> None:
    for story in stories:
        await story()


def _code(content: bytes) -> str:
    with contextlib.suppress(orjson.JSONDecodeError):
        told = orjson.loads(content)
        if isinstance(told, dict):
            return str(told.get("code", ""))
    return ""
