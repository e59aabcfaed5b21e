"""A campaign: faults at random moments under load, and after every so many of them all must come to rest and be right."""

import asyncio
import contextlib
import datetime as dt
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.errors import KafkaError

from services.local.process import LocalError
from services.simulator.province import Province
from services.simulator.settled import NotSettled, Observer
from shared.database import Connection
from tests.faults.clocks import SHIFTS, library
from tests.faults.decided import Decided, not_closed
from tests.faults.feed import Feed
from tests.faults.house import OFFICES, House, running
from tests.faults.invariants import Poison, Positions, Scene, i4_money, look_at_positions, violations
from tests.faults.load import Load
from tests.faults.nemeses import FAULTS, Fault
from tests.faults.officers import Officers
from tests.faults.previous import Missing, Tree, unpacked
from tests.faults.servers import may_mount
from tests.faults.striking import Strike, Unstruck
from tests.waiting import until

SETTLE_S = 240.0
SENDING_S = 2 * SETTLE_S
"""So long phones and officers may take for the rest of their work after everything was healed."""
_KEPT_BACK = 0.2
"""Of each load: it is sent when all is healed, so that one sees whether anything is taken then (I8)."""
FRONT_S = 60.0
"""I8: so long after everything was healed the first of what waits at the front door is answered 2xx."""

LAST_DAY = dt.date(2026, 6, 30)  # a Tuesday, and the end of a month: when it is over, officers can close the month


@dataclass(frozen=True)
class Wanted:
    """What to do: `cycles` faults from `seed` in houses of one broker or three, `every` so many a check; at most `hours`."""

    cycles: int
    seed: int
    every: int = 40
    rate: float = 20.0
    brokers: int = 1
    standby: bool = False
    people: int = 1500
    days: int = 1
    hours: float = 24.0
    pause_s: tuple[float, float] = (0.2, 1.2)
    only: tuple[str, ...] = ()
    clocks: bool = False
    logs: Path | None = None


@dataclass
class Found:
    """What came of it, so far."""

    seed: int
    cycles: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    """Strikes that struck nothing, or could not prove it: they are in no other number."""

    suspected: Counter[str] = field(default_factory=Counter)
    """Faults since the check before, for each check that found a violation."""

    violations: list[str] = field(default_factory=list)
    checks: int = 0
    accepted: int = 0
    assessed: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    """How many of the officers' commands were answered 2xx."""

    asked_again: Counter[str] = field(default_factory=Counter)
    """Why they had to be given again."""

    died_at: Counter[str] = field(default_factory=Counter)
    """How often a process died at a boundary, or at a statement, as it was told to (F2)."""

    ended: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)
    quiet_s: list[float] = field(default_factory=list)
    front_s: list[float] = field(default_factory=list)
    """From healing to the first 2xx, for each round in which anything was still to be sent."""

    sending_s: list[float] = field(default_factory=list)
    """From healing until phones and officers were done."""

    seconds: float = 0.0
    looks: int = 0
    """How often positions could be read: after each fault, if the database answered, and in each check."""

    outcome: str = "stopped"
    """`finished` (all that was asked for), `time`, `violation` (a round that could not be finished), or `stopped` from outside."""


Told = Callable[[str], None]


class NothingToStrike(ValueError):
    """No fault that was asked for can strike such a house here."""


async def campaign(wanted: Wanted, told: Told = print, saved: Callable[[Found], None] = lambda _found: None) -> Found:
    """Run it; `told` gets a line per check, `saved` what was found after each. Violations are returned, never raised."""
    disks = wanted.brokers == 1 and may_mount()
    found = Found(wanted.seed)
    if wanted.clocks:
        try:
            library()
        except LocalError as missing:
            found.left_out.append(f"F9: {missing}")
            return found
    if wanted.brokers == 1 and not disks and (not wanted.only or "F7" in wanted.only):
        found.left_out.append("F7: a tmpfs cannot be mounted here (root is needed)")
    began = time.monotonic()
    async with contextlib.AsyncExitStack() as held:
        before = None
        if any(fault.needs == "previous" for fault in faults_of(wanted, disks=disks, previous=True)):
            before = _version_before(Path(held.enter_context(tempfile.TemporaryDirectory(prefix="hadir-before-"))), found)
        faults = faults_of(wanted, disks=disks, previous=before is not None)
        if not faults:
            why = "; ".join(found.left_out) or "no such fault"
            raise NothingToStrike(f"none of {', '.join(wanted.only)} strikes a house of {wanted.brokers} broker(s) here: {why}")
        house = await held.enter_async_context(running(
            brokers=wanted.brokers, standby=wanted.standby, disks=disks, clocks=wanted.clocks, keep=wanted.logs, previous=before,
            offices=True,
        ))  # fmt: skip
        told(f"the house of {wanted.brokers} broker(s) is up after {time.monotonic() - began:.0f} s")
        run = Campaign(wanted, house, faults, found, told)
        number = 0
        while found.cycles.total() < wanted.cycles and time.monotonic() - began < wanted.hours * 3600:
            number += 1
            try:
                await run.round(number)
            except Exception as error:  # noqa: BLE001 - a round that cannot be finished is a finding, and ends the campaign
                found.cycles.update(run.struck)
                found.suspected.update(run.struck)
                why = "; ".join(f"{type(one).__name__}: {one}" for one in alone(error))
                found.violations.append(f"round {number} could not be finished: {why[:600]}")
                told(traceback.format_exc())
                found.outcome = "violation"
                break
            else:
                if not run.struck:
                    break  # nor would the next round, and hours would pass
            finally:
                found.looks = run.positions.looks
                found.ended = Counter(house.ended)
                found.died_at = _by_point(house.died_at)
                found.seconds = time.monotonic() - began
                saved(found)
        else:
            found.outcome = "finished" if found.cycles.total() >= wanted.cycles else "time"
    return found


