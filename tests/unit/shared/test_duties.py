"""A background task that fails ends the process, once; one that returns or is laid down does not."""

import asyncio

from shared.web.duties import Duties


async def fail() -> None:
    raise RuntimeError("a bug")


async def test_the_first_failure_is_told_and_no_other() -> None:
    told: list[BaseException] = []
    duties = Duties(told.append)
    duties.take_on(fail(), "first")
    duties.take_on(fail(), "second")
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert [type(error) for error in told] == [RuntimeError]


async def test_returning_and_being_laid_down_are_no_failures() -> None:
    told: list[BaseException] = []
    duties = Duties(told.append)
    duties.take_on(asyncio.sleep(0), "returns")
    duties.take_on(asyncio.sleep(3600), "waits")
    await asyncio.sleep(0)

    await duties.lay_down()

    assert told == []
