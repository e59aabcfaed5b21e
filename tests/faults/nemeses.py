"""The faults, by the names of the matrix: each strikes a running house once, at a random moment, and leaves it healed."""

import contextlib
import errno
import re
import resource
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psutil

from services.local.process import free_port
from tests.faults import struck_events, struck_points, struck_servers
from tests.faults.clocks import JUMPS
from tests.faults.house import OFFICES, SERVICES, SESSION_S, WORKERS
from tests.faults.striking import Strike, Unstruck
from tests.faults.witness import Claims, claims_of

_ALL = (*SERVICES, *OFFICES)
_FROZEN_S = 2.0 * SESSION_S, 2.2 * SESSION_S
"""How long a worker is frozen."""

_CLAIM_S = 30.0
"""So long a worker may take to start and to get lanes; a member that died before has to be given up first."""

_REFUSED = re.compile(rf"errno\W{{1,3}}{errno.EMFILE}\b".encode(), re.IGNORECASE)
"""How a log says that no file descriptor was left, as JSON or in the words of an OSError."""


@dataclass(frozen=True)
class Fault:
    """One fault: its number in the matrix, what it does, how often it is chosen, and what house it needs."""

    code: str
    what: str
    strike: Callable[[Strike], Awaitable[None]]
    weight: int = 4
    needs: str = ""
    long: bool = False
    """Takes too long for `make faults`: in `make faults-long` only."""

    @property
    def name(self) -> str:
        """As it stands in the report."""
        return f"{self.code} {self.what}"


async def _end(at: Strike, signum: int, *names: str) -> None:
    """Send a signal, and see each of these end: of SIGKILL and of nothing else, or anyhow once it was asked to."""
    pids = [at.house.services[name].pid for name in names]
    sent = [at.house.signal(name, signum) for name in names]
    if not all(sent):
        raise Unstruck(f"not all of {', '.join(names)} run")
    await at.house.until(lambda: at.house.codes.keys() >= {*pids}, f"{', '.join(names)}: the end by signal {signum}", 60)
    if signum == signal.SIGKILL and any(at.house.codes[pid] != -signum for pid in pids if pid):
        raise Unstruck(f"not all of {', '.join(names)} ended of it")


def _kills(name: str) -> Callable[[Strike], Awaitable[None]]:
    return lambda at: _end(at, signal.SIGKILL, name)


def _dies(name: str) -> Callable[[Strike], Awaitable[None]]:
    return lambda at: struck_points.die_at_a_point(at, name)


async def _kill_two(at: Strike) -> None:
    await _end(at, signal.SIGKILL, *at.chance.sample(_ALL, 2))


async def _terminate(at: Strike) -> None:
    await _end(at, signal.SIGTERM, at.chance.choice(_ALL))


async def _freeze_worker(at: Strike) -> None:
    await _freeze(at, at.chance.choice(WORKERS))


async def _freeze_office(at: Strike) -> None:
    """Officers are not answered, and their commands' locks are held, for longer than sessions may be silent."""
    await _freeze(at, at.chance.choice(OFFICES))


async def _freeze(at: Strike, name: str) -> None:
    pid, began = at.house.services[name].pid, time.monotonic()
    if not at.house.signal(name, signal.SIGSTOP):
        raise Unstruck(f"{name} does not run")
    await at.pause(*_FROZEN_S)
    stands = False
    with contextlib.suppress(psutil.NoSuchProcess):
        stands = psutil.Process(pid).status() == psutil.STATUS_STOPPED
    at.house.signal(name, signal.SIGCONT)
    if not stands or time.monotonic() - began < _FROZEN_S[0]:
        raise Unstruck(f"{name} did not stand still for {_FROZEN_S[0]:g} s")


async def _claims(at: Strike, process: str) -> Claims:
    async with at.house.connection() as connection:
        return await claims_of(connection, process)


