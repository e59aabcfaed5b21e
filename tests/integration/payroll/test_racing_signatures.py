"""A month is signed while days of it still come in: what was first is in its total, the rest is owed in the next month, once.

Each race is run on a real PostgreSQL, by the code of the stream, of the chores and of the commands; the truth of every
employee is the oracle's, over all days that were ever told.
"""

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest

from services.payroll.agent import post_assessed_days
from services.payroll.commands import set_levels, step_month
from services.payroll.rules import next_month
from services.payroll.rules.signing import Action, Asked, Level, MonthRefused, Step
from services.payroll.store.references import REAL
from services.payroll.store.steps import figures_of
from shared.events import DayAssessed, Finding, FindingKind
from shared.policy import Policy
from shared.topics import lane_of
from tests.integration.payroll.test_postings import as_the_oracle_wants
from tests.oracle import money
from tests.waiting import until

Made: TypeAlias = Callable[..., DayAssessed]
PACK = Policy.from_content({"tk_day": "3.00", "tl": [{"code": "TL1", "min": 1, "max": None, "pct": "0.50"}]})
ABSENT = Finding(kind=FindingKind.ABSENT, code="TK")
LATE = Finding(kind=FindingKind.LATE, code="TL1", minutes=5)


@dataclass
class Month:
    """One month, its people and all that was told of their days."""

    payroll: Any
    day: Made
    month: str
    ceilings: dict[UUID, int]
    told: dict[tuple[UUID, dt.date], DayAssessed] = field(default_factory=dict)

    async def covered(self) -> "Month":
        """Everybody has a ceiling, in this month and in the next."""
        for me, ceiling in self.ceilings.items():
            for month in (self.month, next_month(self.month)):
                await self.payroll.set_ceiling(me, month, ceiling)
        return self

    def tell(self, me: UUID, number: int, *findings: Finding) -> DayAssessed:
        """The next version of a day of the month."""
        date = dt.date.fromisoformat(f"{self.month}-{number:02}")
        known = self.told.get((me, date))
        self.told[me, date] = self.day(me, date, PACK, findings, version=1 if known is None else known.version + 1)
        return self.told[me, date]

    async def take(self, action: Action, actor: str = "bkd-1") -> Step:
        """One step of the month."""
        return await step_month(self.payroll.lanes, self.month, REAL, Asked(action, uuid4(), actor, reason="akhir bulan"))

    async def signed(self, levels: int) -> Step:
        """The last signature; all of them anew as often as figures moved between two of them."""
        while True:
            await self.take("review")
            try:
                for number in range(levels):
                    step = await self.take("sign", f"pejabat-{number}")
            except MonthRefused as refused:
                if "angka berubah" not in str(refused):
                    raise
                await self.take("return")
            else:
                return step

    async def ledger(self, month: str) -> dict[UUID, int]:
        """What each employee's entries of a month sum to."""
        rows = await self.payroll.fetch("select employee_id, sum(amount)::bigint as sum from ledger where month = $1 group by 1", month)
        return {row["employee_id"]: row["sum"] for row in rows}

    def truth(self, me: UUID) -> int:
        """Rupiah of all days as they were told last."""
        days = [as_the_oracle_wants(day, {PACK.identity: PACK}) for (who, _), day in self.told.items() if who == me]
        owed: int = money.month(days, self.ceilings[me])["amount"]
        return owed

    async def stands(self, signature: Step) -> dict[UUID, int]:
        """The month's total is the one that was signed, and with the next month's supplements everybody's truth; returns these."""
        async with self.payroll.lanes.pool.acquire() as connection:
            figures = await figures_of(connection, self.month, REAL)
        closed, later = await self.ledger(self.month), await self.ledger(next_month(self.month))
        # The digest is of everybody's amounts; whoever came after the signature stands there with nothing, and is in no figure of it.
        assert (figures.rupiah, sum(closed.values())) == (signature.rupiah, signature.rupiah)
        assert figures.digest == signature.figures or figures.people > (signature.people or 0)
        assert {me: closed.get(me, 0) + later.get(me, 0) for me in self.ceilings} == {me: self.truth(me) for me in self.ceilings}
        rows = await self.payroll.fetch("select code, origin from ledger where month = $1", next_month(self.month))
        assert {(row["code"], row["origin"]) for row in rows} <= {("SUPPLEMENT", self.month)}
        return later


