"""A service that dies at one of its named boundaries (shared/failpoints.py), or at some statement of its start or its work."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from uuid import UUID

import aiohttp

from services.reports.flow import CONSUMED
from services.simulator.files import PACKS
from shared import topics
from shared.failpoints import POINTS
from shared.topics import Service
from shared.web.commands import command_id
from tests.calling import acting, keyed
from tests.faults.house import OFFICES
from tests.faults.striking import Strike, Unstruck
from tests.faults.struck_events import POISONED, poison_on, repeat_of

OF_INGEST = tuple(sorted(point for point in POINTS if point.startswith(("ingest-", "references-"))))
OF_WORKERS = tuple(sorted(point for point in POINTS if not point.startswith("ingest-") and point != "statement"))
NOT_OF_SCHEDULE = ("references-fetched", "references-applied")
"""Schedule is where the reference data comes from."""

OF_COMMANDS = ("begun", "locked", "handled", "outbox-written", "commit-sent", "committed")
"""What an API crosses; what it has put into the outbox is relayed by its service's worker."""

MOST_PASSES = 3
MOST_STATEMENTS = 150
"""A start needs some twenty to forty."""

AT_THE_START = 10
"""So many statements each start has, whether there is work or not."""

WITHIN_S = 40.0
DRAWS = 2


def points_of(name: str) -> tuple[str, ...]:
    """The boundaries that a service crosses when there is work, besides each statement."""
    if name == "ingest":
        return OF_INGEST
    if name in OFFICES:
        return OF_COMMANDS
    return tuple(point for point in OF_WORKERS if name != "schedule" or point not in NOT_OF_SCHEDULE)


async def die_at_a_point(at: Strike, name: str) -> None:
    """Starts the service anew so that it dies at a point; the house starts it again as it was. Raises Unstruck if it did not die."""
    for _ in range(DRAWS):  # a point may lie where there is no work just now
        point = at.chance.choice(("statement", at.chance.choice(points_of(name))))
        most = {"statement": MOST_STATEMENTS}.get(point, 1 if point in BROUGHT else MOST_PASSES)
        if await _dies(at, name, point, at.chance.randint(1, most)):
            return
    if not await _dies(at, name, "statement", at.chance.randint(1, AT_THE_START)):
        raise Unstruck(name)


async def _dies(at: Strike, name: str, point: str, nth: int) -> bool:
    service = at.house.services[name]
    await at.house.until(lambda: service.pid is not None, f"{name} runs", 60)
    before, bring = service.pid, _orders if name in OFFICES else BROUGHT.get(point)
    service.failpoint = f"{point}:kill@{nth}"
    try:
        at.house.signal(name, signal.SIGTERM)
        if bring is not None:
            # The process that is ending would take it, were it brought at once.
            await at.house.until(lambda: service.pid not in (None, before), f"{name} ends and starts", 60)
            await bring(at, name)
        with contextlib.suppress(AssertionError):  # it did not come so far: its work is another
            await at.house.until(lambda: not service.failpoint, f"{name} dies at {point}", WITHIN_S)
        return not service.failpoint
    finally:
        if service.failpoint:
            service.failpoint = ""
            at.house.signal(name, signal.SIGKILL)


async def _people(at: Strike, _: str) -> None:
    await repeat_of(at, topics.EMPLOYEE)


async def _bad_records(at: Strike, name: str) -> None:
    await poison_on(at, [topic for topic in dict(CONSUMED)[name] if topic in POISONED])


async def _orders(at: Strike, name: str) -> None:
    """Commands that change nothing, one after the other, until the office has died of one."""
    method, path, kind, body, query = ORDERS[name]
    headers = acting("bkd") | {"Content-Type": kind}
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        while at.house.services[name].failpoint and asyncio.get_running_loop().time() < deadline:
            key = f"{UUID(int=at.chance.getrandbits(128), version=4)}"
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):  # until it listens, and when it has died
                where = at.house.address(name) + path
                async with session.request(method, where, data=body, params=query, headers=headers | keyed(key)) as answer:
                    told = await answer.read()
                assert answer.status < 300 or answer.status >= 500, f"{path} was refused with {answer.status}: {told!r}"
                if answer.status < 300:
                    service: Service = "schedule" if name == "schedule_api" else "payroll"
                    at.house.commands.note([str(command_id(service, headers["Hadir-Actor"], key))])
            await asyncio.sleep(0.2)


ORDERS: Mapping[str, tuple[str, str, str, str, Mapping[str, str]]] = {
    "schedule_api": ("POST", "/v1/policies:import", "application/yaml", PACKS, {"reason": "SK 800/6"}),
    "payroll_api": (
        "PUT", "/v1/signing-levels", "application/json",
        '{"levels": [{"name": "Bendahara", "role": "payroll_officer"}], "reason": "SK 900/4"}', {},
    ),
}  # fmt: skip
"""Rule packs that are all there already; levels of signatures, which nobody here asks for: officers close months by themselves."""

BROUGHT = {"references-fetched": _people, "references-applied": _people, "letters-written": _bad_records}
"""Points that ordinary load does not reach, and what brings a service there."""
