import asyncio

import asyncpg
import pytest

from shared import schemas
from shared.database import open_pool
from shared.failures import Unready
from shared.refusal import Refusal
from shared.schemas import Migration, apply_schemas, migrations_of, pending_in, require_schema
from shared.topics import Service

ADDED = Migration("9999_added", "create table added (one int); insert into added values (1)")


def with_one_more(service: Service) -> tuple[Migration, ...]:
    return (*migrations_of(service), ADDED)


async def test_a_step_added_later_runs_once_though_three_processes_apply_it_at_once(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any((await apply_schemas(fresh_database)).values())
    monkeypatch.setattr(schemas, "migrations_of", with_one_more)
    assert (await pending_in(fresh_database))["payroll"] == ("9999_added",)
    ran = await asyncio.gather(*(apply_schemas(fresh_database) for _ in range(3)))
    assert sorted(each["payroll"] for each in ran) == [(), (), ("9999_added",)]
    pool = await open_pool(fresh_database, "payroll")
    assert await pool.fetchval("select count(*) from added") == 1
    assert await pool.fetchval("select relowner::regrole::text from pg_class where oid = 'added'::regclass") == "hadir_payroll"
    await pool.close()


async def test_a_failing_step_leaves_nothing_behind_and_those_before_it_stay(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Migration("9998_broken", "create table half (); select 1/0")
    monkeypatch.setattr(schemas, "migrations_of", lambda service: (*migrations_of(service), ADDED, broken))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await apply_schemas(fresh_database)
    lacking = await pending_in(fresh_database)
    assert lacking["ingest"] == ("9998_broken",)
    pool = await open_pool(fresh_database, "ingest")
    assert await pool.fetchval("select to_regclass('half')") is None
    await pool.close()


async def test_a_service_waits_for_its_tables_and_not_for_those_of_a_newer_version(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await open_pool(fresh_database, "schedule")
    await require_schema(pool, "schedule")
    with monkeypatch.context() as newer:
        newer.setattr(schemas, "migrations_of", with_one_more)
        with pytest.raises(Unready, match="9999_added"):
            await require_schema(pool, "schedule")
        await apply_schemas(fresh_database)
        await require_schema(pool, "schedule")
    await require_schema(pool, "schedule")
    await pool.close()


async def test_a_step_edited_after_it_ran_is_refused(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def edited(service: Service) -> tuple[Migration, ...]:
        first, *others = migrations_of(service)
        return (Migration(first.name, first.text + " "), *others)

    monkeypatch.setattr(schemas, "migrations_of", edited)
    with pytest.raises(Refusal, match="runtime/0001_runtime was changed"):
        await apply_schemas(fresh_database)
