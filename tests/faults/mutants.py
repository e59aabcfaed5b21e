"""Each guarantee switched off in a real service, the fault that it is there for, and what the invariants must say then.

All of it begins on a day on which nobody came (rested.py). Each fault is given some people, whose check-ins it sends on the way,
so that one life can have them all, one after the other: without a mutant every invariant must hold after that.
"""

import asyncio
import contextlib
import json
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
import orjson

from services.geofence.importer import Moving, import_sites
from services.simulator import files, truth
from services.simulator.province import Province
from services.simulator.truth import Tariff
from shared import topics
from shared.database import IDLE_IN_TRANSACTION_S
from shared.reading import consuming, to_the_ends
from shared.topics import Topic
from tests.faults.load import FIRST_DAY
from tests.faults.records import put_again
from tests.faults.rested import Life, Part
from tests.faults.striking import Unstruck
from tests.waiting import PATIENCE_S, until

PROVINCE = Province(3, 24, FIRST_DAY)

_LOW_CAP = """\
POL-A:
  legal_source: "simulasi; 0,5 % tiap 30 menit, paling banyak 1 % sebulan"
  seconds: stamp_floor
  base: total_tpp
  late_rate:  {pct: "0.50", minutes: 30, count: started}
  early_rate: {pct: "0.50", minutes: 30, count: started}
  no_in:  {code: TL, pct: "1.00"}
  no_out: {code: PSW, pct: "1.00"}
  tk_day: "1.00"
  cap: "1"
"""
_HALF_HOURS = tuple((30 * number, 50 * number) for number in range(1, 6))
_TARIFF = Tariff(
    tuple((last, "TL", cost) for last, cost in _HALF_HOURS), tuple((last, "PSW", cost) for last, cost in _HALF_HOURS),
    ("TL", 100), ("PSW", 100), 100, cap=100,
)  # fmt: skip
LOW_CAP_SAYS = "the services say 2.00 % raw, 2.00 %"
"""Somebody comes and goes two hours off, for 2.50 % each: two lines of 1.00 %, where the month is 1.00 %, and 5.00 % without a cap."""


@contextlib.contextmanager
def low_cap() -> Iterator[None]:
    """The province's first rule pack caps a month at 1 %, and one lateness of more than an hour is above that by itself.

    A price by the minute is the only one that may exceed the cap: of all others the check of rule packs refuses it.
    """
    head, rest = files.PACKS.split("POL-A:", 1)
    packs = f"{head}{_LOW_CAP}POL-B:{rest.split('POL-B:', 1)[1]}"
    tariffs = {"POL-A": _TARIFF, "POL-E": replace(_TARIFF, weight=truth.TARIFFS["POL-E"].weight)}  # E extends A
    with patch.object(files, "PACKS", packs), patch.dict(truth.TARIFFS, tariffs):
        yield


async def _all_is_well(life: Life, part: Part) -> None:
    await life.send(part.first)
    await life.rest()
    await _send_the_rest(life, part)


async def _send_the_rest(life: Life, part: Part) -> None:
    await life.send(part.rest)
    await life.report(part.reports)


async def _killed_before_its_results(life: Life, part: Part) -> None:
    """Geofence dies with a batch in hand whose results are not written yet; more comes to the same lanes later."""
    async with life.locked("geofence.check_in"):
        await life.send(part.first)
        await life.waits("COPY %check_in%")
        await life.kill("geofence")
    await _send_the_rest(life, part)


