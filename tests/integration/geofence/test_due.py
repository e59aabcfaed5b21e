"""Which check-ins are judged again when people move: those that can be judged otherwise."""

from uuid import uuid4

from tests.integration.geofence.fence import Fence, at


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
