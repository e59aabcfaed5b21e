"""What signs of spoofing need beyond one person's trace: who used which device, and what was told already."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from shared.database import Connection


async def use_devices(connection: Connection, uses: Collection[tuple[date, str, UUID]]) -> dict[tuple[date, str], int]:
    """Record who used which device on which local day; returns the number of employees where there are several."""
    given = sorted(set(uses))
    days, devices, employees = (list(column) for column in zip(*given, strict=True))
    await connection.execute(
        "insert into device_use (day, device_id, employee_id) select * from unnest($1::date[], $2::text[], $3::uuid[])"
        " on conflict do nothing",
        days, devices, employees,
    )  # fmt: skip
    rows = await connection.fetch(
        "select u.day, u.device_id, count(*) as employees from device_use u"
        " join (select distinct * from unnest($1::date[], $2::text[]) d(day, device_id)) d using (day, device_id)"
        " group by 1, 2 having count(*) > 1",
        days, devices,
    )  # fmt: skip
    return {(row["day"], row["device_id"]): row["employees"] for row in rows}


class Suspicion(NamedTuple):
    """One row of what was told to a person."""

    suspicion_id: UUID
    employee_id: UUID
    check_in_id: UUID
    signal: str
    seen_at: datetime


async def new_suspicions(connection: Connection, suspicions: Sequence[Suspicion]) -> set[UUID]:
    """Record suspicions; returns the ids of those that had not been told before."""
    rows = await connection.fetch(
        "insert into suspicion (suspicion_id, employee_id, check_in_id, signal, seen_at)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])"
        " on conflict do nothing returning suspicion_id",
        *map(list, zip(*suspicions, strict=True)),
    )
    return {row["suspicion_id"] for row in rows}
