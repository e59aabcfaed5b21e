"""An import of sites is carried through the lanes piece by piece, and reaches every check-in that was judged before it."""

import asyncio
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from services.geofence.store import reached
from shared.topics import LANES, lane_of
from tests.integration.geofence.fence import Fence, at, office, region
from tests.waiting import until


@pytest.fixture
def small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reached, "PEOPLE_A_PIECE", 3)
        patch.setattr(reached, "_COUNTED_AT_ONCE", 2)
        yield


async def crowd(fence: Fence, unit: UUID, size: int) -> list[UUID]:
    """So many people of a unit with a check-in each on the 4th."""
    people = [uuid4() for _ in range(size)]
    for who in people:
        await fence.employ(who, 1, {"2026-01-01": unit})
    return [check_in for who in people for check_in in await fence.come(who, at(4))]


async def noted(fence: Fence) -> int:
    async with fence.lanes.pool.acquire() as connection:
        return int(await connection.fetchval("select (select count(*) from reached) + (select count(*) from reached_lane)"))


async def carry(fence: Fence) -> None:
    """One piece of each lane, without judging what becomes due by it."""
    for lane in range(LANES):
        async with fence.lanes.hold({lane}) as work:
            piece = await reached.next_piece(work.connection, {lane})
            if piece is not None:
                await reached.carry_on(work.connection, piece)


@pytest.mark.usefixtures("small_pieces")
async def test_an_import_writes_no_check_in_and_its_pieces_reach_everybody_of_the_unit(fence: Fence) -> None:
    here, elsewhere = uuid4(), uuid4()
    await fence.settle(here, elsewhere)
    came, others = await crowd(fence, here, 20), await crowd(fence, elsewhere, 5)

    report = await fence.move(office("KANTOR", here))
    due = [await fence.due()]
    await carry(fence)
    due.append(await fence.due())
    await fence.work_off()

    assert (report.judged_again, due[0]) == (20, set())
    assert 0 < len(due[1]) <= 3
    assert await fence.versions(*came, *others) == [2] * 20 + [1] * 5
    assert await noted(fence) == 0


@pytest.mark.usefixtures("small_pieces")
async def test_a_region_for_everybody_reaches_also_those_whom_nobody_has_described(fence: Fence) -> None:
    here, unknown = uuid4(), [uuid4() for _ in range(5)]
    came = await crowd(fence, here, 10)
    came += [check_in for who in unknown for check_in in await fence.come(who, at(4))]

    report = await fence.move(region("WILAYAH"))
    await fence.work_off()

    assert report.judged_again == 15
    assert await fence.versions(*came) == [2] * 15
    assert await noted(fence) == 0


@pytest.mark.usefixtures("small_pieces")
async def test_what_was_judged_by_the_former_sites_while_the_import_waited_is_reached_and_what_came_after_it_is_not_told_twice(
    fence: Fence,
) -> None:
    here, who = uuid4(), uuid4()
    await fence.settle(here)
    await fence.employ(who, 1, {"2026-01-01": here})
    await fence.come(uuid4(), at(3))

    async with fence.lanes.hold({lane_of(who)}) as work:
        [early] = await fence.judge(work, who, at(4))
        moving = asyncio.create_task(fence.move(office("KANTOR", here)))
        await until(lambda: work.connection.fetchval("select exists (select from pg_locks where not granted)"))
    await moving
    [late] = await fence.come(who, at(5))
    await carry(fence)

    assert await fence.due() == {early, late}
    await fence.work_off()
    assert await fence.versions(early, late) == [2, 1]


@pytest.mark.usefixtures("small_pieces")
async def test_only_windows_of_the_sites_as_they_were_and_as_they_become_are_reached(fence: Fence) -> None:
    here, there = uuid4(), uuid4()
    await fence.settle(here, there)
    one, other, guest = uuid4(), uuid4(), uuid4()
    for who, unit in ((one, here), (other, there), (guest, uuid4())):
        await fence.employ(who, 1, {"2026-01-01": unit})
    came = {(who, day): (await fence.come(who, at(day)))[0] for who in (one, other, guest) for day in range(3, 13)}
    await fence.move(office("KANTOR", here, valid_from="2026-02-04", valid_to="2026-02-05"))
    await fence.work_off()

    activity = office("ACARA", kind="activity", employees=[str(guest)], letter="SPT-1", valid_from="2026-02-09T00:00:00+07:00",
                      valid_to="2026-02-09T23:59:00+07:00")
    del activity["properties"]["org_units"]
    moved = office("KANTOR", there, valid_from="2026-02-10", valid_to="2026-02-10")
    tried = await fence.move(moved, activity, dry_run=True)
    report = await fence.move(moved, activity)
    while await noted(fence):
        await carry(fence)

    # The morning after the end is within `EVE_HOLDS`: a check-out then counts by the evening before.
    expected = {came[one, day] for day in (4, 5, 6)} | {came[other, day] for day in (10, 11)} | {came[guest, day] for day in (9, 10)}
    assert await fence.due() == expected
    assert tried.judged_again == report.judged_again == len(expected)


async def test_more_check_ins_than_are_counted_are_told_as_at_least_so_many(fence: Fence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reached, "MOST_COUNTED", 3)
    monkeypatch.setattr("services.geofence.importer.MOST_COUNTED", 3)
    here = uuid4()
    await fence.settle(here)
    came = await crowd(fence, here, 5)

    report = await fence.move(office("KANTOR", here))
    await fence.work_off()

    assert "sedikitnya 3 tanda kehadiran yang sudah masuk dinilai ulang." in report.lines()
    assert await fence.versions(*came) == [2] * 5


@pytest.mark.usefixtures("small_pieces")
async def test_an_import_of_one_unit_does_not_wait_until_everybody_was_reached_by_an_earlier_one(fence: Fence) -> None:
    here, elsewhere = uuid4(), uuid4()
    await fence.settle(here)
    await crowd(fence, elsewhere, 30)
    await fence.move(region("WILAYAH"))
    await carry(fence)
    [mine] = await crowd(fence, here, 1)

    await fence.move(office("KANTOR", here))
    await carry(fence)

    assert mine in await fence.due()
    async with fence.lanes.pool.acquire() as connection:
        assert [row["changed"] for row in await connection.fetch("select changed from reached")] == [1]