async def _claimed(at: Strike, process: str, known: Claims) -> None:
    """Wait until a process has claimed a lane, besides what is known of one of its name; whoever never does works beside nobody."""

    async def anew() -> bool:
        return bool((await _claims(at, process)).items() - known.items())

    try:
        await at.house.until(anew, f"{process} claims a lane", _CLAIM_S)
    except AssertionError as never:
        raise Unstruck(f"{process} never claimed a lane") from never


async def _usurp(at: Strike) -> None:
    """A frozen worker comes back when another has taken its lanes."""
    name = at.chance.choice(WORKERS)
    second = f"{name}-2"
    known = await _claims(at, second)
    await at.house.start(second, name)
    try:
        await _claimed(at, second, known)
        await at.pause(0.0, 1.0)
        mine = await _claims(at, name)
        await _freeze(at, name)
        taken = await _claims(at, second)
        await at.pause(0.5, 1.5)
    finally:
        await at.house.leave(second, killed=True)
    if not mine.keys() & taken.keys():
        raise Unstruck(f"{second} took no lane of {name}")


async def _rebalance_storm(at: Strike) -> None:
    """Second and third workers that come, take lanes, and go."""
    name = at.chance.choice(WORKERS)
    others = [f"{name}-{number}" for number in (2, 3)]
    known = {other: await _claims(at, other) for other in others}
    for other in others:
        await at.house.start(other, name)
        await at.pause(0.5, 2.0)
    try:
        for other in others:
            await _claimed(at, other, known[other])
        await at.pause(0.0, 2.0)
    finally:
        for other in others:
            at.house.services[other].held = True
            at.house.signal(other, at.chance.choice((signal.SIGKILL, signal.SIGTERM)))
        for other in others:
            await at.house.until(lambda: at.house.services[other].pid is None, f"{other} ends", 60)  # noqa: B023 (awaited within the turn)
            del at.house.services[other]


async def _version_before(at: Strike) -> None:
    """A worker of the version before joins ours and goes on alone, as in a rollback; then ours comes back, as in an upgrade."""
    name = at.chance.choice(WORKERS)
    other = f"{name}-before"
    at.house.ports[other] = free_port()
    known = await _claims(at, other)
    await at.house.start(other, name, at.house.previous)
    await at.house.ready([other])
    try:
        await _claimed(at, other, known)
        await at.pause(0.5, 2.0)
        beside = await _claims(at, other)
        await at.house.leave(name, killed=at.chance.random() < 0.5)
        await _claimed(at, other, beside)
        await at.pause(2.0, 6.0)
    finally:
        await at.house.start(name)
        await at.pause(0.5, 3.0)
        await at.house.leave(other, killed=at.chance.random() < 0.5)


async def _ingest_before(at: Strike) -> None:
    """The version before answers the phones for a while."""
    for tree in (at.house.previous, None):
        await at.house.leave("ingest", killed=at.chance.random() < 0.5)
        await at.house.start("ingest", tree=tree)
        await at.house.ready(["ingest"])
        await at.pause(0.5, 3.0)


async def _no_files(at: Strike) -> None:
    """No file descriptor is left to a service for a while, in which it must connect to its database anew: it says what it met."""
    name = at.chance.choice(_ALL)
    process = at.house.processes().get(name)
    if process is None:
        raise Unstruck(f"{name} does not run")
    log = at.house.home / "logs" / f"{name}.log"
    said = log.stat().st_size
    try:
        before = process.rlimit(resource.RLIMIT_NOFILE)
        process.rlimit(resource.RLIMIT_NOFILE, (8, before[1]))
    except psutil.Error as ended:
        raise Unstruck(f"{name} ended just now") from ended
    at.house.database_proxies[name].reset()  # what is open stays open: with pooled connections nothing would be met
    await at.pause(1.0, 4.0)
    with contextlib.suppress(Exception):  # it may have ended over it
        process.rlimit(resource.RLIMIT_NOFILE, before)
    if not _REFUSED.search(log.read_bytes()[said:]):
        raise Unstruck(f"{name} opened nothing meanwhile")


