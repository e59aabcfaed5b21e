"""Which check-ins share a round; the rounds against real servers are in tests/integration/ingest."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, cast
from uuid import UUID, uuid4

from services.ingest.conflicts import Conflicts
from services.ingest.intake import Intake
from services.ingest.publisher import Publisher
from services.ingest.rules.admission import Submission, submit_check_in
from services.ingest.store import Store
from tests.waiting import until

CheckIn = Callable[..., dict[str, Any]]


class HeldStore:
    """Knows nobody, so that every check-in is refused; its rounds wait until they are let go."""

    def __init__(self) -> None:
        self.rounds: list[int] = []
        self.let_go = asyncio.Event()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator["HeldStore"]:
        yield self

    async def employees(self, ids: Collection[UUID]) -> dict[UUID, Any]:
        self.rounds.append(len(ids))
        await self.let_go.wait()
        return {}

    async def claim(self, submissions: Collection[Any], others: Collection[UUID]) -> dict[UUID, Any]:
        return {}


def submitted(intake: Intake, a_check_in: CheckIn) -> asyncio.Task[Any]:
    body = a_check_in(check_in_id=str(uuid4()), employee_id=str(uuid4()))
    submission = submit_check_in(body, dt.datetime(2026, 1, 5, 0, 25, tzinfo=dt.UTC))
    assert isinstance(submission, Submission)
    return asyncio.create_task(intake.submit([submission]))


@contextlib.asynccontextmanager
async def working(store: HeldStore, gather_within_s: float) -> AsyncIterator[Intake]:
    intake = Intake(
        cast(Store, store), cast(Publisher, None), cast(Conflicts, None), capacity=1000, answer_within_s=60, gather_within_s=gather_within_s
    )
    rounds = asyncio.create_task(intake.begin_rounds())
    try:
        yield intake
    finally:
        rounds.cancel()


async def test_a_lonely_check_in_waits_for_no_others(a_check_in: CheckIn) -> None:
    store = HeldStore()
    store.let_go.set()

    async with working(store, gather_within_s=86_400) as intake:
        outcomes = await submitted(intake, a_check_in)

    assert [outcome.code for outcome in outcomes] == ["unknown-employee"]
    assert store.rounds == [1]


async def test_check_ins_that_come_while_a_round_is_under_way_share_the_next_one(a_check_in: CheckIn) -> None:
    store = HeldStore()

    async with working(store, gather_within_s=0.5) as intake:
        answers = [submitted(intake, a_check_in)]
        await until(lambda: len(store.rounds) >= 1)
        for _ in range(20):
            answers.append(submitted(intake, a_check_in))
            await asyncio.sleep(0)
        await until(lambda: len(store.rounds) >= 2)
        store.let_go.set()
        outcomes = [outcome for answer in answers for outcome in await answer]

    assert len(outcomes) == sum(store.rounds) == 21
    assert store.rounds[0] == 1
    assert len(store.rounds) <= 3  # a tick may come between two of the twenty