async def _usurped(life: Life, part: Part) -> None:
    """Geofence freezes with a batch in hand; another takes its lanes, and freezes before it has processed that batch itself."""
    await life.anew("geofence", "begun:stop@2")  # the first transaction claims the lanes, the second has a batch
    if life.is_frozen("geofence"):
        raise Unstruck("it claimed its lanes twice, and froze over that")
    await life.send(part.first)
    await life.frozen("geofence")
    since, pid = time.monotonic(), life.house.services["geofence"].pid
    await life.house.start("geofence-2", "geofence", mutant=life.mutant_of("geofence"), failpoint="begun:stop@2")
    await life.frozen("geofence-2")
    if time.monotonic() - since > IDLE_IN_TRANSACTION_S * 0.8:
        raise Unstruck("PostgreSQL may have ended the session of who froze first")
    said = len(life.house.last_words("geofence", 10_000))
    life.house.signal("geofence", signal.SIGCONT)

    async def done() -> bool:
        [row] = await life.fetch(
            "select count(*) as known from geofence.check_in where check_in_id = any($1::uuid[])",
            [arrival.stamp.check_in_id for arrival in part.first],
        )
        gave_up = "left to the new owner" in life.house.last_words("geofence", 10_000)[said:]
        return bool(row["known"]) or gave_up or life.house.services["geofence"].pid != pid

    await until(done, 60, lambda: "the one that froze neither writes nor ends")
    life.house.signal("geofence-2", signal.SIGCONT)
    await life.rest()
    await life.house.leave("geofence-2")
    await _send_the_rest(life, part)


async def _relay_dies(life: Life, part: Part) -> None:
    """Payroll dies when its relay has read the outbox, and the broker is about to get it."""
    await life.anew("payroll", "relay-producing:kill@1")
    await life.send(part.first)
    service = life.house.services["payroll"]
    await life.house.until(lambda: not service.failpoint, "payroll dies before it sends", 60)
    await _send_the_rest(life, part)


async def _asked_again(life: Life, part: Part) -> None:
    """A phone repeats what it heard no answer to, and then says something else under the same id."""
    await life.send(part.first)
    await life.send(part.first)
    await life.rest()
    other = part.first[0].body() | {"accuracy_m": 7.5, "device_id": "contoh-lain"}
    async with (
        aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session,
        session.post(f"{life.house.ingest}/v1/check-ins", data=orjson.dumps(other)) as answer,
    ):
        if answer.status >= 500:
            raise Unstruck("ingest takes nothing just now")
    await _send_the_rest(life, part)


async def _records_repeated(life: Life, part: Part) -> None:
    """Check-ins come once more to geofence."""
    await _all_is_well(life, part)
    await life.rest()
    await _again(life, topics.CHECK_IN_RECORDED, lambda records: records[-3:])


async def _old_days_repeated(life: Life, part: Part) -> None:
    """Versions of days that are not the newest any more come once more to payroll."""
    await _all_is_well(life, part)
    await life.rest()
    await _again(life, topics.DAY_ASSESSED, _stale)


async def _old_judgements_repeated(life: Life, part: Part) -> None:
    """Offices are moved away and back, and the judgements of meanwhile come once more to schedule."""
    await _all_is_well(life, part)
    await life.rest()
    with tempfile.TemporaryDirectory(prefix="hadir-sites-") as folder:
        sites = (await asyncio.to_thread(files.write, life.province, Path(folder))).sites
        right = sites.read_text()
        for text in (_elsewhere(right), right):
            sites.write_text(text)
            report = await import_sites(life.house.database.url, sites, gate=_nobody_asks)
            assert report.applied, report.lines()
            await until(lambda: life.fetch(
                "select where not exists (select from geofence.due_check_in) and not exists (select from geofence.reached_lane)"), 60)
            await life.rest()
    await _again(life, topics.CHECK_IN_LOCATED, _stale)


async def _nobody_asks(_: Moving) -> None:
    """These people live by a clock of their own."""


def _elsewhere(sites: str) -> str:
    """The file of sites with every office some 22 km further north."""

    def moved(place: Any) -> Any:
        return [moved(one) for one in place] if isinstance(place[0], list) else [place[0], place[1] + 0.2]

    read = json.loads(sites)
    for feature in read["features"]:
        if feature["properties"]["kind"] == "office":
            feature["geometry"]["coordinates"] = moved(feature["geometry"]["coordinates"])
    return json.dumps(read)


def _stale(records: Sequence[Any]) -> list[Any]:
    """All but the newest version of each subject."""
    told = [(dict(record.headers)["ce_subject"], orjson.loads(record.value)["version"], record) for record in records]
    newest: dict[bytes, int] = {}
    for subject, version, _ in told:
        newest[subject] = max(version, newest.get(subject, 0))
    return [record for subject, version, record in told if version < newest[subject]]


