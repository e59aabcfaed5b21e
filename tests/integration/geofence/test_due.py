"""Which check-ins are judged again when people move: those that can be judged otherwise, on a real database."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.geofence.agent import Geofence
from services.geofence.app import keep_employees
from services.geofence.store.sites import SiteBook
from shared.database import open_pool
from shared.envelope import Envelope, encode
from shared.events import CheckInRecorded, EmployeePublished, Event, Mark, UnitMembership
from shared.lanes import Lanes, Record
from shared.topics import CHECK_IN_RECORDED, EMPLOYEE, LANES, Topic, lane_of

LATITUDE, LONGITUDE = -3.7951234, 102.2656789
WIB = dt.timezone(dt.timedelta(hours=7))


def at(day: int, clock: str = "07:20") -> dt.datetime:
    return dt.datetime.combine(dt.date(2026, 2, day), dt.time.fromisoformat(clock), WIB)


def record_of(topic: Topic[Any], key: UUID, event: Event) -> Record[Any]:
    own = uuid4()
    envelope = Envelope(own, topic.ce_type, "/test", at(1), "", None, own)
    return Record(topic, lane_of(key), 0, str(key).encode(), event, envelope, encode(event))


class Fence:
    """A geofence worker without its stream, and what it has to do again."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.worker = Geofence(SiteBook())

    async def employ(self, who: UUID, version: int, units: dict[str, UUID], timezone: str = "Asia/Jakarta") -> None:
        """Hear of a person with these units by the first day of each."""
        event = EmployeePublished(
            employee_id=who, version=version, nip="1" * 18, name="Siti Contoh", kind="PNS", group="pelaksana", timezone=timezone,
            memberships=tuple(UnitMembership(since=dt.date.fromisoformat(day), org_unit_id=unit) for day, unit in units.items()))
        async with self.lanes.pool.acquire() as connection, connection.transaction():
            await keep_employees(connection, [record_of(EMPLOYEE, who, event)])

    async def come(self, who: UUID, *moments: dt.datetime, mark: Mark = Mark.IN) -> list[UUID]:
        """Check-ins of somebody at these moments, all at the same place, judged at once."""
        events = [CheckInRecorded(
            check_in_id=uuid4(), employee_id=who, mark=mark, captured_at=moment, received_at=moment, latitude=LATITUDE,
            longitude=LONGITUDE, accuracy_m=5.0, device_id=f"phone-{who}", source_app="test") for moment in moments]
        async with self.lanes.hold({lane_of(who)}) as work:
            await self.worker.locate_check_ins(work, [record_of(CHECK_IN_RECORDED, who, event) for event in events])
        return [event.check_in_id for event in events]

    async def due(self) -> set[UUID]:
        async with self.lanes.pool.acquire() as connection:
            return {row["check_in_id"] for row in await connection.fetch("select check_in_id from due_check_in")}

    async def work_off(self) -> None:
        while await self.worker.judge_due(self.lanes, range(LANES)):
            pass


@pytest.fixture
async def fence(module_database: str) -> AsyncIterator[Fence]:
    pool = await open_pool(module_database, "geofence")
    fence = Fence(Lanes(pool, "geofence"))
    await fence.work_off()
    yield fence
    await pool.close()


async def test_who_moves_from_a_day_on_is_judged_again_from_that_day_on_only(fence: Fence) -> None:
    who, here, there = uuid4(), uuid4(), uuid4()
    await fence.employ(who, 1, {"2026-01-01": here})
    _, after = await fence.come(who, at(9, "23:59"), at(10, "00:00"))

    await fence.employ(who, 2, {"2026-01-01": here, "2026-02-10": there})

    assert await fence.due() == {after}


async def test_who_moves_tomorrow_is_not_judged_again_at_all(fence: Fence) -> None:
    who, here = uuid4(), uuid4()
    await fence.employ(who, 1, {"2026-01-01": here})
    await fence.come(who, at(9), at(10))

    await fence.employ(who, 2, {"2026-01-01": here, "2026-02-11": uuid4()})
    await fence.employ(who, 3, {"2026-01-01": here, "2026-02-05": here})

    assert await fence.due() == set()


async def test_a_move_that_is_taken_back_or_comes_earlier_is_judged_again_from_the_earlier_day_on(fence: Fence) -> None:
    who, here, there = uuid4(), uuid4(), uuid4()
    await fence.employ(who, 1, {"2026-01-01": here, "2026-02-10": there})
    came = await fence.come(who, *(at(day) for day in (4, 5, 9, 10)))

    await fence.employ(who, 2, {"2026-01-01": here, "2026-02-05": there})
    assert await fence.due() == set(came[1:])
    await fence.work_off()

    await fence.employ(who, 3, {"2026-01-01": here})
    assert await fence.due() == set(came[1:])


async def test_who_gets_another_zone_or_is_known_late_is_judged_again_wholly(fence: Fence) -> None:
    moved, late, here = uuid4(), uuid4(), uuid4()
    await fence.employ(moved, 1, {"2026-01-01": here})
    came = [*await fence.come(moved, at(4), at(10)), *await fence.come(late, at(4), at(10))]

    await fence.employ(moved, 2, {"2026-01-01": here, "2026-02-10": uuid4()}, "Asia/Makassar")
    await fence.employ(late, 1, {"2026-02-10": here})

    assert await fence.due() == set(came)
