"""Employees as payroll and geofence keep them, when one fetch brings versions out of order, or an erasure and a return."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.geofence import app as geofence
from services.payroll import app as payroll
from shared.database import open_pool
from shared.envelope import Envelope, derived_id
from shared.events import EmployeePublished
from shared.lanes import Record
from shared.reference import Tombstone
from shared.topics import EMPLOYEE, Service, lane_of

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def published(employee_id: UUID, version: int) -> Record[EmployeePublished]:
    event = EmployeePublished.model_validate({
        "employee_id": employee_id, "version": version, "nip": f"{version:018}", "name": "x", "kind": "PNS", "group": "III",
        "memberships": [{"since": "2020-01-01", "org_unit_id": str(UUID(int=version))}], "timezone": "Asia/Jakarta",
    })  # fmt: skip
    own_id = derived_id(EMPLOYEE, str(employee_id), version)
    envelope = Envelope(own_id, EMPLOYEE.ce_type, "/test", NOW, str(employee_id), None, own_id)
    return Record(EMPLOYEE, lane_of(employee_id), 0, str(employee_id).encode(), event, envelope, b"")


@pytest.mark.parametrize(("service", "keep"), [("payroll", payroll.keep_employees), ("geofence", geofence.keep_employees)])
async def test_the_newest_version_of_an_employee_stands_and_a_tombstone_erases_only_what_came_before_it(
    service: Service, keep: Any, fresh_database: str
) -> None:
    late, back, gone = uuid4(), uuid4(), uuid4()
    stones = [Tombstone(EMPLOYEE, lane_of(one), 0, str(one).encode()) for one in (back, gone)]
    pool = await open_pool(fresh_database, service)
    try:
        async with pool.acquire() as connection, connection.transaction():
            await keep(connection, [published(back, 8), published(gone, 1)])
            await keep(connection, [published(late, 5), published(late, 4), *stones, published(back, 9)])
        rows = await pool.fetch("select employee_id, nip from employee")
    finally:
        await pool.close()

    assert {row["employee_id"]: int(row["nip"]) for row in rows} == {late: 5, back: 9}