def people(*lanes: int) -> list[UUID]:
    """One invented employee on each of these lanes."""
    found: list[UUID] = []
    for lane in lanes:
        while lane_of(me := uuid4()) != lane:
            pass
        found.append(me)
    return found


async def test_a_day_before_the_signature_is_in_the_total_and_one_behind_it_is_owed_though_both_met_it_on_its_way(
    payroll: Any, day: Made
) -> None:
    below, within, above = people(3, 12, 20)
    await payroll.publish(PACK)
    february = await Month(payroll, day, "2026-02", dict.fromkeys((below, within, above), 1_000_000)).covered()
    await payroll.hear(*(february.tell(me, 2, ABSENT) for me in february.ceilings))
    await february.take("review")

    async def waiting() -> int:
        [row] = await payroll.fetch(
            "select count(distinct pid) from pg_locks where not granted"
            " and pid in (select pid from pg_stat_activity where datname = current_database())"
        )
        found: int = row["count"]
        return found

    async with payroll.lanes.hold({12}) as work:  # the stream is at work on a lane in the middle
        signing = asyncio.create_task(february.take("sign"))
        await until(waiting)  # the signature has the lanes below, and waits for this one
        behind = asyncio.create_task(payroll.hear(february.tell(below, 2, LATE), february.tell(below, 3, ABSENT)))
        await until(lambda: _at_least(waiting, 2))
        await payroll.hear(february.tell(above, 2, LATE))
        await post_assessed_days(work, payroll.records(february.tell(within, 2)), payroll.policies)
    signature = await signing
    await behind

    assert (signature.state, signature.rupiah) == ("SIGNED", 30_000 + 0 + 5_000)
    assert await february.stands(signature) == {below: 5_000}  # 35,000 for both days, of which 30,000 were signed
    await payroll.freeze()
    assert await february.stands(signature) == {below: 5_000}


async def _at_least(waiting: Callable[[], Any], many: int) -> bool:
    return bool(await waiting() >= many)


async def raced(racing: Month, chance: Random, levels: int) -> Step:
    """Forty batches of days come by two streams, months are frozen, and somewhere in the middle the month is signed; all at once."""
    some, hear = list(racing.ceilings), racing.payroll.hear

    def told(who: list[UUID]) -> DayAssessed:
        return racing.tell(chance.choice(who), chance.randint(1, 6), *chance.choice(([], [ABSENT], [LATE])))

    await hear(*(told(some[:-2]) for _ in range(12)))  # of the last two nothing is known yet
    arrivals = [[told(some) for _ in range(chance.randint(1, 4))] for _ in range(40)]
    signed_after = chance.randrange(len(arrivals))
    through, over = [0], asyncio.Event()

    async def stream() -> None:
        while arrivals:
            await hear(*arrivals.pop(0))
            through[0] += 1

    async def freezing() -> None:
        while not over.is_set():
            await racing.payroll.freeze()
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        streams = [group.create_task(stream()) for _ in range(2)]
        group.create_task(freezing())
        await until(lambda: through[0] >= signed_after)
        signature = await racing.signed(levels)
        await asyncio.gather(*streams)
        over.set()
    await racing.payroll.freeze()
    return signature


@pytest.mark.timeout(300)
@pytest.mark.parametrize("levels", [1, 2])
async def test_whatever_comes_while_a_month_is_signed_is_in_its_total_or_owed_in_the_next_month(
    payroll: Any, day: Made, levels: int
) -> None:
    chance = Random(20 + levels)
    await payroll.publish(PACK)
    await set_levels(payroll.lanes, [Level(number, f"pejabat {number}") for number in range(1, levels + 1)], actor="bkd-1", reason="SK 1")
    for month in ("2025-01", "2025-03", "2025-05", "2025-07", "2025-09", "2025-11"):
        racing = await Month(payroll, day, month, {uuid4(): chance.randrange(1_000_000, 9_999_999) for _ in range(8)}).covered()
        signature = await raced(racing, chance, levels)
        assert signature.state == "SIGNED"
        await racing.stands(signature)
        # What comes when all is quiet changes the closed month as little, and is owed by everybody.
        await payroll.hear(*(racing.tell(me, 7, ABSENT) for me in racing.ceilings))
        assert (await racing.stands(signature)).keys() == racing.ceilings.keys()
