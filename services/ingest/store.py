"""Keeps receipts and employees: all SQL of ingest, one round trip per batch and never one per request."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from services.ingest.rules.admission import Employee, Membership, Submission
from shared.database import Connection, Pool
from shared.events import EmployeePublished
from shared.ids import id_of
from shared.lanes import Record
from shared.reference import Tombstone


class Receipt(NamedTuple):
    """How an id was accepted: with which statement, when first, and whether Kafka is known to have it.

    `fresh` tells that this very claim made it, `contested` that the audit topic knows of another statement under the id.
    """

    digest: bytes
    received_at: datetime
    published: bool
    fresh: bool
    contested: bool


class Session:
    """One connection for the statements of one round."""

    def __init__(self, connection: Connection, within_s: float) -> None:
        self._connection = connection
        self._within_s = within_s

    async def employees(self, ids: Collection[UUID]) -> dict[UUID, Employee]:
        """The known ones among these employees."""
        rows = await self._connection.fetch(
            "select employee_id, active, played, memberships from employee where employee_id = any($1::uuid[])",
            list(ids), timeout=self._within_s,
        )
        return {
            row["employee_id"]: Employee(
                row["employee_id"], row["active"], row["played"],
                tuple(Membership(date.fromisoformat(since), id_of(unit)) for since, unit in orjson.loads(row["memberships"])),
            )
            for row in rows
        }

    async def claim(self, submissions: Collection[Submission], others: Collection[UUID]) -> dict[UUID, Receipt]:
        """Claims the ids of `submissions`, and returns the receipts of these and of `others` as they stand.

        Of several pods that claim an id at the same time one wins; all see its digest and time. The ids of
        `submissions` must be distinct. The claim is durable when this returns.
        """
        # Sorted, so that two pods with the same ids wait for each other in one order only: no deadlock.
        ordered = sorted(submissions, key=lambda submission: submission.id.bytes)
        receipts = {}
        if ordered:
            made = await self._connection.fetch(
                "insert into receipt (id, digest, received_at) "
                "select * from unnest($1::uuid[], $2::bytea[], $3::timestamptz[]) order by 1 "
                "on conflict (id) do nothing returning id",
                [submission.id for submission in ordered],
                [submission.digest for submission in ordered],
                [submission.received_at for submission in ordered],
                timeout=self._within_s,
            )
            fresh = {row["id"] for row in made}
            receipts = {
                submission.id: Receipt(submission.digest, submission.received_at, published=False, fresh=True, contested=False)
                for submission in ordered if submission.id in fresh
            }
        sought = [submission.id for submission in ordered if submission.id not in receipts]
        sought += [other for other in others if other not in receipts]
        if sought:
            # A statement of its own: only a new snapshot sees what another pod committed while we waited for it.
            rows = await self._connection.fetch(
                "select id, digest, received_at, published, contested is true as contested from receipt where id = any($1::uuid[])",
                sought, timeout=self._within_s,
            )
            for row in rows:
                receipts[row["id"]] = Receipt(row["digest"], row["received_at"], row["published"], False, row["contested"])
        return receipts


class Store:
    """The tables of ingest behind a pool; every call may raise what `failures.is_infrastructure` knows."""

    def __init__(self, pool: Pool, *, within_s: float) -> None:
        self._pool = pool
        self._within_s = within_s

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection of the pool, had within the time limit and given back without hanging on a dead server."""
        connection = await self._pool.acquire(timeout=self._within_s)
        try:
            yield Session(connection, self._within_s)
        finally:
            await self._pool.release(connection, timeout=self._within_s)

    async def mark_published(self, ids: Sequence[UUID]) -> None:
        """Notes that Kafka has the events of these receipts, so that a retry need not publish them again.

        Not worth waiting for a disk: a lost note costs one more publication, which readers recognise.
        """
        connection = await self._pool.acquire(timeout=self._within_s)
        try:
            async with connection.transaction():
                await connection.execute("set local synchronous_commit = off", timeout=self._within_s)
                # skip locked: the other pod that holds the row is noting the same
                await connection.execute(
                    "update receipt set published = true where id in (select id from receipt "
                    "where id = any($1::uuid[]) and not published for update skip locked)",
                    list(ids), timeout=self._within_s,
                )
        finally:
            await self._pool.release(connection, timeout=self._within_s)

    async def forget_receipts(self, before: datetime, at_most: int) -> int:
        """Deletes receipts older than `before`, the oldest first, at most so many, and returns how many."""
        done: str = await self._pool.execute(
            "delete from receipt where id in (select id from receipt where received_at < $1 order by received_at limit $2 "
            "for update skip locked)",
            before, at_most,
        )
        return int(done.rsplit(maxsplit=1)[-1])

    async def ping(self) -> None:
        """Raises if the database does not answer."""
        async with self.session() as session:
            await session.employees(())


async def note_contested(connection: Connection, ids: Collection[UUID]) -> list[UUID]:
    """Notes that another statement came under these ids; returns those of which that was not noted before."""
    rows = await connection.fetch(
        "update receipt set contested = true where id in (select id from receipt "
        "where id = any($1::uuid[]) and contested is not true order by id for update) returning id",
        list(ids),
    )
    return [row["id"] for row in rows]


async def apply_employees(connection: Connection, rows: Sequence[Record[EmployeePublished] | Tombstone]) -> None:
    """Writes the newest state of employees; a tombstone deletes, a version older than the stored one is ignored."""
    newest: dict[UUID, EmployeePublished] = {}
    gone: set[UUID] = set()
    for row in rows:
        if isinstance(row, Tombstone):
            employee_id = _id_of(row.key)
            if employee_id is not None:
                newest.pop(employee_id, None)
                gone.add(employee_id)
        elif (event := row.event).employee_id not in newest or newest[event.employee_id].version < event.version:
            newest[event.employee_id] = event
    if gone:
        await connection.execute("delete from employee where employee_id = any($1::uuid[])", list(gone))
    events = list(newest.values())
    if events:
        await connection.execute(
            "insert into employee (employee_id, version, active, played, memberships) "
            "select * from unnest($1::uuid[], $2::bigint[], $3::boolean[], $4::boolean[], $5::jsonb[]) "
            "on conflict (employee_id) do update set version = excluded.version, active = excluded.active, "
            "played = excluded.played, memberships = excluded.memberships where employee.version < excluded.version",
            [event.employee_id for event in events],
            [event.version for event in events],
            [event.active for event in events],
            [event.played_clock is not None for event in events],
            [_memberships(event) for event in events],
        )


def _id_of(key: bytes | None) -> UUID | None:
    try:
        return UUID((key or b"").decode())
    except ValueError:  # a foreign key names none of ours
        return None


def _memberships(event: EmployeePublished) -> str:
    return orjson.dumps([[member.since, member.org_unit_id] for member in event.memberships]).decode()
