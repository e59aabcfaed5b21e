"""What the worker's loops wait for."""

import asyncio

import pytest

from shared.streaming import _until


@pytest.mark.parametrize("turns", range(4))
async def test_a_loop_that_is_cancelled_around_the_moment_in_which_it_is_woken_ends(turns: int) -> None:
    woken = asyncio.Event()
    loop = asyncio.create_task(_until(woken, 60))
    for _ in range(3):
        await asyncio.sleep(0)
    woken.set()
    for _ in range(turns):
        await asyncio.sleep(0)

    if loop.cancel():  # it had not come to its end
        with pytest.raises(asyncio.CancelledError):
            await loop
    assert loop.done()


async def test_nobody_who_is_not_woken_waits_longer_than_was_said() -> None:
    assert await _until(asyncio.Event(), 0.01) is None  # type: ignore[func-returns-value]