def _by_point(died_at: Mapping[tuple[str, str], int]) -> Counter[str]:
    """How often at each point, those of offices by themselves: a command crosses the points that a batch does."""
    found = Counter[str]()
    for (name, point), many in died_at.items():
        found[f"{point} of {name}" if name in OFFICES else point] += many
    return found


def alone(error: BaseException) -> Iterator[BaseException]:
    """Each error of a group, and of the groups in it, by itself."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from alone(one)
    else:
        yield error


def _version_before(folder: Path, found: Found) -> Tree | None:
    try:
        return unpacked(folder)
    except Missing as reason:
        found.left_out.append(f"F13: {reason}")
        return None


def faults_of(wanted: Wanted, *, disks: bool, previous: bool) -> list[Fault]:
    """The faults that such a house can be struck with; `disks`: its disks can be filled; `previous`: the version before is there."""
    has = {"one" if wanted.brokers == 1 else "three"}
    given = {"standby": wanted.standby, "clocks": wanted.clocks, "disks": disks, "previous": previous}
    has |= {name for name, is_there in given.items() if is_there}
    return [fault for fault in FAULTS if (not fault.needs or fault.needs in has) and (not wanted.only or fault.code in wanted.only)]


def province_of(wanted: Wanted, number: int) -> Province:
    """Who checks in, in the round of this number."""
    return Province(wanted.seed, wanted.people, LAST_DAY - dt.timedelta(days=wanted.days - 1), wanted.days, number)


class Campaign:
    """Rounds on one house: import, load with faults, heal, settle, check."""

    def __init__(self, wanted: Wanted, house: House, faults: list[Fault], found: Found, told: Told) -> None:
        self.wanted, self.house, self.faults, self.found, self.told = wanted, house, faults, found, told
        self.chance = random.Random(wanted.seed)
        self.poison, self.positions = Poison(), Positions()
        self.feed = Feed(house.brokers.bootstrap)
        self.decided = Decided()
        self.played: list[Province] = []
        """Those of the rounds before, who stay in the house: their truth is what it was."""

        self.struck = Counter[str]()
        """The faults of the round that is under way."""
        self._rota: list[Fault] = []
        self._missed: list[Fault] = []

    async def round(self, number: int) -> None:
        """So many faults under load, then a check of everything. What struck counts once it was checked, or could not be."""
        self.struck = struck = Counter[str]()
        province = province_of(self.wanted, number)
        load = Load(self.house, province, self.wanted.rate, kept_back=_KEPT_BACK)
        await load.prepare()
        begun = time.monotonic()
        officers = Officers(self.house, self.decided, random.Random(self.chance.random()), load.hurried)
        sending = asyncio.create_task(self._press(load, officers))
        try:
            many = min(self.wanted.every, self.wanted.cycles - self.found.cycles.total())
            while struck.total() < many and not load.nearly_sent and not sending.done():
                await asyncio.sleep(self.chance.uniform(*self.wanted.pause_s))
                fault = self._next()
                struck[fault.name] += 1
                if not await self._strike(fault):
                    struck -= Counter([fault.name])  # in place; none is left that counts 0
                    self._missed.append(fault)
                    self.found.missed[fault.name] += 1
                await self._look()
            load.hurried.set()
            self.house.heal()
            healed, self.house.journal.first_at = time.monotonic(), None
            await asyncio.wait_for(sending, SENDING_S)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if self.wanted.clocks:
            struck["F9 clocks: " + ", ".join(f"{name} {shift}" for name, shift in SHIFTS.items())] += 1
        faulty_s = healed - begun
        self.found.sending_s.append(round(time.monotonic() - healed, 1))
        late = self._front(healed)
        async with Observer(self.house.database.url, self.house.brokers.bootstrap) as observer:
            wrong = await self._rest_and_check(load, observer, healed)
        if late:
            wrong["I8"] = [*late, *wrong.get("I8", [])]
        self.found.checks += 1
        self.found.accepted = len(self.house.journal.accepted())
        self.found.unanswered.update(load.phones.tally.unanswered)
        self.found.asked_again.update(officers.unanswered)
        self.found.commands = len(self.house.commands.accepted())
        self.found.cycles.update(struck)
        if wrong:
            self.found.suspected.update(struck)
            self.found.violations += [f"round {number}, {name}: {sentence}" for name, sentences in wrong.items() for sentence in sentences]
        self.told(
            f"round {number}: {struck.total()} faults in {faulty_s:.0f} s, {self.found.cycles.total()} in all,"
            f" besides {self.found.missed.total()} strikes that struck nothing;"
            f" {load.delivered} check-ins, {self.found.accepted} ids accepted and {self.found.commands} commands carried out in all;"
            f" all sent {self.found.sending_s[-1]:.1f} s after the last fault, quiet {self.found.quiet_s[-1]:.1f} s after that;"
            f" {'violations: ' + str(wrong) if wrong else 'no violation'}"
        )

    def _front(self, healed: float) -> list[str]:
        """Records when the front door took anything again, if anything was still to be sent; a sentence if that was too late."""
        if (first := self.house.journal.first_at) is None:
            return []
        self.found.front_s.append(round(first - healed, 1))
        return [f"the front door took nothing for {first - healed:.0f} s after all was healed"] if first - healed > FRONT_S else []

    async def _press(self, load: Load, officers: Officers) -> None:
        """Phones and officers at once; officers begin with the played day."""
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            await load.begun.wait()
            await officers.work(load.province, self.played[-1] if self.played else None)

    def scene(self, connection: Connection, observer: Observer, province: Province, quiet_after_s: float) -> Scene:
        """What the invariants look at, as it is now; all must be at rest."""
        self.decided.answered = self.house.commands.accepted()
        return Scene(
            connection, observer, province, self.house.journal.accepted(), set(self.house.journal.sent), self.feed, self.poison,
            self.positions, quiet_after_s, self.decided,
        )  # fmt: skip

    async def _strike(self, fault: Fault) -> bool:
        """Strike once; false if nothing was struck: the harness's own client of the broker failed, or the victim came to no point."""
        try:
            await asyncio.wait_for(fault.strike(Strike(self.house, self.chance, self.poison)), 300)
        except (KafkaError, Unstruck):
            return False
        except (OSError, TimeoutError, AssertionError) as error:
            raise AssertionError(f"{fault.name} could not be carried out or healed: {type(error).__name__} {error}") from error
        return True

    def _next(self) -> Fault:
        """Each fault as often as its weight says, in random order, so that a short run has many kinds."""
        if not self._rota:
            once = list(self.faults)
            more = [fault for fault in self.faults for _ in range(fault.weight - 1)]
            self.chance.shuffle(once)
            self.chance.shuffle(more)
            self._rota = [*more, *once, *self._missed]  # from the end: first once more what was not struck in the turn before
            self._missed.clear()
        return self._rota.pop()

    async def _look(self) -> None:
        """Positions may only rise; a server that is not there cannot be asked."""
        try:
            async with self.house.connection() as connection:
                self.positions.take(await asyncio.wait_for(look_at_positions(connection), 10))
        except Exception:  # noqa: BLE001 - the next look is as good
            return

    async def _rest_and_check(self, load: Load, observer: Observer, healed: float) -> dict[str, list[str]]:
        """Wait for rest: first for the lag of all that was sent, then for the days that the clock closes."""
        wrong: dict[str, list[str]] = {}
        sent = time.monotonic()
        try:
            await observer.until_no_lag(patience_s=SETTLE_S)
            # What was sent after the last fault is load, not lag: the clock starts when the load has ended.
            quiet = time.monotonic() - max(healed, sent)
            await load.finish()
            for province in (*self.played[-1:], load.province):
                await observer.until_settled(province.label, province.last_day, lambda _d, _w: None, patience_s=SETTLE_S)
            await until(
                lambda: self._all_frozen(observer), SETTLE_S, lambda: f"months are not frozen {SETTLE_S:.0f} s after they were closed"
            )
            await observer.until_no_lag(patience_s=SETTLE_S)
        except NotSettled as stuck:
            quiet = time.monotonic() - sent
            wrong["rest"] = [str(stuck)]
        self.found.quiet_s.append(round(quiet, 1))
        await self.feed.catch_up()
        async with self.house.connection() as connection:
            scene = self.scene(connection, observer, load.province, quiet)
            wrong |= await violations(scene)
            # The one before, of which officers changed days too, and one of all at each check, in turn.
            for scene.province in {self.played[-1], self.played[self.found.checks % len(self.played)]} if self.played else ():
                if money := await i4_money(scene):
                    wrong[f"I4 of round {scene.province.round}"] = money
            self.played.append(load.province)
            self.found.assessed = await connection.fetchval("select count(*) from schedule.assessment")
        return wrong

    async def _all_frozen(self, observer: Observer) -> bool:
        return await not_closed(observer.connection, self.decided) == 0


def now() -> str:
    """The present minute, UTC, for a report."""
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"  # any date: for people to read