async def _again(life: Life, topic: Topic[Any], which: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
    """Put some of the records of this life on their topic once more."""
    since = {place: offset for place, offset in life.since.items() if place.topic == topic.name}
    async with asyncio.timeout(PATIENCE_S), consuming(life.house.brokers.bootstrap, "again") as consumer:
        found = [record async for record in to_the_ends(consumer, since)]
    repeated = which(found)
    assert repeated, f"no record of {topic.name} is to be repeated"
    await put_again(life.house.brokers.bootstrap, repeated)


@dataclass(frozen=True)
class Mutant:
    """A guarantee of a service that is off, when that matters, and by which words of which invariant it must be found out."""

    name: str
    of: str
    guarantee: str
    when: str
    strike: Callable[[Life, Part], Awaitable[None]]
    invariant: str
    said: str

    @property
    def row(self) -> str:
        """As it stands in docs/mutants.md."""
        return f"| {self.guarantee} | `{self.name}` | {self.of} | {self.when} | {self.invariant}: “{self.said}” |"


MUTANTS: tuple[Mutant, ...] = (
    Mutant("no-fencing", "geofence", "fencing: a worker writes whoever owns the lane by now",
           "it freezes with a batch in hand, and another claims its lanes", _usurped, "I6", "had claimed it"),
    Mutant("no-receipts", "ingest", "dedupe: ids that were accepted are not known again",
           "a phone says something else under an accepted id", _asked_again, "I7", "good records buried"),
    Mutant("no-inbox", "geofence", "dedupe: check-ins that were judged are not known again",
           "records are repeated", _records_repeated, "I7", "good records buried"),
    Mutant("no-mark-versions", "schedule", "dedupe: an older judgement of a check-in is taken for a newer one",
           "offices move away and back, and the judgements of meanwhile are repeated", _old_judgements_repeated,
           "I4", "differences from the truth"),
    Mutant("no-day-versions", "payroll", "dedupe: an older version of a day is taken for a newer one",
           "old versions of days are repeated", _old_days_repeated, "I4", "differences from the truth"),
    Mutant("position-apart", "geofence", "position in the same transaction as the results",
           "it dies with a batch in hand", _killed_before_its_results, "I1", "accepted ids in no inbox"),
    Mutant("any-order", "payroll", "relay: in the order of the outbox",
           "several entries of one month are published at once", _all_is_well, "I5", "follows"),
    Mutant("cursor-first", "payroll", "relay: the cursor only after the broker's word",
           "it dies before it sends", _relay_dies, "I5", "only the table knows it"),
    Mutant("noack-off", "geofence", "no acknowledging ahead: position of our own, and holes read again",
           "it dies with a batch in hand, of which Kafka was told", _killed_before_its_results, "I1", "accepted ids in no inbox"),
    Mutant("violations-stay", "schedule", "retraction: a new version takes back the violations of the old one",
           "check-ins come after the day was closed", _all_is_well, "I3", "in force otherwise than the day has it"),
    Mutant("charges-stay", "payroll", "retraction: a new version takes back what the old one cost",
           "check-ins come after the day was closed", _all_is_well, "I4", "do not balance"),
    Mutant("cap-before-sum", "payroll", "the cap is taken of the sum, not of each line",
           "a lateness above the cap by itself, and leaving as early", _all_is_well, "I4", LOW_CAP_SAYS),
)  # fmt: skip

def chosen(names: str) -> tuple[Mutant, ...]:
    """The mutants of these names (`a,b`), all of them for none; raises ValueError for a name that no mutant has."""
    asked = tuple(filter(None, names.split(",")))
    if unknown := set(asked) - {mutant.name for mutant in MUTANTS}:
        raise ValueError(f"no mutant is called {', '.join(sorted(unknown))}")
    return tuple(mutant for mutant in MUTANTS if not asked or mutant.name in asked)


STRIKES = tuple(dict.fromkeys(mutant.strike for mutant in MUTANTS))
"""All faults, each once."""
