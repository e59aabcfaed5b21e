"""Reference data that payroll reads: rule packs, and which NIP belongs to which employee."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import orjson

from shared.database import Connection
from shared.events import EmployeePublished, PolicyPublished
from shared.failures import Unready
from shared.policy import Policy

REAL: Final = ""
"""Name of the clock that everybody has who was not invented."""


class Policies:
    """Rule packs by id, read once per process: an id is derived from the content, so it never means another."""

    def __init__(self) -> None:
        self._known: dict[UUID, Policy] = {}
        self._waited_for: set[UUID] = set()
        self.told_waiting = True
        """Whether the table may name packs that this or an earlier process waited for."""

    def known(self, policy_id: UUID) -> Policy | None:
        """A rule pack that was read before; None if it was not."""
        return self._known.get(policy_id)

    @property
    def waited_for(self) -> frozenset[UUID]:
        """Rule packs that were asked for and had not arrived the last time."""
        return frozenset(self._waited_for)

    async def of(self, connection: Connection, ids: Collection[UUID]) -> Mapping[UUID, Policy]:
        """All policies known by now, these among them. Raises Unready if one has not arrived yet."""
        missing = sorted(set(ids) - self._known.keys())
        if missing:
            rows = await connection.fetch("select policy_id, content from policy where policy_id = any($1::uuid[])", missing)
            for row in rows:
                self._known[row["policy_id"]] = Policy.from_content(orjson.loads(row["content"]))
            absent = [policy_id for policy_id in missing if policy_id not in self._known]
            self._waited_for.update(absent)
            if absent:
                raise Unready(f"waiting for the rule pack {', '.join(map(str, absent))}")
            self._waited_for -= self._known.keys()
        return self._known


async def tell_waited_for(connection: Connection, ids: Collection[UUID]) -> list[UUID]:
    """Write down for which rule packs this process waits, and forget those that have arrived; returns the newly missed."""
    await connection.execute("delete from waiting_pack w using policy p where p.policy_id = w.policy_id")
    rows = await connection.fetch(
        "insert into waiting_pack as w (policy_id, seen_at)"
        " select policy_id, clock_timestamp() from unnest($1::uuid[]) policy_id"
        " where not exists (select from policy p where p.policy_id = policy_id.policy_id)"
        " on conflict (policy_id) do update set seen_at = excluded.seen_at returning policy_id, (xmax = 0) as fresh",
        sorted(ids),
    )
    return [row["policy_id"] for row in rows if row["fresh"]]


async def save_policies(connection: Connection, policies: Sequence[PolicyPublished]) -> None:
    """Keep rule packs; a newer version changes only where and since when a pack is in force, not its content."""
    newest = {policy.policy_id: policy for policy in sorted(policies, key=lambda policy: policy.version)}
    await connection.execute(
        "insert into policy as p (policy_id, version, name, content)"
        " select * from unnest($1::uuid[], $2::int[], $3::text[], $4::jsonb[])"
        " on conflict (policy_id) do update set version = excluded.version, name = excluded.name"
        " where p.version < excluded.version",
        list(newest),
        [policy.version for policy in newest.values()],
        [policy.name for policy in newest.values()],
        [orjson.dumps(policy.content).decode() for policy in newest.values()],
    )


async def save_employees(connection: Connection, employees: Sequence[EmployeePublished]) -> None:
    """Keep each employee's NIP, which officers' ceiling files name them by, the clock that closes their months, and their units."""
    newest = {employee.employee_id: employee for employee in sorted(employees, key=lambda employee: employee.version)}
    await connection.execute(
        "insert into employee as e (employee_id, version, nip, played_clock, member_since, member_unit)"
        " select u.e, u.v, u.n, u.c, array(select since::date from jsonb_array_elements_text(u.s) since),"
        " array(select unit::uuid from jsonb_array_elements_text(u.m) unit)"
        " from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[]) as u (e, v, n, c, s, m)"
        " on conflict (employee_id) do update set version = excluded.version, nip = excluded.nip,"
        " played_clock = excluded.played_clock, member_since = excluded.member_since, member_unit = excluded.member_unit"
        # The same version is taken in once more where the units were not kept yet.
        " where e.version < excluded.version or (e.version = excluded.version and e.member_unit = '{}')",
        list(newest),
        [employee.version for employee in newest.values()],
        [employee.nip for employee in newest.values()],
        [employee.played_clock or REAL for employee in newest.values()],
        [orjson.dumps([member.since for member in employee.memberships]).decode() for employee in newest.values()],
        [orjson.dumps([member.org_unit_id for member in employee.memberships]).decode() for employee in newest.values()],
    )


async def forget_employees(connection: Connection, employee_ids: Sequence[UUID]) -> None:
    """Drop the NIPs of employees whose reference record was erased; their ledger stays."""
    await connection.execute("delete from employee where employee_id = any($1::uuid[])", employee_ids)
