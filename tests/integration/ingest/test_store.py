"""Receipts and employees in a real Postgres: claims, versions, tombstones, and forgetting."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from services.ingest.rules.admission import Submission, submit_check_in
from services.ingest.store import Store, apply_employees
from shared.database import Pool, open_pool
from shared.envelope import Envelope, derived_id
from shared.events import EmployeePublished
from shared.lanes import Record
from shared.reference import Tombstone
from shared.topics import EMPLOYEE
from tests.fetched import fetched

CheckIn = Callable[..., dict[str, Any]]
NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database, "ingest")
    yield pool
    await pool.close()


@pytest.fixture
def store(pool: Pool) -> Store:
    return Store(pool, within_s=10)


def submitted(body: dict[str, Any], received_at: datetime = NOW) -> Submission:
    submission = submit_check_in(body, received_at)
    assert isinstance(submission, Submission)
    return submission


def published(employee_id: UUID, version: int, **fields: Any) -> Record[EmployeePublished]:
    event = EmployeePublished.model_validate({
        "employee_id": employee_id, "version": version, "nip": "1" * 18, "name": "x", "kind": "PNS", "group": "III",
        "memberships": [{"since": "2020-01-01", "org_unit_id": str(UUID(int=version))}], "timezone": "Asia/Jakarta",
        **fields,
    })  # fmt: skip
    own_id = derived_id(EMPLOYEE, str(employee_id), version)
    envelope = Envelope(own_id, EMPLOYEE.ce_type, "/test", NOW, str(employee_id), None, own_id)
    return Record(EMPLOYEE, 0, 0, str(employee_id).encode(), event, envelope, b"")


async def test_a_claim_is_made_once_and_remembers_the_first_statement_and_time(store: Store, a_check_in: CheckIn) -> None:
    body = a_check_in()
    first, later = submitted(body), submitted({**body, "mark": "out"}, NOW + timedelta(minutes=1))

    async with store.session() as session:
        made = (await session.claim([first], []))[first.id]
        found = (await session.claim([later], []))[first.id]
        sought = await session.claim([], [first.id, uuid4()])

    assert (made.fresh, made.published, made.digest, made.received_at) == (True, False, first.digest, NOW)
    assert (found.fresh, found.digest, found.received_at) == (False, first.digest, NOW)
    assert list(sought) == [first.id]


async def test_publication_is_noted(store: Store, a_check_in: CheckIn) -> None:
    one, other = submitted(a_check_in()), submitted(a_check_in())
    async with store.session() as session:
        await session.claim([one, other], [])
    await store.mark_published([one.id])
    async with store.session() as session:
        receipts = await session.claim([], [one.id, other.id])

    assert receipts[one.id].published
    assert not receipts[other.id].published


async def test_only_old_receipts_are_forgotten_and_only_so_many_at_once(
    store: Store, pool: Pool, a_check_in: CheckIn
) -> None:
    ancient = datetime(2001, 1, 1, tzinfo=UTC)
    old = [submitted(a_check_in(), ancient) for _ in range(5)]
    young = submitted(a_check_in(), ancient + timedelta(days=2))
    async with store.session() as session:
        await session.claim([*old, young], [])

    counts = [await store.forget_receipts(ancient + timedelta(days=1), 3) for _ in range(3)]

    assert counts == [3, 2, 0]
    assert await pool.fetchval("select count(*) from receipt where id = any($1)", [young.id]) == 1


async def test_forgetting_reads_what_is_old_and_not_what_lies_beside_it(pool: Pool) -> None:
    async with pool.acquire() as connection:
        change = connection.transaction()
        await change.start()
        await connection.execute(
            "insert into receipt (id, digest, received_at) select gen_random_uuid(), sha256(n::text::bytea),"
            " case when n % 1000 = 0 then timestamptz '2001-01-01' else '2026-01-05' end from generate_series(1, 20000) n")
        await connection.execute("analyze receipt")

        before = await fetched(connection, "receipt")
        forgotten = await Store(cast(Pool, connection), within_s=10).forget_receipts(datetime(2001, 1, 2, tzinfo=UTC), 15)
        read = await fetched(connection, "receipt") - before
        await change.rollback()

    assert forgotten == 15
    assert read <= 4 * 15, f"{read:,} receipts were read to forget 15"


async def test_the_newest_version_of_an_employee_stands_whatever_the_order(store: Store, pool: Pool) -> None:
    employee_id = uuid4()
    async with pool.acquire() as connection:
        await apply_employees(connection, [published(employee_id, 2), published(employee_id, 3), published(employee_id, 1)])
        await apply_employees(connection, [published(employee_id, 2, active=False)])
    async with store.session() as session:
        employee = (await session.employees([employee_id]))[employee_id]

    assert employee.active
    assert not employee.played
    assert [membership.org_unit_id for membership in employee.memberships] == [UUID(int=3)]


async def test_a_tombstone_removes_an_employee_and_a_later_record_brings_it_back(store: Store, pool: Pool) -> None:
    gone, back = uuid4(), uuid4()
    stones = [Tombstone(EMPLOYEE, 0, 1, str(employee_id).encode()) for employee_id in (gone, back)]
    foreign = Tombstone(EMPLOYEE, 0, 2, b"not-a-uuid")
    async with pool.acquire() as connection:
        await apply_employees(connection, [published(gone, 1), published(back, 1)])
        await apply_employees(connection, [*stones, foreign, published(back, 2, played_clock="demo")])
    async with store.session() as session:
        known = await session.employees([gone, back])

    assert list(known) == [back]
    assert known[back].played
