"""What is kept for a while only goes when its time is over, and nothing else goes with it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.schedule.app import build
from services.schedule.chores import Forgetting
from shared.database import Pool, open_pool
from shared.health import Readiness
from shared.lanes import Lanes
from shared.relay import Relay
from shared.settings import Settings
from shared.streaming import Context
from shared.topics import SERVICES

DAYS = Settings(dead_letter_days=400, minute_days=90, preview_days=400)


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    pool = await open_pool(fresh_database, "schedule")
    yield pool
    await pool.close()


async def bury(pool: Pool, offset: int, days: int) -> None:
    await pool.execute(
        "insert into dead_letter values ('t', 0, $1, 'unreadable', 'no detail', null, null, now() - $2 * interval '1 day')", offset, days
    )


async def offsets(pool: Pool) -> list[int]:
    return [row["offset"] for row in await pool.fetch('select "offset" from dead_letter order by 1')]


@pytest.mark.parametrize("service", SERVICES)
async def test_dead_letters_go_after_their_days_in_every_service_and_younger_ones_stay(fresh_database: str, service: Any) -> None:
    pool = await open_pool(fresh_database, service)
    for offset, days in enumerate((0, 399, 401, 4000)):
        await bury(pool, offset, days)
    relay = Relay(DAYS, service, Readiness(service), lambda: frozenset({0}))
    relay._held = {1}  # another process owns the lane of chores
    async with pool.acquire() as connection:
        await relay._tidy(connection)
        assert await offsets(pool) == [0, 1, 2, 3]
        relay._held = {0}
        await relay._tidy(connection)
    assert await offsets(pool) == [0, 1]
    await pool.close()


async def test_minutes_of_ingest_go_after_their_days_though_there_never_was_an_outage(pool: Pool) -> None:
    await pool.execute(
        "insert into ingest_minute select now() - n * interval '1 day', gen_random_uuid(), 1, 0, 0"
        " from generate_series(0, 200) n"
    )
    forgetting = Forgetting(Lanes(pool, "schedule"), DAYS)

    assert await forgetting.forget({1, 2}) == 0
    assert await forgetting.forget({0, 1}) == 111
    assert await forgetting.forget({0, 1}) == 0
    assert await pool.fetchval("select count(*) from ingest_minute where minute >= now() - interval '91 days'") == 90
    assert await pool.fetchval("select count(*) from ingest_minute") == 90


async def test_previews_go_after_their_days_unless_a_second_person_consented(pool: Pool) -> None:
    await pool.execute(
        "insert into preview select gen_random_uuid(), 'policy', repeat('a', 64), title, 'analis', now() - days * interval '1 day',"
        # any date: which days were previewed does not matter here
        " current_date, current_date, true, 1, 0, 0, '{}' from (values ('old', 401), ('consented', 401), ('young', 399)) v(title, days)"
    )
    await pool.execute(
        "insert into preview_approval select preview_id, 'kepala', 'setuju', made_at from preview where title = 'consented'"
    )

    assert await Forgetting(Lanes(pool, "schedule"), DAYS).forget({0}) == 1
    assert [row["title"] for row in await pool.fetch("select title from preview order by 1")] == ["consented", "young"]


async def test_the_worker_of_schedule_does_this_chore(pool: Pool) -> None:
    worker = build(Context(DAYS, pool, Lanes(pool, "schedule"), lambda: None))
    await pool.execute("insert into ingest_minute values (now() - interval '91 days', gen_random_uuid(), 1, 0, 0)")

    for chore in worker.chores:
        await chore(frozenset(range(24)))
    assert await pool.fetchval("select count(*) from ingest_minute") == 0


async def test_an_order_of_a_preview_that_nobody_played_is_given_up_with_its_file(pool: Pool) -> None:
    await pool.execute(
        "insert into preview_order (preview_id, kind, content, asked, first_date, last_date, actor, ordered_at, state, seen_at)"
        # any date: which days were to be previewed does not matter here
        " select gen_random_uuid(), 'employees', 'nip;nama', '{}', current_date, current_date, 'petugas-' || days || state,"
        " now() - days * interval '1 day', state, now() - days * interval '1 day'"
        " from unnest(array[6, 8]) days, unnest(array['waiting', 'playing', 'done']) state"
    )
    forgetting = Forgetting(Lanes(pool, "schedule"), DAYS)

    assert await forgetting.forget({0}) == 2
    assert await forgetting.forget({0}) == 0
    left = await pool.fetch("select actor, state, content, problem from preview_order where actor like 'petugas-8%' and state = 'failed'")
    assert {row["actor"] for row in left} == {"petugas-8waiting", "petugas-8playing"}
    assert {row["content"] for row in left} == {""}
    assert all("pesan lagi" in row["problem"] for row in left)
    assert await pool.fetchval("select count(*) from preview_order where content <> ''") == 4