async def _clock_jumps(at: Strike) -> None:
    """A service dies, and its machine comes back with another time."""
    if at.house.clocks is None:
        raise Unstruck("the services have the machine's own clock")
    name = at.chance.choice(SERVICES)
    at.house.clocks.shifts[name] = at.chance.choice(JUMPS)
    await _end(at, signal.SIGKILL, name)


FAULTS: tuple[Fault, ...] = (
    *(Fault("F1", f"kill -9 {name}", _kills(name), 12) for name in SERVICES),
    *(Fault("F1", f"kill -9 {name}", _kills(name), 8) for name in OFFICES),
    Fault("F1", "kill -9 two services at once", _kill_two, 8),
    Fault("F1", "SIGTERM, restart", _terminate, 6),
    *(Fault("F2", f"{name} dies at a boundary or statement", _dies(name), 4) for name in (*WORKERS, "ingest")),
    *(Fault("F2", f"{name} dies in a command", _dies(name), 3) for name in OFFICES),
    Fault("F3", "worker frozen past its session", _freeze_worker, 4),
    Fault("F3", "API of officers frozen", _freeze_office, 2),
    Fault("F3", "frozen worker returns beside its successor", _usurp, 3),
    Fault("F4", "broker kill -9", struck_servers.kill_broker, 6, "one"),
    Fault("F4", "broker restarted", struck_servers.restart_broker, 4, "one"),
    Fault("F4", "broker away for 8 to 20 s", struck_servers.broker_away, 1, "one"),
    Fault("F4", "broker away for a minute", struck_servers.broker_away_for_long, 1, "one", long=True),
    Fault("F5", "kill a leader of three", struck_servers.kill_leader, 12, "three"),
    Fault("F5", "kill the active controller", struck_servers.kill_controller, 8, "three"),
    Fault("F5", "kill two brokers of three, below min ISR, controllers alive", struck_servers.kill_two_brokers, 8, "three"),
    Fault("F5", "kill two of three, below min ISR", struck_servers.kill_two_nodes, 4, "three", long=True),
    Fault("F6", "PostgreSQL kill -9", struck_servers.kill_postgres, 10),
    Fault("F6", "PostgreSQL restarted", struck_servers.restart_postgres, 6),
    Fault("F6", "all sessions terminated", struck_servers.terminate_sessions, 10),
    Fault("F6", "failover to the synchronous standby", struck_servers.fail_over, 10, "standby"),
    Fault("F7", "disk of the broker full", struck_servers.fill_kafka, 3, "disks"),
    Fault("F7", "disk of PostgreSQL full", struck_servers.fill_postgres, 4, "disks"),
    *(Fault("F8", f"network {way}", struck_servers.network(way), 4) for way in struck_servers.WAYS),
    Fault("F9", "a service dies and comes back with its clock elsewhere: " + ", ".join(JUMPS), _clock_jumps, 16, "clocks"),
    Fault("F10", "records repeated and reordered", struck_events.repeat, 4),
    Fault("F10", "records of any age repeated and reordered", struck_events.repeat_old, 4),
    Fault("F11", "known id with another body", struck_events.other_body, 4),
    Fault("F12", "poison on topics", struck_events.poison, 4),
    Fault("F13", "worker of the version before beside ours, and alone", _version_before, 6, "previous"),
    Fault("F13", "ingest of the version before, and ours again", _ingest_before, 2, "previous"),
    Fault("F14", "workers come and go", _rebalance_storm, 3),
    Fault("F16", "group offsets reset to the end", struck_events.forget_group, 2),
    Fault("F22", "no file descriptors left", _no_files, 3),
)
"""Those that strike at random; where the other lines of the matrix are tried: docs/faults.md (words.py). F9 needs a house of its own."""
